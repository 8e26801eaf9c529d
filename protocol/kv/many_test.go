package kv

import (
	"bytes"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// A Many is what its parts are one by one: results, contents, hash. The same for the reads
// among them, asked of Query, which changes nothing.
func TestManyMeetsItsParts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		at, apart := New(), New()
		for range rapid.IntRange(1, 8).Draw(t, "rounds") {
			ops := make([]Op, rapid.IntRange(1, 8).Draw(t, "parts"))
			var want []Result
			for i := range ops {
				ops[i] = drawSingle(t, text)
				res, err := DecodeResult(apart.Apply(ops[i].Encode()))
				if err != nil {
					t.Fatal(err)
				}
				want = append(want, res)
			}
			res, err := DecodeResult(at.Apply(ManyOf(ops...).Encode()))
			if err != nil || !equal(res.Parts(), want) {
				t.Fatalf("%v: %v, %v; one by one %v", ManyOf(ops...), res, err, want)
			}
			if at.Hash() != apart.Hash() || !bytes.Equal(at.Snapshot(), apart.Snapshot()) {
				t.Fatalf("%v leaves %q, one by one %q", ManyOf(ops...), at.Snapshot(), apart.Snapshot())
			}
			var reads []Op
			want = nil
			for _, op := range ops {
				if op.Reads() {
					reads = append(reads, op)
					res, _ := DecodeResult(apart.Query(op.Encode()))
					want = append(want, res)
				}
			}
			if len(reads) == 0 {
				continue
			}
			hash := at.Hash()
			res, err = DecodeResult(at.Query(ManyOf(reads...).Encode()))
			if err != nil || !equal(res.Parts(), want) || at.Hash() != hash {
				t.Fatalf("query %v: %v, %v; one by one %v", ManyOf(reads...), res, err, want)
			}
			if applied := apart.Apply(ManyOf(reads...).Encode()); !bytes.Equal(applied, res.Encode()) {
				t.Fatalf("query %v: %q, apply %q", ManyOf(reads...), res.Encode(), applied)
			}
		}
	})
}

func equal(a, b []Result) bool {
	for i := range a {
		if i >= len(b) || a[i] != b[i] {
			return false
		}
	}
	return len(a) == len(b)
}

// All or nothing: one part that is no operation, and none is executed. A query of a write
// is answered as what it is, too.
func TestManyOfSomethingElse(t *testing.T) {
	put := Op{Kind: Put, Key: "k", Value: "v"}
	for what, op := range map[string][]byte{
		"a bad part":  append(ManyOf(put).Encode(), 1, 0),
		"a piece":     ManyOf(put, put).Encode()[:14],
		"a Many":      ManyOf(put, ManyOf(put)).Encode(),
		"no part":     Op{Kind: Many}.Encode(),
		"a long part": append(ManyOf(put).Encode(), 0x80, 0x01),
	} {
		s := New()
		if res, err := DecodeResult(s.Apply(op)); err != nil || res.Status != Malformed || s.Hash() != 0 {
			t.Errorf("%s: %v, %v, and then %q", what, res, err, s.Snapshot())
		}
		if res, err := DecodeResult(s.Query(op)); err != nil || res.Status != Malformed {
			t.Errorf("query of %s: %v, %v", what, res, err)
		}
	}
	s := New()
	for _, op := range []Op{put, ManyOf(Op{Kind: Get, Key: "k"}, put), ManyOf(put)} {
		if res, err := DecodeResult(s.Query(op.Encode())); err != nil || res.Status != Malformed || s.Hash() != 0 {
			t.Errorf("query %v: %v, %v", op, res, err)
		}
	}
}

// A few bytes that ask for one long value many times get it as often as MaxManyBytes allows;
// what follows is executed all the same.
func TestManyIsBounded(t *testing.T) {
	s := New()
	long := strings.Repeat("v", 60_000)
	s.Apply(Op{Kind: Put, Key: "k", Value: long}.Encode())
	ops := make([]Op, 100)
	for i := range ops {
		ops[i] = Op{Kind: Get, Key: "k"}
	}
	ops[99] = Op{Kind: Incr, Key: "n"}
	answer := s.Apply(ManyOf(ops...).Encode())
	res, err := DecodeResult(answer)
	if err != nil || len(answer) > MaxManyBytes+1000 {
		t.Fatalf("%d bytes, %v", len(answer), err)
	}
	for i, part := range res.Parts() {
		want := Result{Status: HasValue, Value: long}
		switch {
		case i == 99:
			want = Result{Status: HasNumber, Number: 1}
		case i >= MaxManyBytes/60_000:
			want = Result{Status: TooLong}
		}
		if part != want {
			t.Fatalf("part %d: %v, %d bytes", i, part.Status, len(part.Value))
		}
	}
}

func TestManyReads(t *testing.T) {
	op := ManyOf(Op{Kind: PutNew, Key: "a", Value: "b"}, Op{Kind: Strlen, Key: "a"})
	if got := op.String(); got != `many [putnew "a" "b"; strlen "a"]` {
		t.Error(got)
	}
	res, err := DecodeResult(New().Apply(op.Encode()))
	if err != nil || res.String() != "[done; 1]" {
		t.Errorf("%v, %v", res, err)
	}
	ops := make([]Op, listedParts+1)
	for i := range ops {
		ops[i] = Op{Kind: Incr, Key: "n"}
	}
	op = ManyOf(ops...)
	res, err = DecodeResult(New().Apply(op.Encode()))
	if err != nil || res.String() != "[1; 2; 3; 4; 5; 6; 7; 8; …]" || strings.Count(op.String(), "incr") != listedParts {
		t.Errorf("%v: %v, %v", op, res, err)
	}
	if _, ok := KindNamed("many"); ok {
		t.Error("a history can name a Many, which is on no one key")
	}
	if kind, ok := KindNamed("strlen"); !ok || kind != Strlen {
		t.Errorf("strlen is %v", kind)
	}
}
