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
	PutNew                 // set Value if there is no such key
	PutOld                 // set Value if there is one
	IncrBy                 // add Value, an integer in base 10, as Incr adds one
	Strlen                 // the length of the value
	Many                   // several of the above, in order and at once: see ManyOf
)

// kinds gives each Kind its name, and how many of Key, Value, Old it uses, in that order. Zero:
// the Kind is not one operation on one key.
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
	PutNew: {"putnew", 2},
	PutOld: {"putold", 2},
	IncrBy: {"incrby", 2},
	Strlen: {"strlen", 1},
	Many:   {"many", 0},
}

func (k Kind) String() string {
	if int(k) >= len(kinds) || kinds[k].name == "" {
		return "Kind(" + strconv.Itoa(int(k)) + ")"
	}
	return kinds[k].name
}

// Reads says that an operation of this kind changes nothing. For a Many ask Op.Reads.
func (k Kind) Reads() bool { return k == Get || k == Strlen }

// KindNamed is the Kind of that name. It finds only kinds that are one operation on one key.
func KindNamed(name string) (Kind, bool) {
	for k := Get; k < Many; k++ {
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

// Op is one operation on one key, or a Many: a value, shared freely. A field that its Kind does not
// use is ignored. The zero Op is not an operation: Decode rejects it, Step answers Malformed.
type Op struct {
	Kind  Kind
	Key   string
	Value string // put, putnew, putold, append, cas: what to write; incrby: what to add; many: its parts
	Old   string // cas: what must be there
}

// String reads like a command: cas "k" "new" "old".
func (o Op) String() string {
	if o.Kind == Many {
		return o.listed()
	}
	s := o.Kind.String()
	for _, field := range []string{o.Key, o.Value, o.Old}[:o.Kind.fields()] {
		s += " " + strconv.Quote(field)
	}
	return s
}

// Encode returns the kind in a byte, then each field that the kind uses, with its length
// as a uvarint before it.
func (o Op) Encode() []byte {
	return o.AppendTo(make([]byte, 0, 1+3*binary.MaxVarintLen32+len(o.Key)+len(o.Value)+len(o.Old)))
}

// AppendTo adds what Encode returns to b.
func (o *Op) AppendTo(b []byte) []byte {
	b = append(b, byte(o.Kind))
	if o.Kind == Many {
		return append(b, o.Value...)
	}
	for _, field := range []string{o.Key, o.Value, o.Old}[:o.Kind.fields()] {
		b = appendField(b, field)
	}
	return b
}

// Decode reads what Encode wrote and nothing else: where it succeeds, encoding the Op
// gives b again. The Op shares no memory with b.
func Decode(b []byte) (Op, error) {
	if isMany(b) {
		_, err := countParts(b[1:])
		if err != nil {
			return Op{}, err
		}
		return Op{Kind: Many, Value: string(b[1:])}, nil
	}
	var p parsed
	if err := p.read(b); err != nil {
		return Op{}, err
	}
	return Op{Kind: p.kind, Key: string(p.key()), Value: string(p.value()), Old: string(p.old())}, nil
}

// parsed is an encoded Op whose fields still lie in its bytes.
type parsed struct {
	kind   Kind
	op     []byte
	fields [3]span // key, value, old
}

// span is where a field lies. Unlike a slice it is written without telling the collector.
type span struct{ from, to int }

func (p *parsed) key() []byte   { return p.op[p.fields[0].from:p.fields[0].to] }
func (p *parsed) value() []byte { return p.op[p.fields[1].from:p.fields[1].to] }
func (p *parsed) old() []byte   { return p.op[p.fields[2].from:p.fields[2].to] }

// read allocates nothing, so that lengths which b only claims cost nothing.
func (p *parsed) read(b []byte) error {
	if len(b) == 0 {
		return fmt.Errorf("kv: op: no bytes")
	}
	p.kind, p.op = Kind(b[0]), b
	wanted := p.kind.fields()
	if wanted == 0 {
		return fmt.Errorf("kv: op: byte 0: no kind %d", b[0])
	}
	at := 1
	for i := range wanted {
		from, to, ok := at+1, 0, false
		if at < len(b) && b[at] < 0x80 { // most are short
			to = from + int(b[at])
			ok = to <= len(b)
		} else {
			from, to, ok = nextField(b, at)
		}
		if !ok {
			return fmt.Errorf("kv: op: byte %d: %v wants its field %d here", at, p.kind, i+1)
		}
		p.fields[i], at = span{from, to}, to
	}
	if at < len(b) {
		return fmt.Errorf("kv: op: byte %d: %d bytes after the %v", at, len(b)-at, p.kind)
	}
	return nil
}

func appendField[V string | []byte](b []byte, field V) []byte {
	return append(binary.AppendUvarint(b, uint64(len(field))), field...)
}

// cutField splits off the field at the front of b, in place.
func cutField(b []byte) (field, rest []byte, ok bool) {
	from, to, ok := nextField(b, 0)
	if !ok {
		return nil, nil, false
	}
	return b[from:to], b[to:], true
}

// nextField is where the field that begins at a place lies. A length is refused if b does not
// hold that many bytes, or if a shorter uvarint would have said the same.
func nextField(b []byte, at int) (from, to int, ok bool) {
	n, width := binary.Uvarint(b[min(at, len(b)):])
	if width <= 0 || n > uint64(len(b)-at-width) || width > 1 && b[at+width-1] == 0 {
		return 0, 0, false
	}
	return at + width, at + width + int(n), true
}
