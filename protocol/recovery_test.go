package protocol

import (
	"strings"
	"testing"
)

// Wherever a crash cuts the disk, the next life has the promise and the ordered prefix that the
// disk holds. It has the state that belongs to that prefix.
func TestAServerComesBackAsItsDiskWas(t *testing.T) {
	c := newView1(t, 3)
	for ts := Timestamp(1); ts <= 20; ts++ {
		c.request(3, ClientID(ts%3), ts, "op")
		c.settle()
	}
	c.crash(1)
	c.wait(1000 * ms)
	for ts := Timestamp(21); ts <= 30; ts++ {
		c.request(3, ClientID(ts%3), ts, "op")
		c.settle()
	}
	c.mustAllHave(30)
	states := []uint64{(&ledger{}).Hash()}
	for _, e := range c.events[3] {
		if e.Kind == Executed {
			states = append(states, e.Hash)
		}
	}
	all, views, aru := c.disks[3].records, View(0), Seq(0)
	for cut := 1; cut <= len(all); cut++ {
		switch r := all[cut-1]; r.Kind {
		case RecordInstalled:
			views = r.View
		case RecordOrdered:
			aru = r.Seq
		}
		c.disks[3] = testDisk{records: all[:cut:cut]}
		c.start(3)
		s := c.servers[3]
		if s.lastInstalled != views || s.lastAttempted != views || s.localARU != aru || s.app.Hash() != states[aru] || s.state != LeaderElection {
			t.Fatalf("after %d of %d records: %v; want view %d, aru %d", cut, len(all), s, views, aru)
		}
	}
	if views != 2 || aru != 30 {
		t.Fatalf("the disk holds view %d and aru %d: this tests little", views, aru)
	}

	// The whole disk gives the sessions, too: a client that asks again gets its result.
	c.replies = nil
	c.request(3, 0, 30, "op")
	c.mustReply(3, "30 op")
}

// A recovered server is let back into the view that the others work in, at its next heartbeat
// (X21). It leads no view a second time (X24).
func TestARecoveredServerReturns(t *testing.T) {
	c := newView1(t, 3)
	c.crash(3)
	c.start(3)
	c.wait(60 * ms)
	if s := c.servers[3]; s.state != RegNonLeader || s.lastInstalled != 1 {
		t.Fatalf("server 3 is not back: %v", s)
	}
	c.crash(1)
	c.start(1)
	c.wait(1000 * ms)
	for id, s := range c.servers[1:] {
		if s.lastInstalled != 2 {
			t.Errorf("server %d: %v, want view 2: server 1 led view 1 already", id+1, s)
		}
	}
	if got := c.happened(1, Prepared); got != "prepared 1/0" {
		t.Errorf("server 1 led\n%s", got)
	}
}

// An ordered record without a batch speaks of the proposal that the disk holds, if that is
// of its view or a later one. One of an older view is ignored: it may be of another batch.
func TestAnOrderedRecordAndAStaleProposal(t *testing.T) {
	for _, c := range []struct {
		name     string
		accepted []View // in this order
		ordered  View
		aru      Seq
	}{
		{"the proposal is of the view that ordered", []View{2}, 2, 1},
		{"it was accepted again later", []View{2, 3}, 2, 1},
		{"it is of an older view", []View{1}, 2, 0},
		{"there is none", nil, 2, 0},
	} {
		records := []Record{{Kind: RecordInstalled, View: 3}}
		for _, v := range c.accepted {
			records = append(records, Record{Kind: RecordAccepted, View: v, Seq: 1, Batch: one(1)})
		}
		records = append(records, Record{Kind: RecordOrdered, View: c.ordered, Seq: 1})
		s, err := revive(records)
		if err != nil || s.localARU != c.aru {
			t.Errorf("%s: %v, %v; want aru %d", c.name, s, err, c.aru)
		}
		// What was accepted is still known, and told to the next leader.
		if c.aru == 0 && c.accepted != nil && s.knownEntry(1).View != 1 {
			t.Errorf("%s: the acceptance is forgotten: %+v", c.name, s.knownEntry(1))
		}
	}
}

// revive starts server 2 of 3 from records, which it numbers.
func revive(records []Record) (*Server, error) {
	for i := range records {
		records[i].Position = Position(i + 1)
	}
	return New(Config{ID: 2, Servers: 3}, 0, &ledger{}, Stable{records})
}

