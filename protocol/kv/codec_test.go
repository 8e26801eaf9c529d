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
		{"\x07\x01k", "byte 0: no kind 7"},
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
		{"\x09", "no status 9"},
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

// Every accepted byte string is the one encoding of what it decodes to, and an App says
// Malformed exactly to the others.
func FuzzDecode(f *testing.F) {
	for kind := range Incr + 2 {
		f.Add(Op{Kind: kind, Key: "k", Value: "v", Old: "o"}.Encode())
	}
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
	for status := range Malformed + 2 {
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

// drawOp leaves empty the fields that its kind does not use.
func drawOp(t *rapid.T, text *rapid.Generator[string]) Op {
	op := Op{Kind: Kind(rapid.IntRange(int(Get), int(Incr)).Draw(t, "kind"))}
	for _, field := range []*string{&op.Key, &op.Value, &op.Old}[:op.Kind.fields()] {
		*field = text.Draw(t, "field")
	}
	return op
}
