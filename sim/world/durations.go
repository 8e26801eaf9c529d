package world

// Lengths of virtual time.
const (
	Microsecond Instant = 1_000
	Millisecond         = 1_000 * Microsecond
	Second              = 1_000 * Millisecond
)
