package sim

import "github.com/fauer4effect/paxos/sim/world"

// clock turns the world's time into a server's own. It may be ahead, run faster or slower,
// and jump; what it shows never goes back, since drivers clamp.
type clock struct {
	from  world.Instant // of the world
	shown world.Instant // at from
	drift int64         // ppm
	floor world.Instant // the latest that was shown

	asked, answer world.Instant // of when, last: a deadline is asked about after every call
}

// now is what the clock shows at a time of the world's.
func (c *clock) now(t world.Instant) world.Instant {
	c.floor = max(c.floor, c.at(t))
	return c.floor
}

func (c *clock) at(t world.Instant) world.Instant {
	if c.drift == 0 {
		return c.shown + t - c.from
	}
	passed := int64(t - c.from)
	return c.shown + world.Instant(passed+passed/wholePPM*c.drift+passed%wholePPM*c.drift/wholePPM)
}

// when is the first time of the world's at which the clock shows at least the given one.
func (c *clock) when(shown world.Instant) world.Instant {
	if shown == world.Never {
		return world.Never
	}
	if shown != c.asked {
		c.asked, c.answer = shown, c.find(shown)
	}
	return c.answer
}

func (c *clock) find(shown world.Instant) world.Instant {
	left := int64(max(0, shown-c.shown))
	if c.drift != 0 {
		rate := wholePPM + c.drift
		left = left/rate*wholePPM + left%rate*wholePPM/rate
	}
	t := c.from + world.Instant(left)
	for c.at(t) < shown { // the divisions rounded
		t++
	}
	for t > c.from && c.at(t-1) >= shown {
		t--
	}
	return t
}

// jump sets the clock forward, or back.
func (c *clock) jump(t, by world.Instant) {
	shown := c.at(t) + by
	c.from, c.shown = t, max(0, shown)
	c.asked = -1
}

const wholePPM = 1_000_000
