package main

import "crypto/rand"

// Raft adds to each election timeout a draw from the system's randomness. With that no run could be
// replayed. Here the draw is always zero, so that a timeout is electionTick ticks. What must differ
// between servers is how long a tick is (schedule).
func init() { rand.Reader = zeros{} }

type zeros struct{}

func (zeros) Read(b []byte) (int, error) {
	clear(b)
	return len(b), nil
}
