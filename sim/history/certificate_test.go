package history

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/fauer4effect/paxos/protocol/kv"
)

// Holds is compared with porcupine. If Holds accepts an order, porcupine finds the history
// linearizable. If porcupine calls a small history linearizable, Holds accepts some order of it.
func TestHoldsMeetsPorcupine(t *testing.T) {
	taken, refused := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		var history []Operation
		var state register
		honest := rapid.Bool().Draw(t, "honest") // else hardly one history in ten is linearizable
		for i := range rapid.IntRange(1, 5).Draw(t, "operations") {
			call := int64(rapid.IntRange(0, 12).Draw(t, "call"))
			o := Operation{Client: uint32(i), Call: call, Op: rapid.SampledFrom([]kv.Op{get(), put("1"), put("2"), appends("3"), incr(), remove()}).Draw(t, "op")}
			if o.Answered = rapid.IntRange(0, 4).Draw(t, "answered") > 0; o.Answered {
				o.Return = call + int64(rapid.IntRange(0, 6).Draw(t, "took"))
				o.Result = rapid.SampledFrom([]kv.Result{done, missing, value("1"), value("2"), value("13"), number(1), number(2), number(3)}).Draw(t, "result")
			}
			if honest {
				var result kv.Result
				if state.value, state.found, result = o.Op.Step(state.value, state.found); o.Answered {
					o.Result = result
				}
			}
			history = append(history, o)
		}
		legal := Linearizable(history, 0).Verdict == OK
		some := false
		orders(history, func(order []*Operation) {
			holds := Holds(order)
			some = some || holds
			if holds && !legal {
				t.Fatalf("porcupine calls %v illegal, and this order of it holds: %v", history, order)
			}
		})
		if legal && !some {
			t.Fatalf("porcupine calls %v linearizable, and no order of it holds", history)
		}
		if legal {
			taken++
		} else {
			refused++
		}
	})
	if taken == 0 || refused == 0 {
		t.Errorf("%d histories were linearizable, %d not: the test shows half at most", taken, refused)
	}
}

// orders calls f with every order of the operations, with and without each open one.
func orders(history []Operation, f func([]*Operation)) {
	var all func(order []*Operation, left []*Operation)
	all = func(order, left []*Operation) {
		if !slices.ContainsFunc(left, func(o *Operation) bool { return o.Answered }) {
			f(order)
		}
		for i, o := range left {
			rest := append(slices.Clone(left[:i]), left[i+1:]...)
			all(append(slices.Clone(order), o), rest)
		}
	}
	var left []*Operation
	for i := range history {
		left = append(left, &history[i])
	}
	all(nil, left)
}
