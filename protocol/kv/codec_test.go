package kv

import (
	"bytes"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// The bytes are in logs on disk: a change here breaks every one of them.
func TestEncodingsPinned(t *testing.T) {
	for _, c := range []struct {
		op   Op
		want string
	}{
		{Op{Kind: Get, Key: "k", Value: "unused", Old: "unused"}, "\x01\x01k"},
		{Op{Kind: Put, Key: "k", Value: "val"}, "\x02\x01k\x03val"},
		{Op{Kind: Append}, "\x03\x00\x00"},
		{Op{Kind: CAS, Key: "k", Value: "new", Old: "old"}, "\x04\x01k\x03new\x03old"},
		{Op{Kind: Delete, Key: strings.Repeat("k", 200)}, "\x05\xc8\x01" + strings.Repeat("k", 200)},
		{Op{Kind: Incr, Key: "\x00"}, "\x06\x01\x00"},
		{Op{Kind: PutNew, Key: "k", Value: "val"}, "\x07\x01k\x03val"},
		{Op{Kind: PutOld, Key: "k", Value: "val"}, "\x08\x01k\x03val"},
		{Op{Kind: IncrBy, Key: "k", Value: "-3"}, "\x09\x01k\x02-3"},
		{Op{Kind: Strlen, Key: "k"}, "\x0a\x01k"},
		{ManyOf(Op{Kind: Get, Key: "k"}, Op{Kind: Put, Key: "k"}), "\x0b\x03\x01\x01k\x04\x02\x01k\x00"},
	} {
		if got := string(c.op.Encode()); got != c.want {
			t.Errorf("%v encodes to %q, want %q", c.op, got, c.want)
		}
	}
	for _, c := range []struct {
		res  Result
		want string
	}{
		{Result{Status: Done}, "\x01"},
		{Result{Status: HasValue, Value: "v"}, "\x02v"},
		{Result{Status: HasValue}, "\x02"},
		{Result{Status: HasNumber, Number: -2}, "\x03\xff\xff\xff\xff\xff\xff\xff\xfe"},
		{Result{Status: Malformed}, "\x08"},
		{Result{Status: Present}, "\x09"},
		{Result{Status: TooLong}, "\x0a"},
		{Result{Status: Results, Value: "\x02\x02v\x01\x01"}, "\x0b\x02\x02v\x01\x01"},
	} {
		if got := string(c.res.Encode()); got != c.want {
			t.Errorf("%v encodes to %q, want %q", c.res, got, c.want)
		}
	}
}

func TestDecodeRefuses(t *testing.T) {
	for _, c := range []struct{ bytes, why string }{
		{"", "no bytes"},
		{"\x00\x01k", "byte 0: no kind 0"},
		{"\x0c\x01k", "byte 0: no kind 12"},
		{"\x0b", "byte 1: many wants its part 1"},
		{"\x0b\x00", "part 1 of many: kv: op: no bytes"},
		{"\x0b\x03\x01\x01k\x03\x01\x01", "byte 5: many wants its part 2"},
		{"\x0b\x03\x01\x01k\x02\x02k", "part 2 of many: kv: op: byte 1: put wants its field 1"},
		{"\x0b\x05\x0b\x03\x01\x01k", "part 1 of many: kv: op: byte 0: no kind 11"},
		{"\x0b\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "byte 1: many wants its part 1"},
		{"\x02\x01k", "byte 3: put wants its field 2"},
		{"\x02\x01k\x04val", "byte 3: put wants its field 2"},
		{"\x01\x01kx", "byte 3: 1 bytes after the get"},
		{"\x01\x81\x00k", "byte 1: get wants its field 1"}, // the length 1, said in two bytes
		{"\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01k", "byte 1: get wants"},
		{"\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7fk", "byte 1: get wants"},
	} {
		if op, err := Decode([]byte(c.bytes)); err == nil || !strings.Contains(err.Error(), c.why) {
			t.Errorf("Decode(%q) = %v, %v; want an error with %q", c.bytes, op, err, c.why)
		}
	}
	for _, c := range []struct{ bytes, why string }{
		{"", "no bytes"},
		{"\x00", "no status 0"},
		{"\x0c", "no status 12"},
		{"\x0b", "results without one"},
		{"\x0b\x02\x01", "part 1 of results: kv: result: no whole result"},
		{"\x0b\x00", "part 1 of results: kv: result: no bytes"},
		{"\x0b\x01\x01\x03\x0b\x01\x01", "part 2 of results: kv: result: results in results"},
		{"\x01x", "1 bytes after status \"done\", not 0"},
		{"\x03\x00", "1 bytes after status \"number\", not 8"},
	} {
		if res, err := DecodeResult([]byte(c.bytes)); err == nil || !strings.Contains(err.Error(), c.why) {
			t.Errorf("DecodeResult(%q) = %v, %v; want an error with %q", c.bytes, res, err, c.why)
		}
	}
}

func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		op := drawOp(t, rapid.String())
		if got, err := Decode(op.Encode()); err != nil || got != op {
			t.Fatalf("%v comes back as %v, %v", op, got, err)
		}
		_, _, res := op.Step(rapid.String().Draw(t, "before"), rapid.Bool().Draw(t, "found"))
		if got, err := DecodeResult(res.Encode()); err != nil || got != res {
			t.Fatalf("%v comes back as %v, %v", res, got, err)
		}
	})
}

