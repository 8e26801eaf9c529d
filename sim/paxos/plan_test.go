package paxos

import (
	"testing"

	"github.com/fauer4effect/paxos/protocol"
	"github.com/fauer4effect/paxos/sim/plan"
)

// What judges the machine says for itself what the rules allow; and plans have room for the machine.
func TestBoundsAreThoseOfTheRules(t *testing.T) {
	if starvingTimeouts != protocol.StarvingTimeouts {
		t.Errorf("an update starves after %d timeouts, the bound of L1 allows %d", protocol.StarvingTimeouts, starvingTimeouts)
	}
	if plan.MaxServers != protocol.MaxServers {
		t.Errorf("a cluster has at most %d servers, a plan %d", protocol.MaxServers, plan.MaxServers)
	}
}
