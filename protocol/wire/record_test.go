package wire

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/fauer4effect/paxos/protocol"
)

// printed makes records comparable by what they say.
func printed(records []protocol.Record) []string {
	var out []string
	for _, r := range records {
		batch, roster := "none", "none"
		if r.Batch != nil {
			batch = fmt.Sprintf("%v", r.Batch.Updates)
		}
		if r.Roster != nil {
			roster = fmt.Sprint(*r.Roster)
		}
		snapshot := "none"
		if c := r.Checkpoint; c != nil {
			snapshot = fmt.Sprintf("%v %q", c.Snapshot, c.Snapshot.Body)
			for _, e := range c.Open {
				snapshot += fmt.Sprintf(" %d/%d %v %v", e.View, e.Seq, e.Ordered, e.Batch.Updates)
			}
		}
		r.Batch, r.Roster, r.Checkpoint = nil, nil, nil
		out = append(out, fmt.Sprintf("%+v %s %s %s", r, batch, roster, snapshot))
	}
	return out
}

// someLog draws records and the log that holds them.
func someLog(t *rapid.T) ([]protocol.Record, []byte, []int, []protocol.Position) {
	var records []protocol.Record
	var log []byte
	var ends []int
	var bases []protocol.Position
	var base protocol.Position // all up to here were durable before
	var c RecordCodec
	for i := range rapid.IntRange(1, 6).Draw(t, "records") {
		r := protocol.Record{Kind: protocol.RecordInstalled, Position: protocol.Position(i + 1), View: protocol.View(i + 1)}
		if rapid.Bool().Draw(t, "accepted") {
			r.Kind, r.Seq = protocol.RecordAccepted, protocol.Seq(rapid.IntRange(1, 9).Draw(t, "seq"))
			r.Batch = protocol.NewBatch(protocol.Update{Client: 1, Timestamp: 2, Op: rapid.SliceOfN(rapid.Byte(), 0, 40).Draw(t, "op")})
		}
		// In the place of record 1 a snapshot is a log that is truncated.
		if i != 1 && rapid.IntRange(0, 3).Draw(t, "snapshot") == 0 {
			r = snapshotRecord(r.Position, rapid.SliceOfN(rapid.Byte(), 0, 100).Draw(t, "body"))
		}
		if rapid.Bool().Draw(t, "synced before") {
			base = protocol.Position(i)
		}
		bases = append(bases, base)
		var err error
		if log, err = c.AppendToLog(log, &r, base); err != nil {
			t.Fatal(err)
		}
		records, ends = append(records, r), append(ends, len(log))
	}
	return records, log, ends, bases
}

// snapshotRecord is a record of a snapshot, with a slot above it that is accepted and one that
// is ordered.
func snapshotRecord(at protocol.Position, body []byte) protocol.Record {
	b := protocol.NewBatch(protocol.Update{Client: 1, Timestamp: 2, Op: []byte("op")})
	return protocol.Record{
		Kind: protocol.RecordSnapshot, Lazy: true, Position: at, View: 3, Seq: 7, Roster: &protocol.Roster{Formed: true},
		Checkpoint: &protocol.Checkpoint{Snapshot: protocol.SnapshotOf(7, body), Open: protocol.DataList{
			{Seq: 8, View: 3, Batch: b}, {Seq: 10, Ordered: true, Batch: protocol.NewBatch()},
		}},
	}
}

// A log whose beginning is truncated begins with a snapshot, and with no other record. Damage
// of that one is noticed as that of any other.
func TestTruncatedLog(t *testing.T) {
	var c RecordCodec
	write := func(records ...protocol.Record) (log []byte) {
		for i := range records {
			var err error
			if log, err = c.AppendToLog(log, &records[i], records[i].Position-1); err != nil {
				t.Fatal(err)
			}
		}
		return log
	}
	records := []protocol.Record{
		snapshotRecord(41, []byte("state")),
		{Kind: protocol.RecordInstalled, Position: 42, View: 4},
	}
	log := write(records...)
	got, torn, err := c.ReadLog(log)
	if err != nil || torn != 0 || !slices.Equal(printed(got), printed(records)) {
		t.Fatalf("%v, %d bytes torn, %v; want %v", printed(got), torn, err, printed(records))
	}
	for at := range log[:len(log)-40] { // of the snapshot, and where the next one begins
		damaged := slices.Clone(log)
		damaged[at] ^= 4
		if got, _, err := c.ReadLog(damaged); err == nil && len(got) != 1 {
			t.Fatalf("byte %d is damaged, and the log is read as %v", at, printed(got))
		}
	}
	if got, _, err := c.ReadLog(write(records[1])); err == nil && len(got) > 0 {
		t.Fatalf("a log that begins with record 42, no snapshot, is read as %v", printed(got))
	}
}

// A log torn at any byte gives the records that are whole.
func TestTornLog(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		records, log, ends, _ := someLog(t)
		cut := rapid.IntRange(0, len(log)).Draw(t, "cut")
		whole := 0
		for whole < len(ends) && ends[whole] <= cut {
			whole++
		}
		var c RecordCodec
		got, torn, err := c.ReadLog(log[:cut])
		if err != nil || !slices.Equal(printed(got), printed(records[:whole])) {
			t.Fatalf("torn at %d of %d: %v %v, want %v", cut, len(log), printed(got), err, printed(records[:whole]))
		}
		if whole > 0 {
			cut -= ends[whole-1]
		}
		if torn != cut {
			t.Fatalf("%d bytes are torn, not %d", torn, cut)
		}
	})
}

