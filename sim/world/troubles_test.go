package world

import (
	"slices"
	"testing"
)

// A clog holds back what is sent while it lasts, and lets it go at once, in order. Clogs add
// up. What was on its way before arrives.
func TestClogs(t *testing.T) {
	s := newStage(1, 2, takes(5))
	s.send(1, 2, hello, 1, 0)
	s.Clog(1, 2)
	s.Clog(1, 2)
	s.send(1, 2, hello, 2, 0)
	s.send(1, 2, hello, 3, 0)
	s.send(2, 1, hello, 9, 0)
	s.until(50)
	s.mustHave(t, 2, 1)
	s.mustHave(t, 1, 9)
	s.Unclog(1, 2)
	if s.until(60); !s.IsClogged(1, 2) {
		t.Error("one of two clogs is left")
	}
	s.mustHave(t, 2, 1)
	s.Unclog(1, 2)
	s.rest()
	s.mustHave(t, 2, 1, 2, 3)
	if at := s.toys[2].at; at[1] != 60 || at[2] != 60 {
		t.Errorf("what was held back arrives at %v, want 60", at)
	}
	s.Clog(1, 2)
	s.send(1, 2, hello, 4, 0)
	s.HealAll()
	s.rest()
	s.mustHave(t, 2, 1, 2, 3, 4)
}

// A link's queue holds so many messages; more are lost, until one has arrived.
func TestBoundedQueue(t *testing.T) {
	law := takes(5)
	law.Queue = 2
	s := newStage(1, 3, law)
	for n := range 4 {
		s.send(1, 2, hello, n, 0)
	}
	s.send(1, 3, hello, 7, 0) // another link
	s.rest()
	s.mustHave(t, 2, 0, 1)
	s.mustHave(t, 3, 7)
	if want := []drop{{1, 2, 2, Overflow}, {1, 2, 3, Overflow}}; !slices.Equal(s.dropped, want) {
		t.Errorf("dropped %v, want %v", s.dropped, want)
	}
	s.send(1, 2, hello, 8, 0)
	s.rest()
	s.mustHave(t, 2, 0, 1, 8)
}

// A slow node's messages take longer both ways; a shuffled one's overtake one another.
func TestSlowAndShuffle(t *testing.T) {
	s := newStage(1, 3, takes(5))
	s.Slow(1, 100)
	s.send(1, 2, hello, 1, 0)
	s.send(3, 1, hello, 2, 0)
	s.send(3, 2, hello, 3, 0)
	s.rest()
	if s.toys[2].at[0] != 5 || s.toys[2].at[1] != 105 || s.toys[1].at[0] != 105 {
		t.Errorf("node 2 hears at %v, node 1 at %v", s.toys[2].at, s.toys[1].at)
	}
	s.Slow(1, 0)
	s.Shuffle(1, 1000)
	for n := range 20 {
		s.send(1, 3, hello, n, 0)
	}
	s.rest()
	if got := s.toys[3].notes(); len(got) != 20 || slices.IsSorted(got) {
		t.Errorf("shuffled, they arrive as %v", got)
	}
	s.Shuffle(1, 0)
	before := s.Now()
	s.send(1, 2, hello, 99, 0)
	s.rest()
	if last := s.toys[2].at; last[len(last)-1] != before+5 {
		t.Error("it still shuffles")
	}
}

// A stalled disk ends no sync before its time, not even one under way. A full disk and one that
// fails refuse it, and the driver ends the node.
func TestDisksInTrouble(t *testing.T) {
	s := newStage(1, 3, takes(5))
	s.write(1, 100, false)
	s.Stall(1, 50)
	s.until(49)
	if s.Durable(1) != 0 {
		t.Error("a stalled disk syncs")
	}
	s.write(2, 200, false)
	s.FailSync(2)
	s.write(3, 300, false)
	s.until(60)
	if s.Durable(1) != 1 || !slices.Equal(s.failed, []Node{2}) || s.Up(2) || s.Durable(3) != 1 {
		t.Errorf("durable %d and %d, failed %v", s.Durable(1), s.Durable(3), s.failed)
	}
	s.Fill(3, 200)
	s.write(3, 301, false)
	s.until(100)
	if !slices.Equal(s.failed, []Node{2, 3}) || s.Durable(3) != 1 {
		t.Errorf("a full disk takes %d records, failed %v", s.Durable(3), s.failed)
	}
	s.life(2)
	s.write(2, 201, false)
	s.until(200)
	s.life(3)
	s.write(3, 302, false)
	s.rest()
	if s.Durable(2) != 1 || s.Durable(3) != 2 || len(s.failed) != 2 {
		t.Errorf("after their troubles %d and %d are durable, failed %v", s.Durable(2), s.Durable(3), s.failed)
	}
}

// Records that no sync made durable may survive a crash by luck. They are durable from the
// next start on, and not before.
func TestWhatSurvivesByLuck(t *testing.T) {
	s := newStage(1, 1, takes(5))
	s.write(1, 100, false)
	s.until(20)
	for n := 101; n <= 103; n++ {
		s.write(1, n, false)
	}
	s.survive = 2
	s.Crash(1)
	if !slices.Equal(s.lost, []int{103}) || s.Durable(1) != 1 {
		t.Errorf("lost %v, durable %d", s.lost, s.Durable(1))
	}
	if got := s.Records(1); !slices.Equal(got, []line{{100}, {101}, {102}}) {
		t.Errorf("the next life finds %v", got)
	}
	s.life(1)
	if s.Durable(1) != 3 || len(s.durable) != 3 {
		t.Errorf("once it has started %d are durable, and %v were told", s.Durable(1), s.durable)
	}
}

// A disk that lies answers a sync, and a crash takes what it answered for.
func TestLies(t *testing.T) {
	s := newStage(1, 1, takes(5))
	s.SetLies(1, 1_000_000)
	s.write(1, 100, false)
	s.until(20)
	if s.Durable(1) != 1 || s.Counts.Lied != 1 || !slices.Equal(s.toys[1].synced, []uint64{1}) {
		t.Errorf("durable %d, lied %d times", s.Durable(1), s.Counts.Lied)
	}
	s.Crash(1)
	if len(s.Records(1)) != 0 || !slices.Equal(s.lost, []int{100}) {
		t.Errorf("the disk holds %v, lost %v", s.Records(1), s.lost)
	}
	s.CalmDisk(1)
	s.life(1)
	s.write(1, 101, false)
	s.until(50)
	if s.Crash(1); len(s.Records(1)) != 1 {
		t.Error("it still lies")
	}
}
