package scenarios_test

import (
	"fmt"
	"testing"

	"github.com/fauer4effect/paxos/scenarios"
	"github.com/fauer4effect/paxos/sim"
	"github.com/fauer4effect/paxos/sim/script"
)

// A random run written down as a script, and run, is the same run: same orderings, and in
// fact the same events.
func TestRunAsScenarioIsTheSameRun(t *testing.T) {
	last := uint64(200)
	if testing.Short() {
		last = 20
	}
	for seed := uint64(1); seed <= last; seed++ {
		p := sim.Swarm(seed, sim.SwarmOptions{})
		report := sim.Run(p)
		s, err := scenarios.Parse(fmt.Sprintf("seed-%d.txtar", seed), script.FromPlan(p))
		if err != nil {
			t.Fatal(err)
		}
		o, err := s.Run(t.Context(), false)
		if err != nil {
			t.Fatal(err)
		}
		if report.Log == 0 || o.Log != report.Log {
			t.Errorf("seed %d: the run orders %016x, its script %016x", seed, report.Log, o.Log)
		}
		if o.Hash != report.Hash {
			t.Errorf("seed %d: the run's hash is %016x, its script's %016x", seed, report.Hash, o.Hash)
		}
	}
}
