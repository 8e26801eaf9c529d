package kv

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

// twin is the store as one would write it in an afternoon, sharing nothing with Step.
type twin map[string]string

func (m twin) apply(o Op) string {
	value, found := m[o.Key]
	switch {
	case o.Kind == Many:
		var words []string
		for _, part := range o.Parts() {
			words = append(words, m.apply(part))
		}
		return "[" + strings.Join(words, "; ") + "]"
	case o.Kind == Put:
		m[o.Key] = o.Value
		return "done"
	case o.Kind == Append:
		m[o.Key] += o.Value
		return strconv.Itoa(len(m[o.Key]))
	case o.Kind == Incr || o.Kind == IncrBy:
		if !found {
			value = "0"
		}
		by, wrong := 1, error(nil)
		if o.Kind == IncrBy {
			by, wrong = strconv.Atoi(o.Value)
		}
		n, err := strconv.Atoi(value)
		if err != nil || wrong != nil {
			return "not an integer"
		}
		m[o.Key] = fmt.Sprint(n + by)
		return m[o.Key]
	case o.Kind == PutNew && found:
		return "present"
	case !found && o.Kind != PutNew:
		return "missing"
	case o.Kind == Get:
		return strconv.Quote(value)
	case o.Kind == Strlen:
		return strconv.Itoa(len(value))
	case o.Kind == Delete:
		delete(m, o.Key)
		return "done"
	case o.Kind == CAS && value != o.Old:
		return "mismatch"
	default:
		m[o.Key] = o.Value
		return "done"
	}
}

func contents(s *Store) twin {
	m := twin{}
	for key, e := range s.entries {
		m[key] = string(e.value)
	}
	return m
}

// text is drawn from few strings, so that keys and expected values meet.
var text = rapid.SampledFrom([]string{"", "a", "b", "ab", "1", "-7", "x long enough to span three words"})

// Two stores run their own operations; each answers as its twin does. At every step hashes and
// snapshots are equal exactly when the contents are. A store restored from a snapshot equals the
// original. A clone taken midway stays as it was.
func TestStoreMeetsItsTwin(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		stores, twins := [2]*Store{New(), New()}, [2]twin{{}, {}}
		var clone *Store
		var cloned twin
		for range rapid.IntRange(1, 60).Draw(t, "ops") {
			i, op := rapid.IntRange(0, 1).Draw(t, "store"), drawOp(t, text)
			res, err := DecodeResult(stores[i].Apply(op.Encode()))
			if want := twins[i].apply(op); err != nil || res.String() != want {
				t.Fatalf("%v: store answers %v, %v; twin %v", op, res, err, want)
			}
			if diff := cmp.Diff(twins[i], contents(stores[i])); diff != "" {
				t.Fatalf("%v: twin − store + :\n%s", op, diff)
			}
			equal := cmp.Equal(twins[0], twins[1])
			if (stores[0].Hash() == stores[1].Hash()) != equal {
				t.Fatalf("contents equal %v, hashes %x and %x", equal, stores[0].Hash(), stores[1].Hash())
			}
			if bytes.Equal(stores[0].Snapshot(), stores[1].Snapshot()) != equal {
				t.Fatalf("contents equal %v, snapshots %q and %q", equal, stores[0].Snapshot(), stores[1].Snapshot())
			}
			restored := New()
			if err := restored.Restore(stores[i].Snapshot()); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(stores[i], restored, cmp.AllowUnexported(Store{}, entry{}),
				cmpopts.IgnoreFields(Store{}, "order", "results", "near"), cmpopts.EquateEmpty()); diff != "" {
				t.Fatalf("store − restored + :\n%s", diff)
			}
			if clone == nil && rapid.Bool().Draw(t, "clone") {
				clone, cloned = stores[i].Clone().(*Store), contents(stores[i])
			}
		}
		if clone != nil && !cmp.Equal(contents(clone), cloned) {
			t.Fatalf("the clone changed: %v, was %v", contents(clone), cloned)
		}
	})
}

