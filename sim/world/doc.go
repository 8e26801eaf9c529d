// Package world is a virtual network, clock and set of disks in which any message-passing
// machine can live. It knows nothing of Paxos.
//
// A World runs Nodes: servers 1…N, which have a disk and may crash, and clients above N.
// Each is a Process. The world calls it with what happens to it (Receive, Wake, Synced), and it
// answers by calling Send and Write on the world. Between two calls nothing happens: a process
// needs no lock.
//
// The driver calls Step as long as it likes. Every delay, loss and duplicate is a function of
// the world's seed and of the message's name (kind, from, to, n-th of these). It never depends
// on what was drawn before: see Draw. The world's Hash folds in every event; equal hashes mean
// equal runs.
//
// # A machine of your own, in three steps
//
// The Example is these steps as a program: two servers play ping-pong, and one crashes.
//
// First, the machine. Choose a type M for its messages and R for the records on its disk, plain
// values both. Write a Process: one life of one node. All that it may know is in its arguments, in
// World.Now, and in World.Records, where a new life reads what earlier lives left. All that it may
// do is call Send and Write. It says in Deadline when it wants to be
// woken, Never for not at all, and is asked after every call. It may not use the wall clock,
// goroutines, package math/rand or the order of maps: with one of them no run can be repeated.
// Where it must choose, it calls Draw with its seed and the purpose.
//
// Second, the observer. It is told what the machine cannot know: which message was lost and
// why, which record a crash took. Checks belong here. Survive decides how many of the records
// that were not durable a crash leaves: 0, none. SyncFailed comes from Fill and FailSync only.
//
// Third, the world. New makes it. SetLink sets how one direction between two nodes behaves, and
// SetDisk does so for a disk; one without takes no time. Start begins a life. Then call StepBy
// until nothing is due, or Step, and look. Faults are calls as well, between two steps or At a
// time: Crash and Start again, Pause, Cut and Heal, Clog, Slow, Stall, FailSync. OnMessage says
// what shall happen to the n-th message of a kind.
//
// This is not yet a sweep: that also has seeds that draw plans of faults, clients with a model
// to judge them by, and shrinking. Package sim does that, for a machine behind a smaller interface
// (testbed.Protocol, docs/YOUR-PROTOCOL.md).
//
// # Persist before send
//
// Write appends a record to the node's disk. Positions count from 1, over all lives. A
// message sent with After = p leaves once the first p records are durable. Syncs take time
// by the disk's law; what is written during a sync is made durable by the next, together.
// A crash loses what is not durable, and the messages that wait for it.
//
// # Where things are
//
// Start here: world.go (World, Step). network.go carries messages, disk.go keeps records, and
// queue.go orders events. named.go finds the messages that a fault names. law.go and draw.go
// turn seeds into durations and choices.
package world
