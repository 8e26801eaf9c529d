package protocol

import (
	"fmt"
	"testing"
)

// newWith1 is a cluster of the given settings in which server 1 leads view 1.
func newWith1(t fataler, n int, cfg Settings) *cluster {
	t.Helper()
	c := newClusterAt(t, n, 0, cfg)
	c.wake()
	c.settle()
	if s := c.servers[1]; s.state != RegLeader || s.lastInstalled != 1 {
		t.Fatalf("server 1 does not lead view 1: %v", s)
	}
	return c
}

// X14: while the window is full updates queue, and the next slot binds all that fit, in the
// order in which they came.
func TestASlotBindsWhatIsQueued(t *testing.T) {
	for _, tt := range []struct {
		limit int
		slots Seq // for the first update and nine that wait for it
	}{
		{1, 10},
		{3 * (batchHeader + 16 + 1), 4},
		{3*(batchHeader+16+1) - 1, 6},
		{4096, 2},
	} {
		c := newWith1(t, 3, Settings{WindowSlots: 1, BatchBytes: tt.limit})
		c.disks[1].held = true
		for client := ClientID(1); client <= 10; client++ {
			c.request(1, client, 1, fmt.Sprint(client%10))
		}
		c.disks[1].held = false
		c.sync(1)
		c.settle()
		c.mustAllHave(tt.slots)
		c.mustReply(1, "1 1", "2 2", "3 3", "4 4", "5 5", "6 6", "7 7", "8 8", "9 9", "10 0")
	}
}

// An update that was executed while it waited is left out, and the others are bound.
func TestABatchLeavesOutWhatIsExecuted(t *testing.T) {
	c := newWith1(t, 1, Settings{WindowSlots: 1})
	s := c.servers[1]
	for client := ClientID(1); client <= 3; client++ {
		s.enqueue(s.session(client), NewBatch(Update{Client: client, Timestamp: 1}))
	}
	s.session(2).lastExecuted = 1
	if b := s.dequeue(); len(b.Updates) != 2 || b.Updates[0].Client != 1 || b.Updates[1].Client != 3 || s.dequeue() != nil {
		t.Errorf("bound is %v", b.Updates)
	}
}

// A batch has one hash, whether it was joined from batches of one or made as a whole.
func TestAJoinedBatchHasTheHashOfItsContent(t *testing.T) {
	for n := 2; n < 5; n++ {
		var ones []*Batch
		for ts := range n {
			ones = append(ones, one(Timestamp(ts)))
		}
		if b := joined(ones); b.Hash() != b.Rehash() || b.Hash() != NewBatch(b.Updates...).Hash() || b.Hash() == ones[0].Hash() {
			t.Errorf("%d updates: %x, and %x from the content", n, b.Hash(), b.Rehash())
		}
	}
}

// A server whose queue is full says so to the client, at once and each time. It takes what other
// servers let in, and goes on serving.
func TestAFullServerIsBusy(t *testing.T) {
	c := newWith1(t, 3, Settings{QueueLimit: 2, WindowSlots: 1})
	c.disks[1].held = true
	for client := ClientID(1); client <= 3; client++ {
		c.request(1, client, 1, "a")
	}
	c.request(1, 3, 1, "a")
	if len(c.replies) != 2 || c.replies[0].Status != ReplyBusy || c.replies[1].Client != 3 {
		t.Fatalf("replies %+v", c.replies)
	}
	c.request(2, 4, 1, "b") // its copy reaches the leader
	for len(c.wire) > 0 {
		for _, l := range c.take() {
			c.receive(l.to, l.Message)
		}
	}
	if s := c.servers[1]; s.pendings != 3 || s.dropped(queueFull) != 2 {
		t.Fatalf("%d pending, %d refused: %v", s.pendings, s.dropped(queueFull), s)
	}
	c.disks[1].held, c.replies = false, nil
	c.sync(1)
	c.settle()
	c.mustAllHave(2)
	if c.request(1, 3, 1, "a"); len(c.replies) != 3 {
		t.Fatalf("replies %+v", c.replies)
	}
	c.settle()
	if last := c.replies[len(c.replies)-1]; last.Client != 3 || last.Status != ReplyOK || string(last.Result) != "4 a" {
		t.Errorf("then client 3 gets %+v", last)
	}
}

// X16: the Proposal leaves before its record is durable, and counts for nobody. The leader's
// Accept follows the record, and is what makes up a majority with a follower's own.
func TestOverlappedWrite(t *testing.T) {
	c := newWith1(t, 3, Settings{Overlap: true})
	c.disks[1].held = true
	c.request(1, 1, 1, "a")
	sent := c.take()
	if len(sent) != 2 || sent[0].Kind != Proposal {
		t.Fatalf("before the sync the leader sends %v", sent)
	}
	c.receive(2, sent[0].Message)
	if s := c.servers[2]; s.localARU != 0 {
		t.Fatalf("a follower counts the Proposal as an acceptance: %v", s)
	}
	for _, l := range c.take() {
		if l.to == 1 {
			c.receive(1, l.Message)
		}
	}
	if s := c.servers[1]; s.localARU != 0 {
		t.Fatalf("the leader counts what a crash can take: %v", s)
	}
	c.disks[1].held = false
	c.sync(1)
	c.settle()
	for _, id := range []int{1, 2} {
		if s := c.servers[id]; s.localARU != 1 {
			t.Errorf("after the sync: %v", s)
		}
	}
	c.servers[1].sendProposal(c.servers[1].history.at(9), &c.out) // as X5 repeats it
	kinds := c.out.Messages[len(c.out.Messages)-2:]
	if kinds[0].Message.Kind != Proposal || kinds[1].Message.Kind != Accept {
		t.Errorf("repeated are %v", kinds)
	}
}

// X16 is fixed when a cluster forms. Servers that differ in it do not form one, and say so. A
// formed one is not started with the other setting.
func TestAFormatIsFixed(t *testing.T) {
	c := newFresh(t, 3)
	c.cfg.Overlap = true
	c.start(3)
	c.wait(10 * ms)
	for id := 1; id <= 3; id++ {
		if s := c.servers[id]; !s.forming() || s.dropped(otherFormat) == 0 {
			t.Errorf("server %d among servers of two formats: %v", id, s)
		}
	}
	if c.happened(3, Refused) == "" || c.happened(1, Refused) == "" {
		t.Error("nobody says why no cluster forms")
	}

	c = newFormed(t, 3)
	_, err := New(Config{ID: 2, Servers: 3, Store: c.stores[2], Settings: Settings{Overlap: true}}, 0, &ledger{}, Stable{c.disks[2].records})
	if err == nil {
		t.Error("a server of a formed cluster starts with another format")
	}
}
