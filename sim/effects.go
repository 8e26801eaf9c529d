package sim

import "github.com/fauer4effect/paxos/sim/world"

// The effects of kinds of fault that count as messages come and go.
var (
	dropped = Drop.Effect()
	omitted = Omit.Effect()
	ways    = [...]struct {
		way    world.Way
		effect Effect
	}{
		{world.LateWay, Late},
		{world.Delayed, Delay.Effect()},
		{world.Slowed, Slow.Effect()},
		{world.Shuffled, Shuffle.Effect()},
	}
)

// dropped counts a useful message that is lost.
func (r *run) dropped(from, to world.Node, why world.Cause) {
	switch why {
	case world.Lost:
		r.effects[Loss]++
	case world.Cut:
		r.effects[r.cutBy[from][to]]++
	case world.Named:
		r.effects[dropped]++
	case world.Overflow:
		r.effects[QueueFull]++
	case world.Omitted:
		r.effects[omitted]++
	}
}

// arrived counts a useful message that took an unusual way.
func (r *run) arrived(from, to world.Node, way world.Way) {
	for _, w := range ways {
		if way&w.way != 0 {
			r.effects[w.effect]++
		}
	}
	if way&world.Clogged != 0 {
		r.effects[r.cloggedBy[from][to]]++
	}
}

// woke counts wake-ups by clocks that are not exact.
func (r *run) woke(n world.Node) {
	if r.nodes[n].clock.drift != 0 {
		r.effects[Drift]++
	}
}
