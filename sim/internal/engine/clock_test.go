package engine

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/fauer4effect/paxos/sim/plan"
	"github.com/fauer4effect/paxos/sim/world"
)

// A clock never goes back, and when says the first time at which it shows something.
func TestClock(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := Clock{
			Shown: world.Instant(rapid.Int64Range(0, 1e12).Draw(t, "skew")),
			Drift: rapid.Int64Range(-plan.MaxDrift, plan.MaxDrift).Draw(t, "drift"),
		}
		now, last, later := world.Instant(0), world.Instant(0), world.Instant(0)
		for range rapid.IntRange(1, 8).Draw(t, "steps") {
			now += world.Instant(rapid.Int64Range(0, 1e12).Draw(t, "passed"))
			if rapid.IntRange(0, 2).Draw(t, "jumps") == 0 {
				c.jump(now, world.Instant(rapid.Int64Range(-1e10, 1e10).Draw(t, "by")))
			}
			shows := c.Now(now)
			if shows < last {
				t.Fatalf("the clock goes back from %d to %d", last, shows)
			}
			last = shows
			if later < shows || rapid.Bool().Draw(t, "else") { // or what was asked before, as a driver does
				later = shows + world.Instant(rapid.Int64Range(0, 1e12).Draw(t, "until"))
			}
			when := c.When(later)
			if when < now && c.at(now) < later || c.at(when) < later || when > now && c.at(when-1) >= later {
				t.Fatalf("it shows %d first at %d: %d then, %d before", later, when, c.at(when), c.at(when-1))
			}
		}
		if c.When(world.Never) != world.Never {
			t.Fatal("Never comes")
		}
	})
}

// The shapes of cuts: who hears whom.
func TestShapesOfCuts(t *testing.T) {
	for _, c := range []struct {
		fault plan.Fault
		hears string // of servers 1…5, from a row to a column
	}{
		{plan.Fault{Do: plan.Partition, Servers: []int{1, 2}}, "11000 11000 00111 00111 00111"},
		{plan.Fault{Do: plan.Flap, Servers: []int{3}}, "11011 11011 00100 11011 11011"},
		{plan.Fault{Do: plan.Connect, Servers: []int{2, 4, 5}}, "10000 01011 00100 01011 01011"},
		{plan.Fault{Do: plan.Bridge, From: 3, Servers: []int{1, 2}}, "11100 11100 11111 00111 00111"},
		{plan.Fault{Do: plan.Ring, Servers: []int{1, 2, 3, 4, 5}}, "11001 11100 01110 00111 10011"},
		{plan.Fault{Do: plan.Ring, Servers: []int{1, 3, 5, 2, 4}}, "10110 01011 10101 11010 01101"},
		{plan.Fault{Do: plan.Isolate, Servers: []int{4}}, "11101 11101 11101 00010 11101"},
		{plan.Fault{Do: plan.Deaf, Servers: []int{4}}, "11101 11101 11101 11111 11101"},
		{plan.Fault{Do: plan.Mute, Servers: []int{4}}, "11111 11111 11111 00010 11111"},
		{plan.Fault{Do: plan.Cut, From: 1, To: 2}, "10111 11111 11111 11111 11111"},
	} {
		grid := [5][5]byte{}
		for i := range grid {
			copy(grid[i][:], "11111")
		}
		c.fault.EachLink(5, func(from, to world.Node) { grid[from-1][to-1] = '0' })
		got := ""
		for i := range grid {
			if i > 0 {
				got += " "
			}
			got += string(grid[i][:])
		}
		if got != c.hears {
			t.Errorf("%v:\n got %s\nwant %s", &c.fault, got, c.hears)
		}
	}
}