func TestCloneIsIndependent(t *testing.T) {
	original := New()
	original.Apply(Op{Kind: Put, Key: "k", Value: "v"}.Encode())
	hash := original.Hash()
	clone := original.Clone()
	clone.Apply(Op{Kind: Append, Key: "k", Value: "w"}.Encode())
	clone.Apply(Op{Kind: Put, Key: "l"}.Encode())
	if got := string(original.Snapshot()); got != "\x01k\x01v" || original.Hash() != hash {
		t.Errorf("the clone's operations reached the original: %q", got)
	}
	if got := string(clone.Snapshot()); got != "\x01k\x02vw\x01l\x00" {
		t.Errorf("the clone holds %q", got)
	}
}

// The result of an operation is in other hands by the time the next one runs.
func TestOpAndResultShareNoMutableMemory(t *testing.T) {
	s := New()
	op := Op{Kind: Put, Key: "k", Value: "v"}.Encode()
	s.Apply(op)
	clear(op)
	got := s.Apply(Op{Kind: Get, Key: "k"}.Encode())
	s.Apply(Op{Kind: Append, Key: "k", Value: "w"}.Encode())
	if res, err := DecodeResult(got); err != nil || res.Value != "v" {
		t.Errorf("get answered %v, %v", res, err)
	}
	done := s.Apply(Op{Kind: Put, Key: "k", Value: "v"}.Encode())
	if _ = append(done, 0xff); bare != [...]byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11} {
		t.Errorf("appending to a shared result changed the others: %v", bare)
	}
}

// A value is written to in place, and keeps no more memory than it needs, within reason.
func TestValuesStayInPlace(t *testing.T) {
	s := New()
	put := func(value string) { s.Apply(Op{Kind: Put, Key: "k", Value: value}.Encode()) }
	put("first")
	at := &s.entries["k"].value[0]
	if put("other"); &s.entries["k"].value[0] != at {
		t.Error("a value of the same length took memory anew")
	}
	put(strings.Repeat("v", 1<<16))
	if put("small"); cap(s.entries["k"].value) > 128 {
		t.Errorf("5 bytes keep %d", cap(s.entries["k"].value))
	}
}

// Results of a store lie beside each other: none may reach into the next, and none change.
func TestResultsKeepApart(t *testing.T) {
	s := New()
	var results [][]byte
	for i := range 1000 {
		s.Apply(Op{Kind: Put, Key: "k", Value: strings.Repeat("v", i%100) + strconv.Itoa(i)}.Encode())
		results = append(results, s.Apply(Op{Kind: Get, Key: "k"}.Encode()))
		_ = append(results[i], "more"...)
	}
	for i, b := range results {
		want := strings.Repeat("v", i%100) + strconv.Itoa(i)
		if res, err := DecodeResult(b); err != nil || res.Value != want {
			t.Fatalf("result %d has become %v, %v", i, res, err)
		}
	}
}

// Hashes reach reports and must be the same on every machine, 32-bit ones included.
func TestHashPinned(t *testing.T) {
	s := New()
	if s.Hash() != 0 {
		t.Errorf("an empty store hashes to %#x", s.Hash())
	}
	for i := range 20 {
		s.Apply(Op{Kind: Put, Key: strconv.Itoa(i), Value: strings.Repeat("é\xff", i)}.Encode())
	}
	if got, want := s.Hash(), uint64(0xf227443e4fd4be9f); got != want {
		t.Errorf("hash %#x, want %#x", got, want)
	}
	for i := range 20 {
		s.Apply(Op{Kind: Delete, Key: strconv.Itoa(i)}.Encode())
	}
	if s.Hash() != 0 {
		t.Errorf("an emptied store hashes to %#x", s.Hash())
	}
}

// Moving a byte between key and value, or values between keys, changes the hash.
func TestMixTellsEntriesApart(t *testing.T) {
	seen := map[uint64]string{}
	add := func(h uint64, what string) {
		if other, dup := seen[h]; dup {
			t.Errorf("%s and %s hash alike", what, other)
		}
		seen[h] = what
	}
	const letters = "\x00\x00\x00\x00\x00\x00\x00\x00\x00aaaaaaaaaaaaaaaaaaaa"
	for i := range len(letters) + 1 {
		for j := range i + 1 {
			add(absorb(mix(letters[:j]), []byte(letters[j:i])), fmt.Sprintf("%q %q", letters[:j], letters[j:i]))
		}
	}
	add(absorb(mix("k1"), []byte("v1"))+absorb(mix("k2"), []byte("v2")), "straight")
	add(absorb(mix("k1"), []byte("v2"))+absorb(mix("k2"), []byte("v1")), "crossed")
}

