package history

import (
	"fmt"
	"io"
	"math"
	"sync/atomic"

	"github.com/anishathalye/porcupine"

	"github.com/fauer4effect/paxos/protocol/kv"
)

// Visualize writes porcupine's page of a history: each key's operations on a time line, and
// the longest orders that explain them. The steps bound the whole search.
func Visualize(w io.Writer, history []Operation, steps int) error {
	var taken atomic.Int64 // porcupine searches keys at once
	var searched atomic.Bool
	model := porcupine.Model{
		Partition: func(ops []porcupine.Operation) [][]porcupine.Operation { return partition(ops) },
		Init:      func() any { return register{} },
		Step: func(state, input, output any) (bool, any) {
			if taken.Add(1) > int64(steps) && !searched.Load() {
				return false, nil
			}
			return step(state, input, output)
		},
		Hash: hashRegister,
		DescribeOperation: func(input, output any) string {
			if result, answered := output.(*kv.Result); answered {
				return fmt.Sprintf("%v → %v", input, *result)
			}
			return fmt.Sprintf("%v → no answer", input)
		},
		DescribeState: func(state any) string {
			if r := state.(register); r.found {
				return fmt.Sprintf("%q", r.value)
			}
			return "missing"
		},
	}
	var ops []porcupine.Operation
	for i := range history {
		o := &history[i]
		op := porcupine.Operation{ClientId: int(o.Client), Input: &o.Op, Call: o.Call, Return: math.MaxInt64}
		if o.Answered {
			op.Output, op.Return = &o.Result, o.Return
		}
		ops = append(ops, op)
	}
	_, info := porcupine.CheckOperationsVerbose(model, ops, 0)
	searched.Store(true) // the page goes through the orders that were found once more
	return porcupine.Visualize(model, info, w)
}

// partition splits a history by key, keys in order of their first operation.
func partition(ops []porcupine.Operation) [][]porcupine.Operation {
	var keys [][]porcupine.Operation
	index := map[string]int{}
	for _, o := range ops {
		key := o.Input.(*kv.Op).Key
		i, seen := index[key]
		if !seen {
			i = len(keys)
			index[key] = i
			keys = append(keys, nil)
		}
		keys[i] = append(keys[i], o)
	}
	return keys
}
