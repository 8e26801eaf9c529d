package protocol

import (
	"testing"
)

// view2 lets server 2 of 3 reach the prepare phase of view 2, with the vote of server 3.
func view2(t *testing.T) *cluster {
	c := newView1(t, 3)
	c.step(2, Input{Kind: Elect})
	c.receive(2, Message{Kind: ViewChange, Server: 3, View: 2})
	if s := c.servers[2]; s.state != Preparing || s.lastInstalled != 2 {
		t.Fatalf("server 2 does not prepare view 2: %v", s)
	}
	c.take()
	return c
}

// answer is a part of server 3's PrepareOK in view 2, over (from, to].
func answer(from, to Seq, list ...Entry) Message {
	return Message{Kind: PrepareOK, Server: 3, View: 2, Seq: from, ARU: to, List: (*DataList)(&list)}
}

// X3: a server that learnt of view 2 by a heartbeat still answers with what it has accepted. Its
// answer waits until the view is durable.
func TestAnAnswerIsBuiltWhenAskedFor(t *testing.T) {
	c := newView1(t, 5)
	c.receive(3, Message{Kind: Proposal, Server: 1, View: 1, Seq: 1, Batch: one(1)})
	c.disks[3].held = true
	c.receive(3, Message{Kind: VCProof, Server: 2, View: 2, State: Preparing})
	c.take()
	c.receive(3, Message{Kind: Prepare, Server: 2, View: 2})
	if len(c.wire) != 0 {
		t.Fatalf("server 3 answers before its promise is durable: %v", c.wire)
	}
	c.sync(3)
	wire := c.take()
	if len(wire) != 1 || wire[0].to != 2 || wire[0].Kind != PrepareOK || wire[0].View != 2 || wire[0].Seq != 0 || wire[0].ARU != Infinity {
		t.Fatalf("server 3 sent %v, want one PrepareOK over (0, ∞]", wire)
	}
	if l := *wire[0].List; len(l) != 1 || l[0].Seq != 1 || l[0].View != 1 || l[0].Ordered || l[0].Batch.Hash() != one(1).Hash() {
		t.Errorf("server 3 reports %+v, want its acceptance of seq 1 in view 1", l)
	}
}

// An answer in parts covers (from, ∞] without a gap, each entry within its part.
func TestPartsCoverTheWholeRange(t *testing.T) {
	for _, partBytes := range []int{1, 100, 10_000} {
		c := newClusterAt(t, 5, 0, Settings{PartBytes: partBytes})
		c.wake()
		c.settle()
		for _, seq := range []Seq{1, 2, 4, 7, 8} { // with holes, which take no entry
			c.receive(3, Message{Kind: Proposal, Server: 1, View: 1, Seq: seq, Batch: one(Timestamp(seq))})
		}
		c.take()
		c.receive(3, Message{Kind: Prepare, Server: 2, View: 2})
		at, entries := Seq(0), 0
		wire := c.take()
		for _, m := range wire {
			if m.Kind != PrepareOK || m.Seq != at || m.ARU <= at {
				t.Fatalf("in parts of %d bytes: %v follows %d", partBytes, m.String(), at)
			}
			for _, e := range *m.List {
				if e.Seq <= m.Seq || e.Seq > m.ARU {
					t.Errorf("in parts of %d bytes: seq %d in %v", partBytes, e.Seq, m.String())
				}
				entries++
			}
			at = m.ARU
		}
		if at != Infinity || entries != 5 || partBytes == 1 && len(wire) != 5 || partBytes == 10_000 && len(wire) != 1 {
			t.Errorf("in parts of %d bytes: %d entries in %d parts up to %d", partBytes, entries, len(wire), at)
		}
	}
}

// An answer counts once its parts cover all above the leader's aru, in whatever order.
func TestAnAnswerCountsWhenItsPartsCover(t *testing.T) {
	first := answer(0, 1, Entry{Seq: 1, View: 1, Batch: one(1)})
	second := answer(1, 2, Entry{Seq: 2, View: 1, Batch: one(2)})
	last := answer(2, Infinity, Entry{Seq: 3, View: 1, Batch: one(3)})
	for _, parts := range [][]Message{
		{first, second, last},
		{last, second, first},
		{second, first, first, last}, // repeated parts, of another build
		{first, answer(1, Infinity)},
	} {
		c := view2(t)
		for i, m := range parts {
			if s := c.servers[2]; s.state != Preparing {
				t.Fatalf("after %d of %v: %v", i, parts, s)
			}
			c.receive(2, m)
		}
		if s := c.servers[2]; s.state != RegLeader {
			t.Errorf("after %v: %v", parts, s)
		}
	}
}

