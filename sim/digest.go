package sim

import (
	"math"
	"reflect"

	"github.com/fauer4effect/paxos/sim/world"
)

// digestOf is a digest of what a message or a record of somebody's own holds, without which two
// runs that differ in nothing else would have one hash.
func digestOf(v any) uint64 {
	if d, ok := v.(interface{ Digest() uint64 }); ok {
		return d.Digest()
	}
	return digestInto(1, reflect.ValueOf(v), 0)
}

// maxDigestDepth ends what refers to itself.
const maxDigestDepth = 32

// digestInto goes by content: where a value lies in memory differs from run to run.
func digestInto(h uint64, v reflect.Value, depth int) uint64 {
	if h = world.Mix(h, uint64(v.Kind())); depth > maxDigestDepth {
		return h
	}
	depth++
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
		h = world.Mix(h, uint64(v.Len()))
		for _, b := range []byte(v.String()) {
			h = world.Mix(h, uint64(b))
		}
	case reflect.Slice, reflect.Array:
		h = world.Mix(h, uint64(v.Len()))
		if v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Uint8 {
			for _, b := range v.Bytes() {
				h = world.Mix(h, uint64(b))
			}
			break
		}
		for i := range v.Len() {
			h = digestInto(h, v.Index(i), depth)
		}
	case reflect.Map: // whatever its order
		sum := uint64(v.Len())
		for entries := v.MapRange(); entries.Next(); {
			sum += digestInto(digestInto(1, entries.Key(), depth), entries.Value(), depth)
		}
		h = world.Mix(h, sum)
	case reflect.Struct:
		for i := range v.NumField() {
			h = digestInto(h, v.Field(i), depth)
		}
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			h = digestInto(h, v.Elem(), depth)
		}
	}
	return h // channels and functions have no content
}
