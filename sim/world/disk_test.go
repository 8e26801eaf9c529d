package world

import (
	"slices"
	"testing"
)

// A message that waits for a record leaves at the instant the record is durable.
func TestPersistBeforeSend(t *testing.T) {
	s := newStage(1, 2, takes(5))
	s.write(1, 100, false)
	s.send(1, 2, hello, 1, 1)
	s.send(1, 2, hello, 2, 0) // waits for nothing
	s.rest()
	s.mustHave(t, 2, 2, 1)
	if at := s.toys[2].at; !slices.Equal(at, []Instant{5, 15}) {
		t.Errorf("received at %v, want [5 15]: the sync takes 10, the link 5", at)
	}
	if got := s.toys[1].synced; !slices.Equal(got, []uint64{1}) {
		t.Errorf("node 1 was told that %v are durable", got)
	}
	s.send(1, 2, hello, 3, 1) // its record is durable already
	if s.until(20); len(s.toys[2].got) != 3 {
		t.Error("a message whose record is durable waits")
	}
}

// A crash takes the records that are not durable, and the messages that wait for them.
func TestACrashTakesWhatIsNotDurable(t *testing.T) {
	s := newStage(1, 2, takes(5))
	s.write(1, 100, false)
	s.until(10)
	s.write(1, 101, false)
	s.send(1, 2, hello, 1, 2)
	s.until(19)
	if s.Unsynced(1) != 1 || s.Durable(1) != 1 {
		t.Fatalf("%d durable and %d not, want 1 and 1", s.Durable(1), s.Unsynced(1))
	}
	s.Crash(1)
	if !slices.Equal(s.lost, []int{101}) || s.Unsynced(1) != 0 {
		t.Fatalf("the crash took %v, want [101]", s.lost)
	}
	if got := s.Records(1); !slices.Equal(got, []line{{100}}) {
		t.Fatalf("the next life finds %v", got)
	}

	// The sync of the old life, due at 20, must not make records of the new one durable.
	p := s.life(1)
	s.write(1, 102, false)
	s.until(20)
	if len(p.synced) != 0 || s.Durable(1) != 1 {
		t.Fatalf("a sync of the old life came through: %v, %d durable", p.synced, s.Durable(1))
	}
	s.rest()
	s.mustHave(t, 2)
	if want := []durable{{1, 100, 10}, {1, 102, 29}}; !slices.Equal(s.durable, want) {
		t.Errorf("durable became %v, want %v", s.durable, want)
	}
	if got := s.Records(1); !slices.Equal(got, []line{{100}, {102}}) {
		t.Errorf("the disk holds %v", got)
	}
}

// What a crash took belongs to the observer, whatever the next life writes in its place.
func TestLostRecordsAreNotOverwritten(t *testing.T) {
	var lost []line
	w := New[note, line](Config{Servers: 1}, keeper{&lost})
	p := &toy{deadline: Never}
	w.Start(1, p)
	w.Do(1, func() { w.Write(&line{1}, true); w.Write(&line{2}, true) })
	w.Crash(1)
	w.Start(1, p)
	w.Do(1, func() { w.Write(&line{7}, true) })
	if !slices.Equal(lost, []line{{1}, {2}}) {
		t.Errorf("the observer now reads %v", lost)
	}
}

// keeper keeps the slice that Crashed hands over.
type keeper struct{ lost *[]line }

func (keeper) Delivering(Node, Node, *note)     {}
func (keeper) Dropped(Node, Node, *note, Cause) {}
func (keeper) Departed(Node, *note)             {}
func (keeper) Arrived(Node, Node, *note, Way)   {}
func (keeper) Durable(Node, *line)              {}
func (k keeper) Crashed(_ Node, lost []line)    { *k.lost = lost }
func (keeper) Survive(Node, []line) int         { return 0 }
func (keeper) SyncFailed(Node)                  {}

