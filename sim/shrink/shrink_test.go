package shrink

import (
	"fmt"
	"testing"

	"github.com/fauer4effect/paxos/sim/finding"
	"github.com/fauer4effect/paxos/sim/internal/engine"
	"github.com/fauer4effect/paxos/sim/paxos"
	"github.com/fauer4effect/paxos/sim/plan"
	"github.com/fauer4effect/paxos/sim/swarm"
	"pgregory.net/rapid"
)

// fake runs plans. They fail S1 if they have all that the bug needs: a crash and a cut of one
// pair of servers, two updates, three servers.
func fake(p *plan.Plan) *engine.Report {
	r := &engine.Report{Plan: p, Events: 1, Begun: uint64(p.Workload.Limit)}
	if p.Workload.Limit == 0 {
		r.Begun = 40
	}
	crashes, cuts := 0, 0
	for i := range p.Faults {
		switch p.Faults[i].Do {
		case "crash":
			crashes++
		case "cut":
			cuts++
		}
	}
	if crashes > 0 && cuts > 0 && p.Servers >= 3 && p.Workload.Clients > 0 && (p.Workload.Limit == 0 || p.Workload.Limit >= 2) {
		r.Violation = &finding.Violation{Property: "S1", At: int64(p.Faulty) - 1}
	}
	return r
}

// Whatever surrounds it, what the failure needs is left, and nothing else.
func TestShrinkFindsWhatItNeeds(t *testing.T) {
	found, enough := 0, 3
	if testing.Short() {
		enough = 1
	}
	for seed := uint64(0); found < enough; seed++ {
		p := paxos.Swarm(seed, swarm.Options{})
		if fake(p).OK() {
			continue
		}
		found++
		r, err := Shrink(p, Target{Run: fake, Validate: paxos.Validate, Timely: paxos.Timely}, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if s := SizeOf(r.Plan); s.Servers != 3 || s.Clients != 1 || s.Updates != 2 || s.Faults != 2 {
			t.Errorf("seed %d: %v is left:\n%s", seed, s, r.Plan.Encode())
		}
	}
}

// Of the settings those are left that the failure needs.
func TestShrinkTakesSettingsOutOneByOne(t *testing.T) {
	p := paxos.Swarm(1, swarm.Options{Servers: 3})
	p.Settings = []byte(`{"window_slots": 4, "batch_bytes": 60, "queue_updates": 9, "overlapped_write": true}`)
	needs := func(p *plan.Plan) *engine.Report {
		r := &engine.Report{Plan: p, Events: 1, Begun: 1}
		if s := settingsOf(p); s["window_slots"] != nil && s["queue_updates"] != nil {
			r.Violation = &finding.Violation{Property: "S1", At: int64(p.Faulty) - 1}
		}
		return r
	}
	r, err := Shrink(p, Target{Run: needs, Validate: paxos.Validate, Timely: paxos.Timely}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := string(r.Plan.Settings), `{"queue_updates":9,"window_slots":4}`; got != want {
		t.Errorf("%s is left of the settings, not %s", got, want)
	}
}

// A real failure, of a plan that asks for the impossible. The result is the same each time and
// fails as before. It no longer fails after any single removal.
func TestShrinkIsMinimalAndDeterministic(t *testing.T) {
	if testing.Short() {
		t.Skip("thousands of runs")
	}
	for seed := uint64(1); seed <= 2; seed++ {
		p := lying(t, seed)
		var sizes []string
		var plans []*plan.Plan
		for range 2 {
			r, err := Shrink(p, Target{Run: run, Validate: paxos.Validate, Timely: paxos.Timely}, Options{})
			if err != nil {
				t.Fatal(err)
			}
			if r.Spent {
				t.Fatalf("seed %d: the budget is too small for this test", seed)
			}
			sizes, plans = append(sizes, fmt.Sprintf("%v after %d runs", SizeOf(r.Plan), r.Runs)), append(plans, r.Plan)
		}
		if sizes[0] != sizes[1] || string(plans[0].Encode()) != string(plans[1].Encode()) {
			t.Errorf("seed %d: %s, and then %s", seed, sizes[0], sizes[1])
		}
		property := run(p).Violation.Property
		if v := run(plans[0]).Violation; v == nil || v.Property != property {
			t.Fatalf("seed %d: %s fails, and of the shrunk plan %v", seed, property, v)
		}
		for _, removal := range Removals(plans[0]) {
			if paxos.Validate(removal.Plan) != nil {
				continue
			}
			if v := run(removal.Plan).Violation; v != nil && v.Property == property {
				t.Errorf("seed %d: without %s it still fails", seed, removal.What)
			}
		}
		t.Logf("seed %d, %s: %v becomes %s", seed, property, SizeOf(p), sizes[0])
	}
}

func run(p *plan.Plan) *engine.Report { return paxos.Run(p) }

// lying is a plan that fails: its disks say that they have synced, and have not.
func lying(t *testing.T, from uint64) *plan.Plan {
	t.Helper()
	for seed := from * 1000; ; seed++ {
		p := paxos.Swarm(seed, swarm.Options{Servers: 5, Lies: true})
		if !run(p).OK() {
			return p
		}
	}
}

func TestWhatDoesNotFailIsNotShrunk(t *testing.T) {
	p := paxos.Swarm(1, swarm.Options{Servers: 3})
	if _, err := Shrink(p, Target{Run: run, Validate: paxos.Validate, Timely: paxos.Timely}, Options{}); err == nil {
		t.Error("a plan that holds is shrunk")
	}
}

// A server that goes leaves no trace of itself, and the rest keep their roles.
func TestWithoutServer(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := paxos.Swarm(rapid.Uint64Range(0, 1<<40).Draw(t, "seed"), swarm.Options{Servers: rapid.IntRange(2, 9).Draw(t, "servers")})
		c := withoutServer(p, rapid.IntRange(1, p.Servers).Draw(t, "gone"))
		for _, f := range c.Faults {
			for _, id := range append([]int{f.From, f.To}, f.Servers...) {
				if id > c.Servers {
					t.Fatalf("%v names a server that is gone", &f)
				}
			}
		}
	})
}
