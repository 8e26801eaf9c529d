package kv

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"

	"github.com/fauer4effect/paxos/protocol"
)

var _ protocol.App = (*Store)(nil)

// Store holds the keys and their values. One server owns it; it is not safe for
// concurrent use. Make one with New.
type Store struct {
	entries map[string]*entry // pointers: a value changes without a write to the map
	hash    uint64            // Invariant: the wrapping sum of all entries' mix.
	order   order
	results pieces
	near    [1 << nearBits]*entry // found lately, which spares most look-ups in the map
}

const nearBits = 7

// entry is a key and its value, with the hashes of the key and of both. So nothing is hashed
// twice when the value is replaced or removed. The value's memory is the entry's own, and
// written to in place. All fits into one line of the processor's cache.
type entry struct {
	key         string
	ending      uint64 // of the key
	value       []byte // nil: the entry is no longer the store's
	keyMix, mix uint64
}

func (e *entry) gone() bool { return e.value == nil }

// New returns a Store without keys.
func New() *Store { return &Store{entries: make(map[string]*entry)} }

// Apply executes an encoded Op and returns the encoded Result. Bytes that are not an Op change
// nothing and are answered Malformed. Apply allocates next to nothing, unless a key is new or the
// length of a value changes.
func (s *Store) Apply(op []byte) []byte {
	if isMany(op) {
		return s.many(op[1:], false)
	}
	var p parsed
	if p.read(op) != nil {
		return s.results.encode(Malformed, nil, 0)
	}
	return s.results.encode(s.execute(&p))
}

// execute is one operation on one key. The value of a HasValue is the entry's.
func (s *Store) execute(p *parsed) (Status, []byte, int64) {
	e, value := s.held(p.key())
	out := decide(p.kind, value, e != nil, p.value(), p.old())
	switch out.change {
	case keeps:
		return out.status, value, out.number
	case removes:
		s.hash -= e.mix
		e.value = nil // the order may know it for a while
		delete(s.entries, e.key)
		return out.status, nil, out.number
	}
	if e == nil {
		e = s.put(string(p.key()))
	}
	switch out.change {
	case writes:
		s.write(e, p.value())
	case adds:
		e.value = append(e.value, p.value()...)
		s.changed(e, e.value)
	case counts:
		e.value = strconv.AppendInt(e.value[:0], out.number, 10)
		s.changed(e, e.value)
	}
	return out.status, nil, out.number
}

// Query answers an encoded Op that only reads as Apply would; any other is Malformed to it.
func (s *Store) Query(op []byte) []byte {
	if isMany(op) {
		if !readsOnly(op[1:]) {
			return s.results.encode(Malformed, nil, 0)
		}
		return s.many(op[1:], true)
	}
	var p parsed
	if p.read(op) != nil || !p.kind.Reads() {
		return s.results.encode(Malformed, nil, 0)
	}
	return s.results.encode(s.look(&p))
}

// look is one read of one key, as execute would do it.
func (s *Store) look(p *parsed) (Status, []byte, int64) {
	e, value := s.held(p.key())
	out := decide(p.kind, value, e != nil, nil, nil)
	return out.status, value, out.number
}

// held is the key's entry, and its value; nil where there is none.
func (s *Store) held(key []byte) (e *entry, value []byte) {
	if e = s.find(key); e != nil {
		value = e.value
	}
	return e, value
}

// find is the key's entry, nil where there is none.
func (s *Store) find(key []byte) *entry {
	end := ending(key)
	near := &s.near[end*0x9e3779b97f4a7c15>>(64-nearBits)]
	if e := *near; e != nil && e.ending == end && len(e.key) == len(key) && !e.gone() &&
		(len(key) <= 8 || e.key[:len(key)-8] == string(key[:len(key)-8])) {
		return e
	}
	e := s.entries[string(key)]
	if e != nil {
		*near = e
	}
	return e
}

// put adds a key that does not exist. The caller must set its value, and then call changed.
func (s *Store) put(key string) *entry {
	e := &entry{key: key, ending: ending([]byte(key)), value: []byte{}, keyMix: mix(key)}
	s.entries[key] = e
	s.order.add(e, len(s.entries))
	return e
}

// write replaces the value. An entry does not keep the memory of a value that was far longer.
func (s *Store) write(e *entry, value []byte) {
	if cap(e.value) < len(value) || cap(e.value) > 4*len(value)+64 {
		e.value = make([]byte, 0, len(value))
	}
	e.value = append(e.value[:0], value...)
	s.changed(e, value) // not the entry's own: what was just written is slow to read
}

// changed updates the hash for an entry's new value.
func (s *Store) changed(e *entry, value []byte) {
	s.hash -= e.mix // zero where the key is new
	e.mix = absorb(e.keyMix, value)
	s.hash += e.mix
}

// Snapshot returns all keys in order, each followed by its value.
func (s *Store) Snapshot() []byte {
	entries := s.order.settle()
	bytes := 0
	for _, e := range entries {
		bytes += len(e.key) + len(e.value) + 2*binary.MaxVarintLen32
	}
	b := make([]byte, 0, bytes)
	for _, e := range entries {
		b = appendField(appendField(b, e.key), e.value)
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
		e := restored.put(last)
		restored.write(e, value)
		rest = rest2
	}
	*s = *restored
	return nil
}

// Clone copies the entries; the keys are immutable and shared.
func (s *Store) Clone() protocol.App {
	c := &Store{entries: make(map[string]*entry, len(s.entries)), hash: s.hash}
	sorted := slices.Clone(s.order.settle())
	for i, e := range sorted {
		own := *e
		own.value = slices.Clone(e.value)
		sorted[i] = &own
		c.entries[e.key] = &own
	}
	c.order.sorted = sorted
	return c
}

// Hash depends on the content alone, not on its history: it is a wrapping sum over the entries.
// Their order does not matter, and each can be taken out again. That makes Hash O(1).
func (s *Store) Hash() uint64 { return s.hash }

// mix hashes a key, to go on with its value.
func mix(key string) uint64 { return absorb(0x9e3779b97f4a7c15, []byte(key)) }

// absorb adds a text to a hash, 8 bytes at a time. The length goes in before the bytes,
// which tells ("a", "bc") from ("ab", "c"). scramble is a bijection, so two strings of one
// length that differ in one word never meet. It is written out in uint64 to be the same on
// every machine.
func absorb(h uint64, s []byte) uint64 {
	h = scramble(h ^ uint64(len(s)))
	for ; len(s) >= 8; s = s[8:] {
		h = scramble(h ^ binary.LittleEndian.Uint64(s))
	}
	return scramble(h ^ ending(s))
}

// ending is the last 8 bytes, little-endian, or all where there are less.
func ending(s []byte) uint64 {
	switch n := len(s); {
	case n >= 8:
		return binary.LittleEndian.Uint64(s[n-8:])
	case n >= 4:
		// The two overlap, and agree where they do.
		return uint64(binary.LittleEndian.Uint32(s)) | uint64(binary.LittleEndian.Uint32(s[n-4:]))<<(8*(n-4))
	case n == 0:
		return 0
	default:
		return uint64(s[0]) | uint64(s[n/2])<<(8*(n/2)) | uint64(s[n-1])<<(8*(n-1))
	}
}

// scramble is the finalizer of MurmurHash3: every bit of h reaches every bit of the result.
func scramble(h uint64) uint64 {
	h = (h ^ h>>33) * 0xff51afd7ed558ccd
	h = (h ^ h>>33) * 0xc4ceb9fe1a85ec53
	return h ^ h>>33
}
