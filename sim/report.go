package sim

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"sync"

	"github.com/fauer4effect/paxos/sim/check"
	"github.com/fauer4effect/paxos/sim/world"
)

// The verdicts of a run.
const (
	VerdictOK        = "ok"
	VerdictViolation = "violation"
)

// Report is what came of a run. All but the plan is plain counts.
type Report struct {
	Plan      *Plan
	Hash      uint64 // of everything that happened
	Log       uint64 // of what was ordered, slot by slot
	Violation *check.Violation
	Events    uint64
	Messages  uint64 // delivered between servers, heartbeats included
	Updates   uint64 // answered
	Begun     uint64 // operations that clients began
	Views     uint64 // led
	End       world.Instant
	Effects   Effects
	Missed    []Missed          // faults of the plan whose event did not occur
	History   []check.Operation // of the clients, key by key, if it was asked for

	moot [FirstOutcome]bool // kinds of fault that could not take effect, whatever the plan
}

// Missed is a fault that waited for an event in vain.
type Missed struct {
	Fault int    // its number in the plan, from 1
	Seen  uint32 // how many of the kind there were
}

func (r *run) report() *Report {
	r.gather()
	counts := r.world.Total()
	r.effects[Reordered], r.effects[Stall.Effect()], r.effects[Lie] = counts.Reordered, counts.Stalled, counts.Lied
	report := &Report{
		Plan: r.plan, Violation: r.system.violation(), Events: counts.Events, Messages: counts.Messages,
		Updates: r.updates, Begun: r.keys.begun, End: r.world.Now(), History: r.history,
	}
	r.system.report(report)
	report.Hash, report.Effects = r.world.Hash(), r.effects
	report.Missed = r.missed()
	return report
}

// gather adds to the history, where one is kept, what a violation kept from being judged.
func (r *run) gather() {
	if !r.keep || r.system.violation() == nil {
		return
	}
	for _, c := range r.clients[1:] {
		if c != nil && c.waiting {
			c.key.history = append(c.key.history, c.open())
		}
	}
	for _, keys := range [][]*key{r.keys.retired, r.keys.places, r.keys.named} {
		for _, k := range keys {
			r.history = append(r.history, k.history...)
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

// Build names the program that runs: the revision it was built from, or, where that is not
// known, a hash of the executable.
var Build = sync.OnceValue(func() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		revision, modified := "", ""
		for _, s := range info.Settings {
			switch {
			case s.Key == "vcs.revision":
				revision = s.Value
			case s.Key == "vcs.modified" && s.Value == "true":
				modified = "+modified"
			}
		}
		if revision != "" {
			return "revision " + revision + modified
		}
	}
	path, err := os.Executable()
	if err != nil {
		return "unknown"
	}
	f, err := os.Open(path)
	if err != nil {
		return "unknown"
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "unknown"
	}
	return "executable " + hex.EncodeToString(h.Sum(nil)[:12])
})

// HashString is how hashes are written: 16 hex digits, since readers of JSON lose digits of
// large numbers.
func HashString(h uint64) string { return fmt.Sprintf("%016x", h) }
