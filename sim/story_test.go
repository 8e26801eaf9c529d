package sim_test

import (
	"testing"

	"github.com/fauer4effect/paxos/sim"
	"github.com/fauer4effect/paxos/sim/plan"
	"github.com/fauer4effect/paxos/sim/world"
)

// Five healthy servers, and the leader crashes: exactly one view change follows. The others
// suspect at different moments, but the next leader attempts first and all follow (X10).
func TestLeaderCrashCausesOneViewChange(t *testing.T) {
	const seeds = 100
	exact := 0
	for seed := uint64(1); seed <= seeds; seed++ {
		p := calmPlan(5, 0)
		p.Seed = seed
		p.Workload.Clients, p.Workload.Timeout = 4, 200*ms
		p.Workload.Pause = world.Uniform(0, 40*ms)
		p.Faulty = 3_000 * ms
		p.Faults = []plan.Fault{{At: 1_000*ms + world.Instant(seed)*ms, Do: "crash", Servers: []int{1}}}
		p.Tail.Pause, p.Tail.For = p.Workload.Pause, 1_000*ms
		r := sim.Run(p)
		requireOK(t, r)
		if r.Updates < 50 {
			t.Fatalf("seed %d: only %d updates answered: nothing was going on", seed, r.Updates)
		}
		if r.Views == 2 {
			exact++
		}
	}
	t.Logf("%d of %d seeds had exactly one view change", exact, seeds)
	if exact < seeds*99/100 {
		t.Errorf("exactly one view change in %d of %d seeds only", exact, seeds)
	}
}

// A healthy cluster elects once and keeps its leader, idle or not.
func TestHealthyClusterKeepsItsLeader(t *testing.T) {
	for _, servers := range []int{1, 2, 3, 5, 9} {
		p := calmPlan(servers, 300)
		p.Tail.Answer = 20_000 * ms // idle for that long after the last update
		p.Tail.For = 60_000 * ms
		r := sim.Run(p)
		requireOK(t, r)
		if r.Views != 1 || r.Updates != 300 {
			t.Errorf("%d servers: %d views and %d updates, not 1 and 300", servers, r.Views, r.Updates)
		}
	}
}
