package protocol

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

// Bad input from outside is counted and dropped. It may spoil what a server believes, for
// nobody forges messages in our model; but it may not panic, hang or exhaust the memory.

// mostSlots bounds the ring that an input may make a server keep: 9 to 19 MB of slots.
const mostSlots = 1 << 17

func TestGarbage(t *testing.T) {
	// What cannot refuse a list far ahead would take all memory in the last test.
	if !t.Run("lists far ahead", listsFarAhead) {
		return
	}
	for name, m := range map[string]Message{
		"the last view of all":             {Kind: VCProof, Server: 2, View: math.MaxUint64},
		"an attempt at the last view":      {Kind: ViewChange, Server: 2, View: math.MaxUint64},
		"a leader that has everything":     {Kind: Prepare, Server: 2, View: 2, ARU: Infinity},
		"a leader of no view":              {Kind: VCProof, Server: 2, State: RegLeader},
		"a request for the end of the log": {Kind: CatchUpRequest, Server: 2, Seq: Infinity - 1, ARU: Infinity},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCluster(t, 3)
			c.receive(3, m)
			for range 3 {
				mustBeInPlace(t, c.servers[3])
				c.now += 10_000 * ms
				c.step(3, Input{Kind: Timer})
			}
		})
	}
	t.Run("anything", func(t *testing.T) { rapid.Check(t, anything) })
}

// A data list far above the window is too far to keep, so its part may not count either. The same
// holds for one with entries outside its range, or without a batch.
func listsFarAhead(t *testing.T) {
	for name, list := range map[string]DataList{
		"far ahead":     {{Seq: 1 << 20, View: 1, Batch: one(1)}},
		"out of range":  {{Seq: 2, View: 1, Batch: one(1)}, {Seq: 1 << 20, Ordered: true, Batch: one(2)}},
		"not rising":    {{Seq: 1 << 20, Ordered: true, Batch: one(1)}, {Seq: 1, View: 1, Batch: one(2)}},
		"without batch": {{Seq: 1 << 20, View: 1}},
	} {
		c := view2(t)
		c.receive(2, answer(0, Infinity, list...))
		s := c.servers[2]
		if s.state != Preparing || s.localARU != 0 || s.top != 0 {
			t.Errorf("%s: server 2 leads on an answer that it did not keep: %v", name, s)
		}
		c.receive(2, Message{Kind: CatchUpReply, Server: 3, Seq: 0, ARU: 2, List: &list})
		if len(s.history.ring) > mostSlots {
			t.Fatalf("%s: the ring grew to %d slots", name, len(s.history.ring))
		}
	}
}

func anything(t *rapid.T) {
	c := newClusterAt(t, rapid.IntRange(1, 5).Draw(t, "servers"), 0, drawSnapshots(t))
	c.chaos(t, 60)
	s := c.servers[rapid.IntRange(1, c.n).Draw(t, "server")]
	var out Output
	for range rapid.IntRange(1, 30).Draw(t, "inputs") {
		in := Input{Kind: rapid.SampledFrom([]InputKind{Receive, Receive, Receive, Timer, Durable, Elect, HandOver, 77}).Draw(t, "input")}
		switch in.Kind {
		case Receive:
			in.Message = garbage(s).Draw(t, "message")
		case HandOver:
			in.To = ServerID(rapid.IntRange(0, s.n+1).Draw(t, "to"))
		case Durable:
			in.UpTo = rapid.SampledFrom([]Position{0, s.durable, s.position, s.position + 1, math.MaxUint64}).Draw(t, "up to")
		}
		c.now += Instant(rapid.SampledFrom([]int64{0, 1, 40, 500, -100, 3_600_000}).Draw(t, "ms")) * ms
		out.Reset()
		s.Step(c.now, in, &out)
		for i := range out.Messages {
			m := &out.Messages[i].Message
			_, _ = m.Digest(), m.String()
		}
		mustBeInPlace(t, s)
		if len(s.history.ring) > mostSlots {
			t.Fatalf("the ring grew to %d slots: %v", len(s.history.ring), s)
		}
	}
	_, _, _ = s.Deadline(), s.Hash(c.now), s.Clone()
}

// mustBeInPlace fails where the state contradicts the view.
func mustBeInPlace(t fataler, s *Server) {
	t.Helper()
	leads := s.leader(s.lastInstalled) == s.id
	switch {
	case s.state == RegNonLeader && (leads || s.lastInstalled == 0),
		(s.state == RegLeader || s.state == Preparing) && !leads:
		t.Fatalf("in the wrong place: %v", s)
	}
}

