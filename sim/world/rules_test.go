package world

import (
	"slices"
	"testing"
)

// A rule holds what matches it, and releases it in the order in which it came, at once.
func TestARuleHoldsAndReleases(t *testing.T) {
	s := newStage(1, 3, takes(5))
	hold := &Rule{Kind: hello, From: 1, Hold: true}
	s.AddRule(hold)
	for n := range 4 {
		s.send(1, Node(2+n%2), hello, n, 0)
	}
	s.send(1, 2, bye, 8, 0)
	s.send(3, 2, hello, 9, 0)
	s.until(100)
	s.mustHave(t, 2, 8, 9)
	s.mustHave(t, 3)
	if n := s.Release(hold, Rule{To: 2}, 1); n != 1 || len(hold.kept) != 3 {
		t.Fatalf("released %d, and %d are held, want 1 and 3", n, len(hold.kept))
	}
	s.RemoveRule(hold)
	s.send(1, 2, hello, 7, 0) // the rule is gone; what it holds stays held
	s.rest()
	s.mustHave(t, 2, 8, 9, 0, 7)
	if at := s.toys[2].at[2]; at != 100 {
		t.Errorf("the released message came at %d, want 100", at)
	}
	if n := s.Release(hold, Rule{}, 10); n != 3 {
		t.Errorf("released %d, want the other 3", n)
	}
	s.rest()
	s.mustHave(t, 2, 8, 9, 0, 7, 2)
	s.mustHave(t, 3, 1, 3)
	if len(s.slab.free) != int(s.slab.made) {
		t.Errorf("%d of %d bodies are free once all is quiet", len(s.slab.free), s.slab.made)
	}
}

// Where two rules match, the first decides; one that does not hold loses.
func TestTheFirstRuleDecides(t *testing.T) {
	s := newStage(1, 2, takes(5))
	lose, hold := &Rule{To: 2}, &Rule{Hold: true}
	s.AddRule(lose)
	s.AddRule(hold)
	s.send(1, 2, hello, 1, 0)
	s.send(2, 1, hello, 2, 0)
	s.rest()
	if want := []drop{{1, 2, 1, Named}}; !slices.Equal(s.dropped, want) || len(hold.kept) != 1 {
		t.Errorf("dropped %v and held %d, want %v and 1", s.dropped, len(hold.kept), want)
	}
}

// What is omitted has been sent: a trigger counts it, and meets the next.
func TestATriggerCountsWhatIsOmitted(t *testing.T) {
	s := newStage(1, 3, takes(5))
	omit := &Rule{Kind: hello, To: 2, Omission: true}
	s.AddRule(omit)
	s.OnMessage(&Trigger{Kind: hello, From: 1, To: 2, N: 2, Drop: true})
	s.send(1, 2, hello, 1, 0)
	s.send(1, 2, bye, 2, 0)
	s.send(1, 3, hello, 3, 0)
	s.until(50)
	s.RemoveRule(omit)
	s.send(1, 2, hello, 4, 0)
	s.send(1, 2, hello, 5, 0)
	s.rest()
	s.mustHave(t, 2, 2, 5)
	s.mustHave(t, 3, 3)
	if want := []drop{{1, 2, 1, Omitted}, {1, 2, 4, Named}}; !slices.Equal(s.dropped, want) {
		t.Errorf("dropped %v, want %v", s.dropped, want)
	}
}

// A paused node takes nothing in; resumed, it takes all that came, in order.
func TestAPausedNode(t *testing.T) {
	s := newStage(1, 2, takes(5))
	p := s.toys[1]
	p.deadline = 20
	s.touch(1)
	s.write(1, 100, false) // synced at 10
	s.Pause(1)
	s.send(2, 1, hello, 1, 0)
	s.send(2, 1, hello, 2, 0)
	s.until(50)
	if len(p.got) != 0 || len(p.woken) != 0 || len(p.synced) != 0 || !s.Paused(1) {
		t.Fatalf("the paused node got %v, woken at %v, synced %v", p.notes(), p.woken, p.synced)
	}
	s.Resume(1)
	s.rest()
	s.mustHave(t, 1, 1, 2)
	if !slices.Equal(p.woken, []Instant{50}) || !slices.Equal(p.synced, []uint64{1}) {
		t.Errorf("woken at %v, synced %v, want at 50, and 1", p.woken, p.synced)
	}
}

// A crash ends the pause with the life: what came for it meets a server that is down.
func TestACrashEndsAPause(t *testing.T) {
	s := newStage(1, 2, takes(5))
	s.Pause(1)
	s.send(2, 1, hello, 1, 0)
	s.until(50)
	s.Crash(1)
	s.rest()
	if want := []drop{{2, 1, 1, Down}}; !slices.Equal(s.dropped, want) || s.Paused(1) {
		t.Errorf("dropped %v, want %v", s.dropped, want)
	}
	p := s.life(1)
	p.deadline = 70
	s.touch(1)
	s.send(2, 1, hello, 2, 0)
	s.rest()
	s.mustHave(t, 1, 2)
	if !slices.Equal(p.woken, []Instant{70}) {
		t.Errorf("the new life is woken at %v, want [70]", p.woken)
	}
}

// Slow adds to each message of a node, in both directions.
func TestASlowNode(t *testing.T) {
	s := newStage(1, 3, takes(5))
	s.Slow(1, 100)
	s.send(1, 2, hello, 1, 0)
	s.send(2, 1, hello, 2, 0)
	s.send(2, 3, hello, 3, 0)
	s.rest()
	for n, want := range []Instant{1: 105, 2: 105, 3: 5} {
		if n > 0 && s.toys[n].at[0] != want {
			t.Errorf("node %d received at %d, want %d", n, s.toys[n].at[0], want)
		}
	}
}

// AdvanceTo makes it t, or the time of the event after which it was to stop.
func TestAdvanceTo(t *testing.T) {
	s := newStage(1, 2, takes(5))
	s.send(1, 2, hello, 1, 0)
	if s.AdvanceTo(4, func() bool { return true }) || s.Now() != 4 {
		t.Errorf("nothing happens until 4, and it is %d", s.Now())
	}
	if !s.AdvanceTo(9, func() bool { return len(s.toys[2].got) == 1 }) || s.Now() != 5 {
		t.Errorf("stopped at %d, want 5, when the message came", s.Now())
	}
	if s.AdvanceTo(9, func() bool { return false }) || s.Now() != 9 {
		t.Errorf("it is %d, want 9", s.Now())
	}
}
