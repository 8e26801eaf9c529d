package paxos

import (
	"fmt"

	"github.com/fauer4effect/paxos/protocol"
	"github.com/fauer4effect/paxos/sim/internal/engine"
	"github.com/fauer4effect/paxos/sim/internal/words"
	"github.com/fauer4effect/paxos/sim/plan"
	"github.com/fauer4effect/paxos/sim/trace"
	"github.com/fauer4effect/paxos/sim/world"
)

// A System is the world's Observer, too.

// Delivering traces a message.
func (r *System) Delivering(from, to world.Node, p *packet) {
	if !p.isReply() {
		r.run.Trace.Write(trace.Line{At: r.now(), Server: int(to), From: int(from), What: "deliver", Detail: p.String(), Hash: engine.HashString(r.world.Hash())})
	}
}

// Dropped counts what the loss of a message could have changed.
func (r *System) Dropped(from, to world.Node, p *packet, why world.Cause) {
	if r.run.Trace != nil && !p.isReply() {
		r.run.TraceDrop(from, to, p.String(), why)
	}
	if why != world.Down && r.matters(to, p) {
		r.run.Dropped(from, to, why)
		if r.run.Story != nil && !p.isReply() {
			tellLoss(r.run.Story, from, to, &p.Message)
		}
	}
}

// Departed tells the checker.
func (r *System) Departed(n world.Node, p *packet) {
	if p.Kind == protocol.Proposal && r.checker.Departures.Early(protocol.ServerID(n), &p.Message) {
		r.run.Effects[overlapped]++
	}
	if !p.isReply() {
		r.checker.Departed(r.now(), protocol.ServerID(n), &p.Message)
		r.repeats(r.servers[n], &p.Message)
	}
}

// repeats counts what a leader says again: in each view it asks once, and proposes in order.
func (r *System) repeats(s *server, m *protocol.Message) {
	switch {
	case m.Kind == protocol.Prepare && m.View == s.prepared:
		r.run.Effects[preparedAgain]++
	case m.Kind == protocol.Prepare:
		s.prepared = m.View
	case m.Kind == protocol.SnapshotRequest && m.Part != nil && m.Part.Offset > 0 && m.Part.Sum != s.fetched:
		s.fetched = m.Part.Sum
		r.run.Effects[fetchedOn]++
	case m.Kind == protocol.Proposal && m.View == s.proposing && m.Seq <= s.proposed:
		r.run.Effects[proposedAgain]++
	case m.Kind == protocol.Proposal:
		s.proposing, s.proposed = m.View, m.Seq
	}
}

// Arrived counts messages that took an unusual way. A late one counts if it is still of use.
func (r *System) Arrived(from, to world.Node, p *packet, way world.Way) {
	if way&world.Repeated != 0 && r.world.IsServer(to) {
		r.run.Effects[plan.Duplicate]++
	}
	if r.matters(to, p) {
		r.run.Arrived(from, to, way)
	}
}

// Durable tells the checker.
func (r *System) Durable(n world.Node, d *diskRecord) {
	record := d.head()
	r.checker.Durable(r.now(), protocol.ServerID(n), &record)
}

// truncate gives up the records of a server's disk below a position.
func (r *System) truncate(n world.Node, position protocol.Position) {
	id := protocol.ServerID(n)
	first := r.bodies.unpack(r.world.Record(n, uint64(position)))
	r.checker.Truncating(r.now(), id, &first, uint64(position) <= r.world.Durable(n))
	if r.checker.Violation() != nil {
		return
	}
	r.run.Effects[truncations]++
	gone := 0
	r.world.Truncate(n, uint64(position), func(d *diskRecord) {
		record := d.head()
		r.checker.Forgotten(r.now(), id, &record, &first)
		r.bodies.drop(d)
		gone++
	})
	r.logs[n].truncate(gone)
}

// Survive says what a crash leaves of unsynced records.
func (r *System) Survive(n world.Node, packed []diskRecord) int {
	unsynced := r.bodies.unpackAll(packed)
	kept := r.run.Survive(n, len(unsynced), func(i int) int { return recordBytes(&unsynced[i]) })
	r.tear(n, unsynced, kept)
	return kept
}

// Crashed counts what a crash took.
func (r *System) Crashed(n world.Node, lost []diskRecord) {
	for i := range lost {
		if !lost[i].lazy {
			r.run.Effects[engine.UnsyncedLost]++
			break
		}
	}
	for i := range lost {
		r.bodies.drop(&lost[i])
	}
	r.run.Say("server %d crashes and loses %s", n, words.Count(len(lost), "record"))
	if r.run.Story != nil {
		r.run.Story.Tell(r.world.Now(), n, engine.Line{Kind: engine.Struck, Text: fmt.Sprintf("server %d crashes and loses %s", n, words.Count(len(lost), "record"))})
	}
	r.run.Tell(n, "crash", words.Count(len(lost), "record")+" lost")
}

// SyncFailed ends the server.
func (r *System) SyncFailed(n world.Node) { r.run.SyncFailed(n) }