// garbage draws a message of any kind from anybody, whose numbers lie where a server's
// bounds are, or at the end of the world.
func garbage(s *Server) *rapid.Generator[Message] {
	views := rapid.SampledFrom([]View{
		0, 1, 2, 3, s.lastInstalled, s.lastInstalled + 1, s.lastAttempted, s.lastAttempted + 1,
		View(s.n) + s.lastInstalled, 1 << 40, math.MaxUint64 - 1, math.MaxUint64,
	})
	seqs := rapid.SampledFrom([]Seq{
		0, 1, 2, 3, s.localARU, s.localARU + 1, s.localARU + 2, s.localARU + 2*s.window(),
		s.localARU + 2*s.window() + 1, s.localARU + ringSlots + 1, s.localARU + catchUpSlots*catchUpInFlight,
		s.lastProposed, s.top, 1 << 40, Infinity - 1, Infinity,
	})
	batches := rapid.Custom(func(t *rapid.T) *Batch {
		var updates []Update
		for range rapid.IntRange(0, 2).Draw(t, "updates") {
			updates = append(updates, Update{
				Client:    rapid.SampledFrom([]ClientID{0, 1, 2, math.MaxUint32}).Draw(t, "client"),
				Server:    ServerID(rapid.IntRange(0, 12).Draw(t, "named")),
				Timestamp: rapid.SampledFrom([]Timestamp{0, 1, 2, 3, math.MaxUint64}).Draw(t, "ts"),
				Op:        rapid.SliceOfN(rapid.Byte(), 0, 3).Draw(t, "op"),
			})
		}
		return NewBatch(updates...)
	})
	maybe := rapid.OneOf(rapid.Just[*Batch](nil), batches, batches, batches)
	return rapid.Custom(func(t *rapid.T) Message {
		m := Message{
			Kind:   Kind(rapid.IntRange(0, int(NumKinds)+1).Draw(t, "kind")),
			Server: ServerID(rapid.IntRange(0, s.n+1).Draw(t, "from")),
			State:  State(rapid.IntRange(0, 5).Draw(t, "state")),
			View:   views.Draw(t, "view"),
			Seq:    seqs.Draw(t, "seq"),
			ARU:    seqs.Draw(t, "aru"),
			Batch:  maybe.Draw(t, "batch"),
		}
		if rapid.Bool().Draw(t, "from the leader") {
			m.Server = s.leader(m.View)
		}
		if rapid.Bool().Draw(t, "with a list") {
			list := DataList{}
			for range rapid.IntRange(0, 3).Draw(t, "entries") {
				list = append(list, Entry{
					Seq: seqs.Draw(t, "seq"), View: views.Draw(t, "view"),
					Ordered: rapid.Bool().Draw(t, "ordered"), Batch: maybe.Draw(t, "batch"),
				})
			}
			m.List = &list
		}
		if (m.Kind == SnapshotRequest || m.Kind == SnapshotPart) && rapid.Bool().Draw(t, "with a part") {
			m.Part = drawPart(t, s, &m)
		}
		if m.Kind == Formation && rapid.Bool().Draw(t, "with a roster") {
			m.Store = StoreID(rapid.IntRange(0, 3).Draw(t, "store"))
			m.Roster = &Roster{Formed: rapid.Bool().Draw(t, "formed")}
			for id := range m.Roster.Stores {
				m.Roster.Stores[id] = StoreID(rapid.IntRange(0, 3).Draw(t, "listed"))
			}
		}
		return m
	})
}

// drawPart draws a piece of a snapshot, at times of one that the server knows of.
func drawPart(t *rapid.T, s *Server, m *Message) *Part {
	sizes := rapid.SampledFrom([]uint64{0, 1, 2, 63, 64, 65, 200, MaxSnapshotBytes, MaxSnapshotBytes + 1, math.MaxUint64})
	p := &Part{
		Sum: sizes.Draw(t, "sum"), Size: sizes.Draw(t, "size"), Offset: sizes.Draw(t, "offset"),
		Bytes: rapid.SliceOfN(rapid.Byte(), 0, 70).Draw(t, "bytes"),
	}
	switch known := s.snaps.latest; {
	case !rapid.Bool().Draw(t, "known"):
	case s.snaps.fetch.seq > 0:
		m.Seq, p.Sum, p.Size = s.snaps.fetch.seq, s.snaps.fetch.sum, s.snaps.fetch.size
	case known != nil:
		m.Seq, p.Sum, p.Size = known.Seq, known.Sum, uint64(len(known.Body))
	}
	return p
}
