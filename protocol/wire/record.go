package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"

	"github.com/fauer4effect/paxos/protocol"
)

// RecordCodec turns records into bytes, as stores keep them, and back. The zero value is
// ready; it reuses its memory, and is not for two goroutines.
//
// A stored record is
//
//	bytes  what
//	4      CRC-32C of all that follows
//	8      its position
//	8      base: when it was written, all records up to this position were durable
//	…      the record
//
// The base is what tells damage from the end that a crash tore: a record vouches for all up
// to its base. Where one of those is missing, the disk has lost what it had promised.
type RecordCodec struct {
	w    record
	read int // bytes, since w was empty
}

const storedHeader = 20

// Append appends a record as it is stored. All records up to base must be durable.
func (c *RecordCodec) Append(b []byte, r *protocol.Record, base protocol.Position) ([]byte, error) {
	start := len(b)
	b = append(b, 0, 0, 0, 0)
	b = binary.BigEndian.AppendUint64(b, uint64(r.Position))
	b = binary.BigEndian.AppendUint64(b, uint64(base))
	c.w.fill(r)
	b, err := c.w.MarshalMsg(b)
	for i := range c.w.Updates {
		c.w.Updates[i].Op = nil // the record's own: decoding would reuse its memory
	}
	c.w.Snapshot, c.w.Open = nil, nil
	if err != nil {
		return b[:start], err
	}
	binary.BigEndian.PutUint32(b[start:], crc32.Checksum(b[start+4:], castagnoli))
	return b, nil
}

// Stored is what a stored record says of itself.
type Stored struct {
	Position, Base protocol.Position
	body           []byte
}

// Open checks a stored record; false means that it is not a record, or damaged.
func Open(b []byte) (Stored, bool) {
	if len(b) < storedHeader || binary.BigEndian.Uint32(b) != crc32.Checksum(b[4:], castagnoli) {
		return Stored{}, false
	}
	s := Stored{
		Position: protocol.Position(binary.BigEndian.Uint64(b[4:])),
		Base:     protocol.Position(binary.BigEndian.Uint64(b[12:])),
		body:     b[storedHeader:],
	}
	return s, s.Base < s.Position
}

// Decode makes the record of the given position again, with memory of its own.
func (c *RecordCodec) Decode(b []byte, position protocol.Position) (protocol.Record, error) {
	s, ok := Open(b)
	switch {
	case !ok:
		return protocol.Record{}, errors.New("bad checksum")
	case s.Position != position:
		return protocol.Record{}, fmt.Errorf("record %d stands in its place", s.Position)
	}
	return c.decode(s)
}

func (c *RecordCodec) decode(s Stored) (protocol.Record, error) {
	err := unmarshal(s.body, &c.w)
	var r protocol.Record
	if err == nil {
		r, err = c.w.record(s.Position)
	}
	c.w.Snapshot, c.w.Open = nil, nil // the record's own, or large, and rare
	if c.read += len(s.body); c.read > readIntoOne {
		c.w, c.read = record{}, 0
	}
	return r, err
}

// fill makes w what is stored of r. It refers to r's operations.
func (w *record) fill(r *protocol.Record) {
	*w = record{
		Kind: uint8(r.Kind), Lazy: r.Lazy, View: uint64(r.View), Seq: uint64(r.Seq),
		Held: r.Batch != nil, Updates: w.Updates[:0], Stores: w.Stores[:0],
	}
	if r.Batch != nil {
		w.Updates = appendUpdates(w.Updates, r.Batch)
	}
	if c := r.Checkpoint; c != nil {
		w.Snapshot, w.Open = c.Snapshot.Body, appendEntries(nil, c.Open)
	}
	if r.Roster != nil {
		w.Format = uint8(r.Roster.Format)
		for _, id := range r.Roster.Stores[1:] {
			w.Stores = append(w.Stores, uint64(id))
		}
	}
}

// record is what was stored as w, with memory of its own.
func (w *record) record(position protocol.Position) (protocol.Record, error) {
	r := protocol.Record{
		Kind: protocol.RecordKind(w.Kind), Lazy: w.Lazy, Position: position,
		View: protocol.View(w.View), Seq: protocol.Seq(w.Seq),
	}
	switch {
	case r.Kind < protocol.RecordInstalled || r.Kind > protocol.RecordSnapshot:
		return r, fmt.Errorf("unknown kind %d", w.Kind)
	case w.Format != 0 && len(w.Stores) == 0:
		return r, fmt.Errorf("a format, but no roster")
	case !w.Held && len(w.Updates) > 0:
		return r, fmt.Errorf("updates, but no batch")
	case r.Kind != protocol.RecordSnapshot && len(w.Snapshot)+len(w.Open) > 0:
		return r, fmt.Errorf("a snapshot in a record of kind %v", r.Kind)
	case len(w.Stores) != 0 && len(w.Stores) != protocol.MaxServers,
		(len(w.Stores) != 0) != (r.Kind == protocol.RecordFormed) && r.Kind != protocol.RecordSnapshot:
		return r, fmt.Errorf("a roster of %d in a record of kind %v", len(w.Stores), r.Kind)
	}
	if w.Held {
		r.Batch = batchOf(w.Updates)
	}
	if r.Kind == protocol.RecordSnapshot {
		r.Checkpoint = &protocol.Checkpoint{Snapshot: protocol.SnapshotOf(r.Seq, w.Snapshot), Open: listOf(w.Open)}
	}
	if len(w.Stores) > 0 {
		r.Roster = &protocol.Roster{Formed: true, Format: protocol.Format(w.Format)}
		for i, id := range w.Stores {
			r.Roster.Stores[i+1] = protocol.StoreID(id)
		}
	}
	return r, nil
}
