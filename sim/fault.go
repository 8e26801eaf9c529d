package sim

import (
	"fmt"
	"time"

	"github.com/fauer4effect/paxos/sim/world"
)

// Fault is one thing that goes wrong: at a time, or when a message named by its meaning
// leaves.
//
//	do         what it takes      what happens
//	crash      servers, for_ns    they lose what is not durable, and restart after for_ns (0: with the tail)
//	cut        from, to, for_ns   no message from one server to another
//	partition  servers, for_ns    these on one side, the others on the other
//	connect    servers, for_ns    only these hear each other; every other link is cut
//	isolate    servers, for_ns    each of them is cut off
//	deaf       servers, for_ns    each of them hears no server
//	mute       servers, for_ns    no server hears any of them
//	wipe       servers, for_ns    like crash, and their disks come back empty (with formation only)
//	elect      servers            they start an election unprovoked
//	drop       on                 the named message is lost
//	delay      on, for_ns         the named message takes this much longer
//
// A crash may come on a message instead of at a time: then its sender crashes, right after
// the message left. Faults that overlap add up.
type Fault struct {
	At      world.Instant `json:"at_ns,omitempty"`
	On      *Name         `json:"on,omitempty"`
	Do      string        `json:"do"`
	Servers []int         `json:"servers,omitempty"`
	From    int           `json:"from,omitempty"`
	To      int           `json:"to,omitempty"`
	For     world.Instant `json:"for_ns,omitempty"`
}

// Name names a message by its meaning: the N-th of its kind from one server to another.
// Where From or To is left out any server is meant, and N counts all of them.
type Name struct {
	Kind     string `json:"kind"`
	From     int    `json:"from,omitempty"`
	To       int    `json:"to,omitempty"`
	N        uint32 `json:"n"`
	Unsynced bool   `json:"unsynced,omitempty"` // count only while a crash of the sender would take records
}

// The kinds of fault.
const (
	doCrash     = "crash"
	doCut       = "cut"
	doPartition = "partition"
	doConnect   = "connect"
	doIsolate   = "isolate"
	doDeaf      = "deaf"
	doMute      = "mute"
	doWipe      = "wipe"
	doElect     = "elect"
	doDrop      = "drop"
	doDelay     = "delay"
)

// closes calls f for each direction between two of n servers that the fault cuts.
func (f *Fault) closes(n int, cut func(from, to world.Node)) {
	in := make([]bool, n+1)
	for _, id := range f.Servers {
		in[id] = true
	}
	for from := 1; from <= n; from++ {
		for to := 1; to <= n; to++ {
			if from != to && f.closed(in[from], in[to], from, to) {
				cut(world.Node(from), world.Node(to))
			}
		}
	}
}

// closed says whether the fault cuts one direction; in says which ends it names.
func (f *Fault) closed(fromIn, toIn bool, from, to int) bool {
	switch f.Do {
	case doCut:
		return from == f.From && to == f.To
	case doPartition:
		return fromIn != toIn
	case doConnect:
		return !fromIn || !toIn
	case doIsolate:
		return fromIn || toIn
	case doDeaf:
		return toIn
	case doMute:
		return fromIn
	}
	return false
}

// String is the fault in a line.
func (f *Fault) String() string {
	what := f.Do
	switch {
	case f.Do == doCut:
		what += fmt.Sprintf(" %d->%d", f.From, f.To)
	case len(f.Servers) > 0:
		what += " " + listOf(f.Servers)
	}
	if n := f.On; n != nil {
		what += fmt.Sprintf(" on %s %d (%d->%d; 0 is any)", n.Kind, n.N, n.From, n.To)
		if n.Unsynced {
			what += " left while records are unsynced"
		}
	}
	if f.For > 0 {
		what += " for " + time.Duration(f.For).String()
	}
	return what
}
