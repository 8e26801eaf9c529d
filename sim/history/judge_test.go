package history

import (
	"testing"

	"github.com/fauer4effect/paxos/protocol/kv"
)

// A Judge that has judged other histories before judges as a new one does.
func TestJudgeKeepsNothingOfAHistory(t *testing.T) {
	put := Operation{Client: 1, Op: kv.Op{Kind: kv.Put, Key: "k", Value: "1"}, Result: kv.Result{Status: kv.Done}, Call: 1, Return: 2, Answered: true}
	read := Operation{Client: 2, Op: kv.Op{Kind: kv.Get, Key: "k"}, Result: kv.Result{Status: kv.HasValue, Value: "1"}, Call: 3, Return: 4, Answered: true}
	stale := read
	stale.Result = kv.Result{Status: kv.Missing}
	var j Judge
	for i, history := range [][]Operation{{put, read}, {put, stale}, {read}, {put, read, read}, {stale}, {put, stale}} {
		got, want := j.Within(history, 1000), LinearizableWithin(history, 1000)
		if got != want {
			t.Errorf("history %d: %+v, from a new Judge %+v", i, got, want)
		}
	}
}
