package sim_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fauer4effect/paxos/sim"
)

var (
	seedFlag   = flag.Int64("seed", -1, "TestSeed: replay this seed")
	nodesFlag  = flag.Int("nodes", 0, "TestSeed: with this many servers (0: as the seed draws)")
	updateFlag = flag.Bool("update", false, "TestPins: rewrite the pinned hashes")
)

// TestSeed replays the seed given by -seed, or a few of its own.
func TestSeed(t *testing.T) {
	seeds := []uint64{1, 2, 3, 4, 5, 6, 7, 8}
	if *seedFlag >= 0 {
		seeds = []uint64{uint64(*seedFlag)}
	}
	if *nodesFlag < 0 || *nodesFlag > 9 {
		t.Fatalf("-nodes %d: a cluster has 1 to 9 servers", *nodesFlag)
	}
	for _, seed := range seeds {
		r := sim.Run(sim.Swarm(seed, sim.SwarmOptions{Servers: *nodesFlag}))
		t.Logf("seed %d: %d servers, hash %s, %d events, %d views", seed, r.Plan.Servers, sim.HashString(r.Hash), r.Events, r.Views)
		requireOK(t, r)
	}
}

// requireOK fails with the violation, the plan that shows it and the line that replays it.
func requireOK(t interface {
	Helper()
	Fatalf(string, ...any)
}, r *sim.Report,
) {
	t.Helper()
	if r.OK() {
		return
	}
	t.Fatalf("%v\nreplay: %s\nplan:\n%s", r.Violation, keep(r.Plan), r.Plan.Encode())
}

// keep writes a failing plan beside the repository's other failures, and returns the command
// that replays it.
func keep(p *sim.Plan) string {
	name := fmt.Sprintf("test-%d.json", p.Seed)
	dir := filepath.Join("..", "failures")
	if err := os.MkdirAll(dir, 0o755); err == nil {
		if err := os.WriteFile(filepath.Join(dir, name), p.Encode(), 0o644); err == nil {
			return "go run ./cmd/paxos replay failures/" + name
		}
	}
	return "save the plan below as plan.json, then: go run ./cmd/paxos replay plan.json"
}

// Plans that once failed, or that show something worth keeping, hold from now on.
func TestRegressions(t *testing.T) {
	paths, err := filepath.Glob(filepath.Join("..", "testdata", "plans", "*.json"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no plans in testdata/plans (%v)", err)
	}
	for _, path := range paths {
		t.Run(filepath.Base(path), func(t *testing.T) {
			p, err := sim.LoadPlan(path)
			if err != nil {
				t.Fatal(err)
			}
			r := sim.Run(p)
			requireOK(t, r)
			for _, m := range r.Missed {
				t.Errorf("fault %d (%v) never came, after %d of its events: the plan does not show any more what it was kept for", m.Fault, &p.Faults[m.Fault-1], m.Seen)
			}
		})
	}
}

// The small plan in docs/PLANS.md is one: it runs, and its leader crashes.
func TestThePlanOfTheDocs(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "docs", "PLANS.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "```json\n")
	example, _, _ := strings.Cut(rest, "```")
	p, err := sim.ReadPlan(strings.NewReader(example))
	if err != nil {
		t.Fatal(err)
	}
	r := sim.Run(p)
	requireOK(t, r)
	if r.Updates != 20 || effect(r, "crash") != 1 || sim.Timely(p) != nil {
		t.Errorf("%d updates, %d crashes; timely: %v", r.Updates, effect(r, "crash"), sim.Timely(p))
	}
}
