package protocol

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"
)

// inputs that a server may well get next, whatever its state.
func someInputs(t *rapid.T, s *Server) []Input {
	var inputs []Input
	for range rapid.IntRange(1, 12).Draw(t, "inputs") {
		from := s.id%ServerID(s.n) + 1
		seq := s.localARU + Seq(rapid.IntRange(1, 4).Draw(t, "seq"))
		view := s.lastInstalled + View(rapid.IntRange(0, 2).Draw(t, "view"))
		ts := Timestamp(rapid.IntRange(1, 4).Draw(t, "ts"))
		b := one(ts)
		list := DataList{{Seq: seq, View: 1, Batch: b}}
		if rapid.Bool().Draw(t, "ordered") {
			list[0] = Entry{Seq: seq, Ordered: true, Batch: b}
		}
		inputs = append(inputs, rapid.SampledFrom([]Input{
			{Kind: Timer},
			{Kind: Elect},
			{Kind: HandOver, To: from},
			{Kind: Durable, UpTo: s.position},
			{Message: Message{Kind: ClientUpdate, Batch: b}},
			{Message: Message{Kind: ViewChange, Server: from, View: view + 1}},
			{Message: Message{Kind: VCProof, Server: from, View: view, State: RegLeader, ARU: seq}},
			{Message: Message{Kind: Prepare, Server: Leader(view, s.n), View: view}},
			{Message: Message{Kind: PrepareOK, Server: from, View: s.lastInstalled, ARU: Infinity, List: &list}},
			{Message: Message{Kind: Proposal, Server: Leader(view, s.n), View: view, Seq: seq, Batch: b}},
			{Message: Message{Kind: Accept, Server: from, View: view, Seq: seq}},
			{Message: Message{Kind: CatchUpRequest, Server: from, ARU: seq}},
			{Message: Message{Kind: CatchUpReply, Server: from, Seq: s.localARU, ARU: seq, List: &list}},
			{Message: Message{Kind: SnapshotPart, Server: from, Seq: seq, Part: &Part{Sum: 1, Size: 200, Offset: 64 * uint64(ts), Bytes: []byte("part")}}},
			{Message: Message{Kind: SnapshotRequest, Server: from, Seq: seq, Part: &Part{Sum: 1, Size: 200}}},
			{Message: Message{Kind: ClientRead, Batch: b}},
			{Message: Message{Kind: ReadRound, Server: Leader(view, s.n), View: view, Seq: seq}},
			{Message: Message{Kind: ReadAck, Server: from, View: view, Seq: Seq(s.rounds.last)}},
			{Message: Message{Kind: ReadIndex, Server: Leader(view, s.n), View: view, Seq: seq, Batch: b}},
			{Message: Message{Kind: YourTurn, Server: Leader(view, s.n), View: view, Seq: Seq(s.id), ARU: s.localARU}},
		}).Draw(t, "input"))
		if in := &inputs[len(inputs)-1]; in.Message.Kind != 0 {
			in.Kind = Receive
		}
	}
	return inputs
}

// feed steps the server through the inputs, and returns all that it put out.
func feed(s *Server, now Instant, inputs []Input) string {
	var out Output
	for i, in := range inputs {
		s.Step(now+Instant(i)*100*ms, in, &out)
	}
	said := fmt.Sprint(out.Records, out.Replies, s, s.Deadline())
	for _, o := range out.Messages {
		said += fmt.Sprintln(o.To, o.After, o.Message.String(), o.Message.Digest())
	}
	for _, e := range out.Events {
		said += fmt.Sprintln(e.Kind, e.View, e.Seq, e.Hash)
	}
	return said
}

// A clone has the hash of its original and answers alike, and neither feels what is done to
// the other.
func TestCloneSharesNothing(t *testing.T) {
	differed := 0
	rapid.Check(t, func(t *rapid.T) {
		c := newClusterAt(t, rapid.IntRange(1, 5).Draw(t, "servers"), 0, drawSnapshots(t))
		c.chaos(t, 60)
		s := c.servers[rapid.IntRange(1, c.n).Draw(t, "server")]
		here, there := someInputs(t, s), someInputs(t, s)

		clone, before := s.Clone(), s.Hash(c.now)
		if h := clone.Hash(c.now); h != before {
			t.Fatalf("hash %016x, cloned %016x: %v", before, h, s)
		}
		feed(s, c.now, there)
		if h := clone.Hash(c.now); h != before {
			t.Fatalf("the clone of %v felt what was done to its original", clone)
		}
		second := clone.Clone()
		first := feed(clone, c.now, here)
		if again := feed(second, c.now, here); again != first || second.Hash(c.now) != clone.Hash(c.now) {
			t.Fatalf("the same inputs, but\n%s\nand\n%s", first, again)
		}
		if s.Hash(c.now) != clone.Hash(c.now) {
			differed++
		}
	})
	if differed == 0 {
		t.Error("no two clones ever went different ways: this tests nothing")
	}
}

