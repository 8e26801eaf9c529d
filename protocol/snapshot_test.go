package protocol

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// each is a cluster in which server 1 leads view 1. It has a snapshot every k slots, at most h
// slots of history, and one update a slot.
func each(t *testing.T, n, k, h int) *cluster {
	return newWith1(t, n, Settings{SnapshotSlots: k, HistorySlots: h, BatchBytes: 1, PartBytes: leastPart})
}

// order settles as many slots, each with an update of one of five clients, through server 1.
func (c *cluster) order(slots int) {
	c.t.Helper()
	for range slots {
		seq := c.servers[1].localARU + 1
		c.request(1, ClientID(20+(7*seq)%5), Timestamp(seq), fmt.Sprintf("op %d", seq))
		c.settle()
		if got := c.servers[1].localARU; got != seq {
			c.t.Fatalf("seq %d is not executed: %v", seq, c.servers[1])
		}
	}
}

// Every K slots all servers take the same snapshot, byte for byte, whichever clients they met
// first. So each can send on what another began to send.
func TestSnapshotsAreTheSameOnAllServers(t *testing.T) {
	c := each(t, 3, 4, 100)
	c.request(3, 77, 1, "nobody executes this") // opens a session at server 3 alone
	c.servers[3].session(99)
	c.take()
	c.order(9)
	first := c.servers[1].snaps.latest
	if first == nil || first.Seq != 8 {
		t.Fatalf("after nine slots server 1 has %v, want the snapshot of 1…8", first)
	}
	for id, s := range c.servers[2:] {
		if got := s.snaps.latest; got == nil || got.Seq != 8 || got.Sum != first.Sum || !bytes.Equal(got.Body, first.Body) {
			t.Errorf("server %d has %v, server 1 %v", id+2, got, first)
		}
	}
	if rows, app, err := first.decode(); err != nil || len(rows) != 5 || (&ledger{}).Restore(app) != nil {
		t.Errorf("it reads as %d sessions: %v", len(rows), err)
	}
}

// X12: slots are truncated that a durable snapshot covers and that all servers have executed, as
// they reported last. Where more than the limit is kept, the snapshot alone decides.
func TestTheTruncationPoint(t *testing.T) {
	for _, tt := range []struct {
		name     string
		slots    int
		durable  bool // the snapshot is
		reported Seq  // by server 3; server 2 has everything
		want     Seq
	}{
		{"a durable snapshot that all have passed", 9, true, 9, 8},
		{"one server has not", 9, true, 5, 5},
		{"one server has nothing", 9, true, 0, 0},
		{"the snapshot is not durable", 9, false, 9, 4},
		{"nor is the limit a reason then", 13, false, 0, 4},
		{"as much is kept as the limit allows", 10, true, 0, 0},
		{"more", 11, true, 0, 8},
		{"no snapshot at all", 3, true, 3, 0},
	} {
		c := each(t, 3, 4, 10)
		c.crash(3)
		for c.servers[1].localARU < Seq(tt.slots) {
			if c.servers[1].localARU == 7 {
				c.disks[1].held = !tt.durable
				if !tt.durable { // the others go on without our acceptance
					c.start(3)
				}
			}
			c.request(1, 20, Timestamp(c.servers[1].localARU+1), "op")
			c.settle()
			c.disks[1].waiting = slices.Clone(c.disks[1].waiting)
			if !tt.durable && c.servers[1].localARU >= 7 {
				break
			}
		}
		s := c.servers[1]
		if !tt.durable { // take it by hand: what matters is that its record is not durable
			c.disks[1].held = true
			for seq := s.localARU + 1; seq <= Seq(tt.slots); seq++ {
				c.receive(1, Message{Kind: CatchUpReply, Server: 2, Seq: seq - 1, ARU: seq, List: &DataList{{Seq: seq, Ordered: true, Batch: one(Timestamp(seq))}}})
			}
		}
		c.receive(1, Message{Kind: VCProof, Server: 2, View: 1, State: RegNonLeader, ARU: Seq(tt.slots)})
		c.receive(1, Message{Kind: VCProof, Server: 3, View: 1, State: RegNonLeader, ARU: tt.reported})
		c.now += 60 * ms
		c.step(1, Input{Kind: Timer})
		if s.history.truncated != tt.want || s.localARU != Seq(tt.slots) {
			t.Errorf("%s: truncated is %d, want %d: %v", tt.name, s.history.truncated, tt.want, s)
		}
	}
}