// A bit that flips in a record for which a later one vouches is noticed; so is a record in
// the place of one. Where none vouches, it is as if a crash had left a hole: what is before it
// is read.
func TestDamagedLog(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		records, log, ends, bases := someLog(t)
		hit := rapid.IntRange(0, len(records)-1).Draw(t, "record")
		from := 0
		if hit > 0 {
			from = ends[hit-1]
		}
		vouched := false
		for i, base := range bases {
			vouched = vouched || i > hit && int(base) > hit
		}
		damaged := slices.Clone(log)
		what := "a bit is flipped"
		if hit+1 < len(records) && rapid.Bool().Draw(t, "misplaced") {
			what = "the next stands in its place"
			damaged = slices.Concat(log[:from], log[ends[hit]:ends[hit+1]], log[ends[hit]:])
		} else {
			bit := rapid.IntRange(from*8, ends[hit]*8-1).Draw(t, "bit")
			damaged[bit/8] ^= 1 << (bit % 8)
		}
		var c RecordCodec
		got, _, err := c.ReadLog(damaged)
		switch {
		case vouched && err == nil:
			t.Fatalf("of record %d %s, which a later one vouches for, and %d of %d records are read", hit+1, what, len(got), len(records))
		case !vouched && (err != nil || !slices.Equal(printed(got), printed(records[:hit]))):
			t.Fatalf("of record %d %s, and nobody vouches for it; read are %v, %v", hit+1, what, printed(got), err)
		}
	})
}

// A codec that has written a record reads another, and leaves the first alone.
func TestCodecSharesNothing(t *testing.T) {
	var c RecordCodec
	op := []byte("mine")
	r := protocol.Record{Kind: protocol.RecordAccepted, Position: 1, Seq: 1, Batch: protocol.NewBatch(protocol.Update{Client: 1, Op: op})}
	first, err := c.Append(nil, &r, 0)
	if err != nil {
		t.Fatal(err)
	}
	r.Batch = protocol.NewBatch(protocol.Update{Client: 1, Op: []byte("else")})
	second, err := c.Append(nil, &r, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Append(first[:0:0], &protocol.Record{Kind: protocol.RecordAccepted, Position: 1, Seq: 1, Batch: protocol.NewBatch(protocol.Update{Client: 1, Op: op})}, 0); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Decode(second, 1); err != nil || string(op) != "mine" {
		t.Errorf("reading another record makes %q of what was written (%v)", op, err)
	}
}

// Whatever a value holds, it is a record or an error.
func FuzzRecord(f *testing.F) {
	var c RecordCodec
	seed, err := c.Append(nil, &protocol.Record{
		Kind: protocol.RecordAccepted, Position: 7, View: 3, Seq: 4, Batch: protocol.NewBatch(protocol.Update{Client: 1, Op: []byte("op")}),
	}, 6)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(seed[storedHeader:])
	snapshot := snapshotRecord(7, []byte("state"))
	if seed, err = c.Append(nil, &snapshot, 6); err != nil {
		f.Fatal(err)
	}
	f.Add(seed[storedHeader:])
	f.Add([]byte{0x97, 1, 0xc3, 1, 1, 0xc3, 0xdd, 0xff, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, b []byte) {
		var c RecordCodec
		r, err := c.decode(Stored{Position: 7, body: b}) // past the checksum, which stops most
		if err != nil {
			return
		}
		text, err := c.Append(nil, &r, 6)
		if err != nil {
			t.Fatalf("what was read can't be written: %v", err)
		}
		back, err := c.Decode(text, 7)
		if err != nil || !slices.Equal(printed([]protocol.Record{r}), printed([]protocol.Record{back})) {
			t.Fatalf("%+v comes back as %+v: %v", r, back, err)
		}
	})
}

// Whatever a log holds, it is records and a torn end, or an error.
func FuzzLog(f *testing.F) {
	var c RecordCodec
	var log []byte
	for i := range 3 {
		var err error
		if log, err = c.AppendToLog(log, &protocol.Record{Kind: protocol.RecordInstalled, Position: protocol.Position(i + 1), View: 1}, protocol.Position(i)); err != nil {
			f.Fatal(err)
		}
	}
	f.Add(log)
	f.Add(log[:len(log)-3])
	snapshot := snapshotRecord(7, []byte("state"))
	truncated, err := c.AppendToLog(nil, &snapshot, 6)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(truncated)
	f.Fuzz(func(t *testing.T, b []byte) {
		var c RecordCodec
		records, torn, err := c.ReadLog(b)
		if err != nil {
			return
		}
		var again []byte
		for i := range records {
			if again, err = c.AppendToLog(again, &records[i], protocol.Position(i)); err != nil {
				t.Fatal(err)
			}
		}
		back, left, err := c.ReadLog(again)
		if err != nil || left != 0 || torn > len(b) || !slices.Equal(printed(back), printed(records)) {
			t.Fatalf("%d records come back as %d, %d bytes left: %v", len(records), len(back), left, err)
		}
	})
}
