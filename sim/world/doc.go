// Package world is a virtual network, clock and set of disks in which any message-passing
// machine can live. It knows nothing of Paxos.
//
// A World runs Nodes: servers 1…N, which have a disk and may crash, and clients above N.
// Each is a Process, which the world calls with what happens to it (Receive, Wake, Synced)
// and which answers by calling Send and Write on the world. Between two calls nothing
// happens: a process needs no lock.
//
// Whoever drives the world calls Step until it is satisfied. Every delay, loss and
// duplicate is a function of the world's seed and of the message's name (kind, from, to,
// n-th of these), never of what else was drawn before: see Draw. The world's Hash folds in
// every event; equal hashes mean equal runs.
//
// # Persist before send
//
// Write appends a record to the node's disk and returns its position, counted from 1. A
// message sent with After = p leaves once the first p records are durable. Syncs take time
// by the disk's law; what is written during a sync is made durable by the next, together.
// A crash loses what is not durable, and the messages that wait for it.
//
// # Where things are
//
// Start here: world.go (World, Step). network.go carries messages, disk.go keeps records,
// named.go finds the messages that a fault names, law.go and draw.go turn seeds into
// durations and choices, queue.go orders events.
package world
