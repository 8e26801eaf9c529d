package kv

import (
	"fmt"
	"maps"
	"slices"

	"github.com/fauer4effect/paxos/protocol"
)

var _ protocol.App = (*Store)(nil)

// Store holds the keys and their values. One server owns it; it is not safe for
// concurrent use. Make one with New.
type Store struct {
	entries map[string]entry
	hash    uint64 // Invariant: the wrapping sum of all entries' mix.
}

// entry is a key's value, and mix(key, value) so that removing it costs no hashing.
type entry struct {
	value string
	mix   uint64
}

// New returns a Store without keys.
func New() *Store { return &Store{entries: make(map[string]entry)} }

// Apply executes an encoded Op and returns the encoded Result. Bytes that are no Op
// change nothing and are answered Malformed. A put allocates once, for the string that
// both its key and its value live in.
func (s *Store) Apply(op []byte) []byte {
	o, err := Decode(op)
	if err != nil {
		return Result{Status: Malformed}.Encode()
	}
	old, found := s.entries[o.Key]
	value, stays, res := o.Step(old.value, found)
	switch {
	case stays == found && value == old.value: // reads and refusals
	case stays:
		s.hash -= old.mix // zero where the key is new
		s.put(o.Key, value)
	default:
		s.hash -= old.mix
		delete(s.entries, o.Key)
	}
	return res.Encode()
}

// put adds an entry whose predecessor, if any, is already out of the hash.
func (s *Store) put(key, value string) {
	e := entry{value, mix(key, value)}
	s.entries[key] = e
	s.hash += e.mix
}

// Snapshot returns all keys in order, each followed by its value.
func (s *Store) Snapshot() []byte {
	var b []byte
	for _, key := range slices.Sorted(maps.Keys(s.entries)) {
		b = appendField(appendField(b, key), s.entries[key].value)
	}
	return b
}

// Restore accepts exactly what Snapshot returns. On an error the Store is unchanged.
func (s *Store) Restore(snapshot []byte) error {
	restored := New()
	last := ""
	for rest := snapshot; len(rest) > 0; {
		at := len(snapshot) - len(rest)
		key, rest1, ok1 := cutField(rest)
		value, rest2, ok2 := cutField(rest1)
		switch {
		case !ok1 || !ok2:
			return fmt.Errorf("kv: snapshot: byte %d: no whole entry", at)
		case at > 0 && string(key) <= last:
			return fmt.Errorf("kv: snapshot: byte %d: key %q after %q", at, key, last)
		}
		last = string(key)
		restored.put(last, string(value))
		rest = rest2
	}
	*s = *restored
	return nil
}

// Clone copies the map; the strings are immutable and shared.
func (s *Store) Clone() protocol.App {
	return &Store{entries: maps.Clone(s.entries), hash: s.hash}
}

// Hash depends on the content alone, not on how it came about: a wrapping sum does not
// care for order and can be undone entry by entry, which makes this O(1).
func (s *Store) Hash() uint64 { return s.hash }

// mix hashes one entry. Each string's length goes in before its bytes, which tells
// ("a", "bc") from ("ab", "c"). It is written out in uint64 to be the same on every machine.
func mix(key, value string) uint64 {
	return absorb(absorb(0x9e3779b97f4a7c15, key), value)
}

// absorb adds a string to a hash, 8 bytes at a time. scramble is a bijection, so two
// strings of one length that differ in one word never meet.
func absorb(h uint64, s string) uint64 {
	h = scramble(h ^ uint64(len(s)))
	for ; len(s) >= 8; s = s[8:] {
		h = scramble(h ^ word(s))
	}
	var tail uint64
	for i := range len(s) {
		tail |= uint64(s[i]) << (8 * i)
	}
	return scramble(h ^ tail)
}

// word reads the first 8 bytes, little-endian; spelled out, it compiles to one load.
func word(s string) uint64 {
	_ = s[7]
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
}

// scramble is the finalizer of MurmurHash3: every bit of h reaches every bit of the result.
func scramble(h uint64) uint64 {
	h = (h ^ h>>33) * 0xff51afd7ed558ccd
	h = (h ^ h>>33) * 0xc4ceb9fe1a85ec53
	return h ^ h>>33
}
