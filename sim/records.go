package sim

import "github.com/fauer4effect/paxos/protocol"

// diskRecord is a protocol.Record as the world keeps it: without pointers, since the disks
// are most of a long run's memory, and the garbage collector should pass them over.
type diskRecord struct {
	view     protocol.View
	seq      protocol.Seq
	position protocol.Position
	body     uint32 // of bodies, plus 1; 0: none
	kind     protocol.RecordKind
	lazy     bool
}

// bodies are what the records of a run refer to. They stay for the whole run.
type bodies struct {
	batches []*protocol.Batch
	rosters []*protocol.Roster
	// near has, by seq, the batch that was recorded last: all servers record the same one.
	near [256]uint32
}

// pack makes a record ready for a disk, in its place there.
func (b *bodies) pack(r *protocol.Record, d *diskRecord) {
	d.view, d.seq, d.position, d.kind, d.lazy, d.body = r.View, r.Seq, r.Position, r.Kind, r.Lazy, 0
	switch {
	case r.Kind == protocol.RecordFormed:
		b.rosters = append(b.rosters, r.Roster)
		d.body = uint32(len(b.rosters))
	case r.Batch != nil:
		near := &b.near[r.Seq%protocol.Seq(len(b.near))]
		if *near == 0 || b.batches[*near-1] != r.Batch {
			b.batches = append(b.batches, r.Batch)
			*near = uint32(len(b.batches))
		}
		d.body = *near
	}
}

// unpack is the record again.
func (b *bodies) unpack(d *diskRecord) protocol.Record {
	r := protocol.Record{Kind: d.kind, Lazy: d.lazy, Position: d.position, View: d.view, Seq: d.seq}
	switch {
	case d.body == 0:
	case d.kind == protocol.RecordFormed:
		r.Roster = b.rosters[d.body-1]
	default:
		r.Batch = b.batches[d.body-1]
	}
	return r
}

func (b *bodies) unpackAll(list []diskRecord) []protocol.Record {
	records := make([]protocol.Record, len(list))
	for i := range list {
		records[i] = b.unpack(&list[i])
	}
	return records
}
