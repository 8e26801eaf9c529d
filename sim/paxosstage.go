package sim

import (
	"github.com/fauer4effect/paxos/protocol"
	"github.com/fauer4effect/paxos/sim/check"
	"github.com/fauer4effect/paxos/sim/world"
)

// PaxosStage is a Stage of our machine.
type PaxosStage struct {
	*Stage
	system *paxos
}

// Witness is a Listener that is told what the machines say of themselves, too.
type Witness interface {
	Listener
	Machine(at world.Instant, id protocol.ServerID, e *protocol.Event)
}

// Open begins a run of the plan, with so many clients more that do what they are told: Directable at
// most.
func Open(p *Plan, directed int, w Witness) *PaxosStage {
	r := newPaxos(p, directed, nil)
	r.witness = w
	return &PaxosStage{Stage: r.run.direct(w), system: r}
}

// KindOf is the number of a kind of message, by its name; 0 if there is none.
func KindOf(name string) uint8 { return kindOf(name) }

// Server is a server's machine, of its last life if it is down. It may be looked at, not
// stepped.
func (s *PaxosStage) Server(id int) *protocol.Server { return s.system.servers[id].machine }

// Log is the checker's canonical log.
func (s *PaxosStage) Log() *check.Log { return s.system.checker.Log }

// Views is how many views have been led so far; the first is no change.
func (s *PaxosStage) Views() uint64 { return s.system.views }
