package kv

import (
	"encoding/binary"
	"fmt"
)

// Sequence collects operations whose fields lie in bytes of the caller, and encodes them. Its zero
// value is empty; Reset empties it again.
type Sequence struct {
	b      []byte // the kind of a Many, and parts
	n      int
	last   int // where the last part's Op begins
	writes bool
}

// Reset empties the sequence, and keeps its memory.
func (q *Sequence) Reset() { *q = Sequence{b: q.b[:0]} }

// Count is how many operations there are.
func (q *Sequence) Count() int { return q.n }

// Bytes is how many bytes Op has.
func (q *Sequence) Bytes() int { return len(q.b) - q.from() }

// from is where Op begins.
func (q *Sequence) from() int {
	if q.n == 1 {
		return q.last
	}
	return 0
}

// Reads says that none of them writes.
func (q *Sequence) Reads() bool { return !q.writes }

// Mark is a place in a sequence, between two operations.
type Mark struct {
	n, last, bytes int
	writes         bool
}

// Mark is the place after the operations that there are.
func (q *Sequence) Mark() Mark { return Mark{q.n, q.last, len(q.b), q.writes} }

// Undo takes away the operations that were added since the mark. The mark must be of this sequence,
// since its last Reset.
func (q *Sequence) Undo(m Mark) {
	*q = Sequence{b: q.b[:m.bytes], n: m.n, last: m.last, writes: m.writes}
}

// Between is the encoding of the operations between two marks, as Op is of all.
func (q *Sequence) Between(from, to Mark) []byte {
	parts := q.b[max(from.bytes, 1):to.bytes]
	if to.n-from.n == 1 {
		part, _, _ := cutField(parts)
		return append([]byte{}, part...)
	}
	return append([]byte{byte(Many)}, parts...)
}

// ReadsFirst says that what was added after the mark begins with a read and ends with a write.
func (q *Sequence) ReadsFirst(m Mark) bool {
	part, _, ok := cutField(q.b[min(max(m.bytes, 1), len(q.b)):])
	return ok && Kind(part[0]).Reads() && !Kind(q.b[q.last]).Reads()
}

// Add adds an operation on one key, whose fields are those that its kind uses. They are copied.
func (q *Sequence) Add(kind Kind, fields ...[]byte) {
	if kind.fields() == 0 || len(fields) != kind.fields() {
		panic(fmt.Sprintf("kv: %d fields of a %v", len(fields), kind))
	}
	if len(q.b) == 0 {
		q.b = append(q.b, byte(Many))
	}
	size := 1
	for _, f := range fields {
		size += uvarintBytes(len(f)) + len(f)
	}
	q.b = binary.AppendUvarint(q.b, uint64(size))
	q.last = len(q.b)
	q.b = append(q.b, byte(kind))
	for _, f := range fields {
		q.b = append(binary.AppendUvarint(q.b, uint64(len(f))), f...)
	}
	q.n++
	q.writes = q.writes || !kind.Reads()
}

// Op is the encoding, in memory of its own: of a Many, or of the one operation that there is.
func (q *Sequence) Op() []byte {
	return append(make([]byte, 0, q.Bytes()), q.b[q.from():]...)
}

func uvarintBytes(n int) int {
	bytes := 1
	for ; n >= 0x80; n >>= 7 {
		bytes++
	}
	return bytes
}
