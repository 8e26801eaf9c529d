package kv

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// However keys come and go between two snapshots, each has all keys in order; a clone's too.
func TestSnapshotsAreSorted(t *testing.T) {
	key := rapid.StringMatching(`[a-d]{1,3}`)
	rapid.Check(t, func(t *rapid.T) {
		s := New()
		for range rapid.IntRange(1, 8).Draw(t, "snapshots") {
			for range rapid.IntRange(0, 40).Draw(t, "ops") {
				op := Op{Kind: rapid.SampledFrom([]Kind{Put, Delete}).Draw(t, "kind"), Key: key.Draw(t, "key"), Value: "v"}
				s.Apply(op.Encode())
			}
			if rapid.Bool().Draw(t, "clone") {
				s = s.Clone().(*Store)
			}
			var want []byte
			for _, key := range slices.Sorted(maps.Keys(s.entries)) {
				want = appendField(appendField(want, key), s.entries[key].value)
			}
			if got := s.Snapshot(); string(got) != string(want) {
				t.Fatalf("the snapshot is %q, and should be %q", got, want)
			}
		}
	})
}

// Keys that come and go leave nothing behind, though no snapshot is taken.
func TestGoneKeysAreLetGo(t *testing.T) {
	s := New()
	for i := range 10 * leastAdded {
		key := fmt.Sprint(i)
		s.Apply(Op{Kind: Put, Key: key}.Encode())
		s.Apply(Op{Kind: Delete, Key: key}.Encode())
		if n := len(s.order.added); n > leastAdded {
			t.Fatalf("%d entries are kept after %d keys have come and gone", n, i+1)
		}
	}
	if got := s.Snapshot(); len(got) > 0 {
		t.Errorf("the snapshot is %q", got)
	}
}

// BenchmarkSnapshot is a server's stand-still every so many slots.
func BenchmarkSnapshot(b *testing.B) {
	for _, keys := range []int{10_000, 100_000, 1_000_000} {
		b.Run(fmt.Sprintf("keys=%d", keys), func(b *testing.B) {
			s, value := New(), strings.Repeat("v", 64)
			for i := range keys {
				s.Apply(Op{Kind: Put, Key: fmt.Sprintf("key:%012d", i*7919%1_000_003), Value: value}.Encode())
			}
			s.Snapshot()
			for b.Loop() {
				s.Snapshot()
			}
		})
	}
}