// A lazy record causes no sync, but rides along with the next that does, as does all that
// was written before it.
func TestLazyRecordsRideAlong(t *testing.T) {
	s := newStage(1, 1, takes(5))
	s.write(1, 100, true)
	s.rest()
	if len(s.durable) != 0 || s.Unsynced(1) != 1 {
		t.Fatalf("a lazy record was synced: %v", s.durable)
	}
	s.write(1, 101, false)
	s.write(1, 102, true) // while the sync runs: the next one takes it, if there is one
	s.rest()
	if want := []durable{{1, 100, 10}, {1, 101, 10}}; !slices.Equal(s.durable, want) {
		t.Errorf("durable became %v, want %v", s.durable, want)
	}
	if got := s.toys[1].synced; !slices.Equal(got, []uint64{2}) {
		t.Errorf("node 1 was told that %v are durable", got)
	}
}

// Group commit: what is written during a sync is made durable by the next one, together.
func TestGroupCommit(t *testing.T) {
	s := newStage(1, 1, takes(5))
	for n := range 4 {
		s.write(1, n, false)
	}
	s.until(9)
	s.write(1, 4, true)
	s.write(1, 5, false)
	s.rest()
	if got := s.toys[1].synced; !slices.Equal(got, []uint64{1, 6}) {
		t.Errorf("node 1 was told that %v are durable, want [1 6]", got)
	}
	for _, d := range s.durable {
		if want := Instant(10 + 10*min(d.n, 1)); d.at != want {
			t.Errorf("record %d is durable at %d, want %d", d.n, d.at, want)
		}
	}
}

// A crash leaves a disk on which a new life syncs as if nothing had happened. That holds even if
// the old life had a sync on its way and more to come.
func TestANewLifeSyncs(t *testing.T) {
	s := newStage(1, 2, takes(5))
	s.write(1, 1, false)
	s.write(1, 2, false)
	s.Crash(1)
	p := s.life(1)
	s.rest()
	if len(p.synced) != 0 {
		t.Fatalf("records that are lost became durable: %v", p.synced)
	}
	s.write(1, 3, false)
	s.send(1, 2, hello, 9, 1)
	s.rest()
	s.mustHave(t, 2, 9)
	if want := []durable{{1, 3, 20}}; !slices.Equal(s.durable, want) {
		t.Errorf("durable became %v, want %v", s.durable, want)
	}
}

// What is truncated goes, to the page and in order, but never what a crash could still take. A
// life that starts finds the rest, and writes on behind it.
func TestTruncate(t *testing.T) {
	s := newStage(1, 1, takes(5))
	for n := range 3 * pageRecords {
		s.write(1, n, false)
	}
	s.rest()
	var gone []int
	drop := func(l *line) { gone = append(gone, l.n) }
	s.World.Truncate(1, 2*pageRecords+11, drop)
	if len(gone) != 2*pageRecords+10 || gone[0] != 0 || gone[len(gone)-1] != 2*pageRecords+9 {
		t.Fatalf("%d records go, from %d to %d", len(gone), gone[0], gone[len(gone)-1])
	}
	if d := &s.World.nodes[1].disk; len(d.pages) != 1 || s.Kept(1) != pageRecords-10 {
		t.Fatalf("%d pages are left, and %d records", len(d.pages), s.Kept(1))
	}
	if r := s.Record(1, 2*pageRecords+11); r.n != 2*pageRecords+10 {
		t.Fatalf("record %d is %v", 2*pageRecords+11, r)
	}
	s.Do(1, func() { s.Write(&line{1000}, true) })
	s.World.Truncate(1, 1<<40, drop)
	if s.Kept(1) != 1 {
		t.Fatalf("%d records are left, want the one that is not durable", s.Kept(1))
	}
	s.Crash(1)
	if !slices.Equal(s.lost, []int{1000}) || s.Kept(1) != 0 || len(s.Records(1)) != 0 {
		t.Fatalf("the crash took %v, and left %v", s.lost, s.Records(1))
	}
	s.life(1)
	s.write(1, 2000, false)
	s.rest()
	if got := s.Records(1); !slices.Equal(got, []line{{2000}}) || s.Durable(1) != 3*pageRecords+1 {
		t.Errorf("the next life's disk holds %v, %d durable", got, s.Durable(1))
	}
}
