package redis

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/tidwall/redcon"

	"github.com/fauer4effect/paxos/protocol/kv"
)

// The commands on data: which operations each is, and how their answers read in Redis's words.

const notInteger = "ERR value is not an integer or out of range"

func planGet(ops *kv.Sequence, args [][]byte) (reply, string) {
	ops.Add(kv.Get, args[1])
	return replyValue, ""
}

func planMGet(ops *kv.Sequence, args [][]byte) (reply, string) {
	for _, key := range args[1:] {
		ops.Add(kv.Get, key)
	}
	return replyValues, ""
}

// planSet reads SET's options, which come in any order.
func planSet(ops *kv.Sequence, args [][]byte) (reply, string) {
	kind, get := kv.Put, false
	for _, option := range args[3:] {
		switch {
		case is(option, "nx") && kind != kv.PutOld:
			kind = kv.PutNew
		case is(option, "xx") && kind != kv.PutNew:
			kind = kv.PutOld
		case is(option, "get"):
			get = true
		case expiry(option):
			return nil, fmt.Sprintf("ERR SET's option %s is not offered: keys do not expire; nothing was executed", strings.ToUpper(string(option)))
		default:
			return nil, "ERR syntax error"
		}
	}
	r := reply(replySet)
	if get {
		ops.Add(kv.Get, args[1])
		r = replyOld
	}
	ops.Add(kind, args[1], args[2])
	return r, ""
}

func expiry(option []byte) bool {
	for _, word := range []string{"ex", "px", "exat", "pxat", "keepttl"} {
		if is(option, word) {
			return true
		}
	}
	return false
}

func planMSet(ops *kv.Sequence, args [][]byte) (reply, string) {
	if len(args)%2 == 0 {
		return nil, wrongArity("mset")
	}
	for i := 1; i < len(args); i += 2 {
		ops.Add(kv.Put, args[i], args[i+1])
	}
	return replyOK, ""
}

func planDel(ops *kv.Sequence, args [][]byte) (reply, string) {
	for _, key := range args[1:] {
		ops.Add(kv.Delete, key)
	}
	return replyCount, ""
}

func planExists(ops *kv.Sequence, args [][]byte) (reply, string) {
	for _, key := range args[1:] {
		ops.Add(kv.Strlen, key)
	}
	return replyCount, ""
}

func planStrlen(ops *kv.Sequence, args [][]byte) (reply, string) {
	ops.Add(kv.Strlen, args[1])
	return replyNumber, ""
}

func planAppend(ops *kv.Sequence, args [][]byte) (reply, string) {
	ops.Add(kv.Append, args[1], args[2])
	return replyAppend, ""
}

func planIncr(ops *kv.Sequence, args [][]byte) (reply, string) {
	ops.Add(kv.Incr, args[1])
	return replyNumber, ""
}

var minusOne = []byte("-1")

func planDecr(ops *kv.Sequence, args [][]byte) (reply, string) {
	ops.Add(kv.IncrBy, args[1], minusOne)
	return replyNumber, ""
}

func planIncrBy(ops *kv.Sequence, args [][]byte) (reply, string) {
	if _, ok := integer(args[2]); !ok {
		return nil, notInteger
	}
	ops.Add(kv.IncrBy, args[1], args[2])
	return replyNumber, ""
}

func planDecrBy(ops *kv.Sequence, args [][]byte) (reply, string) {
	n, ok := integer(args[2])
	switch {
	case !ok:
		return nil, notInteger
	case n == math.MinInt64:
		return nil, "ERR decrement would overflow"
	}
	ops.Add(kv.IncrBy, args[1], strconv.AppendInt(nil, -n, 10))
	return replyNumber, ""
}

func integer(b []byte) (int64, bool) { return kv.Integer(string(b)) }

func replyOK(b []byte, answers []kv.Answer) []byte {
	for i := range answers {
		if answers[i].Status != kv.Done {
			return unexpected(b, &answers[i])
		}
	}
	return redcon.AppendOK(b)
}

// replySet is null where NX or XX kept the key as it was.
func replySet(b []byte, answers []kv.Answer) []byte {
	switch a := &answers[0]; a.Status {
	case kv.Done:
		return redcon.AppendOK(b)
	case kv.Present, kv.Missing:
		return redcon.AppendNull(b)
	default:
		return unexpected(b, a)
	}
}

// replyOld is SET's with GET: the value before, whatever NX or XX did.
func replyOld(b []byte, answers []kv.Answer) []byte {
	if answers[0].Status == kv.TooLong { // of a store that is older than kv.MaxValueBytes
		what := "nothing was changed"
		if answers[1].Status == kv.Done {
			what = "the command was executed"
		}
		return redcon.AppendError(b, fmt.Sprintf("ERR the value before is longer than %d bytes; %s", kv.MaxManyBytes, what))
	}
	return replyValue(b, answers)
}

func replyValue(b []byte, answers []kv.Answer) []byte {
	switch a := &answers[0]; a.Status {
	case kv.HasValue:
		return redcon.AppendBulk(b, a.Value)
	case kv.Missing:
		return redcon.AppendNull(b)
	default:
		return unexpected(b, a)
	}
}

func replyValues(b []byte, answers []kv.Answer) []byte {
	begin := len(b)
	b = redcon.AppendArray(b, len(answers))
	for i := range answers {
		if s := answers[i].Status; s != kv.HasValue && s != kv.Missing {
			return unexpected(b[:begin], &answers[i])
		}
		b = replyValue(b, answers[i:i+1])
	}
	return b
}

func replyAppend(b []byte, answers []kv.Answer) []byte {
	if answers[0].Status == kv.TooLong {
		return redcon.AppendError(b, fmt.Sprintf("ERR string exceeds maximum allowed size (%d bytes)", kv.MaxValueBytes))
	}
	return replyNumber(b, answers)
}

func replyNumber(b []byte, answers []kv.Answer) []byte {
	switch a := &answers[0]; a.Status {
	case kv.HasNumber:
		return redcon.AppendInt(b, a.Number)
	case kv.Missing: // strlen
		return redcon.AppendInt(b, 0)
	case kv.NotInteger:
		return redcon.AppendError(b, notInteger)
	case kv.Overflow:
		return redcon.AppendError(b, "ERR increment or decrement would overflow")
	default:
		return unexpected(b, a)
	}
}

// replyCount is how many of the keys there were.
func replyCount(b []byte, answers []kv.Answer) []byte {
	n := int64(0)
	for i := range answers {
		switch a := &answers[i]; a.Status {
		case kv.Done, kv.HasNumber:
			n++
		case kv.Missing:
		default:
			return unexpected(b, a)
		}
	}
	return redcon.AppendInt(b, n)
}

// unexpected is the reply to an answer that has none in Redis's words.
func unexpected(b []byte, a *kv.Answer) []byte {
	if a.Status == kv.TooLong {
		return redcon.AppendError(b, fmt.Sprintf("ERR values of more than %d bytes were asked for together: ask for fewer at once; nothing was changed", kv.MaxManyBytes))
	}
	return redcon.AppendError(b, fmt.Sprintf("UNKNOWN the application answers %q; the command may have been executed, or not", a.Status))
}