func TestAnswersThatDoNotCount(t *testing.T) {
	c := view2(t)
	other := answer(0, Infinity)
	other.View = 1
	late := answer(0, Infinity)
	late.View = 5
	c.receive(2, other)
	c.receive(2, late)
	c.receive(2, answer(1, Infinity))
	c.receive(2, answer(0, 0))
	c.receive(2, Message{Kind: PrepareOK, Server: 3, View: 2, ARU: Infinity}) // no list at all
	if s := c.servers[2]; s.state != Preparing || s.dropped(oldView) != 2 || s.dropped(malformed) != 2 {
		t.Errorf("server 2 leads on too little: %v", s)
	}
}

// The coverage is looked at again whenever LocalARU rises (X3), whatever makes it rise. Server
// 3's answer begins above a slot that server 2 lacks, and then late Accepts settle that slot.
func TestCoverageIsLookedAtAgain(t *testing.T) {
	c := newView1(t, 5)
	c.receive(2, Message{Kind: Proposal, Server: 1, View: 1, Seq: 1, Batch: one(1)})
	c.step(2, Input{Kind: Elect})
	c.receive(2, Message{Kind: ViewChange, Server: 3, View: 2})
	c.receive(2, Message{Kind: ViewChange, Server: 4, View: 2})
	for _, from := range []ServerID{3, 4} {
		m := answer(1, Infinity)
		m.Server = from
		c.receive(2, m)
	}
	s := c.servers[2]
	if s.state != Preparing || s.localARU != 0 {
		t.Fatalf("seq 1 is not covered, and still: %v", s)
	}
	c.receive(2, Message{Kind: Accept, Server: 3, View: 1, Seq: 1})
	if s.localARU != 1 {
		t.Fatalf("seq 1 has three acceptances, and still: %v", s)
	}
	if s.state != RegLeader {
		t.Errorf("all above seq 1 is covered by a majority, and still: %v", s)
	}
}

// Leading waits for one's own promise to be durable, however many have answered (X25).
func TestALeadersOwnPromiseIsDurableFirst(t *testing.T) {
	c := newView1(t, 3)
	c.disks[2].held = true
	c.step(2, Input{Kind: Elect})
	c.receive(2, Message{Kind: ViewChange, Server: 3, View: 2})
	for _, l := range c.take() {
		if l.Kind == Prepare {
			t.Errorf("Prepare leaves before the view is durable: %v", l.String())
		}
	}
	c.receive(2, answer(0, Infinity))
	if s := c.servers[2]; s.state != Preparing {
		t.Fatalf("server 2 leads with a promise that a crash would take: %v", s)
	}
	if c.sync(2); c.servers[2].state != RegLeader {
		t.Errorf("the promise is durable, and still: %v", c.servers[2])
	}
}

// For one seq an ordered update wins, else the proposal of the highest view. What a list tells is
// not an acceptance of the server that hears it (X27).
func TestWhatAnswersTell(t *testing.T) {
	c := newView1(t, 3)
	tell := func(from, to Seq, list ...Entry) {
		m := answer(from, to, list...)
		m.View = 5
		c.receive(2, m)
	}
	c.receive(2, Message{Kind: VCProof, Server: 3, View: 5}) // so server 2 is to lead view 5
	tell(0, 3, Entry{Seq: 1, Ordered: true, Batch: one(1)}, Entry{Seq: 3, View: 1, Batch: one(2)})
	tell(0, 3, Entry{Seq: 1, View: 4, Batch: one(8)}, Entry{Seq: 3, View: 3, Batch: one(3)})
	tell(0, 3, Entry{Seq: 3, View: 2, Batch: one(4)})
	if got := c.happened(2, Accepted); got != "" {
		t.Fatalf("server 2 takes what it is told for its own acceptance:\n%s", got)
	}
	tell(3, Infinity)
	want := "learned 0/1 client 9's update 1\nproposed 5/2 no-op\nproposed 5/3 client 9's update 3"
	if got := c.happened(2, Learned, Proposed); got != want {
		t.Errorf("server 2 saw\n%s\nwant\n%s", got, want)
	}
}

// X7: server 1's first proposal is lost with it; its second has reached server 3. Server 2
// settles the second, fills the hole below it with a no-op, and all goes on.
func TestANoOpFillsAHole(t *testing.T) {
	c := newView1(t, 5)
	c.lose = func(l letter) bool {
		return l.Kind == Accept || l.Kind == Proposal && (l.Seq == 1 || l.to != 3)
	}
	c.request(1, 1, 1, "lost")
	c.request(1, 2, 1, "kept")
	c.settle()
	c.crash(1)
	c.lose = nil
	c.wait(1000 * ms)
	want := "proposed 2/1 no-op\nproposed 2/2 client 2's update 1"
	if got := c.happened(2, Proposed); got != want {
		t.Fatalf("server 2 proposed\n%s\nwant\n%s", got, want)
	}
	c.mustAllHave(2)
	c.start(1)
	c.wait(200 * ms)
	c.mustAllHave(2)
}
