package sweep_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/fauer4effect/paxos/sim/internal/engine"
	"github.com/fauer4effect/paxos/sim/internal/sweep"
	"github.com/fauer4effect/paxos/sim/paxos"
	"github.com/fauer4effect/paxos/sim/plan"
	"github.com/fauer4effect/paxos/sim/swarm"
)

// A panic in any call is a finding of its seed, and the sweep goes on: in the drawing of a plan, in a run, and in
// what a run reports.
func TestAPanicIsAFindingOfItsSeed(t *testing.T) {
	subject := sweep.Subject{Target: paxos.Target, Effects: paxos.Effects, Run: func(p *plan.Plan) *engine.Report {
		if p.Seed == 3 {
			panic("nobody recovers this")
		}
		return paxos.Run(p)
	}}
	settings := subject.Target.Settings
	subject.Target.Settings = func(p *plan.Plan, roll swarm.Roll) swarm.Pace {
		if p.Seed == 5 {
			p.Faults[7].By++
		}
		return settings(p, roll)
	}
	done := 0
	s := sweep.Run(t.Context(), subject, sweep.Options{Seeds: 8, Jobs: 2, Done: func(*engine.Report) { done++ }})
	if s.Seeds != 8 || done != 8 || len(s.Failures) != 2 {
		t.Fatalf("%d seeds, %d done, %d failures", s.Seeds, done, len(s.Failures))
	}
	for i, want := range []struct {
		seed         uint64
		detail, site string
	}{{3, "nobody recovers this at ", "TestAPanicIsAFindingOfItsSeed"}, {5, "runtime error: index out of range [7] with length 0 at ", "TestAPanicIsAFindingOfItsSeed"}} {
		f := s.Failures[i]
		v := f.Violation
		if f.Plan.Seed != want.seed || v.Property != "invariant" || !strings.HasPrefix(v.Detail, want.detail) || !strings.Contains(v.Detail, want.site) {
			t.Errorf("seed %d: %v", f.Plan.Seed, v)
		}
		if len(v.Stack) < 2 || !strings.Contains(fmt.Sprint(v.Stack), "sweep.(*Subject).run (sweep.go:") {
			t.Errorf("its stack is %q", v.Stack)
		}
	}
}
