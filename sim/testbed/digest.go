package testbed

import (
	"encoding/binary"
	"fmt"
	"math"
	"reflect"

	"github.com/fauer4effect/paxos/sim/world"
)

// digestOf is a digest of what a message or a record of the user's protocol holds. Without it two runs
// that differ in nothing else would have the same hash.
func digestOf(v any) uint64 {
	if d, ok := v.(interface{ Digest() uint64 }); ok {
		return d.Digest()
	}
	d := digester{left: maxDigest, of: v}
	return d.mix(1, reflect.ValueOf(v))
}

// maxDigest bounds the values that a digest looks at: what holds more most likely refers to its machine.
const maxDigest = 1 << 18

// digester goes by content: where a value lies in memory differs from run to run.
type digester struct {
	of   any
	left int
	seen map[visit]int // what has been walked through, numbered, so that a circle ends
}

// visit is a place in memory, as what it was seen. It is looked up only.
type visit struct {
	at  uintptr
	len int
	of  reflect.Type
}

// again says whether a value that refers to others has been seen before, and as which.
func (d *digester) again(v reflect.Value, length int) (int, bool) {
	if d.seen == nil {
		d.seen = map[visit]int{}
	}
	at := visit{v.Pointer(), length, v.Type()}
	number, seen := d.seen[at]
	if !seen {
		d.seen[at] = len(d.seen) + 1
	}
	return number, seen
}

func (d *digester) mix(h uint64, v reflect.Value) uint64 {
	if d.left--; d.left < 0 {
		panic(fmt.Sprintf("testbed: a %T refers to over %d values: it needs a method Digest() uint64", d.of, maxDigest))
	}
	h = world.Mix(h, uint64(v.Kind()))
	switch v.Kind() {
	case reflect.Bool:
		if v.Bool() {
			h = world.Mix(h, 1)
		}
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		h = world.Mix(h, uint64(v.Int()))
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		h = world.Mix(h, v.Uint())
	case reflect.Float32, reflect.Float64:
		h = world.Mix(h, math.Float64bits(v.Float()))
	case reflect.Complex64, reflect.Complex128:
		h = world.Mix(world.Mix(h, math.Float64bits(real(v.Complex()))), math.Float64bits(imag(v.Complex())))
	case reflect.String:
		h = mixText(h, []byte(v.String()))
	case reflect.Slice:
		if h = world.Mix(h, uint64(v.Len())); v.Type().Elem().Kind() == reflect.Uint8 {
			return mixText(h, v.Bytes())
		}
		if v.Len() == 0 { // where it lies says nothing
			return h
		}
		if number, seen := d.again(v, v.Len()); seen {
			return world.Mix(h, uint64(number))
		}
		h = d.elements(h, v)
	case reflect.Array:
		h = d.elements(h, v)
	case reflect.Map: // whatever its order
		if number, seen := d.again(v, 0); seen {
			return world.Mix(h, uint64(number))
		}
		sum := uint64(v.Len())
		for entries := v.MapRange(); entries.Next(); {
			own := digester{of: d.of, left: d.left} // numbers must not go by the order
			sum += own.mix(own.mix(1, entries.Key()), entries.Value())
			d.left = own.left
		}
		h = world.Mix(h, sum)
	case reflect.Struct:
		for i := range v.NumField() {
			h = d.mix(h, v.Field(i))
		}
	case reflect.Pointer:
		if v.IsNil() || v.Type().Elem().Size() == 0 {
			return h
		}
		if number, seen := d.again(v, 0); seen {
			return world.Mix(h, uint64(number))
		}
		h = d.mix(h, v.Elem())
	case reflect.Interface:
		if !v.IsNil() {
			h = d.mix(h, v.Elem())
		}
	}
	return h // channels and functions have no content
}

func (d *digester) elements(h uint64, v reflect.Value) uint64 {
	for i := range v.Len() {
		h = d.mix(h, v.Index(i))
	}
	return h
}

func mixText(h uint64, text []byte) uint64 {
	h = world.Mix(h, uint64(len(text)))
	for ; len(text) >= 8; text = text[8:] {
		h = world.Mix(h, binary.LittleEndian.Uint64(text))
	}
	for _, b := range text {
		h = world.Mix(h, uint64(b))
	}
	return h
}
