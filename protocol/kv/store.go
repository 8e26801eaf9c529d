package kv

import (
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/fauer4effect/paxos/protocol"
)

var _ protocol.App = (*Store)(nil)

// Store holds the keys and their values. One server owns it; it is not safe for
// concurrent use. Make one with New.
type Store struct {
	entries map[string]*entry // pointers: a value changes without a write to the map
	hash    uint64            // Invariant: the wrapping sum of all entries' mix.
	order   order
}

// entry is a key and its value, with the hashes of the key and of both, so that neither
// replacing nor removing the value hashes anything twice.
type entry struct {
	key, value  string
	keyMix, mix uint64
	gone        bool // it is no longer the store's
}

// New returns a Store without keys.
func New() *Store { return &Store{entries: make(map[string]*entry)} }

// Apply executes an encoded Op and returns the encoded Result. Bytes that are no Op
// change nothing and are answered Malformed. It allocates only the strings that the op
// brings, and results that hold a value.
func (s *Store) Apply(op []byte) []byte {
	if isMany(op) {
		return s.many(op[1:], false)
	}
	var p parsed
	if p.read(op) != nil {
		return Result{Status: Malformed}.Encode()
	}
	var res Result
	s.execute(&p, &res)
	return res.encode()
}

// execute is one operation on one key.
func (s *Store) execute(p *parsed, res *Result) {
	e := s.entries[string(p.key)]
	if e == nil {
		s.executeNew(p, res)
		return
	}
	var o Op
	p.fill(&o, e.key)
	value, stays, r := o.step(e.value, true)
	*res = r
	switch {
	case !stays:
		s.hash -= e.mix
		e.gone = true
		delete(s.entries, e.key)
	case value != e.value: // else a read or a refusal
		s.set(e, value)
	}
}

// executeNew is execute for a key that does not exist.
func (s *Store) executeNew(p *parsed, res *Result) {
	var o Op
	p.fill(&o, string(p.key))
	value, stays, r := o.step("", false)
	*res = r
	if stays {
		s.put(o.Key, value)
	}
}

// Query answers an encoded Op that only reads as Apply would; any other is Malformed to it.
func (s *Store) Query(op []byte) []byte {
	if isMany(op) {
		if !readsOnly(op[1:]) {
			return Result{Status: Malformed}.Encode()
		}
		return s.many(op[1:], true)
	}
	var p parsed
	if p.read(op) != nil || !p.kind.Reads() {
		return Result{Status: Malformed}.Encode()
	}
	var res Result
	s.look(&p, &res)
	return res.encode()
}

// look is one read of one key.
func (s *Store) look(p *parsed, res *Result) {
	o := Op{Kind: p.kind}
	if e := s.entries[string(p.key)]; e != nil {
		_, _, *res = o.step(e.value, true)
	} else {
		_, _, *res = o.step("", false)
	}
}

// put adds a key that does not exist.
func (s *Store) put(key, value string) {
	e := &entry{key: key, keyMix: mix(key)}
	s.entries[key] = e
	s.order.add(e, len(s.entries))
	s.set(e, value)
}

// set gives an entry its value, and the hash what that changes.
func (s *Store) set(e *entry, value string) {
	s.hash -= e.mix // zero where the key is new
	e.value, e.mix = value, absorb(e.keyMix, value)
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
		restored.put(last, string(value))
		rest = rest2
	}
	*s = *restored
	return nil
}

// Clone copies the entries; the strings are immutable and shared.
func (s *Store) Clone() protocol.App {
	c := &Store{entries: make(map[string]*entry, len(s.entries)), hash: s.hash}
	sorted := slices.Clone(s.order.settle())
	for i, e := range sorted {
		own := *e
		sorted[i] = &own
		c.entries[e.key] = &own
	}
	c.order.sorted = sorted
	return c
}

// Hash depends on the content alone, not on how it came about: a wrapping sum does not
// care for order and can be undone entry by entry, which makes this O(1).
func (s *Store) Hash() uint64 { return s.hash }

// mix hashes a key, to go on with its value.
func mix(key string) uint64 { return absorb(0x9e3779b97f4a7c15, key) }

// absorb adds a string to a hash, 8 bytes at a time. The length goes in before the bytes,
// which tells ("a", "bc") from ("ab", "c"). scramble is a bijection, so two strings of one
// length that differ in one word never meet. It is written out in uint64 to be the same on
// every machine.
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
