package kv

import (
	"math"
	"strconv"
)

// Step is what an operation means: it takes the value of its key, and whether the key
// exists, to the new ones and the answer. What it does is decided in one place, for Store and
// for the linearizability model alike. A missing key's value is ignored and returned as "".
// A Many is not on one key: Step answers Malformed, and Store executes its parts one by one.
func (o Op) Step(value string, found bool) (newValue string, newFound bool, res Result) {
	if !found {
		value = ""
	}
	out := decide(o.Kind, value, found, o.Value, o.Old)
	res.Status, res.Number = out.status, out.number
	switch out.change {
	case writes:
		return o.Value, true, res
	case adds:
		return value + o.Value, true, res
	case counts:
		return strconv.FormatInt(out.number, 10), true, res
	case removes:
		return "", false, res
	}
	if out.status == HasValue {
		res.Value = value
	}
	return value, found, res
}

// outcome is what an operation comes to, before any value is made. It has the answer's status
// and number, and what becomes of the key. (The value of a HasValue is the key's.)
type outcome struct {
	change change
	status Status
	number int64
}

type change uint8

const (
	keeps   change = iota // the key is what it was
	writes                // it holds the op's value
	adds                  // it holds the op's value behind its own
	counts                // it holds the number
	removes               // it is gone
)

// decide is the only definition of the operations. A missing key's value is empty.
func decide[V string | []byte](kind Kind, value V, found bool, brought, old V) outcome {
	switch kind {
	case Get:
		if !found {
			return outcome{status: Missing}
		}
		return outcome{status: HasValue}
	case Put:
		return outcome{writes, Done, 0}
	case PutNew:
		if found {
			return outcome{status: Present}
		}
		return outcome{writes, Done, 0}
	case PutOld:
		if !found {
			return outcome{status: Missing}
		}
		return outcome{writes, Done, 0}
	case Strlen:
		if !found {
			return outcome{status: Missing}
		}
		return outcome{status: HasNumber, number: int64(len(value))}
	case Append:
		if len(value)+len(brought) > MaxValueBytes {
			return outcome{status: TooLong}
		}
		return outcome{adds, HasNumber, int64(len(value) + len(brought))}
	case CAS:
		if !found {
			return outcome{status: Missing} // whatever Old says: missing is not ""
		}
		if string(value) != string(old) {
			return outcome{status: Mismatch}
		}
		return outcome{writes, Done, 0}
	case Delete:
		if !found {
			return outcome{status: Missing}
		}
		return outcome{removes, Done, 0}
	case Incr:
		return add(1, value, found)
	case IncrBy:
		by, ok := integer(brought)
		if !ok {
			return outcome{status: NotInteger}
		}
		return add(by, value, found)
	default:
		return outcome{status: Malformed}
	}
}

// MaxValueBytes bounds what append makes; what a put writes is bounded by its Op's size. Each
// reader of a longer value would be sent all of it.
const MaxValueBytes = 1_000_000

// Integer reads what Redis takes for an integer: no sign but a minus, no zeros in front.
func Integer(value string) (int64, bool) { return integer(value) }

func integer[V string | []byte](value V) (int64, bool) {
	digits := value
	if len(digits) > 0 && digits[0] == '-' {
		digits = digits[1:]
	}
	switch {
	case len(digits) == 0 || len(digits) > 19: // 19 digits fit into 64 bits
		return 0, false
	case digits[0] == '0':
		return 0, len(value) == 1
	}
	n := uint64(0)
	for i := range len(digits) {
		if digits[i] < '0' || digits[i] > '9' {
			return 0, false
		}
		n = n*10 + uint64(digits[i]-'0')
	}
	if len(digits) < len(value) {
		return -int64(n), n <= 1<<63
	}
	return int64(n), n <= math.MaxInt64
}

// add adds to the integer that a key holds, a missing key counting as 0.
func add[V string | []byte](by int64, value V, found bool) outcome {
	n := int64(0)
	if found {
		var ok bool
		if n, ok = integer(value); !ok {
			return outcome{status: NotInteger}
		}
	}
	if by > 0 && n > math.MaxInt64-by || by < 0 && n < math.MinInt64-by {
		return outcome{status: Overflow}
	}
	return outcome{counts, HasNumber, n + by}
}
