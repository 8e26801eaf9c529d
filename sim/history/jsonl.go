package history

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/fauer4effect/paxos/protocol/kv"
	"github.com/fauer4effect/paxos/sim/internal/strictjson"
)

// historyLine is one operation of a recorded history, a line of JSON. An operation without
// return_ns was never answered: it may have taken effect, or not.
type historyLine struct {
	Client uint32      `json:"client"`
	Op     string      `json:"op"` // get, put, append, cas, delete, incr, putnew, putold, incrby, strlen
	Key    string      `json:"key,omitempty"`
	Value  string      `json:"value,omitempty"` // of put, putnew, putold, append, cas, incrby
	Old    string      `json:"old,omitempty"`   // of cas
	Call   int64       `json:"call_ns"`
	Return *int64      `json:"return_ns,omitempty"`
	Result *resultLine `json:"result,omitempty"`
}

// half says whether a text has become one with the replacement character that the line did not ask for:
// half of a surrogate pair has.
func (l *historyLine) half(line []byte) bool {
	texts := []string{l.Key, l.Value, l.Old}
	if l.Result != nil {
		texts = append(texts, l.Result.Value)
	}
	asked := bytes.ContainsRune(line, utf8.RuneError) || bytes.Contains(bytes.ToLower(line), []byte(`\ufffd`))
	return !asked && slices.ContainsFunc(texts, func(s string) bool { return strings.ContainsRune(s, utf8.RuneError) })
}

type resultLine struct {
	Status string `json:"status"` // done, value, number, missing, mismatch, not an integer, overflow, present
	Value  string `json:"value,omitempty"`
	Number int64  `json:"number,omitempty"`
}

// maxLine bounds one line of a history.
const maxLine = 16 << 20

// Write writes a history as JSON lines, which Read reads.
func Write(w io.Writer, history []Operation) error {
	out := bufio.NewWriter(w)
	e := json.NewEncoder(out)
	for i := range history {
		o := &history[i]
		line := historyLine{
			Client: o.Client, Op: o.Op.Kind.String(), Key: o.Op.Key, Value: o.Op.Value, Old: o.Op.Old, Call: o.Call,
		}
		if o.Answered {
			line.Return = &o.Return
			line.Result = &resultLine{Status: o.Result.Status.String(), Value: o.Result.Value, Number: o.Result.Number}
		}
		for _, text := range []string{line.Key, line.Value, line.Old, o.Result.Value} {
			if !utf8.ValidString(text) {
				return fmt.Errorf("history: operation %d: %q can't be written as JSON: it is not UTF-8", i+1, text)
			}
		}
		if err := e.Encode(line); err != nil {
			return fmt.Errorf("history: operation %d: %w", i+1, err)
		}
	}
	return out.Flush()
}

// Read reads JSON lines, in any order, and refuses what it does not understand.
func Read(r io.Reader) ([]Operation, error) {
	var history []Operation
	s := bufio.NewScanner(r)
	s.Buffer(nil, maxLine)
	n := 0
	for s.Scan() {
		n++
		line := s.Bytes()
		if n == 1 {
			line = bytes.TrimPrefix(line, []byte(strictjson.ByteOrderMark))
		}
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		o, err := readLine(line)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		history = append(history, o)
	}
	if err := s.Err(); err != nil {
		return nil, fmt.Errorf("line %d: %w", n+1, err)
	}
	return history, nil
}

func readLine(text []byte) (Operation, error) {
	var l struct {
		historyLine
		Client *uint32 `json:"client"` // must be there, as must
		Call   *int64  `json:"call_ns"`
	}
	if !utf8.Valid(text) {
		return Operation{}, errors.New("it is not UTF-8, and would be read as another text")
	}
	if err := strictjson.RefuseTwins(text); err != nil {
		return Operation{}, err
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&l); err != nil {
		var typed *json.UnmarshalTypeError
		if errors.As(err, &typed) {
			err = fmt.Errorf("byte %d: %s: %s", typed.Offset, cmp.Or(typed.Field, "the operation"), strictjson.Mismatch(typed))
		}
		return Operation{}, err
	}
	if d.More() {
		return Operation{}, errors.New("something follows the operation")
	}
	if l.half(text) {
		return Operation{}, errors.New("half of a surrogate pair, such as \\ud800, stands for no character")
	}
	o := Operation{Answered: l.Return != nil, Op: kv.Op{Key: l.Key, Value: l.Value, Old: l.Old}}
	var ok bool
	if o.Op.Kind, ok = kv.KindNamed(l.Op); !ok {
		return o, fmt.Errorf("unknown op %q (get, put, append, cas, delete, incr, putnew, putold, incrby or strlen)", l.Op)
	}
	if l.Client == nil || l.Call == nil {
		return o, errors.New("client and call_ns must be there")
	}
	o.Client, o.Call = *l.Client, *l.Call
	if !o.Answered {
		if l.Result != nil {
			return o, errors.New("a result, but no return_ns")
		}
		return o, nil
	}
	o.Return = *l.Return
	switch {
	case o.Return < o.Call:
		return o, fmt.Errorf("return_ns %d is before call_ns %d", o.Return, o.Call)
	case l.Result == nil:
		return o, errors.New("return_ns, but no result")
	}
	o.Result = kv.Result{Value: l.Result.Value, Number: l.Result.Number}
	if o.Result.Status, ok = kv.StatusNamed(l.Result.Status); !ok {
		return o, fmt.Errorf("unknown status %q of a result", l.Result.Status)
	}
	return o, fits(o.Op.Kind, o.Result)
}

// answersOf are the statuses that an operation can be answered with.
var answersOf = map[kv.Kind][]kv.Status{
	kv.Get: {kv.HasValue, kv.Missing}, kv.Strlen: {kv.HasNumber, kv.Missing},
	kv.Put: {kv.Done}, kv.PutNew: {kv.Done, kv.Present}, kv.PutOld: {kv.Done, kv.Missing},
	kv.Append: {kv.HasNumber, kv.TooLong}, kv.CAS: {kv.Done, kv.Mismatch, kv.Missing}, kv.Delete: {kv.Done, kv.Missing},
	kv.Incr: {kv.HasNumber, kv.NotInteger, kv.Overflow}, kv.IncrBy: {kv.HasNumber, kv.NotInteger, kv.Overflow},
}

// fits refuses an answer that no operation of the kind can get.
func fits(kind kv.Kind, r kv.Result) error {
	switch {
	case !slices.Contains(answersOf[kind], r.Status):
		return fmt.Errorf("no %v is answered %q", kind, r.Status)
	case r.Value != "" && r.Status != kv.HasValue:
		return fmt.Errorf("a value, but the result is %q", r.Status)
	case r.Number != 0 && r.Status != kv.HasNumber:
		return fmt.Errorf("a number, but the result is %q", r.Status)
	}
	return nil
}
