package protocol

import (
	"testing"
)

// An update that was executed is not executed again. The client that asks gets the stored result,
// from any server. A relayed copy gets nothing.
func TestADuplicateGetsTheStoredResult(t *testing.T) {
	c := newView1(t, 3)
	c.request(3, 1, 1, "a")
	c.settle()
	c.mustReply(3, "1 a")
	for id := ServerID(1); id <= 3; id++ {
		c.replies = nil
		c.request(id, 1, 1, "a")
		c.settle()
		c.mustReply(id, "1 a")
	}
	c.replies = nil
	c.receive(2, Message{Kind: ClientUpdate, Server: 3, Batch: NewBatch(Update{Client: 1, Server: 3, Timestamp: 1, Op: []byte("a")})})
	c.settle()
	c.mustAllHave(1)
	if len(c.replies) != 0 || c.servers[2].dropped(alreadyExecuted) != 1 {
		t.Errorf("a relayed copy is answered: %v", c.replies)
	}
	c.request(2, 1, 2, "b")
	c.settle()
	c.replies = nil
	c.request(2, 1, 1, "a") // only the last one's result is stored
	c.settle()
	if len(c.replies) != 0 {
		t.Errorf("an update before the last is answered: %v", c.replies)
	}
}

// What was executed stays so under the next leader: the client that missed its answer and
// asks again gets that of the first time.
func TestADuplicateAfterAViewChange(t *testing.T) {
	c := newView1(t, 3)
	c.request(3, 1, 1, "a")
	c.settle()
	c.crash(1)
	c.wait(1000 * ms)
	if s := c.servers[2]; s.state != RegLeader || s.lastInstalled != 2 {
		t.Fatalf("server 2 does not lead view 2: %v", s)
	}
	c.replies = nil
	c.request(2, 1, 1, "a")
	c.settle()
	c.mustAllHave(1)
	c.mustReply(2, "1 a")
}

// An update that two leaders bound, each to a slot of its own, takes effect at the first.
func TestAnUpdateBoundTwiceIsAppliedOnce(t *testing.T) {
	c := newView1(t, 3)
	b := NewBatch(Update{Client: 1, Server: 2, Timestamp: 1, Op: []byte("a")})
	for seq := Seq(1); seq <= 2; seq++ {
		c.receive(2, Message{Kind: Proposal, Server: 1, View: 1, Seq: seq, Batch: b})
	}
	want := "applied 0/1\nexecuted 0/1 client 1's update 1\nfiltered 0/2\nexecuted 0/2 client 1's update 1"
	if got := c.happened(2, Applied, Filtered, Executed); got != want {
		t.Errorf("server 2 saw\n%s\nwant\n%s", got, want)
	}
	c.mustReply(2, "1 a")
}

// X22: server 3 cannot reach its leader. It sends what is pending to all when UpdateTimer
// comes, and server 2 forwards it.
func TestAPendingUpdateIsSentToAll(t *testing.T) {
	c := newView1(t, 3)
	c.lose = func(l letter) bool { return l.Server == 3 && l.to == 1 }
	c.request(3, 1, 1, "a")
	c.settle()
	c.wait(119 * ms)
	if c.servers[1].localARU != 0 {
		t.Fatal("the leader has the update already: this tests nothing")
	}
	c.wait(ms)
	c.mustAllHave(1)
	c.mustReply(3, "1 a")
	if s := c.servers[2]; s.Pending() != 0 {
		t.Errorf("it is executed and still pending: %v", s)
	}
}

// Server 1 leads, executes an update that it named, and is deaf from then on. Of the others, who
// could do without it, only server 2 knows that there is work to do, and nobody named it (X22).
func TestAnUpdateThatADeafLeaderExecutedIsToldInAnElection(t *testing.T) {
	c := newView1(t, 5)
	c.lose = func(l letter) bool {
		return l.to != 1 && (l.Kind == Accept || l.Kind == ClientUpdate || l.Kind == Proposal && l.to > 3)
	}
	c.request(1, 1, 1, "a")
	c.settle()
	if c.servers[1].localARU != 1 || c.servers[2].localARU != 0 || c.servers[2].top != 1 {
		t.Fatalf("this tests nothing: %v, %v", c.servers[1], c.servers[2])
	}
	c.lose = func(l letter) bool { return l.to == 1 }
	c.receive(2, Message{Kind: ClientUpdate, Server: 1, Batch: NewBatch(Update{Client: 1, Server: 1, Timestamp: 1, Op: []byte("a")})})
	c.wait(3000 * ms)
	c.mustAllHave(1)
}

// A copy that names another server takes the place of the pending one, but keeps its age and
// timer. Else a server out of reach could keep renaming it, and nobody would broadcast it.
func TestARenamedCopyKeepsItsAge(t *testing.T) {
	c := newView1(t, 3)
	s := c.servers[3]
	s.attempt(s.lastAttempted+1, &c.out) // so that it forwards nothing
	c.request(3, 1, 1, "a")
	due := s.updateAt
	c.now += 100 * ms
	c.receive(3, Message{Kind: ClientUpdate, Server: 2, Batch: NewBatch(Update{Client: 1, Server: 2, Timestamp: 1, Op: []byte("a")})})
	p := s.session(1)
	if p.pending.Updates[0].Server != 2 || p.since != 0 || p.timer != due || s.Pending() != 1 {
		t.Errorf("pending %+v since %d, due at %d, want server 2's since 0, due at %d", p.pending.Updates[0], p.since, p.timer, due)
	}
	c.request(3, 1, 3, "b") // a later one is another update
	if p := s.session(1); p.pending.Updates[0].Timestamp != 3 || p.since != 100*ms || s.Pending() != 1 {
		t.Errorf("pending %+v since %d, want update 3's since 100 ms", p.pending.Updates[0], p.since)
	}
	c.request(3, 1, 2, "c")
	if s.dropped(supersededUpdate) != 1 {
		t.Error("an update that a later one supersedes is taken")
	}
}
