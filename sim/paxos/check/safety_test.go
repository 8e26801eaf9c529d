package check

import (
	"testing"

	"github.com/fauer4effect/paxos/protocol"
)

// In each file here a trace breaks a property by a hair, and another one keeps it by a hair.

func TestS1Agreement(t *testing.T) {
	hear(t, []tale{
		{"two servers order two batches at one seq", func(s *story) {
			s.settled(1, 1, s.sentBatch(1, put("a")))
			s.ordered(2, 2, 1, s.sentBatch(2, put("b")))
		}, "S1", []string{"server 2", "seq 1", "view 2", "server 1", "view 1", "update 1", "update 2"}},
		{"a server is told of another batch", func(s *story) {
			s.settled(1, 1, s.sentBatch(1, put("a")))
			s.learned(3, 1, s.sentBatch(2, put("b")))
		}, "S1", []string{"server 3", "seq 1"}},
		{"a server executes another batch than was ordered", func(s *story) {
			s.settled(1, 1, s.sentBatch(1, put("a")))
			s.executed(2, 1, s.sentBatch(2, put("b")), s.Log.State(1))
		}, "S1", []string{"server 2", "seq 1", "update 1", "update 2"}},
		{"a no-op is not an empty update", func(s *story) {
			s.settled(1, 1, protocol.NewBatch())
			s.ordered(2, 2, 1, s.sentBatch(1, put("")))
		}, "S1", nil},
		{"the same batch in another view, from another copy, and told", func(s *story) {
			s.settled(1, 1, s.sentBatch(1, put("a")))
			s.ordered(2, 2, 1, batch(1, put("a")))
			s.learned(3, 1, batch(1, put("a")))
		}, "", nil},
		{"two batches at two seqs", func(s *story) {
			s.settled(1, 1, s.sentBatch(1, put("a")))
			s.settled(1, 2, s.sentBatch(2, put("b")))
		}, "", nil},
	})
}

func TestS2Validity(t *testing.T) {
	hear(t, []tale{
		{"nobody sent it", func(s *story) {
			s.settled(1, 1, batch(1, put("a")))
		}, "S2", []string{"server 1", "seq 1", "view 1", "client 1", "update 1"}},
		{"the client sent another operation", func(s *story) {
			s.sent(1, 1, put("a"))
			s.settled(1, 1, batch(1, put("b")))
		}, "S2", []string{"client 1", "update 1"}},
		{"another client sent it", func(s *story) {
			s.sent(2, 1, put("a"))
			s.settled(1, 1, batch(1, put("a")))
		}, "S2", nil},
		{"the client sent it under another number", func(s *story) {
			s.sent(1, 2, put("a"))
			s.settled(1, 1, batch(1, put("a")))
		}, "S2", nil},
		{"the second update of a batch", func(s *story) {
			s.sent(1, 1, put("a"))
			s.settled(1, 1, batch(1, put("a"), put("b")))
		}, "S2", []string{"update 2"}},
		{"what was sent, and a no-op", func(s *story) {
			s.settled(1, 1, s.sentBatch(1, put("a")))
			s.settled(1, 2, protocol.NewBatch())
		}, "", nil},
	})
}