// A server that learns all its slots by catching up needs no sync for them. Its snapshots would never be
// durable, and nothing truncated. So the second of two whose record is still not durable takes a sync.
func TestSnapshotsOfAServerThatOnlyCatchesUp(t *testing.T) {
	s, err := New(Config{ID: 1, Servers: 3, Settings: Settings{SnapshotSlots: 4, HistorySlots: 4, SessionLimit: 0}}, 0, &ledger{}, Stable{})
	if err != nil {
		t.Fatal(err)
	}
	var out Output
	var lazy []bool
	for seq := Seq(1); seq <= 20; seq++ {
		out.Reset()
		s.Receive(Instant(seq)*ms, &Message{Kind: CatchUpReply, Server: 2, Seq: seq - 1, ARU: seq, List: &DataList{{Seq: seq, Ordered: true, Batch: one(Timestamp(seq))}}}, &out)
		for _, r := range out.Records {
			if r.Kind == RecordSnapshot {
				lazy = append(lazy, r.Lazy)
			}
			if !r.Lazy { // the driver syncs, and with it all that came before
				s.Step(Instant(seq)*ms, Input{Kind: Durable, UpTo: r.Position}, &out)
			}
		}
	}
	if want := []bool{true, false, true, false, true}; !slices.Equal(lazy, want) {
		t.Errorf("lazy snapshots: %v, want %v", lazy, want)
	}
	if h := s.Held(); h.Behind > 2*4 {
		t.Errorf("%d slots that no durable snapshot covers", h.Behind)
	}
}

// A snapshot on its way is given up when the slots come first, with all parts that came early.
func TestPartsAreGivenUpWhenSlotsComeFirst(t *testing.T) {
	s, err := New(Config{ID: 1, Servers: 3, Settings: Settings{PartBytes: leastPart}}, 0, &ledger{}, Stable{})
	if err != nil {
		t.Fatal(err)
	}
	var out Output
	part := func(offset uint64, bytes int) *Message {
		return &Message{Kind: SnapshotPart, Server: 2, Seq: 2, Part: &Part{Sum: 7, Size: 400, Offset: offset, Bytes: make([]byte, bytes)}}
	}
	for _, m := range []*Message{part(0, 0), part(0, 64), part(192, 64), part(320, 64)} {
		s.Receive(0, m, &out)
	}
	if h := s.Held(); h.Fetched != 64 || h.Ahead != 2 {
		t.Fatalf("it holds %+v", h)
	}
	for seq := Seq(1); seq <= 2; seq++ {
		s.Receive(0, &Message{Kind: CatchUpReply, Server: 2, Seq: seq - 1, ARU: seq, List: &DataList{{Seq: seq, Ordered: true, Batch: one(Timestamp(seq))}}}, &out)
	}
	if h := s.Held(); h.Fetched != 0 || h.Ahead != 0 || s.localARU != 2 {
		t.Errorf("at slot %d it holds %+v", s.localARU, h)
	}
}

// What is truncated is gone from memory and disk, and asking for it is no error.
func TestTruncatedSlotsAreGone(t *testing.T) {
	c := each(t, 3, pageSlots, 10)
	c.order(2*pageSlots + 5)
	c.wait(200 * ms)
	s := c.servers[2]
	if s.Truncated() != 2*pageSlots || len(s.history.pages) != 1 {
		t.Fatalf("truncated %d, %d pages: %v", s.Truncated(), len(s.history.pages), s)
	}
	if d := c.disks[2]; d.gone == 0 || len(d.records) > 20 || d.records[0].Kind != RecordSnapshot {
		t.Errorf("the disk holds %d records behind %d that are gone", len(d.records), d.gone)
	}
	if s.Ordered(2*pageSlots) != nil || s.Ordered(2*pageSlots+1) == nil {
		t.Error("the slot at the truncation point is there, or the one above is not")
	}
	c.receive(2, Message{Kind: Proposal, Server: 1, View: 1, Seq: 3, Batch: one(3)})
	if len(c.wire) != 0 || s.dropped(truncatedSlot) != 1 {
		t.Errorf("a Proposal of a truncated slot is answered with %v", c.wire)
	}
}

