package protocol

import (
	"fmt"
	"testing"
)

// read hands a server a read of a client.
func (c *cluster) read(to ServerID, client ClientID, ts Timestamp) {
	c.receive(to, Message{Kind: ClientRead, Batch: BatchOf(Update{Client: client, Timestamp: ts, Op: []byte("get")})})
}

// rounds counts the read rounds that a server has confirmed, and the reads that they served.
func (c *cluster) rounds(id ServerID) (rounds int, served Timestamp) {
	for _, e := range c.events[id] {
		if e.Kind == RoundConfirmed {
			rounds++
			served += e.Timestamp
		}
	}
	return rounds, served
}

// mustRead fails unless the last reply is of a read, given by this server at this index.
func (c *cluster) mustRead(by ServerID, index Seq) {
	c.t.Helper()
	if len(c.replies) == 0 {
		c.t.Fatalf("no read is answered: %v", c.servers[by])
	}
	r := c.replies[len(c.replies)-1]
	if r.by != by || !r.Read || r.Index != index || string(r.Result) != fmt.Sprintf("%d ? get", index) {
		c.t.Fatalf("server %d answers %+v, want server %d at index %d", r.by, r.Reply, by, index)
	}
}

// Any server answers a read, without a slot: the leader after a round, another once the leader
// has told it an index.
func TestAReadTakesNoSlot(t *testing.T) {
	for _, n := range []int{1, 2, 3, 5} {
		c := newView1(t, n)
		c.request(1, 1, 1, "a")
		c.settle()
		for id := 1; id <= n; id++ {
			c.replies = nil
			c.read(ServerID(id), 2, Timestamp(id))
			c.settle()
			c.mustRead(ServerID(id), 1)
		}
		c.mustAllHave(1)
		if rounds, served := c.rounds(1); rounds != n || int(served) != n {
			t.Errorf("%d servers: %d rounds served %d reads", n, rounds, served)
		}
	}
}

// Reads that arrive while a round is under way share the next one.
func TestManyReadsShareARound(t *testing.T) {
	c := newView1(t, 3)
	for client := ClientID(1); client <= 20; client++ {
		c.read(ServerID(client%3)+1, client, 1)
	}
	c.settle()
	if len(c.replies) != 20 {
		t.Fatalf("%d of 20 reads are answered", len(c.replies))
	}
	if rounds, served := c.rounds(1); rounds > 3 || served != 20 {
		t.Errorf("%d rounds served %d reads", rounds, served)
	}
}

// An acknowledgement from before the read does not confirm it.
func TestAReadWaitsForARoundOfItsOwn(t *testing.T) {
	c := newView1(t, 3)
	c.read(1, 1, 1)
	c.wire = nil // round 1 is lost
	c.read(1, 2, 1)
	c.receive(1, Message{Kind: ReadAck, Server: 2, View: 1, Seq: 1})
	if len(c.replies) != 1 || c.replies[0].Client != 1 {
		t.Fatalf("acknowledgements of round 1 answer %v", c.replies)
	}
	c.receive(1, Message{Kind: ReadAck, Server: 3, View: 1, Seq: 1})
	c.receive(1, Message{Kind: ReadAck, Server: 3, View: 2, Seq: 2})
	if s := c.servers[1]; len(c.replies) != 1 || s.dropped(oldRound) != 1 || s.dropped(oldView) != 1 {
		t.Fatalf("a late acknowledgement answers %v", c.replies)
	}
	c.settle()
	if len(c.replies) != 2 {
		t.Error("round 2 answers nobody")
	}
}

// A server that has installed another view acknowledges nothing; an attempt is no hindrance.
func TestOnlyTheInstalledViewIsAcknowledged(t *testing.T) {
	c := newView1(t, 3)
	c.step(3, Input{Kind: Elect})
	c.wire = nil
	c.receive(3, Message{Kind: ReadRound, Server: 1, View: 1, Seq: 1})
	if w := c.take(); len(w) != 1 || w[0].Kind != ReadAck || w[0].to != 1 || w[0].Seq != 1 {
		t.Fatalf("an attempt keeps from acknowledging: %v", w)
	}
	c.receive(2, Message{Kind: VCProof, Server: 3, View: 3, State: RegLeader})
	c.wire = nil
	c.receive(2, Message{Kind: ReadRound, Server: 1, View: 1, Seq: 1})
	c.receive(2, Message{Kind: ReadRound, Server: 1, View: 3, Seq: 1})
	if w := c.take(); len(w) != 0 || c.servers[2].dropped(wrongView) != 1 || c.servers[2].dropped(notLeader) != 1 {
		t.Errorf("server 2 acknowledges a view that it has left: %v", w)
	}
}

