package engine

import (
	"fmt"

	"github.com/fauer4effect/paxos/sim/finding"
	"github.com/fauer4effect/paxos/sim/history"
	"github.com/fauer4effect/paxos/sim/plan"
	"github.com/fauer4effect/paxos/sim/world"
)

// The verdicts of a run.
const (
	VerdictOK        = "ok"
	VerdictViolation = "violation"
)

// Report is what came of a run. All but the plan is plain counts.
type Report struct {
	Plan      *plan.Plan
	Hash      uint64 // of everything that happened
	Log       uint64 // of what was ordered, slot by slot
	Violation *finding.Violation
	Events    uint64
	Messages  uint64 // delivered between servers, heartbeats included
	Updates   uint64 // answered
	Begun     uint64 // operations that clients began
	Views     uint64 // led
	End       world.Instant
	Effects   plan.Effects
	Missed    []Missed            // faults of the plan whose event did not occur
	History   []history.Operation // of the clients, key by key, if it was asked for

	Moot [plan.FirstOutcome]bool // kinds of fault that could not take effect, whatever the plan
}

// Missed is a fault that waited for an event in vain.
type Missed struct {
	Fault int    // its number in the plan, from 1
	Seen  uint32 // how many of the kind there were
}

func (r *Run) Report() *Report {
	r.gather()
	counts := r.World.Total()
	r.Effects[Reordered], r.Effects[plan.Stall.Effect()], r.Effects[plan.Lie] = counts.Reordered, counts.Stalled, counts.Lied
	report := &Report{
		Plan: r.Plan, Events: counts.Events, Messages: counts.Messages,
		Updates: r.Updates, Begun: r.keys.begun, End: r.World.Now(), History: r.history,
	}
	r.guarded(func() { r.System.Report(report) })
	report.Violation = r.System.Violation()
	report.Hash, report.Effects = r.World.Hash(), r.Effects
	report.Missed = r.missed()
	return report
}

// guarded calls do. A panic in it is a finding.
func (r *Run) guarded(do func()) {
	defer r.caught()
	do()
}

// gather adds to the history, where one is kept, what a violation kept from being judged.
func (r *Run) gather() {
	if !r.Keep || r.System.Violation() == nil {
		return
	}
	for _, c := range r.Clients[1:] {
		if c != nil && c.Waiting {
			c.Key.History = append(c.Key.History, c.open())
		}
	}
	for _, keys := range [][]*Key{r.keys.retired, r.keys.places, r.keys.named} {
		for _, k := range keys {
			r.history = append(r.history, k.History...)
		}
	}
}

// OK says whether the run kept all properties.
func (r *Report) OK() bool { return r.Violation == nil }

// Verdict is ok or violation.
func (r *Report) Verdict() string {
	if r.OK() {
		return VerdictOK
	}
	return VerdictViolation
}

// HashString is how hashes are written: 16 hex digits, since readers of JSON lose digits of
// large numbers.
func HashString(h uint64) string { return fmt.Sprintf("%016x", h) }