// A Sequence encodes what ManyOf does, or the one operation that it holds, also after some
// were taken away again.
func TestSequenceMeetsItsTwin(t *testing.T) {
	var q Sequence
	rapid.Check(t, func(t *rapid.T) {
		q.Reset()
		var ops []Op
		marks := []Mark{q.Mark()}
		add := func() {
			op := drawSingle(t, rapid.String())
			fields := [][]byte{[]byte(op.Key), []byte(op.Value), []byte(op.Old)}
			q.Add(op.Kind, fields[:op.Kind.fields()]...)
			ops = append(ops, op)
		}
		for range rapid.IntRange(1, 5).Draw(t, "ops") {
			add()
			marks = append(marks, q.Mark())
			if mark := q.Mark(); rapid.Bool().Draw(t, "undo") {
				kept := len(ops)
				add()
				q.Undo(mark)
				ops = ops[:kept]
			}
		}
		want := ManyOf(ops...)
		if len(ops) == 1 {
			want = ops[0]
		}
		if got := q.Op(); !bytes.Equal(got, want.Encode()) || q.Bytes() != len(got) || q.Count() != len(ops) || q.Reads() != want.Reads() {
			t.Fatalf("%v is encoded as %q, in %d bytes of %d operations, reads %v", want, got, q.Bytes(), q.Count(), q.Reads())
		}
		from := rapid.IntRange(0, len(ops)-1).Draw(t, "from")
		to := rapid.IntRange(from+1, len(ops)).Draw(t, "to")
		want = ManyOf(ops[from:to]...)
		if to-from == 1 {
			want = ops[from]
		}
		if got := q.Between(marks[from], marks[to]); !bytes.Equal(got, want.Encode()) {
			t.Fatalf("%d to %d of %v is encoded as %q", from, to, ops, got)
		}
	})
}

// Every accepted byte string is the one encoding of what it decodes to, and an App says
// Malformed exactly to the others.
func FuzzDecode(f *testing.F) {
	for kind := range Many + 2 {
		f.Add(Op{Kind: kind, Key: "k", Value: "v", Old: "o"}.Encode())
	}
	f.Add(ManyOf(Op{Kind: Get, Key: "k"}, Op{Kind: IncrBy, Key: "k", Value: "7"}).Encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		op, err := Decode(b)
		if err == nil && !bytes.Equal(op.Encode(), b) {
			t.Errorf("%q decodes to %v, which encodes to %q", b, op, op.Encode())
		}
		res, resErr := DecodeResult(New().Apply(b))
		if resErr != nil || (res.Status == Malformed) != (err != nil) {
			t.Errorf("%q: Decode says %v, Apply %v, %v", b, err, res, resErr)
		}
	})
}

func FuzzDecodeResult(f *testing.F) {
	f.Add(Result{Status: Results, Value: "\x02\x02v\x01\x01"}.Encode())
	for status := range Results + 2 {
		f.Add([]byte{byte(status)})
	}
	f.Add(Result{Status: HasNumber, Number: 1}.Encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		if res, err := DecodeResult(b); err == nil && !bytes.Equal(res.Encode(), b) {
			t.Errorf("%q decodes to %v, which encodes to %q", b, res, res.Encode())
		}
	})
}

func FuzzRestore(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte("\x00\x00\x01a\x01v"))
	f.Fuzz(func(t *testing.T, b []byte) {
		s := New()
		if err := s.Restore(b); err == nil && !bytes.Equal(s.Snapshot(), b) {
			t.Errorf("%q restores to a store whose snapshot is %q", b, s.Snapshot())
		}
	})
}

// drawOp draws an Op, now and then a Many.
func drawOp(t *rapid.T, text *rapid.Generator[string]) Op {
	if rapid.IntRange(0, 7).Draw(t, "many") > 0 {
		return drawSingle(t, text)
	}
	ops := make([]Op, rapid.IntRange(1, 6).Draw(t, "parts"))
	for i := range ops {
		ops[i] = drawSingle(t, text)
	}
	return ManyOf(ops...)
}

// drawSingle leaves empty the fields that its kind does not use.
func drawSingle(t *rapid.T, text *rapid.Generator[string]) Op {
	op := Op{Kind: Kind(rapid.IntRange(int(Get), int(Strlen)).Draw(t, "kind"))}
	for _, field := range []*string{&op.Key, &op.Value, &op.Old}[:op.Kind.fields()] {
		*field = text.Draw(t, "field")
	}
	return op
}
