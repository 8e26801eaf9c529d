package kv

import (
	"encoding/binary"
	"fmt"
	"strconv"
)

// Status says how an operation ended and which field of its Result holds. Zero is not a status.
type Status uint8

const (
	Done       Status = iota + 1 // put, putnew and putold that wrote; cas that swapped; delete of a key that existed
	HasValue                     // get: Value
	HasNumber                    // append, incr, incrby, strlen: Number
	Missing                      // get, strlen, cas, delete, putold: there is no such key
	Mismatch                     // cas: the key holds something other than Old
	NotInteger                   // incr, incrby: the key does not hold a 64-bit integer, or the operand is not one
	Overflow                     // incr, incrby: the sum does not fit into 64 bits
	Malformed                    // these bytes are not an operation
	Present                      // putnew: there is such a key
	TooLong                      // append: see MaxValueBytes; get, as a part of a Many: see MaxManyBytes
	Results                      // many: Value holds its parts' results
)

var statuses = [...]string{
	Done:       "done",
	HasValue:   "value",
	HasNumber:  "number",
	Missing:    "missing",
	Mismatch:   "mismatch",
	NotInteger: "not an integer",
	Overflow:   "overflow",
	Malformed:  "malformed",
	Present:    "present",
	TooLong:    "too long",
	Results:    "results",
}

func (s Status) String() string {
	if !s.valid() {
		return "Status(" + strconv.Itoa(int(s)) + ")"
	}
	return statuses[s]
}

// StatusNamed is the Status of that name.
func StatusNamed(name string) (Status, bool) {
	for s := Done; int(s) < len(statuses); s++ {
		if statuses[s] == name {
			return s, true
		}
	}
	return 0, false
}

func (s Status) valid() bool { return s != 0 && int(s) < len(statuses) }

// Result is the answer to one Op: a value, compared by ==. A field that its Status
// does not name is zero. The zero Result is no answer.
type Result struct {
	Status Status
	Value  string
	Number int64
}

// String gives the value quoted, the number, or the status where there is neither.
func (r Result) String() string {
	switch r.Status {
	case HasValue:
		return strconv.Quote(r.Value)
	case HasNumber:
		return strconv.FormatInt(r.Number, 10)
	case Results:
		return r.listed()
	default:
		return r.Status.String()
	}
}

// bare holds, at each status, the whole encoding of a result without payload, so that
// the most frequent answers cost no allocation. Nobody may write to it.
var bare = [...]byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}

// numbers holds the whole encodings of small numbers, the most frequent after those in bare.
var numbers = func() (b [4096 * numberBytes]byte) {
	for n := range len(b) / numberBytes {
		b[n*numberBytes] = byte(HasNumber)
		binary.BigEndian.PutUint64(b[n*numberBytes+1:], uint64(n))
	}
	return b
}()

const numberBytes = 1 + 8

// Encode returns the status in a byte, then the value to the end or the number in 8
// bytes. The caller may not modify it: equal results may share memory.
func (r Result) Encode() []byte {
	return (*pieces)(nil).encode(r.Status, []byte(r.Value), r.Number)
}

// pieces are memory for results. These are small and many, and each is kept for a while. Small ones
// share a piece. A piece is itself small: so a result that is kept longer than its neighbours costs
// little. Nil gives each result memory of its own.
type pieces struct{ last []byte }

const (
	pieceBytes       = 512
	mostBytesInPiece = 64
)

// room is empty memory for the given number of bytes.
func (p *pieces) room(bytes int) []byte {
	if p == nil || bytes > mostBytesInPiece {
		return make([]byte, 0, bytes)
	}
	if cap(p.last)-len(p.last) < bytes {
		p.last = make([]byte, 0, pieceBytes)
	}
	at := len(p.last)
	p.last = p.last[:at+bytes]
	return p.last[at : at : at+bytes]
}

// encode takes the parts of an Answer one by one. Writing them to an Answer and reading them
// from it again would cost more than the encoding.
func (p *pieces) encode(status Status, value []byte, number int64) []byte {
	switch status {
	case HasValue, Results:
		return append(append(p.room(1+len(value)), byte(status)), value...)
	case HasNumber:
		if number >= 0 && number < int64(len(numbers)/numberBytes) {
			at := number * numberBytes
			return numbers[at : at+numberBytes : at+numberBytes]
		}
		return binary.BigEndian.AppendUint64(append(p.room(numberBytes), byte(HasNumber)), uint64(number))
	default:
		return bare[status : status+1 : status+1]
	}
}

// DecodeResult reads what Encode wrote and nothing else, sharing no memory with b.
func DecodeResult(b []byte) (Result, error) {
	status, value, number, err := readAnswer(b)
	if err != nil {
		return Result{}, err
	}
	return Result{Status: status, Value: string(value), Number: number}, nil
}

// Answer is a Result whose Value lies in the bytes that it was read from.
type Answer struct {
	Status Status
	Value  []byte
	Number int64
}

// ReadAnswer is DecodeResult without a copy.
func ReadAnswer(b []byte) (Answer, error) {
	status, value, number, err := readAnswer(b)
	return Answer{status, value, number}, err
}

func readAnswer(b []byte) (status Status, value []byte, number int64, err error) {
	if len(b) == 0 {
		return 0, nil, 0, fmt.Errorf("kv: result: no bytes")
	}
	status, payload, want := Status(b[0]), b[1:], 0
	switch {
	case !status.valid():
		return 0, nil, 0, fmt.Errorf("kv: result: byte 0: no status %d", b[0])
	case status == Results:
		if err := checkResults(payload); err != nil {
			return 0, nil, 0, err
		}
		return status, payload, 0, nil
	case status == HasValue:
		return status, payload, 0, nil
	case status == HasNumber:
		want = 8
	}
	if len(payload) != want {
		return 0, nil, 0, fmt.Errorf("kv: result: byte 1: %d bytes after status %q, not %d", len(payload), status, want)
	}
	if status == HasNumber {
		number = int64(binary.BigEndian.Uint64(payload))
	}
	return status, nil, number, nil
}
