package check

import (
	"fmt"

	"github.com/fauer4effect/paxos/protocol"
)

// The session table of servers (S3): after a slot each server knows of each client what the log gives, or it
// will one day execute an update twice, refuse one, or answer with an old result. Nobody else sees that before
// it happens.
//
// The log keeps a digest that is a sum over clients and tombstones, so that a change costs O(1). A server's
// digest is computed where somebody asks: at snapshots, expiries, recoveries, and in the end.

// Table is what a server knows of its clients (protocol.Server is one).
type Table interface {
	EachSession(f func(protocol.Session))
	EachTombstone(f func(client protocol.ClientID, at protocol.Seq))
}

// fold joins two numbers into one that depends on both, and on their order.
func fold(h, x uint64) uint64 {
	h = (h ^ x) * 0x9E3779B97F4A7C15
	return h ^ h>>32
}

func digestOf(s *protocol.Session) uint64 {
	if s.Last == 0 {
		return 0
	}
	h := fold(fold(fold(fold(1, uint64(s.Client)), uint64(s.Opened)), uint64(s.UsedAt)), uint64(s.Last))
	h = fold(h, uint64(len(s.Result)))
	for _, b := range s.Result {
		h = fold(h, uint64(b))
	}
	return h
}

func (g gone) digest() uint64 { return fold(fold(2, uint64(g.client)), uint64(g.at)) }

// changed notes what the log now gives for a client, whose last result is given.
func (l *Log) changed(c *canonicalSession, client protocol.ClientID, result []byte) {
	s := protocol.Session{Client: client, Opened: c.opened, UsedAt: c.used, Last: c.last, Result: result}
	l.table -= c.digest
	c.digest = digestOf(&s)
	l.table += c.digest
}

// Table compares what a server knows of its clients, having executed all slots up to seq, with the log.
func (c *Checker) Table(now int64, id protocol.ServerID, seq protocol.Seq, t Table) {
	c.now = now
	l := c.Log
	if seq > l.aru || seq < l.aru && (seq <= l.floor || l.slots.dropped(uint64(seq))) {
		return // S3 says so, or it is forgotten
	}
	want := l.table
	if seq < l.aru {
		want = l.slot(seq).table
	}
	sum := uint64(0)
	t.EachSession(func(s protocol.Session) { sum += digestOf(&s) })
	t.EachTombstone(func(client protocol.ClientID, at protocol.Seq) { sum += gone{at, client}.digest() })
	if sum != want {
		verdict{c}.fail("S3", "server %d has after seq %d another session table than the log gives%s", id, seq, l.difference(seq, t))
	}
}

// difference names a client of whom a server knows something else, where the log still knows what it gives.
func (l *Log) difference(seq protocol.Seq, t Table) string {
	if seq < l.aru {
		return ""
	}
	known := make([]bool, len(l.sessions))
	text := ""
	t.EachSession(func(s protocol.Session) {
		if int(s.Client) < len(known) {
			known[s.Client] = true
		}
		if c := l.session(s.Client); text == "" && digestOf(&s) != c.digest {
			text = fmt.Sprintf(": of client %d it knows last update %d, session %d, used at seq %d, result %q; the log gives update %d, session %d, seq %d",
				s.Client, s.Last, s.Opened, s.UsedAt, s.Result, c.last, c.opened, c.used)
		}
	})
	for client := range known {
		if c := &l.sessions[client]; text == "" && !known[client] && c.last > 0 {
			text = fmt.Sprintf(": it knows nothing of client %d, whose last update is %d", client, c.last)
		}
	}
	if text == "" {
		text = ": it has other tombstones"
	}
	return text
}
