package world

import (
	"slices"
	"testing"
)

func TestASendToAllIsOneEntry(t *testing.T) {
	s := newStage(1, 4, takes(5))
	s.send(2, 0, hello, 7, 0)
	s.rest()
	for _, n := range []Node{1, 3, 4} {
		s.mustHave(t, n, 7)
	}
	s.mustHave(t, 2) // not to oneself
	if s.Counts.Messages != 3 {
		t.Errorf("%d messages, want 3", s.Counts.Messages)
	}
}

// Clients are not servers. What is for all servers is not for them, and what goes between them
// and servers is not counted as a message.
func TestClientsAreNodesWithoutTheRest(t *testing.T) {
	s := &stage{toys: make([]*toy, 4)}
	s.World = New[note, line](Config{Servers: 2, Clients: 1}, seen{s})
	for n := Node(1); n <= 3; n++ {
		s.life(n)
	}
	s.send(3, 0, hello, 1, 0)
	s.send(1, 3, hello, 2, 0)
	s.rest()
	s.mustHave(t, 1, 1)
	s.mustHave(t, 2, 1)
	s.mustHave(t, 3, 2)
	if s.Counts.Messages != 0 || s.Counts.Events != 3 {
		t.Errorf("%d messages in %d events, want 0 in 3", s.Counts.Messages, s.Counts.Events)
	}
}

// A cut closes one direction. Cuts add up, and each takes its own Heal.
func TestCuts(t *testing.T) {
	s := newStage(1, 2, takes(5))
	s.send(1, 2, hello, 1, 0) // on its way when the link is cut: it arrives
	s.Cut(1, 2)
	s.Cut(1, 2)
	s.send(1, 2, hello, 2, 0)
	s.send(2, 1, hello, 3, 0)
	s.Heal(1, 2)
	s.send(1, 2, hello, 4, 0)
	if !s.IsCut(1, 2) || s.IsCut(2, 1) {
		t.Error("one of two cuts is left, of one direction")
	}
	s.Heal(1, 2)
	s.send(1, 2, hello, 5, 0)
	s.Cut(1, 2)
	s.Cut(1, 2)
	s.HealAll()
	s.send(1, 2, hello, 6, 0)
	s.rest()
	s.mustHave(t, 1, 3)
	s.mustHave(t, 2, 1, 5, 6)
	if want := []drop{{1, 2, 2, Cut}, {1, 2, 4, Cut}}; !slices.Equal(s.dropped, want) {
		t.Errorf("dropped %v, want %v", s.dropped, want)
	}
}

func TestWhatArrivesAtNobodyIsDropped(t *testing.T) {
	s := newStage(1, 2, takes(5))
	s.send(1, 2, hello, 1, 0)
	s.Crash(2)
	s.until(4)
	s.send(1, 2, hello, 2, 0)
	s.rest()
	if want := []drop{{1, 2, 1, Down}, {1, 2, 2, Down}}; !slices.Equal(s.dropped, want) {
		t.Errorf("dropped %v, want %v", s.dropped, want)
	}
	s.Crash(1) // and what a crashed node had sent still arrives
	s.life(1)
	s.life(2)
	s.send(1, 2, hello, 3, 0)
	s.Crash(1)
	s.rest()
	s.mustHave(t, 2, 3)
}

func TestLoss(t *testing.T) {
	const sent = 1000
	for _, c := range []struct {
		ppm    uint32
		lo, hi int
	}{{0, 0, 0}, {250_000, 200, 300}, {1_000_000, sent, sent}} {
		s := newStage(1, 2, LinkLaw{Delay: Constant(5), Loss: c.ppm})
		for n := range sent {
			s.send(1, 2, hello, n, 0)
		}
		s.rest()
		lost := len(s.dropped)
		if lost < c.lo || lost > c.hi || lost+len(s.toys[2].got) != sent {
			t.Errorf("at %d ppm %d of %d are lost, and %d arrive", c.ppm, lost, sent, len(s.toys[2].got))
		}
		if i := slices.IndexFunc(s.dropped, func(d drop) bool { return d.why != Lost }); i >= 0 {
			t.Errorf("at %d ppm: dropped %v", c.ppm, s.dropped[i])
		}
	}
}

// Each copy that a link makes takes its own time, and is the same message.
func TestDuplicates(t *testing.T) {
	s := newStage(1, 2, LinkLaw{Delay: Uniform(10, 1000), Duplicate: 1_000_000})
	for n := range 50 {
		s.send(1, 2, hello, n, 0)
	}
	s.rest()
	count := make(map[int]int)
	for _, n := range s.toys[2].notes() {
		count[n]++
	}
	for n := range 50 {
		if count[n] != 2 {
			t.Errorf("note %d arrived %d times", n, count[n])
		}
	}
	if s.Counts.Duplicates != 50 || s.Counts.Messages != 100 {
		t.Errorf("counted %d duplicates in %d messages", s.Counts.Duplicates, s.Counts.Messages)
	}
}

// A message that is late takes LateBy on top, and others overtake it.
func TestLateMessagesAreOvertaken(t *testing.T) {
	s := newStage(1, 2, LinkLaw{Delay: Constant(5), Late: 1_000_000, LateBy: Constant(1000)})
	s.send(1, 2, hello, 1, 0)
	s.SetLink(1, 2, takes(5))
	s.until(1)
	s.send(1, 2, hello, 2, 0)
	s.send(1, 2, hello, 3, 0)
	s.rest()
	s.mustHave(t, 2, 2, 3, 1)
	if at := s.toys[2].at[2]; at != 1005 {
		t.Errorf("the late one came at %d, want 1005", at)
	}
	if s.Counts.Late != 1 || s.Counts.Reordered != 1 {
		t.Errorf("counted %d late, %d reordered, want 1 and 1", s.Counts.Late, s.Counts.Reordered)
	}
}

func TestLinksInOrderReorderNothing(t *testing.T) {
	s := newStage(1, 3, takes(5))
	for n := range 20 {
		s.send(Node(1+n%2), 3, hello, n, 0)
	}
	s.rest()
	if s.Counts.Reordered != 0 || len(s.toys[3].got) != 20 {
		t.Errorf("counted %d reordered of %d", s.Counts.Reordered, len(s.toys[3].got))
	}
}

// What a process keeps of a message is its own: the slab's next tenant does not show.
func TestBodiesAreFreedOnce(t *testing.T) {
	s := newStage(1, 3, LinkLaw{Delay: Uniform(1, 50), Duplicate: 300_000, Loss: 200_000})
	s.toys[1].onReceive = func(from Node, m note) {
		if m.n < 400 {
			s.Send(Parcel{To: 0, Kind: bye, Digest: uint64(m.n + 100)}, &note{m.n + 100})
		}
	}
	s.write(3, 1, false)
	s.send(3, 0, hello, 1, 1)
	s.Crash(3) // takes what waits
	s.life(3)
	for n := range 20 {
		s.send(2, 0, hello, n, 0)
		s.write(2, n, false)
		s.send(2, 1, hello, n, uint64(n+1))
	}
	s.rest()
	if len(s.slab.free) != int(s.slab.made) {
		t.Errorf("%d of %d bodies are free once all is quiet", len(s.slab.free), s.slab.made)
	}
	seen := make(map[uint32]bool)
	for _, i := range s.slab.free {
		if seen[i] {
			t.Errorf("body %d is free twice", i)
		}
		seen[i] = true
	}
	if len(s.toys[1].got) < 20 {
		t.Errorf("only %d messages arrived", len(s.toys[1].got))
	}
}
