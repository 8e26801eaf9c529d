package check

import (
	"testing"

	"github.com/fauer4effect/paxos/protocol"
)

func (s *story) departs(id protocol.ServerID, m protocol.Message) {
	m.Server = id
	s.Departed(s.tick(), id, &m)
}

// answers sends a PrepareOK of view 5 for the slots above 0.
func (s *story) answers(id protocol.ServerID, entries ...protocol.Entry) {
	list := protocol.DataList(entries)
	s.departs(id, protocol.Message{Kind: protocol.PrepareOK, View: 5, Seq: 0, ARU: protocol.Infinity, List: &list})
}

// What leaves a server says no more and no less than its disk, both ways (S5, S6).
func TestDepartures(t *testing.T) {
	b, other := batch(1, get()), batch(2, get())
	// Server 2 holds b for slot 1 as of view 1 on its disk, and has promised view 5, whose leader is server 2.
	begin := func(s *story) {
		s.sent(1, 1, get())
		s.sent(1, 2, get())
		s.proposed(1, 1, b)
		s.accepted(2, 1, 1, b)
		s.stored(2, 1, 1, b)
		s.promised(2, 5)
	}
	with := func(tell func(*story)) func(*story) { return func(s *story) { begin(s); tell(s) } }
	entry := func(view protocol.View, b *protocol.Batch) protocol.Entry {
		return protocol.Entry{Seq: 1, View: view, Batch: b}
	}
	executed := func(s *story) { // slot 1, by server 1 alone
		s.accepted(1, 1, 1, b)
		s.stored(1, 1, 1, b)
		s.ordered(1, 1, 1, b)
		s.ran(1, 1)
	}
	hear(t, []tale{
		{"an answer that says what the disk holds", with(func(s *story) { s.answers(2, entry(1, b)) }), "", nil},
		{"one that keeps it back", with(func(s *story) { s.answers(2) }), "S5", []string{"server 2", "without seq 1", "view 1"}},
		{"one of an older view than the disk has", func(s *story) {
			s.proposed(3, 1, b)
			s.accepted(2, 3, 1, b)
			s.stored(2, 3, 1, b)
			begin(s)
			s.answers(2, entry(1, b))
		}, "S5", []string{"server 2", "as of view 1", "as of view 3"}},
		{"one of a later view than the disk has", with(func(s *story) { s.answers(2, entry(3, b)) }), "S5", []string{"server 2", "as of view 3", "as of view 1 it does"}},
		{"one with another batch", with(func(s *story) { s.answers(2, entry(1, other)) }), "S5", []string{"server 2", "view 1"}},
		{"one with what the asking leader has proposed since", with(func(s *story) {
			s.proposed(5, 1, b)
			s.answers(2, entry(5, b))
		}), "", nil},
		{"one with what that leader has not proposed", with(func(s *story) { s.answers(2, entry(5, b)) }), "S5", []string{"as of view 5"}},
		{"one that calls a slot ordered", with(func(s *story) {
			executed(s)
			s.answers(2, protocol.Entry{Seq: 1, Ordered: true, Batch: b})
		}), "", nil},
		{"one that calls ordered what is not", with(func(s *story) {
			s.answers(2, protocol.Entry{Seq: 1, Ordered: true, Batch: b})
		}), "S5", []string{"server 2", "ordered at seq 1"}},
		{"an answer before the promise is durable", with(func(s *story) {
			list := protocol.DataList{entry(1, b)}
			s.departs(2, protocol.Message{Kind: protocol.PrepareOK, View: 6, ARU: protocol.Infinity, List: &list})
		}), "S6", []string{"server 2", "view 5 only"}},
		{"catching up with what is ordered", with(func(s *story) {
			executed(s)
			list := protocol.DataList{{Seq: 1, Ordered: true, Batch: b}}
			s.departs(1, protocol.Message{Kind: protocol.CatchUpReply, ARU: 1, List: &list})
		}), "", nil},
		{"catching up with another batch", with(func(s *story) {
			executed(s)
			list := protocol.DataList{{Seq: 1, Ordered: true, Batch: other}}
			s.departs(1, protocol.Message{Kind: protocol.CatchUpReply, ARU: 1, List: &list})
		}), "S5", []string{"server 1", "CatchUpReply", "seq 1"}},
		{"a heartbeat that says how far it is", with(func(s *story) {
			executed(s)
			s.departs(1, protocol.Message{Kind: protocol.VCProof, View: 1, ARU: 1})
		}), "", nil},
		{"a heartbeat that says more", with(func(s *story) {
			executed(s)
			s.departs(1, protocol.Message{Kind: protocol.VCProof, View: 1, ARU: 2})
		}), "S5", []string{"server 1", "executed 1…1"}},
		{"a Prepare that says more", with(func(s *story) {
			s.departs(2, protocol.Message{Kind: protocol.Prepare, View: 5, ARU: 1})
		}), "S5", []string{"server 2", "executed 1…0"}},
		{"a Prepare before the promise is durable", with(func(s *story) {
			s.departs(2, protocol.Message{Kind: protocol.Prepare, View: 8})
		}), "S6", []string{"server 2", "view 5 only"}},
		{"an Accept of what is on the disk", with(func(s *story) { s.departs(2, protocol.Message{Kind: protocol.Accept, View: 1, Seq: 1}) }), "", nil},
		{"an Accept of what is not", with(func(s *story) { s.departs(3, protocol.Message{Kind: protocol.Accept, View: 1, Seq: 1}) }), "S5", []string{"server 3"}},
		{"a Proposal before its record", with(func(s *story) { s.departs(1, protocol.Message{Kind: protocol.Proposal, View: 1, Seq: 1, Batch: b}) }), "S5", []string{"server 1"}},
		{"an overlapped one", with(func(s *story) {
			s.Departures.Overlap = true
			s.departs(1, protocol.Message{Kind: protocol.Proposal, View: 1, Seq: 1, Batch: b})
		}), "", nil},
		{"a server without the roster of a formed cluster", with(func(s *story) {
			s.Departures.Formation = true
			s.departs(2, protocol.Message{Kind: protocol.VCProof, View: 1})
		}), "S6", []string{"server 2", "roster"}},
		{"a server that claims to have formed", with(func(s *story) {
			s.Departures.Formation = true
			s.departs(2, protocol.Message{Kind: protocol.Formation, Roster: &protocol.Roster{Formed: true}})
		}), "S6", []string{"server 2", "roster"}},
		{"one that has", with(func(s *story) {
			s.Departures.Formation = true
			s.Durable(s.tick(), 2, &protocol.Record{Kind: protocol.RecordFormed})
			s.departs(2, protocol.Message{Kind: protocol.Formation, Roster: &protocol.Roster{Formed: true}})
		}), "", nil},
	})
}

// Whoever is told that its session is expired is told for good: what had not taken effect by then never may (S8).
func TestWhatWasRefusedNeverTakesEffect(t *testing.T) {
	opening := func(s *story) {
		s.Log.Limit = 4
		s.Invoked(s.tick(), 1, 1, []byte{})
		s.settled(1, 1, protocol.NewBatch(protocol.Update{Kind: protocol.OpenSession, Client: 1, Timestamp: 1}))
		s.sent(1, 2, get())
	}
	update := protocol.NewBatch(protocol.Update{Client: 1, Timestamp: 2, Session: 1, Op: get().Encode()})
	hear(t, []tale{
		{"told before it takes effect", func(s *story) {
			opening(s)
			s.Expired(s.tick(), 1, 2)
			s.settled(1, 2, update)
			s.applied(1, 2, 1, 2)
		}, "S8", []string{"server 1", "client 1", "update 2", "seq 2"}},
		{"told after it took effect", func(s *story) {
			opening(s)
			s.settled(1, 2, update)
			s.Expired(s.tick(), 1, 2)
			s.applied(1, 2, 1, 2)
		}, "", nil},
	})
}
