package paxos

import (
	"github.com/fauer4effect/paxos/protocol"
	"github.com/fauer4effect/paxos/sim/internal/engine"
	"github.com/fauer4effect/paxos/sim/paxos/check"
	"github.com/fauer4effect/paxos/sim/plan"
	"github.com/fauer4effect/paxos/sim/world"
)

// Stage is a Stage of our machine.
type Stage struct {
	*engine.Stage
	System *System
}

// Witness is a Listener that is told what the machines say of themselves, too.
type Witness interface {
	engine.Listener
	Machine(at world.Instant, id protocol.ServerID, e *protocol.Event)
}

// Open begins a run of the plan, with directed clients besides, that do what they are told: Directable at
// most.
func Open(p *plan.Plan, directed int, w Witness) *Stage {
	r := newSystem(p, directed, nil)
	r.witness = w
	return &Stage{Stage: r.run.Direct(w), System: r}
}

// KindOf is the number of a kind of message, by its name; 0 if there is none.
func KindOf(name string) uint8 { return kindOf(name) }

// Server is a server's machine, of its last life if it is down. It may be looked at, not
// stepped.
func (s *Stage) Server(id int) *protocol.Server { return s.System.servers[id].machine }

// Log is the checker's canonical log.
func (s *Stage) Log() *check.Log { return s.System.checker.Log }

// Views is how many views have been led so far; the first is no change.
func (s *Stage) Views() uint64 { return s.System.views }

// Answer is what a directed client got for its last operation.
type Answer = engine.Answer

// DirectedName is the name of directed client i: a, b, c …
func DirectedName(i int) string { return engine.DirectedName(i) }

// Undecided counts the keys that porcupine gave up.
const Undecided = engine.Undecided
