// Package kv is the application that the servers replicate: a key-value store of strings.
//
// A client encodes an [Op], the servers agree on its place among all operations, each
// server's [Store] executes it there, and the client decodes the [Result]. The example
// below does so on one Store.
//
// What an operation means is written once, in [Op.Step], as a function from one key's old
// value to its new value and the answer. Store runs it; so does the linearizability model
// of sim/history, which therefore cannot drift from the store it judges.
//
// The operations are chosen for what their answers betray. append returns the new length
// and incr the new value, so an update lost or executed twice shows in the next answer,
// and a checker need not guess which of them took effect. cas on a missing key fails
// whatever it expects, so a missing key and an empty value are two states to clients too.
//
// Several operations in one are a [Many]: its parts are executed in order, with no other
// between them. What a part means is Step's to say, as ever.
//
// The package is pure (see package protocol): equal operations in equal order give equal
// results, snapshots and hashes, on every machine.
package kv
