package sim

import "github.com/fauer4effect/paxos/sim/world"

// Lengths of virtual time.
const (
	microsecond world.Instant = 1_000
	millisecond               = 1_000 * microsecond
	second                    = 1_000 * millisecond
)