// X26: the table of sessions is bounded, by the leader that binds what would outgrow it.
func TestS2Sessions(t *testing.T) {
	table := func(s *story) (opening func(protocol.ClientID) *protocol.Batch) {
		s.Log.Limit, s.Log.Window = 1, 4
		return func(client protocol.ClientID) *protocol.Batch {
			s.Invoked(s.tick(), client, 1, []byte{})
			return protocol.NewBatch(protocol.Update{Client: client, Kind: protocol.OpenSession, Timestamp: 1})
		}
	}
	apart := func(s *story) { // two leaders open a session each
		opening := table(s)
		second := opening(2)
		s.proposed(1, 2, second)
		s.settled(2, 1, opening(1))
		s.settled(2, 2, second)
	}
	hear(t, []tale{
		{"two openings, and room for one", func(s *story) {
			opening := table(s)
			s.settled(1, 1, opening(1))
			s.settled(1, 2, opening(2))
		}, "S2", []string{"server 1", "seq 2", "2 sessions", "1 are the limit"}},
		{"two leaders that did not know of each other's", apart, "", nil},
		{"two such leaders, and a window of a third's behind it", func(s *story) {
			apart(s)
			for seq := protocol.Seq(3); seq < 12; seq++ {
				s.settled(3, seq, protocol.NewBatch())
			}
		}, "", nil},
		{"forgotten slots in the window before it", func(s *story) {
			opening := table(s)
			s.Endless = true
			for seq := protocol.Seq(1); seq <= 64; seq++ {
				s.settled(1, seq, protocol.NewBatch())
			}
			for id := protocol.ServerID(1); id <= 3; id++ {
				s.Durable(s.tick(), id, &protocol.Record{Kind: protocol.RecordSnapshot, Seq: 64})
			}
			s.settled(1, 65, opening(1))
			s.settled(1, 66, opening(2))
		}, "", nil},
		{"a copy of an opening that was sent so long ago that nobody knows", func(s *story) {
			opening := table(s)
			s.Log.Limit, s.Endless = 8, true
			first := opening(1)
			s.settled(1, 1, first)
			for ts := protocol.Timestamp(2); ts <= keptTimestamps+2*pageSize; ts++ {
				u := protocol.Update{Client: 1, Timestamp: ts, Session: 1, Op: put("x").Encode()}
				s.Invoked(s.tick(), 1, ts, u.Op)
				s.settled(1, protocol.Seq(ts), protocol.NewBatch(u))
			}
			last := s.Log.ARU()
			for id := protocol.ServerID(1); id <= 3; id++ {
				s.Durable(s.tick(), id, &protocol.Record{Kind: protocol.RecordSnapshot, Seq: last})
			}
			if s.Log.Forgotten() == 0 {
				panic("nothing is forgotten")
			}
			s.settled(1, last+1, protocol.NewBatch(protocol.Update{Kind: protocol.ExpireSessions, Op: []byte{0, 0, 1, 1, byte(last&0x7f | 0x80), byte(last >> 7)}}))
			s.settled(1, last+2, first)
			s.Wiped(s.tick(), 2)
			s.Recovered(s.tick(), 2, 0, 0)
			s.executed(2, 1, first, 0)
		}, "", nil},
		{"an expiry with the second", func(s *story) {
			opening := table(s)
			s.settled(1, 1, opening(1))
			second := opening(2)
			s.settled(1, 2, protocol.NewBatch(second.Updates[0], protocol.Update{Kind: protocol.ExpireSessions, Op: []byte{1, 8}}))
		}, "", nil},
	})
}

func TestS3Order(t *testing.T) {
	two := func(s *story) (first, second *protocol.Batch) {
		first, second = s.sentBatch(1, put("a")), s.sentBatch(2, put("b"))
		s.settled(1, 1, first)
		s.settled(1, 2, second)
		return first, second
	}
	hear(t, []tale{
		{"a gap", func(s *story) {
			two(s)
			s.ran(2, 2)
		}, "S3", []string{"server 2", "seq 2", "1 is next"}},
		{"a repeat", func(s *story) {
			two(s)
			s.ran(2, 1)
			s.ran(2, 1)
		}, "S3", []string{"server 2", "seq 1", "2 is next"}},
		{"a slot that nobody ordered", func(s *story) {
			s.executed(2, 1, s.sentBatch(1, put("a")), 0)
		}, "S3", []string{"server 2", "seq 1"}},
		{"another state than the log gives", func(s *story) {
			first, _ := two(s)
			s.executed(2, 1, first, s.Log.State(2))
		}, "S3", []string{"server 2", "seq 1"}},
		{"a recovery beyond the log", func(s *story) {
			two(s)
			s.Recovered(s.tick(), 2, 3, s.Log.State(2))
		}, "S3", []string{"server 2", "seq 3", "1…2"}},
		{"a recovery to the state of another seq", func(s *story) {
			two(s)
			s.Recovered(s.tick(), 2, 1, s.Log.State(2))
		}, "S3", []string{"server 2", "seq 1"}},
		{"a repeat of what the recovery had executed", func(s *story) {
			two(s)
			s.Recovered(s.tick(), 2, 1, s.Log.State(1))
			s.ran(2, 1)
		}, "S3", []string{"server 2", "2 is next"}},
		{"each server at its own pace", func(s *story) {
			two(s)
			s.ran(1, 1)
			s.ran(2, 1)
			s.ran(1, 2)
			s.ran(2, 2)
		}, "", nil},
		{"a life that lost its lazy records executes them again", func(s *story) {
			two(s)
			s.ran(2, 1)
			s.ran(2, 2)
			s.Recovered(s.tick(), 2, 0, s.Log.State(0))
			s.ran(2, 1)
			s.ran(2, 2)
		}, "", nil},
	})
}

