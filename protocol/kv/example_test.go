package kv_test

import (
	"fmt"

	"github.com/fauer4effect/paxos/protocol/kv"
)

// A missing key is not an empty one, and append's answer tells how often it ran.
func Example() {
	store := kv.New()
	for _, op := range []kv.Op{
		{Kind: kv.CAS, Key: "log", Old: "", Value: "x"},
		{Kind: kv.Append, Key: "log", Value: "x"},
		{Kind: kv.Append, Key: "log", Value: "x"},
		{Kind: kv.Get, Key: "log"},
	} {
		result, err := kv.DecodeResult(store.Apply(op.Encode()))
		if err != nil {
			panic(err)
		}
		fmt.Println(op, "→", result)
	}
	// Output:
	// cas "log" "x" "" → missing
	// append "log" "x" → 1
	// append "log" "x" → 2
	// get "log" → "xx"
}
