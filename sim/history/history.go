package history

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/fauer4effect/paxos/protocol/kv"
)

// Place is where in a log an operation took effect: larger is later, 0 is nowhere.
type Place uint64

// Operation is one operation on the key-value store as its client saw it: a line of the
// history that Linearizable judges. Nobody writes to it once it is in a history.
type Operation struct {
	Client   uint32
	Op       kv.Op
	Result   kv.Result // zero unless Answered
	Call     int64     // in ns, virtual or not
	Return   int64     // in ns, ignored unless Answered. Invariant: Call <= Return.
	Answered bool      // false: the client gave up, and the operation may happen at any time after Call
	// In the history of a run, Timestamp is the client's own number for the operation. Place is where
	// in the log it stands, once it is answered. What judges a history alone does not look at them.
	Timestamp uint64
	Place     Place
}

// String gives the operation, its answer and its interval.
func (o Operation) String() string {
	if !o.Answered {
		return fmt.Sprintf("client %d: %v → no answer [%v, …)", o.Client, o.Op, time.Duration(o.Call))
	}
	return fmt.Sprintf("client %d: %v → %v [%v, %v]", o.Client, o.Op, o.Result, time.Duration(o.Call), time.Duration(o.Return))
}

// keyHistory is the part of a history that concerns one key, each half in order of the
// history. The two halves share no operation.
type keyHistory struct {
	key      string
	answered []*Operation
	open     []*Operation // possibly done; reads are left out, for they constrain nothing
}

// byKey splits a history into keys, in order of the keys. A history is linearizable
// exactly when each key's part is (Herlihy and Wing: linearizability is local).
func byKey(history []Operation) []keyHistory {
	var keys []keyHistory
	index := make(map[string]int)
	for i := range history {
		o := &history[i]
		at, seen := index[o.Op.Key]
		if !seen {
			at = len(keys)
			index[o.Op.Key] = at
			keys = append(keys, keyHistory{key: o.Op.Key})
			if at == 0 { // most histories are of one key
				keys[0].answered = make([]*Operation, 0, len(history))
			}
		}
		switch {
		case o.Answered && o.Call > o.Return:
			panic(fmt.Sprintf("check: operation %d of the history is answered before its call: %v", i, o))
		case o.Answered:
			keys[at].answered = append(keys[at].answered, o)
		case !o.Op.Kind.Reads():
			keys[at].open = append(keys[at].open, o)
		}
	}
	slices.SortFunc(keys, func(a, b keyHistory) int { return strings.Compare(a.key, b.key) })
	return keys
}

// until is what had been seen when answer n, in order of Return, arrived. It has the answers up to
// n. Other operations that were called by then are open. h.answered must be in order of Return.
func (h keyHistory) until(n int) keyHistory {
	now := h.answered[n].Return
	past := keyHistory{key: h.key, answered: h.answered[:n+1]}
	for _, o := range slices.Concat(h.answered[n+1:], h.open) {
		if o.Call <= now && !o.Op.Kind.Reads() {
			past.open = append(past.open, o)
		}
	}
	return past
}
