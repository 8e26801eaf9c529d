package engine

import "github.com/fauer4effect/paxos/sim/world"

// Clock turns the world's time into a server's own. It may be ahead, run faster or slower,
// and jump; what it shows never goes back, since drivers clamp.
type Clock struct {
	From  world.Instant // of the world
	Shown world.Instant // at from
	Drift int64         // ppm
	floor world.Instant // the latest that was shown

	asked, answer world.Instant // of when, last: a deadline is asked about after every call
}

// Now is what the clock shows at a time of the world's.
func (c *Clock) Now(t world.Instant) world.Instant {
	c.floor = max(c.floor, c.at(t))
	return c.floor
}

func (c *Clock) at(t world.Instant) world.Instant {
	if c.Drift == 0 {
		return c.Shown + t - c.From
	}
	passed := int64(t - c.From)
	return c.Shown + world.Instant(passed+passed/wholePPM*c.Drift+passed%wholePPM*c.Drift/wholePPM)
}

// When is the first time of the world's at which the clock shows at least the given one.
func (c *Clock) When(shown world.Instant) world.Instant {
	if shown == world.Never {
		return world.Never
	}
	if shown != c.asked {
		c.asked, c.answer = shown, c.find(shown)
	}
	return c.answer
}

func (c *Clock) find(shown world.Instant) world.Instant {
	left := int64(max(0, shown-c.Shown))
	if c.Drift != 0 {
		rate := wholePPM + c.Drift
		left = left/rate*wholePPM + left%rate*wholePPM/rate
	}
	t := c.From + world.Instant(left)
	for c.at(t) < shown { // the divisions rounded
		t++
	}
	for t > c.From && c.at(t-1) >= shown {
		t--
	}
	return t
}

// jump sets the clock forward, or back.
func (c *Clock) jump(t, by world.Instant) {
	shown := c.at(t) + by
	c.From, c.Shown = t, max(0, shown)
	c.asked = -1
}

const wholePPM = 1_000_000