// Only a contiguous prefix is replayed; what is ordered above a hole waits for it.
func TestRecoveryStopsAtAHole(t *testing.T) {
	s, err := revive([]Record{
		{Kind: RecordInstalled, View: 1},
		{Kind: RecordOrdered, Seq: 1, Batch: one(1)},
		{Kind: RecordOrdered, Seq: 3, Batch: one(3)},
	})
	if err != nil || s.localARU != 1 || s.top != 3 {
		t.Fatalf("%v, %v; want aru 1, top 3", s, err)
	}
	var out Output
	list := DataList{{Seq: 2, Ordered: true, Batch: one(2)}}
	s.Step(0, Input{Kind: Receive, Message: Message{Kind: CatchUpReply, Server: 1, Seq: 1, ARU: 2, List: &list}}, &out)
	if s.localARU != 3 {
		t.Errorf("the hole is filled, and still: %v", s)
	}
}

// X6 after a crash: server 3's own durable acceptance counts for it in the next life too. With a
// repeated Proposal it makes the majority.
func TestOnesOwnAcceptanceCountsAfterACrash(t *testing.T) {
	c := newView1(t, 3)
	c.lose = func(l letter) bool { return l.Kind != Proposal }
	c.receive(3, Message{Kind: VCProof, Server: 1, View: 4, State: RegLeader}) // server 1's next view
	c.disks[3].held = true
	c.receive(3, Message{Kind: Proposal, Server: 1, View: 4, Seq: 1, Batch: one(1)})
	c.disks[3].durable = len(c.disks[3].records) // the sync is done, but server 3 never hears of it
	c.crash(3)
	c.start(3)
	c.receive(3, Message{Kind: Proposal, Server: 1, View: 4, Seq: 1, Batch: one(1)})
	if s := c.servers[3]; s.localARU != 1 {
		t.Errorf("servers 1 and 3 of 3 hold seq 1 durably, and still: %v", s)
	}
}

// A disk that no server of ours wrote is refused.
func TestDamagedDisksAreRefused(t *testing.T) {
	for name, records := range map[string][]Record{
		"a position is left out":       {{Kind: RecordInstalled, View: 1, Position: 1}, {Kind: RecordInstalled, View: 2, Position: 3}},
		"it does not begin at 1":       {{Kind: RecordInstalled, View: 1, Position: 2}},
		"an unknown kind":              {{Kind: 77, Position: 1}},
		"an acceptance without batch":  {{Kind: RecordAccepted, View: 1, Seq: 1, Position: 1}},
		"an acceptance without view":   {{Kind: RecordAccepted, Seq: 1, Batch: noOp, Position: 1}},
		"an acceptance of seq 0":       {{Kind: RecordAccepted, View: 1, Batch: noOp, Position: 1}},
		"seq 0 is ordered":             {{Kind: RecordOrdered, Batch: noOp, Position: 1}},
		"an installation of no view":   {{Kind: RecordInstalled, Position: 1}},
		"an acceptance out of reach":   {{Kind: RecordAccepted, View: 1, Seq: 4_000_000_000, Batch: noOp, Position: 1}},
		"an order out of reach":        {{Kind: RecordOrdered, Seq: 1<<60 - 1, Batch: noOp, Position: 1}},
		"an order of the last seq":     {{Kind: RecordOrdered, Seq: Infinity, Position: 1}},
		"the installed view goes down": {{Kind: RecordInstalled, View: 2, Position: 1}, {Kind: RecordInstalled, View: 1, Position: 2}},
	} {
		s, err := New(Config{ID: 2, Servers: 3}, 0, &ledger{}, Stable{records})
		if err == nil || !strings.HasPrefix(err.Error(), "server 2: recovery: ") {
			t.Errorf("%s: %v, %v", name, s, err)
		}
	}
}

// A server lags by more requests than may be in flight, and one of its two peers never answers.
// It gets what it lacks, since each turn begins with the other peer (X11).
func TestCatchUpTurns(t *testing.T) {
	c := newView1(t, 3)
	c.lose = func(l letter) bool { return l.to == 2 || l.Server == 2 }
	for ts := Timestamp(1); ts <= 300; ts++ {
		c.request(1, 1, ts, "a")
		c.settle()
	}
	c.lose = func(l letter) bool { return l.to == 3 && l.Kind == CatchUpRequest }
	for _, from := range []ServerID{3, 1} {
		c.receive(2, Message{Kind: VCProof, Server: from, View: 1, State: RegLeader, ARU: 300})
	}
	c.servers[2].rotor = 1 // it begins with server 3
	c.wait(1000 * ms)
	if s := c.servers[2]; s.localARU < 300 {
		t.Errorf("server 2 asks server 3 again and again: %v", s)
	}
}
