package check

import (
	"testing"

	"github.com/fauer4effect/paxos/protocol"
	"github.com/fauer4effect/paxos/protocol/kv"
)

func (s *story) read(client protocol.ClientID, ts protocol.Timestamp, index protocol.Seq, res kv.Result) {
	s.Read(s.tick(), client, ts, index, res.Encode())
}

// Reads without a slot: each names the seq after which it looked.
func TestS8Read(t *testing.T) {
	missing := kv.Result{Status: kv.Missing}
	two := func(s *story) { // x is a after seq 1, b after seq 2
		s.Log.KeepValues()
		s.settled(1, 1, s.sentBatch(1, put("a")))
		s.settled(1, 2, s.sentBatch(2, put("b")))
	}
	hear(t, []tale{
		{"the value at the index", func(s *story) {
			two(s)
			for ts := protocol.Timestamp(1); ts <= 3; ts++ {
				s.sent(5, ts, get())
			}
			s.read(5, 1, 0, missing)
			s.read(5, 2, 1, value("a"))
			s.read(5, 3, 2, value("b"))
		}, "", nil},
		{"several reads in one, of what several writes in one left behind", func(s *story) {
			s.Log.KeepValues()
			s.settled(1, 1, s.sentBatch(1, kv.ManyOf(put("a"), appends("b"), kv.Op{Kind: kv.Put, Key: "l", Value: "long"})))
			s.sent(5, 1, kv.ManyOf(get(), kv.Op{Kind: kv.Strlen, Key: "l"}, kv.Op{Kind: kv.Get, Key: "none"}))
			s.read(5, 1, 1, kv.Result{Status: kv.Results, Value: "\x03\x02ab\x09\x03\x00\x00\x00\x00\x00\x00\x00\x04\x01\x04"})
		}, "", nil},
		{"one of several reads is of an earlier value", func(s *story) {
			two(s)
			s.sent(5, 1, kv.ManyOf(kv.Op{Kind: kv.Strlen, Key: "k"}, get()))
			s.read(5, 1, 2, kv.Result{Status: kv.Results, Value: "\x09\x03\x00\x00\x00\x00\x00\x00\x00\x01\x02\x02a"})
		}, "S8", []string{"client 5", "read 1", "seq 2"}},
		{"the value before the index", func(s *story) {
			two(s)
			s.sent(5, 1, get())
			s.read(5, 1, 2, value("a"))
		}, "S8", []string{"client 5", "read 1", "seq 2"}},
		{"a value of the future", func(s *story) {
			two(s)
			s.sent(5, 1, get())
			s.read(5, 1, 1, value("b"))
		}, "S8", []string{"seq 1"}},
		{"an index that nothing is ordered at", func(s *story) {
			two(s)
			s.sent(5, 1, get())
			s.read(5, 1, 3, value("b"))
		}, "S8", []string{"seq 3", "1 to 2"}},
		{"an index below what an update had been answered at", func(s *story) {
			two(s)
			s.replied(1, 2, done)
			s.sent(5, 1, get())
			s.read(5, 1, 1, value("a"))
		}, "S8", []string{"seq 1", "seq 2"}},
		{"an index below what a read had been answered at", func(s *story) {
			two(s)
			s.sent(5, 1, get())
			s.read(5, 1, 2, value("b"))
			s.sent(6, 1, get())
			s.read(6, 1, 1, value("a"))
		}, "S8", []string{"client 6", "seq 1", "seq 2"}},
		{"the very index that had been answered at", func(s *story) {
			two(s)
			s.replied(1, 2, done)
			s.sent(5, 1, get())
			s.read(5, 1, 2, value("b"))
		}, "", nil},
		{"reads that overlap may be answered in any order", func(s *story) {
			two(s)
			s.sent(5, 1, get())
			s.sent(6, 1, get())
			s.read(5, 1, 2, value("b"))
			s.read(6, 1, 1, value("a"))
		}, "", nil},
		{"an update in a slot that had been read", func(s *story) {
			two(s)
			s.sent(5, 1, get())
			s.read(5, 1, 2, value("b"))
			s.sent(1, 2, put("b"))
			s.replied(1, 2, done)
		}, "S8", []string{"client 1", "seq 2"}},
		{"an update that is answered as a read", func(s *story) {
			two(s)
			s.read(1, 1, 2, value("b"))
		}, "S8", []string{"client 1"}},
	})
}

func (s *story) confirmed(id protocol.ServerID, client protocol.ClientID, ts protocol.Timestamp, index protocol.Seq) {
	s.Event(s.tick(), id, &protocol.Event{Kind: protocol.ReadConfirmed, View: 4, Seq: index, Client: client, Timestamp: ts})
}

func (s *story) acked(id protocol.ServerID, view protocol.View, round protocol.Seq) {
	s.Departed(s.tick(), id, &protocol.Message{Kind: protocol.ReadAck, Server: id, View: view, Seq: round})
}

func (s *story) round(id protocol.ServerID, view protocol.View, round protocol.Seq, by ...protocol.ServerID) {
	servers := uint16(1) << id
	for _, other := range by {
		servers |= 1 << other
	}
	s.Event(s.tick(), id, &protocol.Event{Kind: protocol.RoundConfirmed, View: view, Seq: round, Servers: servers})
}

// A leader vouches for an index, and for a round, before anybody is answered.
func TestS8Confirmed(t *testing.T) {
	hear(t, []tale{
		{"an index below what was ordered, and not answered yet", func(s *story) {
			s.settled(1, 1, s.sentBatch(1, put("a")))
			s.settled(1, 2, s.sentBatch(2, put("b")))
			s.sent(5, 1, get())
			s.confirmed(1, 5, 1, 1)
		}, "S8", []string{"server 1", "view 4", "slot 1", "client 5", "seq 2"}},
		{"what was ordered when it was asked for, and more since", func(s *story) {
			s.settled(1, 1, s.sentBatch(1, put("a")))
			s.sent(5, 1, get())
			s.settled(1, 2, s.sentBatch(2, put("b")))
			s.confirmed(1, 5, 1, 1)
		}, "", nil},
		{"a round that a server has not acknowledged", func(s *story) {
			s.acked(2, 4, 7)
			s.round(1, 4, 8, 2)
		}, "S8", []string{"server 1", "round 8", "view 4", "server 2"}},
		{"the same number in another view", func(s *story) {
			s.acked(2, 3, 8)
			s.round(1, 4, 8, 2)
		}, "S8", []string{"round 8", "view 4"}},
		{"another server's acknowledgement", func(s *story) {
			s.acked(3, 4, 8)
			s.round(1, 4, 8, 2)
		}, "S8", []string{"server 2"}},
		{"an acknowledgement before a crash that forgot the view", func(s *story) {
			s.acked(2, 4, 8)
			s.acked(2, 3, 1)
			s.acked(2, 4, 2)
			s.round(1, 4, 8, 2)
		}, "", nil},
		{"nobody but the leader", func(s *story) {
			s.round(1, 4, 8)
		}, "", nil},
	})
}
