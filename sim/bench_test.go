package sim_test

import (
	"testing"

	"github.com/fauer4effect/paxos/sim"
	"github.com/fauer4effect/paxos/sim/world"
)

const ms = world.Instant(1e6)

// calmPlan is a cluster without faults, whose clients do the given number of updates as fast
// as they can.
func calmPlan(servers, updates int) *sim.Plan {
	return &sim.Plan{
		Version: sim.PlanVersion, Seed: 1, Servers: servers,
		Network: sim.Network{All: world.LinkLaw{Delay: world.Uniform(ms/2, 3*ms/2)}},
		Disk:    sim.Disk{Sync: world.Uniform(ms/10, ms/2)},
		Workload: sim.Workload{
			Clients: 12, Keys: 4, Timeout: 500 * ms, Limit: updates,
			Mix: sim.Mix{Get: 2, Put: 3, Append: 1, CAS: 1, Incr: 1},
		},
		Tail: sim.Tail{
			Delay: world.Uniform(ms/2, 3*ms/2), Settle: 1000 * ms, Answer: 1000 * ms,
			For: world.Instant(updates) * 5 * ms,
		},
	}
}

// benchmarkRun reports the rates of whole runs, all checks and the hash included.
func benchmarkRun(b *testing.B, plan *sim.Plan) {
	var messages, events, updates uint64
	b.ReportAllocs()
	for b.Loop() {
		r := sim.Run(plan)
		if !r.OK() {
			b.Fatal(r.Violation)
		}
		messages, events, updates = messages+r.Messages, events+r.Events, updates+r.Updates
	}
	if want := uint64(plan.Workload.Limit) * uint64(b.N); updates != want {
		b.Fatalf("%d updates answered, not %d", updates, want)
	}
	seconds := b.Elapsed().Seconds()
	b.ReportMetric(float64(messages)/seconds, "messages/s")
	b.ReportMetric(float64(events)/seconds, "events/s")
	b.ReportMetric(float64(updates)/seconds, "updates/s")
	b.ReportMetric(float64(messages)/float64(updates), "messages/update")
}

// BenchmarkRun5 is five servers without faults. The long run must not be slower than the
// short one: the checks cost O(1) an event.
func BenchmarkRun5(b *testing.B) {
	b.Run("updates=1000", func(b *testing.B) { benchmarkRun(b, calmPlan(5, 1_000)) })
	b.Run("updates=100000", func(b *testing.B) { benchmarkRun(b, calmPlan(5, 100_000)) })
}
