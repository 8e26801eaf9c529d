package engine

import (
	"github.com/fauer4effect/paxos/sim/plan"
	"github.com/fauer4effect/paxos/sim/world"
)

// The effects of kinds of fault that count as messages come and go.
var (
	dropped = plan.Drop.Effect()
	omitted = plan.Omit.Effect()
	ways    = [...]struct {
		way    world.Way
		effect plan.Effect
	}{
		{world.LateWay, plan.Late},
		{world.Delayed, plan.Delay.Effect()},
		{world.Slowed, plan.Slow.Effect()},
		{world.Shuffled, plan.Shuffle.Effect()},
	}
)

// Dropped counts a useful message that is lost.
func (r *Run) Dropped(from, to world.Node, why world.Cause) {
	switch why {
	case world.Lost:
		r.Effects[plan.Loss]++
	case world.Cut:
		r.Effects[r.cutBy[from][to]]++
	case world.Named:
		r.Effects[dropped]++
	case world.Overflow:
		r.Effects[plan.QueueFull]++
	case world.Omitted:
		r.Effects[omitted]++
	}
}

// Arrived counts a useful message that took an unusual way.
func (r *Run) Arrived(from, to world.Node, way world.Way) {
	for _, w := range ways {
		if way&w.way != 0 {
			r.Effects[w.effect]++
		}
	}
	if way&world.Clogged != 0 {
		r.Effects[r.cloggedBy[from][to]]++
	}
}

// Woke counts wake-ups by clocks that are not exact.
func (r *Run) Woke(n world.Node) {
	if r.Nodes[n].Clock.Drift != 0 {
		r.Effects[plan.Drift]++
	}
}
