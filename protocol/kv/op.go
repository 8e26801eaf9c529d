package kv

import (
	"encoding/binary"
	"fmt"
	"strconv"
)

// Kind says what an Op does. Zero is no kind. The numbers are in every log: never reorder.
type Kind uint8

const (
	Get    Kind = iota + 1 // the value
	Put                    // set Value
	Append                 // add Value at the end; the new length
	CAS                    // set Value if the key holds Old
	Delete                 // remove the key
	Incr                   // add one, a missing key counting as 0; the new value
)

// kinds gives each Kind its name and how many of Key, Value, Old it uses, in that order.
var kinds = [...]struct {
	name   string
	fields int
}{
	Get:    {"get", 1},
	Put:    {"put", 2},
	Append: {"append", 2},
	CAS:    {"cas", 3},
	Delete: {"delete", 1},
	Incr:   {"incr", 1},
}

func (k Kind) String() string {
	if k.fields() == 0 {
		return "Kind(" + strconv.Itoa(int(k)) + ")"
	}
	return kinds[k].name
}

// KindNamed is the Kind of that name.
func KindNamed(name string) (Kind, bool) {
	for k := Get; int(k) < len(kinds); k++ {
		if kinds[k].name == name {
			return k, true
		}
	}
	return 0, false
}

// fields is 0 where k is no kind.
func (k Kind) fields() int {
	if int(k) >= len(kinds) {
		return 0
	}
	return kinds[k].fields
}

// Op is one operation on one key: a value, shared freely. A field that its Kind does not
// use is ignored. The zero Op is none: Decode rejects it, Step answers Malformed.
type Op struct {
	Kind  Kind
	Key   string
	Value string // put, append, cas: what to write
	Old   string // cas: what must be there
}

// String reads like a command: cas "k" "new" "old".
func (o Op) String() string {
	s := o.Kind.String()
	for _, field := range []string{o.Key, o.Value, o.Old}[:o.Kind.fields()] {
		s += " " + strconv.Quote(field)
	}
	return s
}

// Encode returns the kind in a byte, then each field that the kind uses, with its length
// as a uvarint before it.
func (o Op) Encode() []byte {
	b := make([]byte, 1, 1+3*binary.MaxVarintLen32+len(o.Key)+len(o.Value)+len(o.Old))
	b[0] = byte(o.Kind)
	for _, field := range []string{o.Key, o.Value, o.Old}[:o.Kind.fields()] {
		b = appendField(b, field)
	}
	return b
}

// Decode reads what Encode wrote and nothing else: where it succeeds, encoding the Op
// gives b again. The Op shares no memory with b. Its strings share one allocation, made
// only once b has proved sound.
func Decode(b []byte) (Op, error) {
	if len(b) == 0 {
		return Op{}, fmt.Errorf("kv: op: no bytes")
	}
	kind := Kind(b[0])
	if kind.fields() == 0 {
		return Op{}, fmt.Errorf("kv: op: byte 0: no kind %d", b[0])
	}
	var end, width [3]int
	rest := b[1:]
	for i := range kind.fields() {
		field, after, ok := cutField(rest)
		if !ok {
			return Op{}, fmt.Errorf("kv: op: byte %d: %v wants its field %d here", len(b)-len(rest), kind, i+1)
		}
		rest = after
		end[i], width[i] = len(b)-len(rest), len(field)
	}
	if len(rest) > 0 {
		return Op{}, fmt.Errorf("kv: op: byte %d: %d bytes after the %v", len(b)-len(rest), len(rest), kind)
	}
	s := string(b)
	field := func(i int) string { return s[end[i]-width[i] : end[i]] }
	return Op{Kind: kind, Key: field(0), Value: field(1), Old: field(2)}, nil
}

func appendField(b []byte, field string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(field))), field...)
}

// cutField splits off the field at the front of b, in place. A length is refused if b
// does not hold that many bytes, or if a shorter uvarint would have said the same.
func cutField(b []byte) (field, rest []byte, ok bool) {
	n, width := binary.Uvarint(b)
	if width <= 0 || n > uint64(len(b)-width) || width > 1 && b[width-1] == 0 {
		return nil, nil, false
	}
	end := width + int(n)
	return b[width:end], b[end:], true
}