// A server that slept through truncation returns by snapshot, though every third part is lost,
// and goes on with the slots above. It filters what the snapshot has executed, and answers
// a client that asks again.
func TestASleeperReturnsBySnapshot(t *testing.T) {
	c := each(t, 3, 8, 8)
	c.order(3)
	c.crash(3)
	c.order(30)
	c.wait(200 * ms)
	parts := 0
	c.lose = func(l letter) bool {
		if l.Kind == SnapshotPart && len(l.Part.Bytes) > 0 {
			parts++
			return parts%3 == 1
		}
		return false
	}
	c.start(3)
	c.wait(1000 * ms)
	if got := c.happened(3, SnapshotInstalled); got != "snapshot-installed 0/32" {
		t.Fatalf("server 3: %s; %v", got, c.servers[3])
	}
	if parts < 3 {
		t.Fatalf("%d parts: too few to lose any", parts)
	}
	c.mustAllHave(33)
	c.replies = nil
	last := c.servers[3].Ordered(33).Updates[0]
	c.request(3, last.Client, last.Timestamp, string(last.Op))
	c.mustReply(3, "33 op 33")
	c.lose = nil
	c.order(1)
	c.wait(200 * ms)
	c.mustAllHave(34)
}

// The server named in an update that it only forwarded replies from the snapshot's table, and
// keeps nothing pending.
func TestTheNamedServerRepliesFromASnapshot(t *testing.T) {
	c := each(t, 3, 4, 4)
	deaf := true
	c.lose = func(l letter) bool { return deaf && l.to == 3 }
	c.request(3, 50, 1, "forwarded")
	c.settle()
	c.order(8)
	c.wait(100 * ms)
	if s := c.servers[3]; s.localARU != 0 || s.pendings != 1 || c.servers[1].Truncated() < 8 {
		t.Fatalf("server 3 is not behind: %v; %v", s, c.servers[1])
	}
	c.replies = nil
	deaf = false
	c.wait(300 * ms)
	if s := c.servers[3]; s.localARU != 9 || s.pendings != 0 || c.happened(3, SnapshotInstalled) == "" {
		t.Fatalf("server 3 has not caught up by snapshot: %v", s)
	}
	c.mustReply(3, "1 forwarded")
}

// behind is server 3 of a cluster in which the others have snapshots that server 3 lacks. It has
// reported nothing yet, and hears only what the test hands it.
func behind(t *testing.T) (c *cluster, older, newer *Snapshot) {
	c = each(t, 3, 8, 8)
	c.lose = func(l letter) bool { return l.to == 3 }
	c.order(16)
	older = c.servers[1].snaps.latest
	c.order(8)
	newer = c.servers[1].snaps.latest
	c.wait(60 * ms)
	if older.Seq != 16 || newer.Seq != 24 || len(older.Body) != len(newer.Body) || len(newer.Body) <= leastPart {
		t.Fatalf("%v, %v: not as large as each other, or of one part", older, newer)
	}
	c.take()
	c.lose = nil
	return c, older, newer
}

func partOf(s *Snapshot, from, to int) *Part {
	return &Part{Sum: s.Sum, Size: uint64(len(s.Body)), Offset: uint64(from), Bytes: s.Body[from:min(to, len(s.Body))]}
}

