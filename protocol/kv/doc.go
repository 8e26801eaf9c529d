// Package kv is the application that the servers replicate: a key-value store of strings.
//
// A client encodes an [Op]. The servers agree on its place among all operations, and each
// server's [Store] executes it there. The client decodes the [Result]. The example below does
// so on one Store.
//
// What an operation means is written once, in [Op.Step], as a function from one key's old
// value to its new value and the answer. Store runs it; so does the linearizability model
// of sim/history. So the model cannot drift from the store that it judges.
//
// The operations are chosen for what their answers show. append returns the new length and
// incr the new value. So an update that is lost or executed twice shows in the next answer, and
// a checker need not guess which updates took effect. cas on a missing key fails whatever it
// expects: so clients too can tell a missing key from an empty value.
//
// Several operations in one are a [Many]: its parts are executed in order, with no other
// operation between them. Step says what each part means.
//
// The package is pure (see package protocol): equal operations in equal order give equal
// results, snapshots and hashes, on every machine.
package kv
