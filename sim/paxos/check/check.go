// Package check decides whether a run kept the protocol's promises: the safety properties
// S1…S10 and the liveness properties L1…L4 of the README. Each is a small type in a file of its own.
//
// A Checker is fed with what happens, at the moment it happens. It compares that with one
// canonical log: slot by slot what was first ordered anywhere, executed by an application of its
// own. Every check costs O(1) amortised, so that a long run is checked as fast as a short one.
// The first violation counts; the run should stop there.
//
//	S1 agreement    S2 validity     S3 order      S4 at most once
//	S5 durability   S6 promise      S7 proposal   S8 reply
//	S9 window       S10 bounds
//	L1 answered     L2 views settle L3 converged  L4 nothing left over
//
// S8 is checked twice. One check is exact, against the canonical log (replies.go). The other is
// by porcupine on the clients' history alone (package history), and knows nothing of Paxos.
package check

import (
	"fmt"

	"github.com/fauer4effect/paxos/protocol"
	"github.com/fauer4effect/paxos/sim/finding"
	"github.com/fauer4effect/paxos/sim/history"
)

// Names say in a word what each property is.
var Names = map[string]string{
	"S1": "agreement", "S2": "validity", "S3": "order", "S4": "at most once",
	"S5": "durability", "S6": "promise", "S7": "one proposal", "S8": "reply",
	"S9": "window", "S10": "bounds",
	"L1": "answered", "L2": "views settle", "L3": "converged", "L4": "nothing left over",
}

// Checker holds all the checks of one run. One goroutine owns it.
type Checker struct {
	Log        *Log
	Agreement  Agreement
	Validity   Validity
	Order      Order
	Once       Once
	Durability Durability
	Promise    Promise
	Proposals  Proposals
	Replies    Replies
	Departures Departures
	Truncation Truncation
	Bounds     Bounds
	Answered   Answered
	Settled    Settled
	Converged  Converged

	// Endless has the checker forget what the durable snapshots of all servers cover, so that
	// its memory does not grow with the run. What is checked loses little by it, but the clients'
	// operations of long ago can no longer be told from ones that nobody sent.
	Endless bool

	// Broken, where it is not nil, is set with the first violation.
	Broken *bool

	servers   int
	now       int64
	violation *finding.Violation
}

// New returns the checks for a cluster of the given number of servers, which becomes calm as
// told. The App is a fresh one, the checker's own.
func New(servers int, calm Calm, app protocol.App) *Checker {
	c := &Checker{Log: NewLog(app), servers: servers}
	verdict := verdict{c}
	c.Agreement = Agreement{verdict, c.Log}
	c.Validity = Validity{verdict, c.Log}
	c.Order = Order{verdict: verdict, log: c.Log}
	c.Once = Once{verdict, c.Log}
	c.Durability = Durability{verdict, c.Log, servers/2 + 1}
	c.Promise = Promise{verdict: verdict}
	c.Proposals = Proposals{verdict, c.Log}
	c.Replies = Replies{verdict: verdict, log: c.Log}
	c.Departures = Departures{verdict: verdict, log: c.Log, order: &c.Order, promise: &c.Promise}
	c.Truncation = Truncation{verdict: verdict}
	c.Bounds = Bounds{verdict: verdict, order: &c.Order}
	c.Answered = Answered{verdict, &calm}
	c.Settled = Settled{verdict, &calm}
	c.Converged = Converged{verdict: verdict, calm: &calm}
	return c
}

// verdict is how a check reports.
type verdict struct{ c *Checker }

func (v verdict) fail(property, format string, args ...any) {
	if v.c.violation == nil {
		v.c.violation = &finding.Violation{Property: property, Name: Names[property], At: v.c.now, Detail: fmt.Sprintf(format, args...)}
		if v.c.Broken != nil {
			*v.c.Broken = true
		}
	}
}

// Violation is the first property found broken, nil for none.
func (c *Checker) Violation() *finding.Violation { return c.violation }

// Fail reports a violation that something else found.
func (c *Checker) Fail(now int64, property, format string, args ...any) {
	c.now = now
	verdict{c}.fail(property, format, args...)
}

// ofSlots are the events of single slots before they are executed.
var ofSlots = [protocol.NumEvents]bool{
	protocol.Proposed: true, protocol.Accepted: true, protocol.Ordered: true, protocol.Learned: true, protocol.Applied: true,
	protocol.Filtered: true, protocol.Opened: true, protocol.Expired: true, protocol.Lapsed: true,
}