// Times count relative to now: the same history at another time leads to the same hashes.
func TestHashesDoNotDependOnTheTime(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 5).Draw(t, "servers")
		early := newClusterAt(t, n, 0, Settings{})
		late := newClusterAt(t, n, 86_400_000*ms, Settings{})
		early.wake()
		late.wake()
		for range rapid.IntRange(0, 60).Draw(t, "actions") {
			x := drawAction(t)
			early.act(x)
			late.act(x)
			for id := 1; id <= n; id++ {
				if a, b := early.servers[id], late.servers[id]; a.Hash(early.now) != b.Hash(late.now) {
					t.Fatalf("the same state a day later has another hash:\n%v\n%v", a, b)
				}
			}
		}
	})
}

// Nor does the hash of a leader, if above a slot that it proposed there is one that it never
// sent. (It learnt that this one is ordered.)
func TestTheHashOfASlotThatWasNeverSent(t *testing.T) {
	lead := func(now Instant) uint64 {
		c := newClusterAt(t, 3, now, Settings{})
		c.receive(2, Message{Kind: VCProof, Server: 3, View: 2})
		c.receive(2, answer(0, Infinity, Entry{Seq: 2, Ordered: true, Batch: one(1)}))
		if s := c.servers[2]; s.state != RegLeader || s.localARU != 0 || s.lastProposed != 2 {
			t.Fatalf("server 2 has not found seq 2 ordered and proposed seq 1: %v", s)
		}
		return c.servers[2].Hash(now)
	}
	if early, late := lead(0), lead(86_400_000*ms); early != late {
		t.Errorf("hash %016x, and a day later %016x", early, late)
	}
}

// In which order a server met its clients decides in which order it binds their updates as a new leader. So the
// hash tells. The ids are further apart than a signed number of 32 bits can tell.
func TestHashesTellTheOrderOfClients(t *testing.T) {
	clients := []ClientID{0, 1 << 31, 1<<32 - 1, 7}
	type met struct {
		hash  uint64
		binds string
	}
	meet := func(order ...int) met {
		s, _ := New(Config{ID: 2, Servers: 3}, 0, &ledger{}, Stable{})
		var out Output
		for _, i := range order {
			s.Receive(0, &Message{Kind: ClientUpdate, Server: 1, Batch: BatchOf(Update{Client: clients[i], Server: 1, Timestamp: 1})}, &out)
		}
		hash := s.Hash(0)
		s.queuePending()
		return met{hash, fmt.Sprint(s.dequeue())}
	}
	want := meet(0, 1, 2, 3)
	if again := meet(0, 1, 2, 3); again != want {
		t.Fatalf("the same twice: %v, and %v", want, again)
	}
	for _, order := range [][]int{{3, 2, 1, 0}, {1, 0, 3, 2}, {2, 0, 1, 3}, {1, 2, 3, 0}} {
		if got := meet(order...); got.hash == want.hash && got.binds != want.binds {
			t.Errorf("clients met in the order %v: hash %016x, and it binds %s, not %s", order, got.hash, got.binds, want.binds)
		}
	}
}

// What a server does next depends on each of these, so its hash must.
func TestHashesTellStatesApart(t *testing.T) {
	seen := make(map[uint64]string)
	for name, change := range map[string]func(c *cluster){
		"nothing":     func(*cluster) {},
		"an election": func(c *cluster) { c.step(3, Input{Kind: Elect}) },
		"a vote":      func(c *cluster) { c.step(3, Input{Kind: Elect}); c.servers[3].votes |= 1 << 2 },
		"a proposal":  func(c *cluster) { c.receive(3, Message{Kind: Proposal, Server: 1, View: 1, Seq: 1, Batch: one(1)}) },
		"another": func(c *cluster) {
			c.receive(3, Message{Kind: Proposal, Server: 1, View: 1, Seq: 1, Batch: one(2)})
		},
		"an accept":   func(c *cluster) { c.receive(3, Message{Kind: Accept, Server: 2, View: 1, Seq: 1}) },
		"a later one": func(c *cluster) { c.receive(3, Message{Kind: Accept, Server: 2, View: 1, Seq: 2}) },
		"a report":    func(c *cluster) { c.receive(3, Message{Kind: VCProof, Server: 2, ARU: 1}) },
		"an update":   func(c *cluster) { c.request(3, 1, 1, "a") },
		"time":        func(c *cluster) { c.now += ms },
		"a read":      func(c *cluster) { c.read(3, 1, 1) },
		"its index": func(c *cluster) {
			c.read(3, 1, 1)
			c.receive(3, Message{Kind: ReadIndex, Server: 1, View: 1, Seq: 5, Batch: BatchOf(Update{Client: 1, Timestamp: 1})})
		},
		"an heir": func(c *cluster) { c.receive(3, Message{Kind: YourTurn, Server: 1, View: 1, Seq: 2}) },
		"a held disk": func(c *cluster) {
			c.disks[3].held = true
			c.receive(3, Message{Kind: Proposal, Server: 1, View: 1, Seq: 1, Batch: one(1)})
		},
	} {
		c := newView1(t, 5)
		change(c)
		h := c.servers[3].Hash(c.now)
		if twin, ok := seen[h]; ok {
			t.Errorf("after %q the hash is that after %q", name, twin)
		}
		seen[h] = name
	}
}
