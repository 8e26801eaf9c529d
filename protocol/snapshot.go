package protocol

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
)

// Snapshots (X12): every K executed slots the state of the application and the session table
// are written to the disk. All else that a recovery needs is in the same record. What lies
// below may then go (truncate.go), and a server that was down meanwhile gets the snapshot in
// parts (fetch.go). The paper keeps everything for ever.

// Snapshot is all that the slots 1…Seq have led to: the same bytes on every server that took
// it. It is immutable and shared freely.
type Snapshot struct {
	Seq  Seq    // the last slot that it covers; never zero
	Sum  uint64 // of Seq and Body: with Seq it names the snapshot
	Body []byte // in the form of encodeSnapshot; MaxSnapshotBytes at most
}

// MaxSnapshotBytes bounds a snapshot. A server whose state is larger takes none, and so never
// truncates.
const MaxSnapshotBytes = 256 << 20

// SnapshotOf returns the snapshot of the given bytes, and takes them over.
func SnapshotOf(seq Seq, body []byte) *Snapshot {
	return &Snapshot{Seq: seq, Sum: mixBytes(uint64(seq), body), Body: body}
}

func (s *Snapshot) String() string {
	return fmt.Sprintf("snapshot of 1…%d, %d bytes, sum %016x", s.Seq, len(s.Body), s.Sum)
}

// Checkpoint is the body of RecordSnapshot: the snapshot, and what this server holds of the
// slots above it. With the record's View and Roster it says all that still matters of the
// records before it. It is durable as a whole or not at all. It is immutable.
type Checkpoint struct {
	Snapshot *Snapshot
	// Open has the acceptances (View > 0) and outcomes (Ordered) known above Snapshot.Seq, one
	// entry a seq, rising.
	Open DataList
}

func (c *Checkpoint) String() string {
	if c == nil {
		return "none"
	}
	return fmt.Sprintf("%v, and %d slots above", c.Snapshot, len(c.Open))
}

// snapshots is what a server knows of its own snapshots, and the one that it fetches.
type snapshots struct {
	// next is the slot at which to take one: the next multiple of SnapshotSlots, on all servers
	// (plan).
	next Seq
	// latest was taken, installed or recovered last. Its record may not be durable yet. Nil:
	// none so far.
	latest *Snapshot
	// marks are the snapshots whose records the disk still has, or is given: the oldest first.
	//
	// Invariant: seq and pos both rise.
	marks []snapshotMark
	// cut is the position below which the disk may forget: it only rises (Output.Truncate).
	cut    Position
	pinned *Snapshot // the one that a peer is fetching, though latest may be newer; nil: none (pin)
	usedAt Instant   // when a part of pinned was asked for last; of no meaning without it
	fetch  fetch     // a peer's, on its way to us
}

// snapshotMark is where the record of a snapshot stands on the disk.
type snapshotMark struct {
	seq Seq
	pos Position
}

// snapshotVersion is the first byte of a snapshot's body. Then follow, as varints, the seq and
// the number of sessions. Each session has its client, opening, last use, last timestamp and the
// length of its result, with the result behind it. The application's own bytes are the rest.
const snapshotVersion = 1

var errSnapshot = errors.New("snapshot: not in the form that a server writes")

// encodeSnapshot is the state after LocalARU. Only what is replicated goes in, in the order of
// the clients' ids: in which order a server met its clients must not show.
func (s *Server) encodeSnapshot() []byte {
	var rows []Session
	s.EachSession(func(c Session) { rows = append(rows, c) })
	slices.SortFunc(rows, func(a, b Session) int { return cmp.Compare(a.Client, b.Client) })
	app := s.app.Snapshot()
	b := make([]byte, 0, 32+24*len(rows)+len(app))
	b = append(b, snapshotVersion)
	b = binary.AppendUvarint(b, uint64(s.localARU))
	b = binary.AppendUvarint(b, uint64(len(rows)))
	for _, r := range rows {
		b = binary.AppendUvarint(b, uint64(r.Client))
		b = binary.AppendUvarint(b, uint64(r.Opened))
		b = binary.AppendUvarint(b, uint64(r.UsedAt))
		b = binary.AppendUvarint(b, uint64(r.Last))
		b = binary.AppendUvarint(b, uint64(len(r.Result)))
		b = append(b, r.Result...)
	}
	return append(b, app...)
}

// decode reads a snapshot's body, which may be any bytes. The rows have memory of their own.
// A count that the bytes claim reserves no memory before the rows are there.
func (s *Snapshot) decode() (rows []Session, app []byte, err error) {
	if len(s.Body) == 0 || s.Body[0] != snapshotVersion {
		return nil, nil, fmt.Errorf("%w: another version", errSnapshot)
	}
	r := uvarints{rest: s.Body[1:]}
	seq, count := r.next(), r.next()
	for i := uint64(0); i < count && !r.bad; i++ {
		client, opened, used, last, size := r.next(), r.next(), r.next(), r.next(), r.next()
		switch {
		case r.bad || size > uint64(len(r.rest)) || client != uint64(ClientID(client)) || last == 0,
			len(rows) > 0 && rows[len(rows)-1].Client >= ClientID(client):
			return nil, nil, errSnapshot
		}
		rows = append(rows, Session{ClientID(client), Seq(opened), Seq(used), Timestamp(last), append([]byte{}, r.rest[:size]...)})
		r.rest = r.rest[size:]
	}
	if r.bad || seq == 0 || Seq(seq) != s.Seq {
		return nil, nil, errSnapshot
	}
	return rows, r.rest, nil
}