func TestS4AtMostOnce(t *testing.T) {
	hear(t, []tale{
		{"an update ordered twice is applied at its second place", func(s *story) {
			s.settled(1, 1, s.sentBatch(1, incr()))
			s.settled(1, 2, batch(1, incr()))
			s.applied(2, 2, 1, 1)
		}, "S4", []string{"server 2", "client 1", "update 1", "seq 2", "at seq 1"}},
		{"an update that a later one has superseded", func(s *story) {
			s.sent(1, 1, incr())
			s.settled(1, 1, s.sentBatch(2, incr()))
			s.settled(1, 2, batch(1, incr()))
			s.applied(3, 2, 1, 1)
		}, "S4", []string{"server 3", "client 1", "update 1", "seq 2"}},
		{"an update repeated within a batch of its own", func(s *story) {
			s.sent(1, 1, incr())
			s.settled(1, 1, batch(1, incr()))
			s.settled(1, 2, protocol.NewBatch())
			s.applied(1, 2, 1, 1)
		}, "S4", []string{"server 1", "seq 2"}},
		{"both places are reached, and applied at the first only", func(s *story) {
			s.settled(1, 1, s.sentBatch(1, incr()))
			s.settled(1, 2, batch(1, incr()))
			for id := protocol.ServerID(1); id <= 3; id++ {
				s.applied(id, 1, 1, 1)
				s.ran(id, 1)
				s.event(id, protocol.Event{Kind: protocol.Filtered, Seq: 2, Client: 1, Timestamp: 1})
				s.ran(id, 2)
			}
		}, "", nil},
		{"timestamps may have gaps", func(s *story) {
			s.settled(1, 1, s.sentBatch(3, incr()))
			s.settled(1, 2, s.sentBatch(9, incr()))
			s.applied(1, 1, 1, 3)
			s.applied(1, 2, 1, 9)
		}, "", nil},
	})
}

func TestS5Durability(t *testing.T) {
	hear(t, []tale{
		{"one disk of three is no majority", func(s *story) {
			b := s.sentBatch(1, put("a"))
			s.proposed(2, 1, b)
			s.stored(3, 2, 1, b)
			s.ordered(2, 2, 1, b)
		}, "S5", []string{"server 2", "seq 1", "view 2", "servers [3]"}},
		{"the second disk holds the acceptance of another view", func(s *story) {
			b := s.sentBatch(1, put("a"))
			s.stored(1, 1, 1, b)
			s.stored(2, 2, 1, b)
			s.ordered(2, 2, 1, b)
		}, "S5", []string{"view 2", "servers [2]"}},
		{"the second disk holds the acceptance of another seq", func(s *story) {
			b := s.sentBatch(1, put("a"))
			s.stored(1, 1, 1, b)
			s.stored(2, 1, 2, b)
			s.ordered(1, 1, 1, b)
		}, "S5", []string{"servers [1]"}},
		{"one disk told twice is still one", func(s *story) {
			b := s.sentBatch(1, put("a"))
			s.stored(1, 1, 1, b)
			s.stored(1, 1, 1, b)
			s.ordered(1, 1, 1, b)
		}, "S5", nil},
		{"a server is told of an order that nobody made", func(s *story) {
			s.learned(3, 1, s.sentBatch(1, put("a")))
		}, "S5", []string{"server 3", "seq 1", "nobody ordered"}},
		{"two disks of three, and not the one of the server that orders", func(s *story) {
			b := s.sentBatch(1, put("a"))
			s.stored(2, 1, 1, b)
			s.stored(3, 1, 1, b)
			s.ordered(1, 1, 1, b)
		}, "", nil},
	})
	for servers, majority := range []int{1: 1, 2, 2, 3, 3, 4, 4, 5, 5} {
		if servers == 0 {
			continue
		}
		for _, disks := range []int{majority - 1, majority} {
			s := newStory(servers)
			b := s.sentBatch(1, put("a"))
			for id := 1; id <= disks; id++ {
				s.stored(protocol.ServerID(id), 1, 1, b)
			}
			s.ordered(1, 1, 1, b)
			if broken := s.Violation() != nil; broken != (disks < majority) {
				t.Errorf("%d disks of %d: %v", disks, servers, s.Violation())
			}
		}
	}
}

