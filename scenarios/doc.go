// Package scenarios runs fault stories written down as scripts: a cluster, steps in virtual
// time, and what must hold. The same engine serves `go test ./scenarios` and `paxos scenario`.
//
// A script is a txtar file. Its comment is the script, one step a line; its files are what
// steps refer to (cmp transcript want.txt). It opens with two or three sentences on what it
// shows. A line's first word is its command:
//
//	# A leader that is cut off cannot commit.
//	cluster 5 seed 3
//	until leader 1
//	isolate 1
//	! put a x 1 via 1 within 1s
//	expect leader 2
//	heal
//	check converged
//
// The language and its engine are package sim/script. What our Paxos adds stands here, and the library of
// scripts, a folder a subject. docs/SCENARIOS.md teaches the language; its reference is made from the table
// of commands.
//
// # Where things are
//
// Start with language.go (what the engine must know of our Paxos). scene.go, until.go and expect.go have
// the commands; witness.go tells what the machines say of themselves; library.go holds the scripts.
package scenarios
