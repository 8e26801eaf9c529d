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