// A slot may be ordered and answered elsewhere before the leader knows: a read that comes
// then waits for it.
func TestTheIndexIsWhatWasProposed(t *testing.T) {
	c := newView1(t, 3)
	c.lose = func(l letter) bool { return l.to == 1 && l.Kind == Accept }
	c.request(2, 1, 1, "a")
	c.settle()
	c.mustReply(2, "1 a")
	c.read(1, 2, 1)
	c.settle()
	if s := c.servers[1]; len(c.replies) != 1 || s.localARU != 0 || s.Reads() != 1 {
		t.Fatalf("the leader answers a read at aru 0: %v, %v", s, c.replies)
	}
	c.lose = nil
	c.wait(200 * ms)
	c.mustRead(1, 1)
}

// A new leader answers once it has settled what it inherited.
func TestANewLeaderSettlesBeforeItReads(t *testing.T) {
	c := view2(t)
	c.read(2, 7, 1)
	c.receive(2, answer(0, Infinity, Entry{Seq: 1, View: 1, Batch: one(1)}, Entry{Seq: 2, View: 1, Batch: one(2)}))
	s := c.servers[2]
	for _, l := range c.take() {
		if l.Kind == ReadRound {
			c.receive(2, Message{Kind: ReadAck, Server: 3, View: 2, Seq: l.Seq})
		}
	}
	if s.state != RegLeader || len(c.replies) != 0 || s.Reads() != 1 || !s.reads[0].confirmed || s.reads[0].index != 2 {
		t.Fatalf("a read at a leader that has inherited seqs 1 and 2: %+v, %v", s.reads, c.replies)
	}
	for seq := Seq(1); seq <= 2; seq++ {
		c.receive(2, Message{Kind: Accept, Server: 3, View: 2, Seq: seq})
	}
	c.mustRead(2, 2)
}

// A leader that another one has replaced, unknown to it, answers nothing.
func TestAReplacedLeaderAnswersNothing(t *testing.T) {
	c := newView1(t, 3)
	c.lose = func(l letter) bool { return l.to == 1 || l.Server == 1 }
	c.wait(1000 * ms)
	c.request(2, 1, 1, "new")
	c.settle()
	c.mustReply(2, "1 new")
	c.replies = nil
	c.read(1, 2, 1)
	c.wait(100 * ms)
	if s := c.servers[1]; s.state != RegLeader || len(c.replies) != 0 {
		t.Fatalf("%v answers %v", s, c.replies)
	}
	c.lose = nil // the round is repeated, and refused
	c.wait(200 * ms)
	c.mustRead(1, 1)
	if s := c.servers[1]; s.state != RegNonLeader || s.lastInstalled < 2 {
		t.Errorf("the old leader goes on: %v", s)
	}
}

// A server asks the leader again where question or answer are lost, and asks the next leader
// after a change. It forgets reads that no client asks for now.
func TestAReadIsAskedAgain(t *testing.T) {
	c := newView1(t, 3)
	lost := map[Kind]bool{}
	c.lose = func(l letter) bool {
		if l.Kind < ClientRead || lost[l.Kind] {
			return false
		}
		lost[l.Kind] = true
		return true
	}
	c.read(3, 1, 1)
	c.wait(300 * ms)
	c.mustRead(3, 0)
	if len(lost) != 4 {
		t.Errorf("lost: %v", lost)
	}

	c = newView1(t, 3)
	c.crash(1)
	c.read(3, 1, 1)
	c.wait(1000 * ms)
	if s := c.servers[2]; s.state != RegLeader {
		t.Fatalf("server 2 does not lead: %v", s)
	}
	c.mustRead(3, 0)

	c.crash(2)
	c.read(3, 1, 2)
	c.wait(1900 * ms)
	if s := c.servers[3]; s.Reads() != 1 {
		t.Fatalf("the read is forgotten: %v", s)
	}
	c.wait(200 * ms)
	if s := c.servers[3]; s.Reads() != 0 || s.dropped(readExpired) != 1 {
		t.Errorf("%d reads wait for ever", s.Reads())
	}
}

// Reads that a server has no room for are refused, and the client knows.
func TestTooManyReads(t *testing.T) {
	c := newView1(t, 3)
	c.lose = func(letter) bool { return true }
	for client := ClientID(1); client <= maxReads+2; client++ {
		c.read(2, client, 1)
	}
	c.read(2, 1, 2) // in place of the client's first
	s := c.servers[2]
	if len(c.replies) != 2 || c.replies[0].Status != ReplyBusy || c.replies[1].Client != maxReads+2 ||
		s.Reads() != maxReads || s.dropped(tooManyReads) != 2 {
		t.Errorf("%d reads wait, %d are refused", s.Reads(), len(c.replies))
	}
	c.read(2, 2, 1)
	c.read(2, 1, 1)
	if s.Reads() != maxReads || s.dropped(readWaits) != 1 || s.dropped(supersededUpdate) != 1 {
		t.Errorf("%d reads wait", s.Reads())
	}
}
