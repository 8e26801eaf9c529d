package protocol

import (
	"testing"
)

// Server 3 is asked, the leader orders, all execute, and server 3 answers.
func TestAnUpdateIsExecutedEverywhere(t *testing.T) {
	for n := 3; n <= MaxServers; n++ {
		c := newView1(t, n)
		c.request(3, 1, 1, "hello")
		c.settle()
		c.mustAllHave(1)
		c.mustReply(3, "1 hello")
		c.request(3, 1, 5, "again") // gaps in a session's numbers are legal
		c.settle()
		c.mustAllHave(2)
		c.mustReply(3, "1 hello", "2 again")
	}
}

// X6, X25: one's own acceptance counts once its record is durable, and not before. A
// cluster of one shows it best.
func TestOnesOwnAcceptanceCountsWhenDurable(t *testing.T) {
	c := newView1(t, 1)
	c.disks[1].held = true
	c.request(1, 1, 1, "a")
	if got := c.happened(1, Proposed, Ordered); got != "proposed 1/1 client 1's update 1" {
		t.Fatalf("before the sync server 1 saw\n%s", got)
	}
	c.sync(1)
	c.mustAllHave(1)
	c.mustReply(1, "1 a")
}

// The leader's Proposal is its acceptance, since it waited for the record; a follower's own
// makes it a majority of three.
func TestAFollowerOrders(t *testing.T) {
	c := newView1(t, 3)
	c.disks[3].held = true
	c.receive(3, Message{Kind: Proposal, Server: 1, View: 1, Seq: 1, Batch: one(1)})
	if s := c.servers[3]; s.localARU != 0 || len(c.wire) != 0 {
		t.Fatalf("nothing is durable at server 3, and it sent %v: %v", c.wire, s)
	}
	c.sync(3)
	if s := c.servers[3]; s.localARU != 1 || len(c.wire) != 2 || c.wire[0].Kind != Accept {
		t.Fatalf("server 3 sent %v: %v", c.wire, s)
	}
	c.take()
	c.receive(3, Message{Kind: Proposal, Server: 1, View: 1, Seq: 1, Batch: one(1)})
	if len(c.wire) != 2 || c.wire[0].Kind != Accept {
		t.Errorf("a repeated Proposal gets %v, want its Accept again", c.wire)
	}
}

// A Proposal leaves once its record is durable; Accepts that a stranger sends before do not
// make up for it.
func TestALeaderWaitsForItsOwnRecord(t *testing.T) {
	c := newView1(t, 3)
	c.disks[1].held = true
	c.request(1, 1, 1, "a")
	for _, l := range c.wire {
		if l.Kind == Proposal {
			t.Fatalf("the Proposal leaves before it is durable: %v", l.String())
		}
	}
	c.receive(1, Message{Kind: Accept, Server: 2, View: 1, Seq: 1})
	if c.servers[1].localARU != 0 {
		t.Fatal("the leader counts an acceptance that a crash would take")
	}
	c.sync(1)
	if c.servers[1].localARU != 1 {
		t.Error("the leader does not count its own acceptance (X6)")
	}
}

// Acceptances are counted in one view, never across views: two of three servers accepted
// seq 1, but in different views.
func TestAcceptancesAreNotCountedAcrossViews(t *testing.T) {
	c := newView1(t, 5)
	c.receive(3, Message{Kind: Proposal, Server: 1, View: 1, Seq: 1, Batch: one(1)})
	c.receive(3, Message{Kind: Accept, Server: 2, View: 2, Seq: 1})
	c.receive(3, Message{Kind: Accept, Server: 4, View: 3, Seq: 1})
	if s := c.servers[3]; s.localARU != 0 {
		t.Fatalf("servers 1 and 3 accepted in view 1, 2 in 2 and 4 in 3, and still: %v", s)
	}
	c.receive(3, Message{Kind: Accept, Server: 2, View: 1, Seq: 1}) // an old one: 2's word is of view 2
	if s := c.servers[3]; s.localARU != 0 {
		t.Fatalf("an old Accept of server 2 takes the place of its newer one: %v", s)
	}
	c.receive(3, Message{Kind: Accept, Server: 5, View: 1, Seq: 1})
	if s := c.servers[3]; s.localARU != 1 {
		t.Errorf("servers 1, 3 and 5 accepted in view 1, and still: %v", s)
	}
}

// X13: Accepts that overtake their Proposal are kept for it.
func TestAcceptsOvertakeTheirProposal(t *testing.T) {
	c := newView1(t, 5)
	for _, from := range []ServerID{2, 4} {
		c.receive(3, Message{Kind: Accept, Server: from, View: 1, Seq: 1})
	}
	c.disks[3].held = true // so that these two and the leader make the majority
	c.receive(3, Message{Kind: Proposal, Server: 1, View: 1, Seq: 1, Batch: one(1)})
	if s := c.servers[3]; s.localARU != 1 {
		t.Errorf("servers 1, 2 and 4 accepted in view 1, and still: %v", s)
	}
}

// X15: a leader that hears of no acceptance proposes a window of slots, no more.
func TestTheWindow(t *testing.T) {
	c := newWith1(t, 3, Settings{BatchBytes: 1})
	window := c.servers[1].window()
	c.lose = func(l letter) bool { return l.Kind == Accept }
	for client := ClientID(1); client <= 40; client++ {
		c.request(1, client, 1, "a")
	}
	c.settle()
	if s := c.servers[1]; s.lastProposed != window || s.localARU != 0 {
		t.Fatalf("the window is %d slots, and still: %v", window, s)
	}
	c.lose = nil
	c.wait(100 * ms) // X5
	c.mustAllHave(40)
	for i, m := range []Message{
		{Kind: Proposal, Server: 1, View: 1, Seq: 40 + 2*window, Batch: one(1)},
		{Kind: Proposal, Server: 1, View: 1, Seq: 40 + 2*window + 1, Batch: one(1)},
		{Kind: Accept, Server: 1, View: 1, Seq: 40 + 2*window + 1},
	} {
		if c.receive(3, m); c.servers[3].dropped(beyondWindow) != uint64(i) {
			t.Errorf("%v: %d were dropped for being beyond two windows", m.String(), c.servers[3].dropped(beyondWindow))
		}
	}
}

// The hot path allocates nothing. That is an Accept that only counts, and a slot's whole life at
// a follower, except for a page of history every 128 slots.
func TestTheSteadyStateAllocatesNothing(t *testing.T) {
	c := newView1(t, 5)
	s, out := c.servers[3], &Output{}
	accept := Input{Kind: Receive, Message: Message{Kind: Accept, Server: 2, View: 1, Seq: 1}}
	if n := testing.AllocsPerRun(1000, func() {
		out.Reset()
		s.Step(0, accept, out)
	}); n != 0 {
		t.Errorf("an Accept allocates %v times", n)
	}
	seq := Seq(0)
	if n := testing.AllocsPerRun(5000, func() {
		seq++
		for _, m := range []Message{
			{Kind: Accept, Server: 2, View: 1, Seq: seq},
			{Kind: Proposal, Server: 1, View: 1, Seq: seq, Batch: noOp},
			{Kind: Accept, Server: 4, View: 1, Seq: seq},
		} {
			out.Reset()
			s.Step(0, Input{Kind: Receive, Message: m}, out)
		}
		s.Step(0, Input{Kind: Durable, UpTo: s.position}, out)
	}); n != 0 {
		t.Errorf("a slot allocates %v times", n)
	}
	if s.localARU != seq {
		t.Errorf("%d slots were sent: %v", seq, s)
	}
}
