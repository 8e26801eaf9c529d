package protocol

import (
	"fmt"
	"slices"
)

// Fetching a snapshot (X12): a server that asks for slots which its peer has truncated is
// offered a snapshot instead, and asks for its parts. Parts are keyed by (seq, sum), so that
// those of two snapshots never mix. The server asks from the first byte that it lacks, of any
// peer that has the same snapshot. The whole is checked before it is installed.

// Part is the body of SnapshotRequest and SnapshotPart: a piece of the snapshot named by the
// message's Seq and Sum. A SnapshotPart without bytes is an offer. It is immutable once sent.
type Part struct {
	Sum    uint64 // of the whole
	Size   uint64 // of the whole
	Offset uint64 // of Bytes, or from which the request asks
	Bytes  []byte
}

func (p *Part) mix(h uint64) uint64 {
	h = mix(mix(h, p.Sum), p.Size)
	return mixBytes(mix(h, p.Offset), p.Bytes)
}

func (p *Part) String() string {
	if p == nil {
		return "none"
	}
	return fmt.Sprintf("sum %016x, %d…%d of %d bytes", p.Sum, p.Offset, p.Offset+uint64(len(p.Bytes)), p.Size)
}

const (
	fetchParts    = 16       // the most parts that are sent for one request
	fetchPatience = 3        // retransmissions without a byte, before another snapshot is fetched instead
	leastPart     = 64       // bytes, however small PartBytes is
	mostPart      = 32 << 10 // bytes, however large PartBytes is
	pinTimeouts   = 4        // Timeouts without a request, before a pinned snapshot is let go
)

// fetch is a snapshot on its way to us. Its seq is zero for none.
type fetch struct {
	seq    Seq      // with sum and size it names the snapshot
	sum    uint64   // of the whole, which is checked at the end
	size   uint64   // of the whole, in bytes
	from   ServerID // the server to ask next, and at first the one that offered the snapshot
	got    []byte   // the beginning, without a gap; the whole is installed in the Step that completes it
	ahead  []*Part  // parts that begin beyond got; fetchParts of them at most
	asked  uint64   // the offset up to which parts were asked for
	misses int      // retransmissions since a part was of use
}

// is says whether a part belongs to what is fetched.
func (f *fetch) is(seq Seq, p *Part) bool {
	return f.seq == seq && f.sum == p.Sum && f.size == p.Size
}

// fetching says whether a snapshot is on its way that is still of use.
func (s *Server) fetching() bool { return s.snaps.fetch.seq > s.localARU }

// broughtUp says whether parts of a snapshot arrive that this server needs. It executes nothing meanwhile, and
// cannot tell a leader that works from one that does not: the others can (X8). What they tell it of updates would
// else have it attempt one view after the other, beside a leader that works.
func (s *Server) broughtUp() bool { return s.fetching() && s.snaps.fetch.misses == 0 }

func (s *Server) partBytes() uint64 {
	return uint64(min(max(s.settings.PartBytes, leastPart), mostPart))
}

// offer tells a peer that asked for truncated slots which snapshot it can have. That is the
// pinned one, which others fetch already, if the slots above it are still there; else the latest.
func (s *Server) offer(to ServerID, aru Seq, out *Output) {
	snap := s.snaps.latest
	if p := s.snaps.pinned; p != nil && p.Seq > aru && p.Seq >= s.history.truncated {
		snap = p
	}
	if snap == nil || snap.Seq <= aru {
		s.drop(nothingNewer)
		return
	}
	part := &Part{Sum: snap.Sum, Size: uint64(len(snap.Body))}
	s.send(to, 0, Message{Kind: SnapshotPart, Seq: snap.Seq, Part: part}, out)
}

// onSnapshotRequest sends parts of the snapshot that is asked for, or offers another one.
func (s *Server) onSnapshotRequest(m *Message, out *Output) {
	if m.Part == nil || m.Seq == 0 {
		s.drop(malformed)
		return
	}
	snap := s.named(m.Seq, m.Part.Sum)
	if snap == nil {
		s.offer(m.Server, m.ARU, out)
		return
	}
	s.pin(snap)
	size, step := uint64(len(snap.Body)), s.partBytes()
	for at := m.Part.Offset; at < size && at < m.Part.Offset+fetchParts*step; at += step {
		part := &Part{Sum: snap.Sum, Size: size, Offset: at, Bytes: snap.Body[at:min(at+step, size)]}
		s.send(m.Server, 0, Message{Kind: SnapshotPart, Seq: snap.Seq, Part: part}, out)
	}
}

// named is the snapshot of that name, nil where this server does not have it.
func (s *Server) named(seq Seq, sum uint64) *Snapshot {
	for _, snap := range []*Snapshot{s.snaps.latest, s.snaps.pinned} {
		if snap != nil && snap.Seq == seq && snap.Sum == sum {
			return snap
		}
	}
	return nil
}

// pin keeps a snapshot while it is fetched, though newer ones are taken meanwhile. There is
// room for one.
func (s *Server) pin(snap *Snapshot) {
	if s.snaps.pinned == nil {
		s.snaps.pinned = snap
	}
	if s.snaps.pinned == snap {
		s.snaps.usedAt = s.now
	}
}

