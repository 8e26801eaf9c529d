package world

import (
	"slices"
	"testing"
)

// A machine to test the world with, which has nothing to do with Paxos: the world cannot
// know more of it than of Paxos.

// note is a message, entry a line on a disk.
type (
	note struct{ n int }
	line struct{ n int }
)

// toy is a life of a node that writes down what the world does to it, and does what a test
// tells it to.
type toy struct {
	s        *stage
	node     Node
	deadline Instant

	got    []note
	at     []Instant // of got
	woken  []Instant
	synced []uint64

	onReceive func(from Node, m note)
	onWake    func()
}

func (p *toy) Deadline() Instant { return p.deadline }

func (p *toy) Receive(from Node, m *note) {
	p.got, p.at = append(p.got, *m), append(p.at, p.s.Now())
	if p.onReceive != nil {
		p.onReceive(from, *m)
	}
}

func (p *toy) Wake() {
	p.woken = append(p.woken, p.s.Now())
	p.deadline = Never
	if p.onWake != nil {
		p.onWake()
	}
}

func (p *toy) Synced(upTo uint64) { p.synced = append(p.synced, upTo) }

// notes are the numbers of the messages received, in order.
func (p *toy) notes() []int {
	var ns []int
	for _, m := range p.got {
		ns = append(ns, m.n)
	}
	return ns
}

// stage is a world of toys, and what its observer saw.
type stage struct {
	*World[note, line]
	toys    []*toy // by Node
	dropped []drop
	durable []durable
	lost    []int // records that crashes took
	survive int   // records that outlive a crash unsynced, at most
	failed  []Node
}

type drop struct {
	from, to Node
	n        int
	why      Cause
}

type durable struct {
	node Node
	n    int
	at   Instant
}

// seen is the stage's observer.
type seen struct{ *stage }

func (seen) Delivering(Node, Node, *note) {}
func (s seen) Dropped(from, to Node, m *note, why Cause) {
	s.dropped = append(s.dropped, drop{from, to, m.n, why})
}
func (s seen) Durable(n Node, r *line) { s.durable = append(s.durable, durable{n, r.n, s.Now()}) }
func (s seen) Departed(Node, *note)    {}

func (s seen) Arrived(Node, Node, *note, Way) {}

func (s seen) Survive(_ Node, unsynced []line) int { return min(s.survive, len(unsynced)) }

func (s seen) SyncFailed(n Node) {
	s.failed = append(s.failed, n)
	s.Crash(n)
}

func (s seen) Crashed(_ Node, lost []line) {
	for _, r := range lost {
		s.lost = append(s.lost, r.n)
	}
}

// newStage starts servers 1…n with links of the given law, and disks that take 10.
func newStage(seed uint64, servers int, law LinkLaw) *stage {
	s := &stage{toys: make([]*toy, servers+1)}
	s.World = New[note, line](Config{Seed: seed, Servers: servers}, seen{s})
	for from := Node(1); int(from) <= servers; from++ {
		for to := Node(1); int(to) <= servers; to++ {
			s.SetLink(from, to, law)
		}
		s.SetDisk(from, Constant(10))
		s.life(from)
	}
	return s
}

// takes is a link on which everything takes d.
func takes(d Instant) LinkLaw { return LinkLaw{Delay: Constant(d)} }

// life begins a life of the node.
func (s *stage) life(n Node) *toy {
	s.toys[n] = &toy{s: s, node: n, deadline: Never}
	s.Start(n, s.toys[n])
	return s.toys[n]
}

// the kinds of note.
const (
	hello uint8 = iota + 1
	bye
)

// send makes a node send note n; after is the record it waits for.
func (s *stage) send(from, to Node, kind uint8, n int, after uint64) {
	s.Do(from, func() {
		s.Send(Parcel{To: to, After: after, Kind: kind, Digest: uint64(n)}, &note{n})
	})
}

// write makes a node write record n.
func (s *stage) write(node Node, n int, lazy bool) {
	s.Do(node, func() { s.Write(&line{n}, lazy) })
}

// rest lets everything happen that is under way.
func (s *stage) rest() {
	for s.Step() {
	}
}

// until lets everything happen up to and including t, and makes it t: time passes with
// events only, so it takes an action.
func (s *stage) until(t Instant) {
	s.At(t, func() {})
	for s.Next() <= t {
		s.Step()
	}
}

func (s *stage) mustHave(t *testing.T, n Node, notes ...int) {
	t.Helper()
	if got := s.toys[n].notes(); !slices.Equal(got, notes) {
		t.Fatalf("node %d received %v, want %v", n, got, notes)
	}
}
