package world

import (
	"slices"
	"testing"
)

// touch lets a node be asked for its deadline anew.
func (s *stage) touch(n Node) { s.Do(n, func() {}) }

// A deadline that moves later costs nothing: the timer fires early, finds that, and is
// queued again without a Wake.
func TestADeadlineMovesLater(t *testing.T) {
	s := newStage(1, 1, takes(5))
	p := s.toys[1]
	for d := Instant(100); d <= 200; d += 10 {
		p.deadline = d
		s.touch(1)
	}
	if s.queue.len() != 1 {
		t.Fatalf("%d timers are queued, want 1", s.queue.len())
	}
	if s.until(150); len(p.woken) != 0 || s.queue.len() != 1 {
		t.Fatalf("woken at %v, %d timers", p.woken, s.queue.len())
	}
	s.rest()
	if !slices.Equal(p.woken, []Instant{200}) || s.Counts.Events != 2 {
		t.Errorf("woken at %v in %d events, want at 200, in 2 (until is the other one)", p.woken, s.Counts.Events)
	}
}

// A deadline that moves earlier arms the timer anew; the old entry wakes nobody.
func TestADeadlineMovesEarlier(t *testing.T) {
	s := newStage(1, 1, takes(5))
	p := s.toys[1]
	p.deadline = 100
	s.touch(1)
	p.deadline = 40
	p.onWake = func() {
		if s.Now() == 40 {
			p.deadline = 200
		}
	}
	s.touch(1)
	if s.until(150); s.queue.len() != 1 {
		t.Errorf("%d timers are queued, want 1: the old entry armed another", s.queue.len())
	}
	s.rest()
	if !slices.Equal(p.woken, []Instant{40, 200}) {
		t.Errorf("woken at %v, want [40 200]", p.woken)
	}
}

// A timer that is armed earlier and then asks for its old time again is woken there, once.
func TestADeadlineMovesThereAndBack(t *testing.T) {
	s := newStage(1, 1, takes(5))
	p := s.toys[1]
	p.deadline = 100
	s.touch(1)
	p.deadline = 40
	p.onWake = func() {
		if s.Now() == 40 {
			p.deadline = 100
		}
	}
	s.touch(1)
	s.rest()
	if !slices.Equal(p.woken, []Instant{40, 100}) {
		t.Errorf("woken at %v, want [40 100]", p.woken)
	}
}

func TestADeadlineInThePastIsNow(t *testing.T) {
	s := newStage(1, 1, takes(5))
	s.At(30, func() {
		s.toys[1].deadline = 10
		s.touch(1)
	})
	s.rest()
	if got := s.toys[1].woken; !slices.Equal(got, []Instant{30}) {
		t.Errorf("woken at %v, want [30]", got)
	}
}

// A crash takes the timer of the old life; the new one has its own.
func TestACrashTakesTheTimer(t *testing.T) {
	s := newStage(1, 1, takes(5))
	old := s.toys[1]
	old.deadline = 100
	s.touch(1)
	s.Crash(1)
	young := s.life(1)
	young.deadline = 130
	s.touch(1)
	s.rest()
	if len(old.woken) != 0 || !slices.Equal(young.woken, []Instant{130}) {
		t.Errorf("the old life was woken at %v, the new one at %v", old.woken, young.woken)
	}
	s.Crash(1)
	s.Crash(1) // once down it stays down
	s.Do(1, func() { t.Error("a node that is down did something") })
	if s.Up(1) || s.Step() {
		t.Error("something goes on after the crash")
	}
}

// Actions run at their time, in the order in which they were scheduled; one that is late is due now.
func TestActions(t *testing.T) {
	s := newStage(1, 1, takes(5))
	var ran []int
	do := func(n int) func() { return func() { ran = append(ran, n) } }
	s.At(20, do(3))
	s.At(10, do(1))
	s.At(10, func() {
		do(2)()
		s.At(0, func() {
			if do(4)(); s.Now() != 10 {
				t.Errorf("now is %d, want 10", s.Now())
			}
		})
	})
	if s.Next() != 10 {
		t.Errorf("the next event is at %d, want 10", s.Next())
	}
	s.rest()
	if !slices.Equal(ran, []int{1, 2, 4, 3}) || s.Next() != Never {
		t.Errorf("ran %v", ran)
	}
}

