package kv

import (
	"encoding/binary"
	"fmt"
)

// A Many is a sequence of operations that take effect in order and with no other between
// them. Its encoding is its kind and then each part, an encoded Op, as a field; its result is
// the parts' results in the same form. A Many in a Many is refused, and so is one without
// parts: whatever can be said can be said in one way.

// MaxManyBytes bounds the result of a Many. There is room for any one value (MaxValueBytes). A
// get whose value would go past the bound is answered TooLong; the parts after it are executed.
// Without a bound a short Many that names one large value often would have an endless answer.
const MaxManyBytes = 1 << 20

// ManyOf is the operations as one. None of them may be a Many.
func ManyOf(ops ...Op) Op {
	var b []byte
	for _, o := range ops {
		b = appendField(b, string(o.Encode()))
	}
	return Op{Kind: Many, Value: string(b)}
}

// Parts are the operations of a Many in order, or the Op itself if it is not a Many. The Op comes
// from Decode or ManyOf.
func (o Op) Parts() []Op {
	if o.Kind != Many {
		return []Op{o}
	}
	var ops []Op
	for rest := []byte(o.Value); len(rest) > 0; {
		part, after, ok := cutField(rest)
		op, err := Decode(part)
		if !ok || err != nil {
			panic(fmt.Sprintf("kv: parts of %q", o.Value))
		}
		ops, rest = append(ops, op), after
	}
	return ops
}

// Reads says that the operation changes nothing.
func (o Op) Reads() bool {
	if o.Kind == Many {
		return readsOnly([]byte(o.Value))
	}
	return o.Kind.Reads()
}

// listedParts is how many parts a Many tells of as text: it may have thousands.
const listedParts = 8

func (o Op) listed() string { return "many " + listed(o.Parts()) }

func listed[T fmt.Stringer](parts []T) string {
	s, between := "[", ""
	for i, part := range parts {
		if i == listedParts {
			s += "; …"
			break
		}
		s, between = s+between+part.String(), "; "
	}
	return s + "]"
}

// isMany looks at the kind alone.
func isMany(op []byte) bool { return len(op) > 0 && Kind(op[0]) == Many }

// countParts says how many parts there are, and refuses what is not a part.
func countParts(parts []byte) (int, error) {
	n := 0
	for rest := parts; len(rest) > 0; n++ {
		part, after, ok := cutField(rest)
		if !ok {
			return 0, fmt.Errorf("kv: op: byte %d: many wants its part %d here", 1+len(parts)-len(rest), n+1)
		}
		var p parsed
		if err := p.read(part); err != nil {
			return 0, fmt.Errorf("part %d of many: %w", n+1, err)
		}
		rest = after
	}
	if n == 0 {
		return 0, fmt.Errorf("kv: op: byte 1: many wants its part 1 here")
	}
	return n, nil
}

// readsOnly says that no part writes. It does not check that they are parts.
func readsOnly(parts []byte) bool {
	for len(parts) > 0 {
		part, after, ok := cutField(parts)
		if !ok || len(part) == 0 || !Kind(part[0]).Reads() {
			return false
		}
		parts = after
	}
	return true
}

// many executes the parts, if all of them are operations. With query it only looks: all parts must
// be reads, and the answer is the same.
func (s *Store) many(parts []byte, query bool) []byte {
	n, err := countParts(parts)
	if err != nil {
		return s.results.encode(Malformed, nil, 0)
	}
	b := append(make([]byte, 0, 1+2*n), byte(Results))
	for len(parts) > 0 {
		part, after, _ := cutField(parts)
		parts = after
		var p parsed
		_ = p.read(part) // countParts has read it
		var a Answer
		if query {
			a.Status, a.Value, a.Number = s.look(&p)
		} else {
			a.Status, a.Value, a.Number = s.execute(&p)
		}
		if a.Status == HasValue && len(b)+len(a.Value) > MaxManyBytes {
			a = Answer{Status: TooLong}
		}
		b = a.appendPart(b)
	}
	return b
}

// appendPart is the encoding as a field.
func (a Answer) appendPart(b []byte) []byte {
	switch a.Status {
	case HasValue:
		b = binary.AppendUvarint(b, uint64(1+len(a.Value)))
		return append(append(b, byte(HasValue)), a.Value...)
	case HasNumber:
		return binary.BigEndian.AppendUint64(append(b, numberBytes, byte(HasNumber)), uint64(a.Number))
	default:
		return append(b, 1, byte(a.Status))
	}
}

// checkResults refuses what is not the results of a Many.
func checkResults(results []byte) error {
	if len(results) == 0 {
		return fmt.Errorf("kv: result: byte 1: results without one")
	}
	for n := 1; len(results) > 0; n++ {
		_, rest, err := CutAnswer(results)
		if err != nil {
			return fmt.Errorf("part %d of results: %w", n, err)
		}
		results = rest
	}
	return nil
}

// CutAnswer reads the first of a Many's results, which are the Value of its Answer.
func CutAnswer(results []byte) (a Answer, rest []byte, err error) {
	part, rest, ok := cutField(results)
	switch {
	case !ok:
		return Answer{}, nil, fmt.Errorf("kv: result: no whole result")
	case len(part) > 0 && Status(part[0]) == Results: // however deep they are
		return Answer{}, nil, fmt.Errorf("kv: result: results in results")
	}
	a, err = ReadAnswer(part)
	return a, rest, err
}

// Parts are the results of a Many's parts, or the Result itself if it is not of a Many. The Result
// comes from DecodeResult.
func (r Result) Parts() []Result {
	if r.Status != Results {
		return []Result{r}
	}
	var all []Result
	for rest := []byte(r.Value); len(rest) > 0; {
		a, after, err := CutAnswer(rest)
		if err != nil {
			panic(fmt.Sprintf("kv: parts of %q", r.Value))
		}
		all, rest = append(all, Result{Status: a.Status, Value: string(a.Value), Number: a.Number}), after
	}
	return all
}

func (r Result) listed() string { return listed(r.Parts()) }
