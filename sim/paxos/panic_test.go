package paxos

import (
	"strings"
	"testing"

	"github.com/fauer4effect/paxos/sim/swarm"
)

// A panic in what a run reports is a finding like one in the run: with the place, and who called.
func TestAPanicInTheReportIsAFinding(t *testing.T) {
	r := newSystem(swarm.Draw(2, Target, swarm.Options{Servers: 3}), 0, nil)
	r.run.Play()
	r.servers[2].machine = nil
	v := r.run.Report().Violation
	if v == nil || v.Property != "invariant" || !strings.Contains(v.Detail, "nil pointer") || !strings.Contains(v.Detail, "protocol.(*Server).Hash (hash.go:") {
		t.Fatalf("%v", v)
	}
	if stack := strings.Join(v.Stack, "\n"); !strings.Contains(stack, "sim/paxos.(*System).Report (system.go:") {
		t.Errorf("its stack is\n%s", stack)
	}
}
