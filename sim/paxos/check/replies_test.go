package check

import (
	"testing"

	"github.com/fauer4effect/paxos/protocol"
	"github.com/fauer4effect/paxos/protocol/kv"
)

func (s *story) replied(client protocol.ClientID, ts protocol.Timestamp, res kv.Result) {
	s.Replied(s.tick(), client, ts, res.Encode())
}

func TestS8Reply(t *testing.T) {
	hear(t, []tale{
		{"an answer to what was never ordered", func(s *story) {
			s.sent(1, 1, put("a"))
			s.replied(1, 1, done)
		}, "S8", []string{"client 1", "operation 1", "no position"}},
		{"an answer to what is ordered above a hole", func(s *story) {
			s.settled(1, 2, s.sentBatch(1, put("a")))
			s.replied(1, 1, done)
		}, "S8", []string{"client 1", "operation 1"}},
		{"an answer to what was superseded", func(s *story) {
			s.sent(1, 1, incr())
			s.settled(1, 1, s.sentBatch(2, incr()))
			s.settled(1, 2, batch(1, incr()))
			s.replied(1, 1, number(2))
		}, "S8", []string{"client 1", "operation 1"}},
		{"another result than the log gives", func(s *story) {
			s.settled(1, 1, s.sentBatch(1, incr()))
			s.settled(1, 2, s.sentBatch(2, incr()))
			s.replied(1, 1, number(2))
		}, "S8", []string{"client 1", "operation 1", "seq 1"}},
		{"the result of the second time", func(s *story) {
			s.settled(1, 1, s.sentBatch(1, incr()))
			s.settled(1, 2, batch(1, incr()))
			s.replied(1, 1, number(2))
		}, "S8", nil},
		{"a place that had been answered before the operation was sent", func(s *story) {
			// As a rule S2 is broken first, where the operation is ordered; here the client
			// forgets, and sends it for the first time once more.
			b := s.sentBatch(1, put("a"))
			s.sent(2, 1, get())
			s.settled(1, 1, b)
			s.settled(1, 2, protocol.NewBatch(protocol.Update{Client: 2, Timestamp: 1, Op: get().Encode()}))
			s.replied(1, 1, done)
			s.replied(2, 1, value("a"))
			s.sent(1, 1, put("a"))
			s.replied(1, 1, done)
		}, "S8", []string{"client 1", "operation 1", "seq 1", "seq 2"}},
		{"the very place that had been answered", func(s *story) {
			s.settled(1, 1, s.sentBatch(1, put("a")))
			s.replied(1, 1, done)
			s.sent(1, 1, put("a"))
			s.replied(1, 1, done)
		}, "S8", []string{"client 1", "operation 1", "seq 1"}},
		{"the answer, as often as it comes", func(s *story) {
			s.settled(1, 1, s.sentBatch(1, incr()))
			s.replied(1, 1, number(1))
			s.settled(1, 2, s.sentBatch(2, incr()))
			s.replied(1, 2, number(2))
			s.replied(1, 2, number(2))
		}, "", nil},
		{"operations that overlap may be answered in any order", func(s *story) {
			s.sent(2, 1, get())
			s.settled(1, 1, s.sentBatch(1, put("a")))
			s.settled(1, 2, protocol.NewBatch(protocol.Update{Client: 2, Timestamp: 1, Op: get().Encode()}))
			s.replied(2, 1, value("a"))
			s.replied(1, 1, done)
		}, "", nil},
		{"an operation sent after an answer, in the very next slot", func(s *story) {
			s.settled(1, 1, s.sentBatch(1, put("a")))
			s.replied(1, 1, done)
			s.sent(2, 1, get())
			s.settled(1, 2, protocol.NewBatch(protocol.Update{Client: 2, Timestamp: 1, Op: get().Encode()}))
			s.replied(2, 1, value("a"))
		}, "", nil},
	})
}
