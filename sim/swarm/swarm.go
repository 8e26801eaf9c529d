package swarm

import (
	"fmt"
	"slices"

	"github.com/fauer4effect/paxos/sim/plan"
	"github.com/fauer4effect/paxos/sim/world"
)

// Options fix what a seed would draw otherwise. The zero value fixes nothing.
type Options struct {
	Servers int           // 0: drawn
	Faulty  world.Instant // how long faults may happen; 0: drawn
	// Lies gives the cluster disks that answer some syncs and do not do them, and crashes that
	// show it. Violations are to be expected, and a sweep that finds none is broken.
	Lies bool
}

// Demand panics where the target has no plan for the options.
func (t Target) Demand(o Options) {
	switch {
	case o.Servers != 0 && (o.Servers < t.MinServers || o.Servers > t.MaxServers):
		panic(fmt.Sprintf("swarm: a swarm of %d servers: not within %d … %d", o.Servers, t.MinServers, t.MaxServers))
	case o.Faulty < 0 || o.Faulty > plan.MaxTime:
		panic(fmt.Sprintf("swarm: a swarm of %d ns under faults: not within 0 … %d", o.Faulty, plan.MaxTime))
	}
}

// Draw draws the plan of a seed. Each seed first picks which kinds of fault exist at all, then how
// strong they are. Plans that lack most kinds reach states that a mixture of all does not reach
// (swarm testing: Groce et al., ISSTA 2012). Kinds that the cluster's size makes impossible
// are not drawn.
func Draw(seed uint64, t Target, o Options) *plan.Plan {
	t.Demand(o)
	s := &swarm{plan: &plan.Plan{Version: plan.Version, Seed: seed, Protocol: t.Name}, target: t, pace: Ordinary, rows: plan.Kinds[:]}
	s.draw(o)
	if err := t.Validate(s.plan); err != nil {
		panic(fmt.Sprintf("swarm: the plan of seed %d draws a bad plan: %v", seed, err))
	}
	return s.plan
}

// draw draws the plan.
func (s *swarm) draw(o Options) {
	p, t := s.plan, s.target
	p.Servers = int(world.Pick(s.roll("servers"), 3, 5, 3, 5, 3, 5, 4, 7, 1, 2, 6, 8, 9))
	if p.Servers = t.MinServers + (p.Servers-1)%(t.MaxServers-t.MinServers+1); o.Servers > 0 {
		p.Servers = o.Servers
	}
	d := s.roll("length")
	p.Faulty = world.Instant(d.Log(int64(1500*world.Millisecond), int64(8*world.Second)))
	if s.sleepy = d.One(80) && o.Faulty == 0; s.sleepy {
		p.Faulty = world.Instant(d.Log(int64(60*world.Second), int64(240*world.Second)))
	}
	if o.Faulty > 0 {
		p.Faulty = o.Faulty
	}
	s.rough = s.roll("rough").One(4) && p.Servers > 2 && !s.sleepy
	s.aimed = s.roll("aimed").One(3)
	if t.Settings != nil {
		s.pace = t.Settings(p, s.roll)
	}
	s.drawNetwork()
	s.drawDisk()
	s.drawWorkload()
	s.drawFaults()
	s.drawTail()
	s.drawLosses()
	s.drawClocks()
	p.Bodies = s.roll("bodies").One(8)
	if o.Lies {
		s.drawLies()
	}
	slices.SortStableFunc(p.Faults, byTime)
	if t.Tune != nil {
		t.Tune(p, &s.pace)
	}
	p.Tail.Settle, p.Tail.Answer = t.Bounds(p)
}

type swarm struct {
	plan   *plan.Plan
	target Target
	pace   Pace
	rows   []plan.KindRow // of the kinds of fault that may be drawn
	// A rough seed keeps many slots in flight over a lossy network. It changes the majority that
	// is connected all the time, and with it the view. In the end only a bare majority heals.
	// That leaves holes, and proposals that outlive their views.
	rough bool
	// An aimed seed strikes the leader more often than others.
	aimed bool
	// A sleepy seed takes minutes, in which little is asked and little goes wrong, but
	// servers pause for long.
	sleepy bool
}

// roll is the swarm's Roll.
func (s *swarm) roll(what string) *world.Dice {
	return world.NewDice(world.Draw(s.plan.Seed, world.Purpose(what)))
}

// between is uniform over a range of durations.
func between(d *world.Dice, lo, hi world.Instant) world.Instant {
	return world.Instant(d.Int(int64(lo), int64(hi)))
}

// logBetween is uniform in magnitude over a range of durations.
func logBetween(d *world.Dice, lo, hi world.Instant) world.Instant {
	return world.Instant(d.Log(int64(lo), int64(hi)))
}

// some is a random set of k servers, rising.
func (s *swarm) some(d *world.Dice, k int) []int {
	ids := upTo(s.plan.Servers)
	ids = world.Shuffle(d, ids)[:k]
	slices.Sort(ids)
	return ids
}

// upTo lists 1…n.
func upTo(n int) []int {
	ids := make([]int, n)
	for i := range ids {
		ids[i] = i + 1
	}
	return ids
}

// pair is two different servers.
func (s *swarm) pair(d *world.Dice) [2]int {
	from := int(d.Int(1, int64(s.plan.Servers)))
	to := int(d.Int(1, int64(s.plan.Servers-1)))
	if to >= from {
		to++
	}
	return [2]int{from, to}
}