// Parts of two snapshots do not mix, though one ends where the other goes on; and what its
// parts do not make is not installed.
func TestPartsOfTwoSnapshotsDoNotMix(t *testing.T) {
	c, older, newer := behind(t)
	s := c.servers[3]
	send := func(snap *Snapshot, from, to int) {
		c.receive(3, Message{Kind: SnapshotPart, Server: 1, Seq: snap.Seq, Part: partOf(snap, from, to)})
	}
	send(older, 0, 64)
	send(newer, 64, 1000)
	if s.localARU != 0 || s.dropped(otherSnapshot) != 1 {
		t.Fatalf("half of each: %v, dropped %d", s, s.dropped(otherSnapshot))
	}
	send(older, 64, 1000)
	if s.localARU != 16 || c.happened(3, SnapshotInstalled) != "snapshot-installed 0/16" {
		t.Fatalf("the older one is whole, and still: %v", s)
	}

	damaged := SnapshotOf(newer.Seq, slices.Clone(newer.Body))
	damaged.Body[len(damaged.Body)-1] ^= 1
	send(damaged, 0, 64)
	send(damaged, 64, 1000)
	if s.localARU != 16 || s.dropped(badSnapshot) != 1 {
		t.Fatalf("a damaged one: %v, dropped %d", s, s.dropped(badSnapshot))
	}
	send(newer, 0, 64)
	send(newer, 64, 1000)
	if s.localARU != 24 {
		t.Fatalf("it is fetched once more, and still: %v", s)
	}
	send(older, 0, 1000)
	if s.localARU != 24 || s.dropped(alreadyOrdered) == 0 {
		t.Fatalf("an older one comes over a newer state: %v", s)
	}
}

// A fetch goes on with another peer, from the byte that it lacks; and it takes another snapshot
// only where nobody sends the rest.
func TestAFetchGoesOnWithAnotherPeer(t *testing.T) {
	c, older, newer := behind(t)
	c.receive(3, Message{Kind: VCProof, Server: 1, View: 1, State: RegLeader, ARU: 24})
	c.receive(3, Message{Kind: VCProof, Server: 2, View: 1, State: RegNonLeader, ARU: 24})
	c.take()
	c.receive(3, Message{Kind: SnapshotPart, Server: 1, Seq: older.Seq, Part: partOf(older, 0, 64)})
	c.take()
	asked := map[ServerID]uint64{}
	for range fetchPatience + 1 {
		c.now += 45 * ms
		c.step(3, Input{Kind: Timer})
		for _, l := range c.take() {
			if l.Kind == SnapshotRequest {
				asked[l.to] = l.Part.Offset
				if l.Seq != older.Seq || l.Part.Sum != older.Sum {
					t.Fatalf("it asks for %v", l.Message.String())
				}
			}
		}
	}
	if len(asked) != 2 || asked[1] != 64 || asked[2] != 64 {
		t.Fatalf("asked are %v (server: offset), want both from byte 64 on", asked)
	}
	c.receive(3, Message{Kind: SnapshotPart, Server: 2, Seq: newer.Seq, Part: &Part{Sum: newer.Sum, Size: uint64(len(newer.Body))}})
	wire := c.take()
	if len(wire) != 1 || wire[0].to != 2 || wire[0].Kind != SnapshotRequest || wire[0].Seq != newer.Seq || wire[0].Part.Offset != 0 {
		t.Fatalf("offered another one after %d misses, it sends %v", fetchPatience+1, wire)
	}
}

// With two peers, of which one is down, a fetch reaches the other one: catching up takes its
// own turns.
func TestAFetchHasItsOwnTurn(t *testing.T) {
	c := each(t, 3, 4, 4)
	c.lose = func(l letter) bool { return l.to == 3 }
	c.order(9)
	c.wait(60 * ms)
	c.lose = func(l letter) bool { return l.Kind == SnapshotRequest && l.to == 2 } // it has it, and is not to be reached
	c.servers[3].rotor = 1
	for !c.servers[3].fetching() {
		c.wait(ms)
	}
	c.servers[3].snaps.fetch.from = 2
	c.wait(500 * ms)
	c.mustAllHave(9)
}

