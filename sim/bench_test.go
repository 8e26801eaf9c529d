package sim_test

import (
	"encoding/json"
	"fmt"
	"runtime/debug"
	"testing"

	"github.com/fauer4effect/paxos/sim"
	"github.com/fauer4effect/paxos/sim/plan"
	"github.com/fauer4effect/paxos/sim/world"
)

const ms = world.Instant(1e6)

// calmPlan is a cluster without faults, whose clients do the given number of updates as fast
// as they can.
func calmPlan(servers, updates int) *sim.Plan {
	return &sim.Plan{
		Version: plan.Version, Seed: 1, Servers: servers,
		Network: plan.Network{All: world.LinkLaw{Delay: world.Uniform(ms/2, 3*ms/2)}},
		Disk:    plan.Disk{Sync: world.Uniform(ms/10, ms/2)},
		Workload: plan.Workload{
			Clients: 12, Keys: 4, Timeout: 500 * ms, Limit: updates,
			Mix: plan.Mix{Get: 2, Put: 3, Append: 1, CAS: 1, Incr: 1},
		},
		Tail: plan.Tail{
			Delay: world.Uniform(ms/2, 3*ms/2), Settle: 1000 * ms, Answer: 1000 * ms,
			For: world.Instant(updates) * 5 * ms,
		},
	}
}

// BenchmarkSwarm5 is the swarm's plans for five servers, the first 200 seeds in turn. They have
// faults, view changes, recoveries and idle tails, in runs of a few seconds of virtual time.
// Drawing the plans is not counted.
func BenchmarkSwarm5(b *testing.B) {
	plans := make([]*sim.Plan, 200)
	for seed := range plans {
		plans[seed] = sim.Swarm(uint64(seed), sim.SwarmOptions{Servers: 5})
	}
	var total rates
	asSwept(b)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		total.add(b, sim.Run(plans[i%len(plans)]))
	}
	total.report(b)
}

// asSwept has a benchmark collect garbage as cmd/paxos does.
func asSwept(b *testing.B) {
	before := debug.SetGCPercent(sim.GCPercent)
	b.Cleanup(func() { debug.SetGCPercent(before) })
}

// benchmarkRun reports the rates of whole runs, all checks and the hash included.
func benchmarkRun(b *testing.B, plan *sim.Plan) {
	var total rates
	asSwept(b)
	b.ReportAllocs()
	for b.Loop() {
		total.add(b, sim.Run(plan))
	}
	if want := uint64(plan.Workload.Limit) * uint64(b.N); total.updates != want {
		b.Fatalf("%d updates answered, not %d", total.updates, want)
	}
	total.report(b)
}

// rates are what runs did, to be divided by the time that they took.
type rates struct{ messages, events, updates uint64 }

func (t *rates) add(b *testing.B, r *sim.Report) {
	if !r.OK() {
		b.Fatalf("seed %d: %v", r.Plan.Seed, r.Violation)
	}
	t.messages, t.events, t.updates = t.messages+r.Messages, t.events+r.Events, t.updates+r.Updates
}

func (t *rates) report(b *testing.B) {
	seconds := b.Elapsed().Seconds()
	b.ReportMetric(float64(t.messages)/seconds, "messages/s")
	b.ReportMetric(float64(t.events)/seconds, "events/s")
	b.ReportMetric(float64(t.updates)/seconds, "updates/s")
	b.ReportMetric(float64(t.messages)/float64(t.updates), "messages/update")
}

// BenchmarkRun5 is five servers without faults. The long run must not be slower than the
// short one: the checks cost O(1) an event.
func BenchmarkRun5(b *testing.B) {
	b.Run("updates=1000", func(b *testing.B) { benchmarkRun(b, calmPlan(5, 1_000)) })
	b.Run("updates=100000", func(b *testing.B) { benchmarkRun(b, calmPlan(5, 100_000)) })
}

// BenchmarkSessions5 is Run5 with 64 sessions, with one update a slot, and with as many as fit
// (X14). Each session has a machine of its own that begins anywhere. Or all are on the twelve
// machines of Run5's clients, whose home is the leader: so what arrives together travels
// together. One slot may be open at a time: what comes meanwhile is what fills the next. (Run5
// has room for sixteen, which is the last case.) A key bears four clients at once, hence the 24
// keys.
func BenchmarkSessions5(b *testing.B) {
	for _, c := range []struct{ bytes, hosts, window int }{{1, 0, 1}, {1 << 16, 0, 1}, {1, 12, 1}, {1 << 16, 12, 1}, {1 << 16, 12, 16}} {
		b.Run(fmt.Sprintf("batch_bytes=%d,hosts=%d,window=%d", c.bytes, c.hosts, c.window), func(b *testing.B) {
			plan := calmPlan(5, 100_000)
			w := &plan.Workload
			w.Clients, w.Keys = 64, 24
			if c.hosts > 0 {
				w.Hosts, w.Home, w.Homes = c.hosts, true, []int{1}
			}
			plan.Settings = json.RawMessage(fmt.Sprintf(`{"batch_bytes": %d, "window_slots": %d}`, c.bytes, c.window))
			benchmarkRun(b, plan)
		})
	}
}

// BenchmarkMinute is a seed as others count one: three servers, three clients on eight keys, 60
// simulated seconds under the swarm's faults. The calm after them and drawing the plan count too.
func BenchmarkMinute(b *testing.B) {
	asSwept(b)
	seed := uint64(0)
	for b.Loop() {
		p := sim.Swarm(seed, sim.SwarmOptions{Servers: 3, Faulty: 60_000 * ms})
		p.Workload.Clients, p.Workload.Keys, p.Tail.Clients = 3, 8, nil
		if r := sim.Run(p); !r.OK() {
			b.Fatalf("seed %d: %v", seed, r.Violation)
		}
		seed = (seed + 1) % 100
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "seeds/s")
}