// unpin lets go of a snapshot that nobody has asked for lately.
func (s *Server) unpin() {
	if s.snaps.pinned != nil && s.now-s.snaps.usedAt >= pinTimeouts*s.settings.Timeout {
		s.snaps.pinned = nil
	}
}

// onSnapshotPart takes a part, or the offer of a snapshot. A fetch that is under way goes on,
// unless no part of it came for a while.
func (s *Server) onSnapshotPart(m *Message, out *Output) {
	p, f := m.Part, &s.snaps.fetch
	switch {
	case p == nil || m.Seq == 0 || p.Size == 0 || p.Size > MaxSnapshotBytes,
		p.Offset > p.Size || uint64(len(p.Bytes)) > p.Size-p.Offset:
		s.drop(malformed)
		return
	case m.Seq <= s.localARU:
		s.drop(alreadyOrdered)
		return
	case s.fetching() && f.is(m.Seq, p):
		if len(p.Bytes) == 0 && f.misses > 0 && f.from != m.Server {
			f.from = m.Server // the former one no longer sends it
			s.requestParts(f.from, out)
		}
	case s.fetching() && f.misses < fetchPatience:
		s.drop(otherSnapshot)
		return
	default:
		*f = fetch{seq: m.Seq, sum: p.Sum, size: p.Size, from: m.Server}
		s.requestParts(m.Server, out)
	}
	if len(p.Bytes) > 0 && f.add(p) {
		f.from, f.misses = m.Server, 0
		s.fetchOn(out)
	}
}

// add takes a part, and says whether the beginning has grown.
func (f *fetch) add(p *Part) bool {
	at := uint64(len(f.got))
	switch {
	case p.Offset > at && len(f.ahead) < fetchParts && !slices.ContainsFunc(f.ahead, func(q *Part) bool { return q.Offset == p.Offset }):
		f.ahead = append(f.ahead, p)
		return false
	case p.Offset > at || p.Offset+uint64(len(p.Bytes)) <= at:
		return false // it will be asked for, or is there already
	}
	f.got = append(f.got, p.Bytes[at-p.Offset:]...)
	for i := 0; i < len(f.ahead); i++ {
		next, at := f.ahead[i], uint64(len(f.got))
		if next.Offset > at {
			continue
		}
		if end := next.Offset + uint64(len(next.Bytes)); end > at {
			f.got = append(f.got, next.Bytes[at-next.Offset:]...)
		}
		f.ahead = append(f.ahead[:i], f.ahead[i+1:]...)
		i = -1 // those before it may follow now
	}
	return true
}

// fetchOn asks for what follows once all that was asked for is here. It installs the whole.
func (s *Server) fetchOn(out *Output) {
	f := &s.snaps.fetch
	switch got := uint64(len(f.got)); {
	case got == f.size:
		snap, sum := SnapshotOf(f.seq, f.got), f.sum
		*f = fetch{}
		if snap.Sum != sum {
			s.drop(badSnapshot)
			return
		}
		s.installSnapshot(snap, out)
	case got >= f.asked:
		s.requestParts(f.from, out)
	}
}

func (s *Server) requestParts(to ServerID, out *Output) {
	f := &s.snaps.fetch
	at := uint64(len(f.got))
	f.asked = min(f.size, at+fetchParts*s.partBytes())
	part := &Part{Sum: f.sum, Size: f.size, Offset: at}
	s.send(to, 0, Message{Kind: SnapshotRequest, Seq: f.seq, ARU: s.localARU, Part: part}, out)
}

// repeatFetch asks again for what is missing: the same peer once, then each peer in turn. It does
// not use the rotor. Catching up advances that as well: with two peers, the fetch would ask the
// same one each time.
func (s *Server) repeatFetch(out *Output) {
	f := &s.snaps.fetch
	if f.misses++; f.misses > 1 {
		f.from = s.peerAfter(f.from, s.localARU)
	}
	s.requestParts(f.from, out)
}

func (f *fetch) hash(h uint64) uint64 {
	if f.seq == 0 {
		return h
	}
	h = mix(mix(mix(h, uint64(f.seq)), f.sum), f.size)
	h = mixBytes(mix(mix(h, uint64(f.from)), f.asked), f.got)
	h = mix(h, uint64(f.misses))
	for _, p := range f.ahead {
		h = p.mix(h)
	}
	return h
}

// hash covers what decides how this server goes on.
func (s *snapshots) hash(h uint64, now Instant) uint64 {
	for _, snap := range []*Snapshot{s.latest, s.pinned} {
		if snap != nil {
			h = mix(mix(h, uint64(snap.Seq)), snap.Sum)
		}
	}
	if s.pinned != nil {
		h = mixInstant(h, s.usedAt, now)
	}
	for _, m := range s.marks {
		h = mix(mix(h, uint64(m.seq)), uint64(m.pos))
	}
	return s.fetch.hash(mix(mix(h, uint64(s.cut)), uint64(s.next)))
}

func (s *snapshots) clone() snapshots {
	c := *s
	c.marks = append([]snapshotMark(nil), s.marks...)
	c.fetch.got = append([]byte(nil), s.fetch.got...)
	c.fetch.ahead = append([]*Part(nil), s.fetch.ahead...)
	return c
}
