package protocol

import (
	"fmt"
	"testing"
)

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

// Clients that give up while the window is full leave updates behind that nobody wants. The queue holds at
// most twice as many as may be pending; those that are wanted stay, in their order.
func TestQueueHoldsWhatIsWanted(t *testing.T) {
	set := Settings{QueueLimit: 2, WindowSlots: 1, BatchBytes: 1, Overlap: true}.WithDefaults()
	s, err := New(Config{ID: 1, Servers: 3, Settings: set}, 0, &ledger{}, Stable{})
	if err != nil {
		t.Fatal(err)
	}
	var out Output
	s.Receive(0, &Message{Kind: ViewChange, Server: 2, View: 1}, &out)
	s.Step(0, Input{Kind: Timer}, &out)
	s.state, s.lastInstalled, s.lastAttempted = RegLeader, 1, 1 // whatever it took to get there
	most := 0
	for ts := Timestamp(1); ts <= 200; ts++ {
		for client := ClientID(1); client <= 6; client++ {
			s.Receive(0, &Message{Kind: ClientUpdate, Server: 2, Batch: BatchOf(Update{Client: client, Server: 2, Timestamp: ts})}, &out)
			h := s.Held()
			most = max(most, h.Queued)
			if what := h.Exceeds(3, set); what != "" {
				t.Fatalf("too many %s: %+v", what, h)
			}
		}
	}
	if most != queueRoom(3, set)-1 && most != queueRoom(3, set) {
		t.Errorf("at most %d were queued: the bound of %d is never reached", most, queueRoom(3, set))
	}
	order := ""
	for b := s.dequeue(); b != nil; b = s.dequeue() {
		order += fmt.Sprintf("%d:%d ", b.Updates[0].Client, b.Updates[0].Timestamp)
	}
	if want := "1:200 2:200 3:200 4:200 5:200 6:200 "; order != want {
		t.Errorf("it binds %swant %s", order, want)
	}
}
