package check

import "github.com/fauer4effect/paxos/protocol/kv"

func get() kv.Op                 { return kv.Op{Kind: kv.Get, Key: "k"} }
func put(value string) kv.Op     { return kv.Op{Kind: kv.Put, Key: "k", Value: value} }
func appends(value string) kv.Op { return kv.Op{Kind: kv.Append, Key: "k", Value: value} }
func incr() kv.Op                { return kv.Op{Kind: kv.Incr, Key: "k"} }

func value(v string) kv.Result { return kv.Result{Status: kv.HasValue, Value: v} }
func number(n int64) kv.Result { return kv.Result{Status: kv.HasNumber, Number: n} }

var done = kv.Result{Status: kv.Done}
