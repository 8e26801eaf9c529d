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
// A step with ! must fail. The language has no variables, no conditions and no loops, and a
// script can touch no file and start no program: only the commands of the table in
// commands.go exist. Every line is checked before any of it runs. docs/SCENARIOS.md teaches
// the language; its reference is made from that table.
//
// # Where things are
//
// Start here: script.go (Parse: lines to steps), story.go (Run: steps to a verdict).
// commands.go is the table; setup.go, scheduled.go, time.go, clients.go, faults.go, expect.go and
// expectclients.go have the commands by subject; transcript.go tells the story; library.go holds
// the scripts.
package scenarios
