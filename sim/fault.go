package sim

import (
	"fmt"
	"time"

	"github.com/fauer4effect/paxos/sim/world"
)

// Fault is one thing that goes wrong: at a time, or when an event named by its meaning occurs.
//
//	do         what it takes              what happens
//	crash      servers, for_ns            they lose what is not durable, and restart after for_ns (0: with the tail)
//	rolling    servers, for_ns, by_ns     one after the other, by_ns apart, they crash and restart after for_ns
//	pause      servers, for_ns            they stand still, and go on with what they knew
//	slow       servers, for_ns, by_ns     every message from or to them takes by_ns longer
//	cut        from, to, for_ns           no message from one server to another
//	partition  servers, for_ns            these on one side, the others on the other
//	flap       servers, for_ns, by_ns     a partition that opens and closes every by_ns
//	connect    servers, for_ns            only these hear each other; every other link is cut
//	bridge     from, servers, for_ns      these on one side, the others on the other; from hears both
//	ring       servers, for_ns            each hears only its neighbours in this circle
//	isolate    servers, for_ns            each of them is cut off
//	deaf       servers, for_ns            each of them hears no server
//	mute       servers, for_ns            no server hears any of them
//	omit       kind, servers, for_ns      none of them hears a message of this kind
//	clog       servers, for_ns            their links hold everything back, then let it go at once
//	backlog    servers, for_ns            what is sent to them is held back, then arrives at once
//	shuffle    servers, for_ns, by_ns     every message from or to them takes up to by_ns longer, drawn for each
//	stall      servers, for_ns            no sync of theirs ends
//	full       servers, for_ns            their disks take no more: at the next sync they end, and restart when there is room
//	fail-sync  servers, for_ns            their next sync fails: they end, and restart after for_ns
//	jump       servers, by_ns             their clocks jump
//	wipe       servers, for_ns            like crash, and their disks come back empty (with formation only)
//	rot        servers, for_ns            like crash, and a bit of what their disks hold is flipped (with disk.log only)
//	misread    servers, for_ns            like rot, but a record is read in place of another
//	elect      servers                    they start an election unprovoked
//	hand-over  to                         whoever leads gives way to this server, as planned
//	drop       on                         the named message is lost
//	delay      on, for_ns                 the named message takes this much longer
//
// Where leader is set, whoever leads then is meant in place of servers. A crash may come on
// an event instead of at a time: right after the named message left its sender, or, with
// arrives, after its receiver took it; on kind "sync", after a server's n-th sync, on kind
// "start", as its n-th life has begun. Faults that overlap add up.
type Fault struct {
	At      world.Instant `json:"at_ns,omitempty"`
	On      *Name         `json:"on,omitempty"`
	Do      string        `json:"do"`
	Servers []int         `json:"servers,omitempty"`
	Leader  bool          `json:"leader,omitempty"`
	From    int           `json:"from,omitempty"`
	To      int           `json:"to,omitempty"`
	For     world.Instant `json:"for_ns,omitempty"`
	By      world.Instant `json:"by_ns,omitempty"`
	Kind    string        `json:"kind,omitempty"` // of message
}

// Name names an event by its meaning: the N-th message of its kind from one server to another.
// Where From or To is left out any server is meant, and N counts all of them. Of the kinds
// sync and start From is the server.
type Name struct {
	Kind     string `json:"kind"`
	From     int    `json:"from,omitempty"`
	To       int    `json:"to,omitempty"`
	N        uint32 `json:"n"`
	Unsynced bool   `json:"unsynced,omitempty"` // count only while a crash of the sender would take records
	Arrives  bool   `json:"arrives,omitempty"`  // count arrivals, not departures
}

// The kinds of fault.
const (
	doCrash     = "crash"
	doRolling   = "rolling"
	doPause     = "pause"
	doSlow      = "slow"
	doCut       = "cut"
	doPartition = "partition"
	doFlap      = "flap"
	doConnect   = "connect"
	doBridge    = "bridge"
	doRing      = "ring"
	doIsolate   = "isolate"
	doDeaf      = "deaf"
	doMute      = "mute"
	doOmit      = "omit"
	doClog      = "clog"
	doBacklog   = "backlog"
	doShuffle   = "shuffle"
	doStall     = "stall"
	doFull      = "full"
	doFailSync  = "fail-sync"
	doJump      = "jump"
	doWipe      = "wipe"
	doRot       = "rot"
	doMisread   = "misread"
	doElect     = "elect"
	doHandOver  = "hand-over"
	doDrop      = "drop"
	doDelay     = "delay"

	onSync  = "sync"
	onStart = "start"
)

// closes calls f for each direction between two of n servers that the fault cuts.
func (f *Fault) closes(n int, cut func(from, to world.Node)) {
	place := make([]int, n+1) // in Servers, from 1
	for i, id := range f.Servers {
		place[id] = i + 1
	}
	for from := 1; from <= n; from++ {
		for to := 1; to <= n; to++ {
			if from != to && f.closed(place, from, to) {
				cut(world.Node(from), world.Node(to))
			}
		}
	}
}

// closed says whether the fault cuts one direction; place says where in Servers one stands.
func (f *Fault) closed(place []int, from, to int) bool {
	fromIn, toIn := place[from] > 0, place[to] > 0
	switch f.Do {
	case doCut:
		return from == f.From && to == f.To
	case doPartition, doFlap:
		return fromIn != toIn
	case doBridge:
		return fromIn != toIn && from != f.From && to != f.From
	case doConnect:
		return !fromIn || !toIn
	case doRing:
		apart := place[from] - place[to]
		return fromIn && toIn && apart*apart != 1 && apart*apart != (len(f.Servers)-1)*(len(f.Servers)-1)
	case doIsolate, doClog:
		return fromIn || toIn
	case doDeaf, doBacklog:
		return toIn
	case doMute:
		return fromIn
	}
	return false
}

// String is the fault in a line.
func (f *Fault) String() string {
	what := f.Do
	if f.Kind != "" {
		what += " " + f.Kind
	}
	switch {
	case f.Do == doHandOver:
		what += fmt.Sprintf(" to %d", f.To)
	case f.Do == doCut:
		what += fmt.Sprintf(" %d->%d", f.From, f.To)
	case f.Leader:
		what += " the leader"
	case len(f.Servers) > 0:
		what += " " + listOf(f.Servers)
	}
	if f.Do == doBridge {
		what += fmt.Sprintf(" over %d", f.From)
	}
	if f.On != nil {
		what += " on " + f.On.String()
	}
	if f.For > 0 {
		what += " for " + time.Duration(f.For).String()
	}
	if f.By != 0 {
		what += " by " + time.Duration(f.By).String()
	}
	return what
}

// String is the event in words.
func (n *Name) String() string {
	switch n.Kind {
	case onSync:
		return fmt.Sprintf("sync %d of server %d", n.N, n.From)
	case onStart:
		return fmt.Sprintf("start %d of server %d", n.N, n.From)
	}
	what := fmt.Sprintf("%s %d (%d->%d; 0 is any)", n.Kind, n.N, n.From, n.To)
	if n.Arrives {
		what += " taken"
	}
	if n.Unsynced {
		what += " left while records are unsynced"
	}
	return what
}

// until is when a fault that begins now ends: with the faulty phase at the latest.
func (f *Fault) until(now, calm world.Instant) world.Instant {
	if f.For == 0 {
		return calm
	}
	return min(now+f.For, calm)
}
