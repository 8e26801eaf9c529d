package kv

import (
	"math"
	"strconv"
)

// Step is what an operation means: it takes the value of its key, and whether the key
// exists, to the new ones and the answer. It is the only definition; Store and the
// linearizability model both run it. A missing key's value is ignored and returned as "".
// A Many is on no one key: Malformed to Step, and to Store what its parts are in turn.
func (o Op) Step(value string, found bool) (newValue string, newFound bool, res Result) {
	return o.step(value, found)
}

func (o *Op) step(value string, found bool) (newValue string, newFound bool, res Result) {
	if !found {
		value = ""
	}
	switch o.Kind {
	case Get:
		if !found {
			return value, found, Result{Status: Missing}
		}
		return value, found, Result{Status: HasValue, Value: value}
	case Put:
		return o.Value, true, Result{Status: Done}
	case PutNew:
		if found {
			return value, found, Result{Status: Present}
		}
		return o.Value, true, Result{Status: Done}
	case PutOld:
		if !found {
			return value, found, Result{Status: Missing}
		}
		return o.Value, true, Result{Status: Done}
	case Strlen:
		if !found {
			return value, found, Result{Status: Missing}
		}
		return value, found, Result{Status: HasNumber, Number: int64(len(value))}
	case Append:
		if len(value)+len(o.Value) > MaxValueBytes {
			return value, found, Result{Status: TooLong}
		}
		value += o.Value
		return value, true, Result{Status: HasNumber, Number: int64(len(value))}
	case CAS:
		if !found {
			return value, found, Result{Status: Missing} // whatever Old says: missing is not ""
		}
		if value != o.Old {
			return value, found, Result{Status: Mismatch}
		}
		return o.Value, true, Result{Status: Done}
	case Delete:
		if !found {
			return value, found, Result{Status: Missing}
		}
		return "", false, Result{Status: Done}
	case Incr:
		return add(1, value, found)
	case IncrBy:
		by, ok := Integer(o.Value)
		if !ok {
			return value, found, Result{Status: NotInteger}
		}
		return add(by, value, found)
	default:
		return value, found, Result{Status: Malformed}
	}
}

// MaxValueBytes bounds what append makes; what a put writes is bounded by its Op's size. Each server
// would copy a longer value for every byte that is added to it.
const MaxValueBytes = 1_000_000

// Integer reads what Redis takes for an integer: no sign but a minus, no zeros in front.
func Integer(value string) (int64, bool) {
	n, err := strconv.ParseInt(value, 10, 64)
	var text [20]byte
	return n, err == nil && string(strconv.AppendInt(text[:0], n, 10)) == value
}

// add adds to the integer that a key holds, a missing key counting as 0.
func add(by int64, value string, found bool) (newValue string, newFound bool, res Result) {
	n := int64(0)
	if found {
		var ok bool
		if n, ok = Integer(value); !ok {
			return value, found, Result{Status: NotInteger}
		}
	}
	if by > 0 && n > math.MaxInt64-by || by < 0 && n < math.MinInt64-by {
		return value, found, Result{Status: Overflow}
	}
	n += by
	return strconv.FormatInt(n, 10), true, Result{Status: HasNumber, Number: n}
}