// A snapshot stays while it is fetched, though newer ones are taken, and goes once nobody has
// asked for it in a while.
func TestASnapshotIsPinnedWhileItIsFetched(t *testing.T) {
	c := each(t, 3, 4, 4)
	c.order(12)
	s := c.servers[1]
	old := s.snaps.latest
	ask := Message{Kind: SnapshotRequest, Server: 3, Seq: old.Seq, Part: &Part{Sum: old.Sum, Size: uint64(len(old.Body)), Offset: 64}}
	got := func() string {
		c.take()
		c.receive(1, ask)
		sent := c.take()
		switch {
		case len(sent) == 0:
			return "nothing"
		case sent[0].Kind == SnapshotPart && len(sent[0].Part.Bytes) > 0:
			return fmt.Sprintf("part of 1…%d from %d", sent[0].Seq, sent[0].Part.Offset)
		}
		return fmt.Sprintf("offer of 1…%d", sent[0].Seq)
	}
	if g := got(); g != "part of 1…12 from 64" {
		t.Fatalf("the answer is %s", g)
	}
	c.order(8)
	if g := got(); s.snaps.latest.Seq != 20 || g != "part of 1…12 from 64" {
		t.Fatalf("with newer ones the answer is %s", g)
	}
	c.wait(pinTimeouts*s.settings.Timeout + 100*ms)
	if g := got(); g != "offer of 1…20" {
		t.Fatalf("after a while without requests the answer is %s", g)
	}
}

// X3 and X12: an answer to Prepare begins where the history does, and a leader below that
// leads only once it has the snapshot.
func TestPrepareMeetsTruncatedHistory(t *testing.T) {
	c := each(t, 3, 4, 4)
	cut := true
	c.lose = func(l letter) bool { return cut && (l.to == 2 || l.Server == 2) }
	c.order(8)
	c.wait(60 * ms)
	c.crash(1)
	cut = false
	c.lose = func(l letter) bool { return l.Kind == SnapshotPart }
	for c.servers[2].state != Preparing {
		c.wait(ms)
	}
	c.lose = func(l letter) bool { return l.Kind == SnapshotPart || l.Kind == Prepare }
	c.receive(3, Message{Kind: Prepare, Server: 2, View: c.servers[3].lastInstalled})
	wire := c.take()
	if len(wire) == 0 || wire[0].Kind != PrepareOK || wire[0].Seq != 4 {
		t.Fatalf("server 3, whose history begins above 4, answers %v", wire)
	}
	for _, l := range wire {
		c.receive(l.to, l.Message)
	}
	if s := c.servers[2]; s.state != Preparing || s.localARU != 0 {
		t.Fatalf("server 2 leads, or has executed, without slots 1…4: %v", s)
	}
	snap := c.servers[3].snaps.latest
	c.disks[2].held = true // or the durable notice would have it look again
	for at := 0; at < len(snap.Body); at += leastPart {
		c.receive(2, Message{Kind: SnapshotPart, Server: 3, Seq: snap.Seq, Part: partOf(snap, at, at+leastPart)})
	}
	if s := c.servers[2]; s.state != RegLeader || s.localARU != 8 || c.happened(2, SnapshotInstalled) == "" {
		t.Fatalf("server 2 does not lead at once after the snapshot: %v", s)
	}
}

// Wherever a crash cuts a disk that is truncated, the next life has the promise, the slots, and
// what it accepted above them. It never has less than its durable snapshot.
func TestATruncatedDiskHoldsAll(t *testing.T) {
	c := each(t, 3, 3, 2)
	states := map[Seq]uint64{0: (&ledger{}).Hash()}
	lives := 0
	for range 14 {
		c.order(1)
		c.wait(60 * ms)
		for _, e := range c.events[3] {
			if e.Kind == Executed {
				states[e.Seq] = e.Hash
			}
		}
		d := c.disks[3]
		for cut := max(1, d.durable); cut <= len(d.records); cut++ {
			s, err := New(Config{ID: 3, Servers: 3, Settings: c.cfg}, c.now, &ledger{}, Stable{d.records[:cut:cut]})
			if err != nil {
				t.Fatal(err)
			}
			lives++
			if s.lastInstalled != 1 || s.app.Hash() != states[s.localARU] || s.localARU < c.servers[3].history.truncated || s.top < c.servers[3].localARU {
				t.Fatalf("%d of %d records behind %d: %v; before: %v", cut, len(d.records), d.gone, s, c.servers[3])
			}
		}
	}
	if c.disks[3].gone < 20 || lives < 20 {
		t.Errorf("%d records are truncated, and %d lives begun: this tests little", c.disks[3].gone, lives)
	}
}

