package history

import (
	"bufio"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"github.com/fauer4effect/paxos/protocol/kv"
	"github.com/fauer4effect/paxos/sim/internal/strictjson"
)

// Jepsen's logs of a register have a line an event:
//
//	INFO  jepsen.util - 4	:invoke	:cas	[2 4]
//	INFO  jepsen.util - 4	:ok	:cas	[2 4]
//
// A process has one operation at a time. ok answers it; fail says that it did not happen, info that
// nobody knows.
var (
	jepsenLine   = regexp.MustCompile(`^INFO\s+jepsen\.util\s+-\s+(\d+)\s+:(invoke|ok|fail|info)\s+:(read|write|cas)\s+(nil|-?\d+|\[-?\d+ -?\d+\]|:timed-out)\s*$`)
	jepsenEvents = regexp.MustCompile(`^INFO\s+jepsen\.util\s+-\s+\d+\s+:(invoke|ok|fail|info)\s`)
)

// jepsenKey is the one register. It holds nil before anybody writes.
const jepsenKey = "register"

// ReadJepsen reads Jepsen's log of one register of numbers. Lines that are not events are
// passed over; time is the number of the line.
func ReadJepsen(r io.Reader) ([]Operation, error) {
	history := []Operation{{
		Op: kv.Op{Kind: kv.Put, Key: jepsenKey, Value: "nil"}, Result: kv.Result{Status: kv.Done}, Answered: true,
	}}
	open := map[string]invoked{} // by process; looked up only
	s := bufio.NewScanner(r)
	s.Buffer(nil, maxLine)
	n := int64(0)
	for s.Scan() {
		n++
		text := s.Text()
		if n == 1 {
			text = strings.TrimPrefix(text, strictjson.ByteOrderMark)
		}
		f := jepsenLine.FindStringSubmatch(text)
		switch {
		case f == nil && jepsenEvents.MatchString(text):
			return nil, fmt.Errorf("line %d: not an operation on an integer register: %.80q", n, text)
		case f == nil:
			continue
		}
		event := jepsenEvent{process: f[1], kind: f[2], op: f[3], value: f[4]}
		begun, waiting := open[event.process]
		switch {
		case event.kind == "invoke" && waiting:
			return nil, fmt.Errorf("line %d: process %s begins an operation before its last one ended", n, event.process)
		case event.kind == "invoke":
			op, err := event.operation()
			if err != nil {
				return nil, fmt.Errorf("line %d: %w", n, err)
			}
			open[event.process] = invoked{len(history), event}
			history = append(history, Operation{Op: op, Call: n})
		case !waiting:
			return nil, fmt.Errorf("line %d: process %s ends an operation that it did not begin", n, event.process)
		case event.op != begun.op || event.op != "read" && event.value != begun.value && event.value != ":timed-out":
			return nil, fmt.Errorf("line %d: process %s ends %s %s, and began %s %s", n, event.process, event.op, event.value, begun.op, begun.value)
		case event.op == "read" && event.kind == "ok" && (event.value[0] == '[' || event.value[0] == ':'):
			return nil, fmt.Errorf("line %d: process %s reads %s", n, event.process, event.value)
		default:
			delete(open, event.process)
			event.answer(&history[begun.index], n)
		}
	}
	history = slices.DeleteFunc(history, func(o Operation) bool { return o.Call == never })
	if len(history) == 1 && s.Err() == nil {
		return nil, fmt.Errorf("no event of Jepsen's in %d lines", n)
	}
	return history, s.Err()
}

// invoked is an operation under way: its index in the history, and what began it.
type invoked struct {
	index int
	jepsenEvent
}

// never is when an operation was called that did not happen.
const never = -1

type jepsenEvent struct{ process, kind, op, value string }

// pair splits [2 4].
func (e *jepsenEvent) pair() (from, to string) {
	from, to, _ = strings.Cut(strings.Trim(e.value, "[]"), " ")
	return from, to
}

func (e *jepsenEvent) operation() (kv.Op, error) {
	switch {
	case e.op == "read" && e.value == "nil":
		return kv.Op{Kind: kv.Get, Key: jepsenKey}, nil
	case e.op == "write" && e.value[0] != '[' && e.value[0] != ':':
		return kv.Op{Kind: kv.Put, Key: jepsenKey, Value: e.value}, nil
	case e.op == "cas" && e.value[0] == '[':
		from, to := e.pair()
		return kv.Op{Kind: kv.CAS, Key: jepsenKey, Old: from, Value: to}, nil
	}
	return kv.Op{}, fmt.Errorf("an invocation of %s with %s", e.op, e.value)
}

// answer closes an operation. An operation that timed out may still take effect, which does not matter
// for reads. A cas that failed found another value.
func (e *jepsenEvent) answer(o *Operation, at int64) {
	switch {
	case e.kind == "info" || e.value == ":timed-out":
		return
	case e.kind == "fail" && e.op != "cas":
		o.Call = never
		return
	case e.op == "read":
		o.Result = kv.Result{Status: kv.HasValue, Value: e.value}
	case e.kind == "ok":
		o.Result = kv.Result{Status: kv.Done}
	default:
		o.Result = kv.Result{Status: kv.Mismatch}
	}
	o.Return, o.Answered = at, true
}
