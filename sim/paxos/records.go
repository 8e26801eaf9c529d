package paxos

import "github.com/fauer4effect/paxos/protocol"

// diskRecord is a protocol.Record as the world keeps it: without pointers. The disks are most of a
// long run's memory, and the garbage collector should not look into them.
type diskRecord struct {
	view     protocol.View
	seq      protocol.Seq
	position protocol.Position
	body     uint32 // of bodies, plus 1; 0: none
	kind     protocol.RecordKind
	lazy     bool
}

// bodies are what the records of a run refer to. A page of batches is dropped with the last record
// that refers to one of them. So an endless run needs no more memory than its disks do.
type bodies struct {
	pages []*bodyPage // nil: gone
	made  uint32      // batches, so far
	rare  []rareBody
	// near has, by seq, the batch that was recorded last: all servers record the same one.
	near [256]uint32
}

const bodyPageSize = 512

type bodyPage struct {
	batches [bodyPageSize]*protocol.Batch
	records int // that refer to one of them
}

// rareBody is of a record of another kind than most.
type rareBody struct {
	roster     *protocol.Roster
	checkpoint *protocol.Checkpoint
}

func rare(k protocol.RecordKind) bool {
	return k == protocol.RecordFormed || k == protocol.RecordSnapshot
}

// pack makes a record ready for a disk, in its place there.
func (b *bodies) pack(r *protocol.Record, d *diskRecord) {
	d.view, d.seq, d.position, d.kind, d.lazy, d.body = r.View, r.Seq, r.Position, r.Kind, r.Lazy, 0
	switch {
	case rare(r.Kind):
		b.rare = append(b.rare, rareBody{r.Roster, r.Checkpoint})
		d.body = uint32(len(b.rare))
	case r.Batch != nil:
		near := &b.near[r.Seq%protocol.Seq(len(b.near))]
		if page := b.page(*near); page == nil || page.batches[(*near-1)%bodyPageSize] != r.Batch {
			*near = b.add(r.Batch)
		}
		d.body = *near
		b.page(d.body).records++
	}
}

// page is where the batch of that number stands, nil for none and for one that is gone.
func (b *bodies) page(body uint32) *bodyPage {
	if body == 0 {
		return nil
	}
	return b.pages[(body-1)/bodyPageSize]
}

func (b *bodies) add(batch *protocol.Batch) uint32 {
	if b.made%bodyPageSize == 0 {
		b.release(b.made) // the page that is full now may be in use no more
		b.pages = append(b.pages, new(bodyPage))
	}
	b.made++
	b.pages[len(b.pages)-1].batches[(b.made-1)%bodyPageSize] = batch
	return b.made
}

// head is the record without what it refers to, which is all that most checks ask for.
func (d *diskRecord) head() protocol.Record {
	return protocol.Record{Kind: d.kind, Lazy: d.lazy, Position: d.position, View: d.view, Seq: d.seq}
}

// unpack is the record again.
func (b *bodies) unpack(d *diskRecord) protocol.Record {
	r := d.head()
	switch {
	case d.body == 0:
	case rare(d.kind):
		r.Roster, r.Checkpoint = b.rare[d.body-1].roster, b.rare[d.body-1].checkpoint
	default:
		r.Batch = b.page(d.body).batches[(d.body-1)%bodyPageSize]
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

// drop releases a record that is on no disk.
func (b *bodies) drop(d *diskRecord) {
	switch {
	case d.body == 0:
	case rare(d.kind):
		b.rare[d.body-1] = rareBody{}
	default:
		b.page(d.body).records--
		b.release(d.body)
	}
}

// release gives up the batch's page once it is full and no record refers to it.
func (b *bodies) release(body uint32) {
	if page := b.page(body); page != nil && page.records == 0 && (body-1)/bodyPageSize < b.made/bodyPageSize {
		b.pages[(body-1)/bodyPageSize] = nil
	}
}