// uvarints reads numbers off bytes that may be anything. Where the bytes are not a number, bad
// is set and nothing is left.
type uvarints struct {
	rest []byte
	bad  bool
}

func (u *uvarints) next() uint64 {
	x, n := binary.Uvarint(u.rest)
	if n <= 0 {
		u.bad, u.rest = true, nil
		return 0
	}
	u.rest = u.rest[n:]
	return x
}

// takeSnapshot records the state after LocalARU, unless the slots up to the next snapshot are
// ordered here already. So a server that catches up takes only the last of several.
func (s *Server) takeSnapshot(out *Output) {
	s.plan(s.localARU)
	if s.ordersThrough(s.snaps.next) {
		return
	}
	body := s.encodeSnapshot()
	if len(body) > MaxSnapshotBytes {
		s.drop(snapshotTooLarge)
		return
	}
	// A server that learns all its slots by catching up syncs nothing, and would never truncate. So the record
	// takes a sync of its own if the one before it is not durable yet.
	marks := s.snaps.marks
	lazy := len(marks) == 0 || marks[len(marks)-1].pos <= s.durable
	s.keepSnapshot(SnapshotOf(s.localARU, body), lazy, out)
	out.event(Event{Kind: SnapshotTaken, Seq: s.localARU, Hash: s.app.Hash()})
}

// plan sets the slot at which the next snapshot is taken. It is the same on all servers: so one
// can send on what another has begun to send.
func (s *Server) plan(seq Seq) {
	k := Seq(s.settings.SnapshotSlots)
	s.snaps.next = (seq/k + 1) * k
}

// ordersThrough says whether all slots from LocalARU through seq are ordered here.
func (s *Server) ordersThrough(seq Seq) bool {
	for at := s.localARU + 1; at <= seq; at++ {
		if sl := s.history.peek(at); sl == nil || !sl.ordered {
			return false
		}
	}
	return true
}

// keepSnapshot records a snapshot of 1…LocalARU.
func (s *Server) keepSnapshot(snap *Snapshot, lazy bool, out *Output) {
	s.invariant(snap.Seq == s.localARU, "a snapshot is recorded where it stands")
	r := Record{
		Kind: RecordSnapshot, Lazy: lazy, View: s.lastInstalled, Seq: snap.Seq,
		Checkpoint: &Checkpoint{Snapshot: snap, Open: s.openSlots()},
	}
	if s.disks.pos > 0 {
		roster := s.disks.roster
		r.Roster = &roster
	}
	s.snaps.latest = snap
	s.snaps.marks = append(s.snaps.marks, snapshotMark{snap.Seq, s.record(r, out)})
}

// openSlots is what the disk says of the slots above LocalARU.
func (s *Server) openSlots() DataList {
	var open DataList
	for seq := s.localARU + 1; seq <= s.top; seq++ {
		if sl := s.history.peek(seq); sl != nil && (sl.view > 0 || sl.ordered) {
			open = append(open, Entry{Seq: seq, View: sl.view, Ordered: sl.ordered, Batch: sl.batch})
		}
	}
	return open
}

// adopt makes the snapshot this server's state. Where it fails the server has not changed.
func (s *Server) adopt(snap *Snapshot) error {
	rows, app, err := snap.decode()
	if err != nil {
		return err
	}
	if err := s.app.Restore(app); err != nil {
		return err
	}
	for i := range s.sessions {
		c := &s.sessions[i]
		c.opened, c.usedAt, c.lastExecuted, c.lastResult = 0, 0, 0, nil
	}
	s.opened, s.tombs = 0, nil
	for _, r := range rows {
		c := s.session(r.Client)
		c.opened, c.usedAt, c.lastExecuted, c.lastResult, c.used = r.Opened, r.UsedAt, r.Last, r.Result, s.now
		switch {
		case r.Opened > 0:
			s.opened++
		case s.explicit():
			s.tombs = append(s.tombs, tombstone{r.Client, r.UsedAt})
		}
	}
	s.sortTombstones()
	s.history.jump(snap.Seq)
	s.localARU = snap.Seq
	s.top = max(s.top, snap.Seq)
	s.lastProposed = max(s.lastProposed, snap.Seq)
	s.plan(snap.Seq)
	return nil
}

// installSnapshot takes over a snapshot that a peer sent, in place of the slots that it
// covers.
func (s *Server) installSnapshot(snap *Snapshot, out *Output) {
	s.invariant(snap.Seq > s.localARU, "a snapshot never replaces a newer state")
	if s.adopt(snap) != nil {
		s.drop(badSnapshot)
		return
	}
	s.keepSnapshot(snap, false, out)
	out.event(Event{Kind: SnapshotInstalled, Seq: snap.Seq, Hash: s.app.Hash()})
	for i := range s.sessions {
		c := &s.sessions[i]
		if c.pending != nil && s.lapsed(c, &c.pending.Updates[0]) {
			s.dropPending(c) // executed or not: its client asks again, and hears that the session expired
		}
		s.dropExecuted(c, out)
		s.release(c)
	}
	s.executeAll(out)
	s.advanced(out)
}

// dropExecuted drops a pending update that a snapshot has the effect of, and answers its client
// if this server owes the reply.
func (s *Server) dropExecuted(c *session, out *Output) {
	if c.pending == nil || c.pending.Updates[0].Timestamp > c.lastExecuted {
		return
	}
	u := &c.pending.Updates[0]
	if u.Server == s.id && u.Timestamp == c.lastExecuted {
		out.answer(u, c.lastResult)
	}
	s.dropPending(c)
}
