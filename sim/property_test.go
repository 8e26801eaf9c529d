package sim_test

import (
	"slices"
	"testing"

	"github.com/fauer4effect/paxos/sim"
	"github.com/fauer4effect/paxos/sim/plan"
	"github.com/fauer4effect/paxos/sim/world"
	"pgregory.net/rapid"
)

// Whatever the plan, no property breaks. Unlike the swarm's, these plans shrink.
func TestAnyPlanHolds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		requireOK(t, sim.Run(drawPlan(t)))
	})
}

// The same generator finds what is not so: with a tail far too short to elect anybody,
// liveness fails. A property that cannot fail shows nothing.
func TestAnyPlanHoldsCanFail(t *testing.T) {
	plans := rapid.Custom(drawPlan)
	for seed := range 20 {
		p := plans.Example(seed)
		p.Tail.Settle, p.Tail.Answer, p.Tail.For = 1, 1, 5_000*ms
		p.Tail.Clients, p.Workload.Pause, p.Tail.Pause = nil, world.Law{}, world.Law{}
		p.Tail.Delay = world.Constant(1_000 * ms) // beyond all timeouts of clients
		if r := sim.Run(p); r.OK() || r.Violation.Property[0] != 'L' {
			t.Fatalf("a tail of 1 ns settles: %v\n%s", r.Violation, p.Encode())
		}
	}
}

func drawPlan(t *rapid.T) *sim.Plan {
	n := rapid.IntRange(1, 5).Draw(t, "servers")
	p := &sim.Plan{
		Version: plan.Version, Servers: n,
		Seed:   rapid.Uint64Range(0, 1<<53-1).Draw(t, "seed"),
		Faulty: duration(t, "faulty", 100, 3_000),
		Disk:   plan.Disk{Sync: world.Uniform(0, duration(t, "sync", 0, 15))},
		Bodies: true,
	}
	p.Network.All = world.LinkLaw{
		Delay:     world.Uniform(0, duration(t, "delay", 0, 30)),
		Loss:      uint32(rapid.IntRange(0, 300_000).Draw(t, "loss")),
		Duplicate: uint32(rapid.IntRange(0, 100_000).Draw(t, "duplicate")),
		Late:      uint32(rapid.IntRange(0, 30_000).Draw(t, "late")),
		LateBy:    world.Uniform(0, duration(t, "late by", 0, 2_000)),
	}
	p.Workload = plan.Workload{
		Clients: rapid.IntRange(1, 8).Draw(t, "clients"), Keys: rapid.IntRange(1, 3).Draw(t, "keys"),
		Hosts: rapid.IntRange(0, 3).Draw(t, "hosts"), Timeout: duration(t, "timeout", 50, 400), Tries: rapid.IntRange(1, 5).Draw(t, "tries"),
		Pause: world.Uniform(0, duration(t, "pause", 1, 100)),
		Mix:   plan.Mix{Get: 2, Put: 2, Append: 1, CAS: 1, Delete: 1, Incr: 1},
	}
	for range rapid.IntRange(0, 12).Draw(t, "faults") {
		p.Faults = append(p.Faults, drawFault(t, p))
	}
	p.Tail = drawTail(t, n)
	return p
}

func duration(t *rapid.T, label string, lo, hi int) world.Instant {
	return world.Instant(rapid.IntRange(lo, hi).Draw(t, label+" (ms)")) * ms
}

func drawFault(t *rapid.T, p *sim.Plan) plan.Fault {
	n := p.Servers
	servers := rapid.SliceOfNDistinct(rapid.IntRange(1, n), 1, n, rapid.ID[int]).Draw(t, "of servers")
	slices.Sort(servers)
	f := plan.Fault{
		At:  min(duration(t, "at", 0, 3_000), p.Faulty-1),
		For: duration(t, "for", 1, 1_500),
		Do:  rapid.SampledFrom([]plan.Kind{"crash", "partition", "connect", "isolate", "deaf", "mute", "elect", "drop", "delay"}).Draw(t, "do"),
	}
	if f.Do == "drop" || f.Do == "delay" || f.Do == "crash" && rapid.Bool().Draw(t, "on a message") {
		kind := rapid.SampledFrom([]string{"Proposal", "Accept", "Prepare", "PrepareOK", "ViewChange"}).Draw(t, "kind")
		if f.Do == "drop" {
			f.For = 0
		}
		f.At, f.On = 0, &plan.Name{Kind: kind, N: uint32(rapid.IntRange(1, 60).Draw(t, "n"))}
		return f
	}
	if f.Servers = servers; f.Do == "elect" {
		f.For = 0
	}
	return f
}

// drawTail heals at least a majority; the bounds are those of the default settings.
func drawTail(t *rapid.T, n int) plan.Tail {
	tail := plan.Tail{
		Delay: world.Uniform(0, duration(t, "tail delay", 0, 10)), Pause: world.Uniform(0, 300*ms),
		Settle: 40_000 * ms, Answer: 8_000 * ms, For: 500 * ms,
	}
	if n < 3 || rapid.Bool().Draw(t, "all healed") {
		return tail
	}
	ids := rapid.Permutation([]int{1, 2, 3, 4, 5}[:n]).Draw(t, "order")
	tail.Core = slices.Sorted(slices.Values(ids[:n/2+1]))
	for _, id := range ids[n/2+1:] {
		tail.Broken = append(tail.Broken, plan.Broken{
			Server: id, How: rapid.SampledFrom([]string{"down", "cut", "deaf", "mute"}).Draw(t, "how"),
		})
	}
	return tail
}