// Event tells the checker what a server's machine did.
func (c *Checker) Event(now int64, id protocol.ServerID, e *protocol.Event) {
	c.now = now
	if e.Seq <= c.Log.floor && e.Seq > 0 && ofSlots[e.Kind] {
		return // of a slot that is forgotten
	}
	switch e.Kind {
	case protocol.Installed:
		c.Settled.installed(id, e)
	case protocol.Proposed:
		c.Proposals.proposed(id, e)
		c.Bounds.proposed(id, e)
	case protocol.Accepted:
		c.Promise.accepted(id, e)
		c.Proposals.accepted(id, e)
	case protocol.Ordered, protocol.Learned:
		if c.Log.first(e.Seq) {
			c.Durability.ordered(id, e)
			c.Validity.ordered(id, e)
			if c.violation == nil { // what nobody sent may have any timestamp, and the log makes room up to it
				c.Log.order(verdict{c}, id, e)
			}
		} else {
			c.Agreement.ordered(id, e)
		}
	case protocol.Applied:
		c.Once.applied(id, e)
	case protocol.Lapsed:
		c.Log.lapsed(verdict{c}, id, e)
	case protocol.Executed:
		c.Order.executed(id, e)
	case protocol.SnapshotTaken, protocol.SnapshotInstalled:
		c.Order.snapshot(id, e)
	case protocol.RoundConfirmed:
		c.Replies.round(id, e)
	case protocol.ReadConfirmed:
		c.Replies.confirmed(id, e)
	case protocol.Truncated:
		c.Truncation.truncated(id, e.Seq)
	}
}

// Applied is Event of an Applied.
func (c *Checker) Applied(now int64, id protocol.ServerID, e *protocol.Event) {
	c.now = now
	c.Once.applied(id, e)
}

// Durable tells the checker that a record survives crashes from now on. What the record refers to
// is not looked at.
func (c *Checker) Durable(now int64, id protocol.ServerID, r *protocol.Record) {
	c.now = now
	switch r.Kind {
	case protocol.RecordInstalled:
		c.Promise.durable(id, r.View)
	case protocol.RecordFormed:
		c.Departures.formed[id] = true
	case protocol.RecordSnapshot:
		c.Promise.durable(id, r.View)
		c.Truncation.durable(id, r)
		c.forget()
	case protocol.RecordAccepted:
		if r.Seq <= c.Log.floor {
			return
		}
		c.Log.slot(r.Seq).proposal(r.View).disks |= 1 << id
		c.Log.top = max(c.Log.top, r.Seq)
	}
}

// Wiped tells the checker that a server has lost its disk. The disk's acceptances stay known:
// they were durable when others relied on them, and nothing of the server may speak against
// them.
func (c *Checker) Wiped(now int64, id protocol.ServerID) {
	c.now = now
	c.Departures.formed[id] = false
	c.Truncation.covered[id] = 0
}

// Truncating tells the checker that a server's disk is to begin with another record, and
// whether that is durable.
func (c *Checker) Truncating(now int64, id protocol.ServerID, first *protocol.Record, durable bool) {
	c.now = now
	c.Truncation.begins(id, first, durable)
}

// Forgotten tells the checker of a record that goes from the disk of a server, which begins
// with first from then on. What the record refers to is not looked at; first must be whole.
func (c *Checker) Forgotten(now int64, id protocol.ServerID, r, first *protocol.Record) {
	c.now = now
	c.Truncation.forgotten(id, r, first)
}

// Departed tells the checker that a message leaves a server.
func (c *Checker) Departed(now int64, id protocol.ServerID, m *protocol.Message) {
	c.now = now
	c.Departures.departed(id, m)
	if m.Kind == protocol.ReadAck {
		c.Replies.acknowledged(id, m)
	}
}

// Recovered tells the checker what a server made of its disk.
func (c *Checker) Recovered(now int64, id protocol.ServerID, aru protocol.Seq, state uint64) {
	c.now = now
	c.Order.recovered(id, aru, state)
	c.Truncation.recovered(id, aru)
}

// Invoked tells the checker that a client sends an update for the first time.
func (c *Checker) Invoked(now int64, client protocol.ClientID, ts protocol.Timestamp, op []byte) {
	c.now = now
	c.Replies.invoked(c.Validity.invoked(client, ts, op))
}

// Expired tells the checker that a client heard that its session is gone. What has not taken
// effect by then never may (S8).
func (c *Checker) Expired(now int64, client protocol.ClientID, ts protocol.Timestamp) {
	c.now = now
	if u := c.Log.sent(client, ts); u != nil && c.Log.Place(client, ts) == 0 {
		u.refused = true
	}
}

// Replied tells the checker what a client got, and returns where in the log that update is.
func (c *Checker) Replied(now int64, client protocol.ClientID, ts protocol.Timestamp, result []byte) history.Place {
	c.now = now
	return c.Replies.replied(client, ts, result)
}

// Read tells the checker what a client got for a read that took no slot, and the index that
// the answer names.
func (c *Checker) Read(now int64, client protocol.ClientID, ts protocol.Timestamp, index protocol.Seq, result []byte) {
	c.now = now
	c.Replies.read(client, ts, index, result)
}
