package plan

import (
	"fmt"
	"time"

	"github.com/fauer4effect/paxos/sim/internal/words"
	"github.com/fauer4effect/paxos/sim/world"
)

// Fault is one thing that goes wrong: at a time, or when an event named by its meaning occurs.
// Kinds has the kinds, with the fields that each takes; docs/PLANS.md has an example of each.
//
// With leader it strikes the leader of that moment, in place of servers. A crash may come on an
// event instead of at a time. The event is that the named message left its sender, or, with
// arrives, that its receiver took it. On kind "sync" it is a server's n-th sync, on kind "start"
// the beginning of its n-th life. Faults that overlap add up.
type Fault struct {
	At      world.Instant `json:"at_ns,omitempty"`   // when it strikes
	On      *Name         `json:"on,omitempty"`      // the event on which it strikes, in place of a time
	Do      Kind          `json:"do"`                // the kind of fault
	Servers []int         `json:"servers,omitempty"` // the servers that it strikes
	Leader  bool          `json:"leader,omitempty"`  // strikes the leader of that moment, in place of servers; where nobody leads, or several do, nothing happens
	From    int           `json:"from,omitempty"`    // a server: where a cut link begins; which one a bridge is
	To      int           `json:"to,omitempty"`      // a server: where a cut link ends; who is to lead
	For     world.Instant `json:"for_ns,omitempty"`  // how long; 0: until the tail
	By      world.Instant `json:"by_ns,omitempty"`   // how much, or how often: see the kinds
	Kind    string        `json:"kind,omitempty"`    // the kind of message
}

// Name names an event by its meaning: the N-th message of its kind from one server to another.
type Name struct {
	Kind     string `json:"kind"`               // a kind of message; or sync, or start, which are events of server from
	From     int    `json:"from,omitempty"`     // server; left out: any, and n counts the messages of all
	To       int    `json:"to,omitempty"`       // server; left out: any, and n counts the messages to all
	N        uint32 `json:"n"`                  // which of them, from 1
	Unsynced bool   `json:"unsynced,omitempty"` // count only while a crash of the sender would take records
	Arrives  bool   `json:"arrives,omitempty"`  // count arrivals, not departures
}

// What a Name may name beside kinds of message: events of one server.
const (
	OnSync  = "sync"
	OnStart = "start"
)

// EachLink calls do for each direction between two of n servers that the fault closes.
func (f *Fault) EachLink(n int, do func(from, to world.Node)) {
	row, _ := f.Do.Row()
	place := make([]int, n+1) // in Servers, from 1
	for i, id := range f.Servers {
		place[id] = i + 1
	}
	for from := 1; from <= n; from++ {
		for to := 1; to <= n; to++ {
			if from != to && row.Closes(f, place, from, to) {
				do(world.Node(from), world.Node(to))
			}
		}
	}
}

// String is the fault in a line.
func (f *Fault) String() string {
	what := string(f.Do)
	if f.Kind != "" {
		what += " " + f.Kind
	}
	switch {
	case f.Do == HandOver:
		what += fmt.Sprintf(" to %d", f.To)
	case f.Do == Cut:
		what += fmt.Sprintf(" %d->%d", f.From, f.To)
	case f.Leader:
		what += " the leader"
	case len(f.Servers) > 0:
		what += " " + words.List(f.Servers)
	}
	if f.Do == Bridge {
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
	case OnSync:
		return fmt.Sprintf("the %s sync%s", ordinal(n.N), ofServer(n.From))
	case OnStart:
		return fmt.Sprintf("the %s start%s", ordinal(n.N), ofServer(n.From))
	}
	what := fmt.Sprintf("the %s %s", ordinal(n.N), n.Kind)
	switch {
	case n.From == 0 && n.To == 0:
	case n.To == 0:
		what += fmt.Sprintf(" from server %d", n.From)
	case n.From == 0:
		what += fmt.Sprintf(" to server %d", n.To)
	default:
		what += fmt.Sprintf(" from server %d to %d", n.From, n.To)
	}
	if n.Arrives {
		what += " that arrives"
	}
	if n.Unsynced {
		what += " while its sender has unsynced records"
	}
	return what
}

// ofServer names the server at which something is counted; 0 is any.
func ofServer(id int) string {
	if id == 0 {
		return " of any server"
	}
	return fmt.Sprintf(" of server %d", id)
}

// ordinal is 1st, 2nd, 3rd, 4th.
func ordinal(n uint32) string {
	ending := "th"
	if tens := n / 10 % 10; tens != 1 {
		switch n % 10 {
		case 1:
			ending = "st"
		case 2:
			ending = "nd"
		case 3:
			ending = "rd"
		}
	}
	return fmt.Sprint(n, ending)
}

// Until is when a fault that begins now ends: with the faulty phase at the latest.
func (f *Fault) Until(now, calm world.Instant) world.Instant {
	if f.For == 0 {
		return calm
	}
	return min(now+f.For, calm)
}
