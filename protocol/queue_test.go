package protocol

import "testing"

// A queue that is never empty does not grow for ever.
func TestQueueOfABusyLeaderStaysShort(t *testing.T) {
	s, err := New(Config{ID: 1, Servers: 1, Settings: Settings{BatchBytes: 1}}, 0, &ledger{}, Stable{})
	if err != nil {
		t.Fatal(err)
	}
	update := func(ts Timestamp) *Batch { return NewBatch(Update{Client: 1, Timestamp: ts}) }
	s.enqueue(s.session(1), update(1))
	for ts := Timestamp(2); ts < 100_000; ts++ {
		s.enqueue(s.session(1), update(ts))
		if b := s.dequeue(); b == nil || b.Updates[0].Timestamp != ts-1 {
			t.Fatalf("after update %d comes %v", ts-2, b)
		}
	}
	if len(s.queue) > 64 || cap(s.queue) > 64 {
		t.Errorf("one update waits in a queue of %d, room for %d", len(s.queue), cap(s.queue))
	}
}