// What is accepted above a snapshot outlives the record that said so.
func TestOpenSlotsOutliveTruncation(t *testing.T) {
	c := each(t, 5, 4, 4)
	c.order(3)
	c.receive(3, Message{Kind: Proposal, Server: 1, View: 1, Seq: 6, Batch: one(6)}) // ahead of its turn
	c.take()
	c.order(1)
	c.order(1) // and the snapshot is durable
	c.wait(60 * ms)
	if d := c.disks[3]; c.servers[3].Truncated() != 4 || d.gone == 0 {
		t.Fatalf("%v, %d records truncated", c.servers[3], d.gone)
	}
	c.crash(3)
	c.start(3)
	if e := c.servers[3].knownEntry(6); e.View != 1 || e.Batch.Hash() != one(6).Hash() {
		t.Errorf("of seq 6, which it accepted in view 1, the next life knows %+v", e)
	}
}

// No bytes make decode or adopt panic, and what they do not take leaves a server as it was.
func TestGarbageIsNoSnapshot(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := newCluster(t, 3)
		s := c.servers[2]
		s.session(3).lastExecuted = 7
		snap := SnapshotOf(5, s.encodeSnapshot()) // of 1…0: its seq is wrong
		body := slices.Clone(snap.Body)
		if rapid.Bool().Draw(t, "flip") {
			body[rapid.IntRange(0, len(body)-1).Draw(t, "at")] ^= byte(rapid.IntRange(1, 255).Draw(t, "by"))
		} else {
			body = rapid.SliceOfN(rapid.Byte(), 0, 60).Draw(t, "body")
		}
		before := s.Hash(0)
		if err := s.adopt(SnapshotOf(5, body)); err != nil && s.Hash(0) != before {
			t.Fatalf("%v, and the server has changed", err)
		}
	})
}

// A server that is being brought up executes nothing, and cannot tell whether its leader works. While parts come
// and the leader is heard, it attempts no view beside it, whatever others tell it of updates. When the parts stay
// away it judges as any other.
func TestAServerThatIsBroughtUpUnseatsNobody(t *testing.T) {
	set := Settings{PartBytes: leastPart}.WithDefaults()
	s, err := New(Config{ID: 3, Servers: 3, Settings: set}, 0, &ledger{}, Stable{})
	if err != nil {
		t.Fatal(err)
	}
	var out Output
	hear := func(now Instant) {
		s.Receive(now, &Message{Kind: VCProof, Server: 1, View: 1, State: RegLeader, ARU: 500}, &out)
		s.Step(now, Input{Kind: Timer}, &out)
	}
	part := func(now Instant, offset uint64, bytes int) {
		s.Receive(now, &Message{Kind: SnapshotPart, Server: 1, Seq: 400, Part: &Part{Sum: 7, Size: 1 << 20, Offset: offset, Bytes: make([]byte, bytes)}}, &out)
	}
	hear(0)
	s.Receive(0, &Message{Kind: ClientUpdate, Server: 2, Batch: BatchOf(Update{Client: 9, Server: 2, Timestamp: 1})}, &out)
	part(0, 0, 0)
	now, offset := Instant(0), uint64(0)
	for ; now < 8*set.Timeout; now += set.Heartbeat {
		part(now, offset, 64)
		offset += 64
		hear(now)
		if s.lastAttempted > 1 {
			t.Fatalf("after %d ns it attempts view %d: %v", now, s.lastAttempted, s)
		}
	}
	for end := now + 8*set.Timeout; now < end && s.lastAttempted == 1; now += set.Heartbeat {
		hear(now)
	}
	if s.lastAttempted == 1 {
		t.Errorf("no part has come for long, work is outstanding, and it attempts nothing: %v", s)
	}
}
