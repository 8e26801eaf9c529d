package world

import (
	"slices"
	"testing"
)

// A trigger meets the N-th message of its kind on its link, and no other.
func TestTheNthMessageOfAKindOnALink(t *testing.T) {
	s := newStage(1, 3, takes(5))
	second := &Trigger{Kind: hello, From: 1, To: 2, N: 2, Drop: true}
	s.OnMessage(second)
	s.OnMessage(&Trigger{Kind: bye, N: 9, Drop: true}) // so that this kind is looked at, too
	s.send(1, 2, hello, 1, 0)
	s.send(1, 2, bye, 2, 0)   // another kind
	s.send(1, 3, hello, 3, 0) // another link
	s.send(2, 1, hello, 4, 0) // the other direction
	s.send(1, 2, hello, 5, 0) // this one
	s.send(1, 2, hello, 6, 0)
	s.rest()
	s.mustHave(t, 2, 1, 2, 6)
	if want := []drop{{1, 2, 5, Named}}; !slices.Equal(s.dropped, want) {
		t.Errorf("dropped %v, want %v", s.dropped, want)
	}
	if second.Seen() != 3 {
		t.Errorf("%d messages seen, want 3", second.Seen())
	}
}

// Where From and To are open, all links are counted together, in the order of sending; a
// send to all counts once for each receiver.
func TestOpenEndsCountTogether(t *testing.T) {
	s := newStage(1, 3, takes(5))
	s.OnMessage(&Trigger{Kind: hello, N: 4, Drop: true})
	s.OnMessage(&Trigger{Kind: hello, To: 3, N: 1, Drop: true})
	s.send(1, 0, hello, 1, 0) // to 2 and 3
	s.send(2, 0, hello, 2, 0) // to 1 and 3
	s.rest()
	if want := []drop{{1, 3, 1, Named}, {2, 3, 2, Named}}; !slices.Equal(s.dropped, want) {
		t.Errorf("dropped %v, want %v", s.dropped, want)
	}
}

// Unsynced counts a message only if a crash would take a record of its sender at the moment it
// leaves. A message that waits leaves after its records are durable.
func TestUnsynced(t *testing.T) {
	s := newStage(1, 2, takes(5))
	first := &Trigger{Kind: hello, N: 1, Unsynced: true, Drop: true}
	s.OnMessage(first)
	s.send(1, 2, hello, 1, 0) // nothing is written yet
	s.write(1, 100, false)
	s.send(1, 2, hello, 2, 1) // leaves once 100 is durable
	s.until(10)
	if s.rest(); first.Seen() != 0 {
		t.Fatalf("%d messages seen, and none left records behind", first.Seen())
	}
	s.write(1, 101, false)
	s.send(1, 2, hello, 3, 0)
	s.send(2, 1, hello, 4, 0) // its sender has none
	s.rest()
	s.mustHave(t, 1, 4)
	s.mustHave(t, 2, 1, 2)
	if first.Seen() != 1 {
		t.Errorf("%d messages seen, want 1", first.Seen())
	}
}

func TestANamedDelay(t *testing.T) {
	s := newStage(1, 2, takes(5))
	s.OnMessage(&Trigger{Kind: hello, N: 2, Delay: 100})
	s.OnMessage(&Trigger{Kind: hello, N: 2, Delay: 1000}) // delays add up
	for n := range 3 {
		s.send(1, 2, hello, n, 0)
	}
	s.rest()
	s.mustHave(t, 2, 0, 2, 1)
	if at := s.toys[2].at; !slices.Equal(at, []Instant{5, 5, 1105}) {
		t.Errorf("received at %v, want [5 5 1105]", at)
	}
}

// Then runs once the event is over in which the message leaves. All else that its sender does in
// that event is done, and nothing has happened since.
func TestThenRunsAfterTheEvent(t *testing.T) {
	s := newStage(1, 3, takes(5))
	var ran []string
	s.OnMessage(&Trigger{Kind: bye, N: 1, Then: func(from, to Node) {
		if ran = append(ran, "then"); from != 2 || to != 1 || s.Now() != 5 {
			t.Errorf("from %d to %d at %d, want from 2 to 1 at 5", from, to, s.Now())
		}
		s.Crash(from)
	}})
	s.toys[2].onReceive = func(Node, note) {
		s.Send(Parcel{To: 1, Kind: bye}, &note{1})
		s.Send(Parcel{To: 3, Kind: bye}, &note{2})
		s.Write(&line{100}, false)
		ran = append(ran, "event")
	}
	s.send(1, 2, hello, 0, 0)
	s.send(3, 2, hello, 0, 0) // arrives at the same instant, and finds node 2 down
	s.rest()
	if !slices.Equal(ran, []string{"event", "then"}) {
		t.Fatalf("ran %v", ran)
	}
	s.mustHave(t, 1, 1) // what left before the crash arrives
	s.mustHave(t, 3, 2)
	if !slices.Equal(s.lost, []int{100}) || len(s.dropped) != 1 {
		t.Errorf("the crash took %v and %v", s.lost, s.dropped)
	}
}

// Randomness is stateless: where one message is dropped or one link is cut, all others
// meet the fate they would have met anyway.
func TestAFaultChangesNoOtherDraw(t *testing.T) {
	law := LinkLaw{Delay: Uniform(1, 1_000_000), Loss: 200_000, Duplicate: 200_000, Late: 100_000, LateBy: Uniform(1, 5_000_000)}
	type arrival struct {
		n  int
		at Instant
	}
	run := func(faults func(s *stage)) (at [4][]arrival, lost int) {
		s := newStage(7, 3, law)
		faults(s)
		for n := range 300 {
			s.send(Node(1+n%2), 3, hello+uint8(n%3), n, 0)
		}
		s.rest()
		for n, p := range s.toys[1:] {
			for i := range p.got {
				at[n+1] = append(at[n+1], arrival{p.got[i].n, p.at[i]})
			}
		}
		return at, len(s.dropped)
	}
	plain, lost := run(func(*stage) {})
	if lost < 30 || lost > 90 {
		t.Fatalf("%d of 300 were lost: this tests little", lost)
	}
	without := func(gone func(n int) bool) []arrival {
		return slices.DeleteFunc(slices.Clone(plain[3]), func(a arrival) bool { return gone(a.n) })
	}
	for name, c := range map[string]struct {
		faults func(s *stage)
		gone   func(n int) bool
	}{
		"drop one": {
			func(s *stage) { s.OnMessage(&Trigger{Kind: hello, From: 1, To: 3, N: 5, Drop: true}) },
			func(n int) bool { return n == 24 }, // kind hello from 1: 0, 6, 12, 18, 24
		},
		"a trigger that only looks": {
			func(s *stage) { s.OnMessage(&Trigger{Kind: hello, N: 5, Then: func(Node, Node) {}}) },
			func(int) bool { return false },
		},
		"cut a link": {
			func(s *stage) { s.Cut(2, 3) },
			func(n int) bool { return n%2 == 1 },
		},
		"lose all of a link": {
			func(s *stage) {
				l := law
				l.Loss = 1_000_000
				s.SetLink(1, 3, l)
			},
			func(n int) bool { return n%2 == 0 },
		},
	} {
		if got, _ := run(c.faults); !slices.Equal(got[3], without(c.gone)) {
			t.Errorf("%s: other messages fared otherwise", name)
		}
	}
	if len(without(func(n int) bool { return n == 24 })) == len(plain[3]) {
		t.Error("the message to drop was lost anyway: this tests nothing")
	}
}