func TestS6Promise(t *testing.T) {
	hear(t, []tale{
		{"a lower view, after the promise is durable", func(s *story) {
			b := s.sentBatch(1, put("a"))
			s.proposed(1, 7, b)
			s.promised(3, 2)
			s.accepted(3, 1, 7, b)
		}, "S6", []string{"server 3", "seq 7", "view 1", "view 2"}},
		{"the promise of a former life binds too", func(s *story) {
			b := s.sentBatch(1, put("a"))
			s.proposed(1, 1, b)
			s.promised(3, 2)
			s.Recovered(s.tick(), 3, 0, s.Log.State(0))
			s.accepted(3, 1, 1, b)
		}, "S6", []string{"server 3"}},
		{"a lower promise takes none back", func(s *story) {
			b := s.sentBatch(1, put("a"))
			s.proposed(2, 1, b)
			s.promised(3, 3)
			s.promised(3, 1)
			s.accepted(3, 2, 1, b)
		}, "S6", []string{"view 2", "view 3"}},
		{"the view of the promise itself", func(s *story) {
			b := s.sentBatch(1, put("a"))
			s.proposed(2, 1, b)
			s.promised(3, 2)
			s.accepted(3, 2, 1, b)
		}, "", nil},
		{"a promise that is not yet durable, and another server's", func(s *story) {
			b := s.sentBatch(1, put("a"))
			s.proposed(1, 1, b)
			s.promised(2, 2)
			s.event(3, protocol.Event{Kind: protocol.Installed, View: 2})
			s.accepted(3, 1, 1, b)
		}, "", nil},
	})
}

func TestS7OneProposal(t *testing.T) {
	hear(t, []tale{
		{"another batch for the same (view, seq)", func(s *story) {
			s.proposed(1, 4, s.sentBatch(1, put("a")))
			s.proposed(1, 4, s.sentBatch(2, put("b")))
		}, "S7", []string{"server 1", "seq 4", "view 1", "update 2"}},
		{"the same, in the fourth view of a slot", func(s *story) {
			b := s.sentBatch(1, put("a"))
			for view := protocol.View(1); view <= 4; view++ {
				s.proposed(view, 4, b)
			}
			s.proposed(4, 4, protocol.NewBatch())
		}, "S7", []string{"server 1", "seq 4", "view 4", "no-op"}},
		{"a server accepts what was not proposed", func(s *story) {
			s.accepted(2, 1, 4, s.sentBatch(1, put("a")))
		}, "S7", []string{"server 2", "seq 4", "view 1"}},
		{"a server accepts what another view proposed", func(s *story) {
			b := s.sentBatch(1, put("a"))
			s.proposed(1, 4, b)
			s.accepted(3, 2, 4, b)
		}, "S7", []string{"server 3", "seq 4", "view 2"}},
		{"a server accepts another batch than the one proposed", func(s *story) {
			s.proposed(1, 4, s.sentBatch(1, put("a")))
			s.accepted(2, 1, 4, s.sentBatch(2, put("b")))
		}, "S7", []string{"server 2", "update 2"}},
		{"the same batch again, and accepted by all", func(s *story) {
			b := s.sentBatch(1, put("a"))
			s.proposed(1, 4, b)
			s.proposed(1, 4, batch(1, put("a")))
			s.accepted(1, 1, 4, b)
			s.accepted(2, 1, 4, b)
		}, "", nil},
		{"another batch in another view, and at another seq", func(s *story) {
			s.proposed(1, 4, s.sentBatch(1, put("a")))
			s.proposed(2, 4, s.sentBatch(2, put("b")))
			s.proposed(1, 5, batch(2, put("b")))
		}, "", nil},
	})
}
