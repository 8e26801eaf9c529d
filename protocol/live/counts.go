package live

import "sync/atomic"

// Counts is what a server has done so far, for metrics and tests.
type Counts struct {
	datagramsIn, datagramsOut atomic.Uint64
	unsendable                atomic.Uint64 // messages or datagrams that could not leave
	overflow                  atomic.Uint64 // messages dropped because the machine was busy
	syncs, records            atomic.Uint64

	commands atomic.Uint64 // answered: of a pipeline, those that were one update are one
	busy     atomic.Uint64 // commands that ended with ErrBusy
	unknown  atomic.Uint64 // with ErrUnknown
	refused  atomic.Uint64 // with anything else: they were not begun

	cutOff atomic.Uint64 // clients that did not read

	attempts, views, reigns            atomic.Uint64 // views attempted, installed, led
	handOvers                          atomic.Uint64 // to others, as wished
	catchUps                           atomic.Uint64
	snapshotsTaken, snapshotsInstalled atomic.Uint64
}

// Commands is how many were answered.
func (c *Counts) Commands() uint64 { return c.commands.Load() }

// CutOff counts a client that was cut off: those who serve clients know of it, and no one else.
func (c *Counts) CutOff() { c.cutOff.Add(1) }

// Each calls f with the counts, in a fixed order.
func (c *Counts) Each(f func(name string, n uint64)) {
	for _, e := range []struct {
		name string
		n    *atomic.Uint64
	}{
		{"datagrams received", &c.datagramsIn},
		{"datagrams sent", &c.datagramsOut},
		{"unsendable", &c.unsendable},
		{"dropped while busy", &c.overflow},
		{"syncs", &c.syncs},
		{"records", &c.records},
		{"commands", &c.commands},
		{"clients cut off", &c.cutOff},
		{"commands busy", &c.busy},
		{"commands unknown", &c.unknown},
		{"commands refused", &c.refused},
		{"views attempted", &c.attempts},
		{"views installed", &c.views},
		{"views led", &c.reigns},
		{"hand-overs", &c.handOvers},
		{"catch-ups", &c.catchUps},
		{"snapshots taken", &c.snapshotsTaken},
		{"snapshots installed", &c.snapshotsInstalled},
	} {
		f(e.name, e.n.Load())
	}
}
