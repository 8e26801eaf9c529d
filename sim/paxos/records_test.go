package paxos

import (
	"testing"

	"github.com/fauer4effect/paxos/protocol"
)

// A disk keeps the whole record, with the same bodies. That holds also where servers recorded
// equal bodies that are not the same one, or another body for the seq before.
func TestRecordsKeepTheirBodies(t *testing.T) {
	var b bodies
	one, twin := protocol.BatchOf(protocol.Update{Client: 1}), protocol.BatchOf(protocol.Update{Client: 1})
	records := []protocol.Record{
		{Kind: protocol.RecordFormed, Position: 1, Roster: &protocol.Roster{Formed: true}},
		{Kind: protocol.RecordInstalled, Position: 2, View: 3},
		{Kind: protocol.RecordAccepted, Position: 3, View: 3, Seq: 1, Batch: one},
		{Kind: protocol.RecordAccepted, Position: 4, View: 3, Seq: 1, Batch: twin},
		{Kind: protocol.RecordAccepted, Position: 5, View: 4, Seq: 1, Batch: twin},
		{Kind: protocol.RecordAccepted, Position: 6, View: 4, Seq: 1 + protocol.Seq(len(b.near)), Batch: one},
		{Kind: protocol.RecordOrdered, Lazy: true, Position: 7, View: 4, Seq: 1},
		{Kind: protocol.RecordOrdered, Lazy: true, Position: 8, Seq: 2, Batch: one},
	}
	packed := make([]diskRecord, len(records))
	for i := range records {
		packed[i].body, packed[i].lazy = 99, true // a place is used again after a crash
		b.pack(&records[i], &packed[i])
	}
	for i, got := range b.unpackAll(packed) {
		if got != records[i] {
			t.Errorf("record %d comes back as %+v, was %+v", i+1, got, records[i])
		}
	}
	if b.made > 4 {
		t.Errorf("%d batches are kept of 2", b.made)
	}
}

// Bodies that no disk refers to any more are forgotten, and those beside them are not.
func TestBodiesGoWithTheirRecords(t *testing.T) {
	var b bodies
	const records = 4 * bodyPageSize
	packed := make([]diskRecord, records)
	for i := range packed {
		r := protocol.Record{
			Kind: protocol.RecordAccepted, Position: protocol.Position(i + 1), View: 1, Seq: protocol.Seq(i + 1),
			Batch: protocol.BatchOf(protocol.Update{Client: 1, Timestamp: protocol.Timestamp(i)}),
		}
		b.pack(&r, &packed[i])
	}
	for i := range packed[:records-100] {
		if i != bodyPageSize+7 {
			b.drop(&packed[i])
		}
	}
	kept := 0
	for _, page := range b.pages {
		if page != nil {
			kept++
		}
	}
	if kept != 2 {
		t.Errorf("%d pages are kept, want 2: that of a record in the middle, and the last", kept)
	}
	for _, i := range []int{bodyPageSize + 7, records - 100, records - 1} {
		if r := b.unpack(&packed[i]); r.Batch == nil || r.Batch.Updates[0].Timestamp != protocol.Timestamp(i) {
			t.Errorf("record %d comes back as %+v", i+1, r)
		}
	}
}
