package check

import (
	"strings"
	"testing"

	"github.com/fauer4effect/paxos/protocol"
	"github.com/fauer4effect/paxos/protocol/kv"
)

// tale is a hand-made trace of three servers, and what the Checker must make of it. The
// property breaks at the last event told, or not at all.
type tale struct {
	name   string
	tell   func(s *story)
	broken string   // "" where every property holds
	names  []string // servers, views, seqs and clients that the detail must name
}

func hear(t *testing.T, tales []tale) {
	for _, c := range tales {
		t.Run(c.name, func(t *testing.T) {
			s := newStory(3)
			c.tell(s)
			s.mustEnd(t, c.broken, c.names...)
		})
	}
}

// story tells a Checker what happens, an event a nanosecond.
type story struct {
	*Checker
	servers int
	now     int64
}

// The calm of a story: servers 1 and 2 are healed at 1000 ns.
const (
	healed   = 1000
	settleBy = healed + 200 // the first leader that serves
	patient  = 70           // an operation's time
)

func newStory(servers int) *story {
	calm := Calm{From: healed, Settle: settleBy - healed, Answer: patient, Core: 1<<1 | 1<<2}
	return &story{Checker: New(servers, calm, kv.New()), servers: servers}
}

func (s *story) mustEnd(t *testing.T, broken string, names ...string) {
	t.Helper()
	v := s.Violation()
	switch {
	case broken == "" && v != nil:
		t.Fatalf("nothing is broken here, but: %v", v)
	case broken == "":
		return
	case v == nil:
		t.Fatalf("%s is broken here, and nobody noticed", broken)
	case v.Property != broken:
		t.Fatalf("%s is broken here, not: %v", broken, v)
	case v.At != s.now:
		t.Fatalf("noticed at %d ns, where the last event at %d ns breaks it: %v", v.At, s.now, v)
	}
	for _, name := range names {
		if !strings.Contains(v.Detail, name) {
			t.Errorf("the detail does not name %q: %v", name, v)
		}
	}
}

func (s *story) tick() int64 { s.now++; return s.now }

func (s *story) event(id protocol.ServerID, e protocol.Event) { s.Event(s.tick(), id, &e) }

func (s *story) sent(client protocol.ClientID, ts protocol.Timestamp, op kv.Op) {
	s.Invoked(s.tick(), client, ts, op.Encode())
}

func (s *story) proposed(view protocol.View, seq protocol.Seq, b *protocol.Batch) {
	s.event(protocol.Leader(view, s.servers), protocol.Event{Kind: protocol.Proposed, View: view, Seq: seq, Batch: b})
}

func (s *story) accepted(id protocol.ServerID, view protocol.View, seq protocol.Seq, b *protocol.Batch) {
	s.event(id, protocol.Event{Kind: protocol.Accepted, View: view, Seq: seq, Batch: b})
}

// stored says that the acceptance is on the server's disk.
func (s *story) stored(id protocol.ServerID, view protocol.View, seq protocol.Seq, b *protocol.Batch) {
	s.Durable(s.tick(), id, &protocol.Record{Kind: protocol.RecordAccepted, View: view, Seq: seq, Batch: b})
}

// promised says that the installation of the view is on the server's disk.
func (s *story) promised(id protocol.ServerID, view protocol.View) {
	s.Durable(s.tick(), id, &protocol.Record{Kind: protocol.RecordInstalled, View: view})
}

func (s *story) ordered(id protocol.ServerID, view protocol.View, seq protocol.Seq, b *protocol.Batch) {
	s.event(id, protocol.Event{Kind: protocol.Ordered, View: view, Seq: seq, Batch: b})
}

func (s *story) learned(id protocol.ServerID, seq protocol.Seq, b *protocol.Batch) {
	s.event(id, protocol.Event{Kind: protocol.Learned, Seq: seq, Batch: b})
}

func (s *story) applied(id protocol.ServerID, seq protocol.Seq, client protocol.ClientID, ts protocol.Timestamp) {
	s.event(id, protocol.Event{Kind: protocol.Applied, Seq: seq, Client: client, Timestamp: ts})
}

func (s *story) executed(id protocol.ServerID, seq protocol.Seq, b *protocol.Batch, state uint64) {
	s.event(id, protocol.Event{Kind: protocol.Executed, Seq: seq, Batch: b, Hash: state})
}

// settled is the life of a slot as it should be: proposed, accepted and stored by a
// majority, ordered by its leader.
func (s *story) settled(view protocol.View, seq protocol.Seq, b *protocol.Batch) {
	s.proposed(view, seq, b)
	leader := protocol.Leader(view, s.servers)
	for i := range s.servers/2 + 1 {
		id := (leader-1+protocol.ServerID(i))%protocol.ServerID(s.servers) + 1
		s.accepted(id, view, seq, b)
		s.stored(id, view, seq, b)
	}
	s.ordered(leader, view, seq, b)
}

// ran executes a settled slot as the log says.
func (s *story) ran(id protocol.ServerID, seq protocol.Seq) {
	s.executed(id, seq, s.Log.Batch(seq), s.Log.State(seq))
}

// batch binds operations of client 1, numbered from ts.
func batch(ts protocol.Timestamp, ops ...kv.Op) *protocol.Batch {
	var updates []protocol.Update
	for i, op := range ops {
		updates = append(updates, protocol.Update{Client: 1, Timestamp: ts + protocol.Timestamp(i), Op: op.Encode()})
	}
	return protocol.NewBatch(updates...)
}

// sentBatch is a batch of one that client 1 sent.
func (s *story) sentBatch(ts protocol.Timestamp, op kv.Op) *protocol.Batch {
	s.sent(1, ts, op)
	return batch(ts, op)
}

func TestTheFirstViolationStands(t *testing.T) {
	s := newStory(3)
	s.ordered(1, 1, 1, protocol.NewBatch())
	s.mustEnd(t, "S5")
	first := s.Violation()
	s.ordered(2, 1, 1, batch(1, get()))
	if s.Violation() != first {
		t.Errorf("%v took the place of %v", s.Violation(), first)
	}
	if got, want := first.String(), "S5 (durability) violated at 0.000000s: server 1 orders seq 1 in view 1"; !strings.HasPrefix(got, want) {
		t.Errorf("%q does not begin with %q", got, want)
	}
}