func TestEndingMeetsItsTwin(t *testing.T) {
	const text = "\x01\x80\xff\x03abc\x00\x7f\xfe\x10z"
	for from := range len(text) + 1 {
		for to := from; to <= len(text); to++ {
			var want uint64
			for i, b := range []byte(text[max(from, to-8):to]) {
				want |= uint64(b) << (8 * i)
			}
			if got := ending([]byte(text[from:to])); got != want {
				t.Errorf("the ending of %q is %#x, want %#x", text[from:to], got, want)
			}
		}
	}
}

func TestRestoreRefusesAndLeavesTheStoreAlone(t *testing.T) {
	for _, c := range []struct{ bytes, why string }{
		{"\x01a", "byte 0: no whole entry"},
		{"\x01a\x01", "byte 0: no whole entry"},
		{"\x01a\x01v\x01", "byte 4: no whole entry"},
		{"\x01b\x00\x01a\x00", `byte 3: key "a" after "b"`},
		{"\x01a\x00\x01a\x00", `byte 3: key "a" after "a"`},
		{"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01a\x00", "byte 0: no whole entry"},
	} {
		s := New()
		s.Apply(Op{Kind: Put, Key: "k", Value: "v"}.Encode())
		if err := s.Restore([]byte(c.bytes)); err == nil || !strings.Contains(err.Error(), c.why) {
			t.Errorf("Restore(%q) = %v, want an error with %q", c.bytes, err, c.why)
		}
		if got := string(s.Snapshot()); got != "\x01k\x01v" {
			t.Errorf("Restore(%q) failed and left %q", c.bytes, got)
		}
	}
}

// DESIGN: steady state allocates next to nothing.
func TestAllocations(t *testing.T) {
	s := New()
	for _, c := range []struct {
		op   Op
		want float64
	}{
		{Op{Kind: Put, Key: "key", Value: "some value"}, 0},
		{Op{Kind: CAS, Key: "key", Value: "some value", Old: "no"}, 0},
		{Op{Kind: Get, Key: "key"}, 0}, // the answer is a part of an allocation
		{Op{Kind: Delete, Key: "missing"}, 0},
		{Op{Kind: Strlen, Key: "key"}, 0}, // its number is small
		{Op{Kind: Incr, Key: "count"}, 0},
		{Op{Kind: CAS, Key: "key", Old: "some value", Value: "some value"}, 0},
		{ManyOf(Op{Kind: Put, Key: "key", Value: "a"}, Op{Kind: Put, Key: "key", Value: "b"}), 1}, // the answer
	} {
		op := c.op.Encode()
		s.Apply(op) // what is new has its price
		if got := testing.AllocsPerRun(100, func() { s.Apply(op) }); got > c.want {
			t.Errorf("%v allocates %v times, want %v", c.op, got, c.want)
		}
	}
}

func BenchmarkApply(b *testing.B) {
	value := strings.Repeat("v", 64)
	for _, op := range []Op{
		{Kind: Put, Value: value},
		{Kind: Get},
		{Kind: CAS, Value: value, Old: "no"},
		{Kind: Append, Value: ""},
		{Kind: Incr},
	} {
		b.Run(op.Kind.String(), func(b *testing.B) {
			s := New()
			var ops [256][]byte
			for i := range ops {
				op.Key = "key-" + strconv.Itoa(i)
				ops[i] = op.Encode()
				if op.Kind != Incr {
					s.Apply(Op{Kind: Put, Key: op.Key, Value: value}.Encode())
				}
			}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				op := ops[i&255]
				if Kind(op[0]) == Put {
					op[len(op)-1] ^= 1 // putting what is there already changes nothing
				}
				s.Apply(op)
			}
		})
	}
}