// chatter is a run that has a bit of everything.
func chatter(seed uint64, spice func(s *stage)) *stage {
	s := newStage(seed, 3, LinkLaw{
		Delay: Law{Kind: "tail", Min: 1000, Mean: 1_000_000}, Loss: 100_000, Duplicate: 100_000,
		Late: 50_000, LateBy: Law{Kind: "exponential", Mean: 30_000_000},
	})
	talk := func(p *toy) {
		p.onReceive = func(from Node, m note) {
			s.Write(&line{m.n}, m.n%3 == 0)
			if m.n < 40 {
				s.Send(Parcel{To: Node(m.n % 4), Kind: hello, After: uint64(len(s.Records(p.node))) - 1, Digest: uint64(m.n)}, &note{m.n + 1})
			}
			p.deadline = s.Now() + 2_000_000
		}
		p.onWake = func() { s.Send(Parcel{To: 0, Kind: bye, Digest: 50}, &note{50}) }
	}
	for n := Node(1); n <= 3; n++ {
		s.SetDisk(n, Uniform(10_000, 3_000_000))
		talk(s.toys[n])
	}
	s.At(20_000_000, func() { s.Crash(2) })
	s.At(30_000_000, func() { talk(s.life(2)) })
	s.At(40_000_000, func() { s.Cut(1, 3) })
	spice(s)
	s.send(1, 0, hello, 1, 0)
	s.rest()
	return s
}

// Same seed, same hash, everywhere; and a world in which anything else happened has another.
func TestHash(t *testing.T) {
	nothing := func(*stage) {}
	s := chatter(1, nothing)
	if s.Counts.Messages < 20 || len(s.dropped) < 5 || len(s.lost) == 0 || s.Counts.Duplicates == 0 {
		t.Fatalf("too little happens to test much: %+v, %d dropped, %d records lost", s.Counts, len(s.dropped), len(s.lost))
	}
	if got, want := s.Hash(), uint64(0x9a000c0f56a2e06f); got != want {
		t.Errorf("the hash of seed 1 is %#x, pinned as %#x", got, want)
	}
	if again := chatter(1, nothing); again.Hash() != s.Hash() || again.Counts != s.Counts {
		t.Errorf("the same seed again: hash %#x, then %#x", s.Hash(), again.Hash())
	}
	names := map[uint64]string{s.Hash(): "seed 1"}
	for name, other := range map[string]*stage{
		"seed 2":           chatter(2, nothing),
		"a named loss":     chatter(1, func(s *stage) { s.OnMessage(&Trigger{Kind: hello, N: 4, Drop: true}) }),
		"a ns of delay":    chatter(1, func(s *stage) { s.OnMessage(&Trigger{Kind: hello, N: 4, Delay: 1}) }),
		"a crash":          chatter(1, func(s *stage) { s.At(60_000_000, func() { s.Crash(3) }) }),
		"an action":        chatter(1, func(s *stage) { s.At(60_000_000, func() {}) }),
		"other words":      chatter(1, func(s *stage) { s.send(1, 2, hello, 2, 0) }),
		"a word folded in": chatter(1, func(s *stage) { s.Fold(1) }),
	} {
		if twin, ok := names[other.Hash()]; ok {
			t.Errorf("%s has the hash of %s", name, twin)
		}
		names[other.Hash()] = name
	}
}

// Watching changes nothing, and sees each message that arrives, before it does.
func TestWatching(t *testing.T) {
	plain, watched := newStage(3, 2, takes(5)), newStage(3, 2, takes(5))
	watched.cfg.Watch = true
	saw := &watcher{seen: seen{watched}}
	watched.observer = saw
	for _, s := range []*stage{plain, watched} {
		s.send(1, 2, hello, 1, 0)
		s.send(1, 2, hello, 2, 0)
		s.rest()
	}
	if plain.Hash() != watched.Hash() {
		t.Errorf("hash %#x, and watched %#x", plain.Hash(), watched.Hash())
	}
	if !slices.Equal(saw.before, []int{0, 1}) {
		t.Errorf("the watcher saw %v messages received before each, want [0 1]", saw.before)
	}
}

type watcher struct {
	seen
	before []int // how many messages the receiver had, at each Delivering
}

func (w *watcher) Delivering(_, to Node, _ *note) {
	w.before = append(w.before, len(w.toys[to].got))
}

func TestTooManyNodes(t *testing.T) {
	New[note, line](Config{Servers: 9, Clients: MaxNodes - 10}, nil)
	defer func() {
		if recover() == nil {
			t.Errorf("a world of %d nodes was made", MaxNodes)
		}
	}()
	New[note, line](Config{Servers: 9, Clients: MaxNodes - 9}, nil)
}
