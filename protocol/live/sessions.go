package live

import "github.com/fauer4effect/paxos/protocol"

// Commands become updates of sessions that belong to the server. A session has one update
// outstanding, so there are as many as there were commands at once; free ones are used
// again, with rising timestamps. A timestamp begins with the number of the server's life.
// So what an earlier life left on its way is older, and never passes for an answer to this one.

// lifeShift leaves room for 2^40 commands in a life.
const lifeShift = 40

// slotBits of a ClientID number a server's sessions; the bits above are the server.
const slotBits = 24

// A session is opened when it is used first, and again when the cluster has forgotten it (X26).

// call is one command.
type call struct {
	op      []byte
	read    bool // ask without the log first (X20)
	asked   int  // times
	slot    uint32
	reading *protocol.Batch // what is asked for without the log
	opening *protocol.Batch // of the session, not answered yet
	update  *protocol.Batch
	sent    int         // times that update was handed to the machine
	done    chan answer // of room one: the loop never waits
}

type answer struct {
	result []byte
	err    error
}

// sessions are the loop's.
type sessions struct {
	own     uint32
	opened  []protocol.Seq // by slot, from 1: the session there, zero for none
	free    []uint32
	time    protocol.Timestamp
	waiting map[protocol.ClientID]*call
	bytes   int // of their operations
}

func (t *sessions) init(id protocol.ServerID, life uint64) {
	t.own = uint32(id) << slotBits
	t.opened = make([]protocol.Seq, 1)
	t.time = protocol.Timestamp(life) << lifeShift
	t.waiting = make(map[protocol.ClientID]*call)
}

func (t *sessions) count() int { return len(t.opened) - 1 }

func (t *sessions) client(slot uint32) protocol.ClientID { return protocol.ClientID(t.own | slot) }

// begin gives the command a session's place; false where none may be had.
func (t *sessions) begin(c *call) bool {
	if len(t.waiting) >= MaxWaiting || t.bytes+len(c.op) > maxWaitingBytes {
		return false
	}
	t.bytes += len(c.op)
	if n := len(t.free); n > 0 {
		c.slot, t.free = t.free[n-1], t.free[:n-1]
	} else {
		t.opened = append(t.opened, 0)
		c.slot = uint32(t.count())
	}
	t.waiting[t.client(c.slot)] = c
	return true
}

// request is what to ask for next: for the session, or for what the command wants of it.
func (t *sessions) request(c *call) protocol.Message {
	if c.asked++; c.read && c.asked <= readTries {
		if c.reading == nil {
			c.reading = t.batch(c, protocol.Operation, 0)
		}
		return protocol.Message{Kind: protocol.ClientRead, Batch: c.reading}
	}
	m := protocol.Message{Kind: protocol.ClientUpdate}
	switch session := t.opened[c.slot]; {
	case session == 0:
		if c.opening == nil {
			c.opening = t.batch(c, protocol.OpenSession, 0)
		}
		m.Batch = c.opening
	default:
		if c.update == nil {
			c.update = t.batch(c, protocol.Operation, session)
		}
		c.sent++
		m.Batch = c.update
	}
	return m
}

// batch is an update of the command's session, with the next timestamp.
func (t *sessions) batch(c *call, kind protocol.UpdateKind, session protocol.Seq) *protocol.Batch {
	t.time++
	u := protocol.Update{Client: t.client(c.slot), Kind: kind, Timestamp: t.time, Session: session}
	if kind == protocol.Operation {
		u.Op = c.op
	}
	return protocol.BatchOf(u)
}

// answer takes a reply to a command, which is returned where there is something else to ask for.
func (t *sessions) answer(r *protocol.Reply) (again *call) {
	c := t.waiting[r.Client]
	of := func(b *protocol.Batch) bool { return b != nil && b.Updates[0].Timestamp == r.Timestamp }
	switch {
	case c == nil || !of(c.reading) && !of(c.opening) && !of(c.update):
		return nil
	case r.Status == protocol.ReplyBusy: // at the first request, or it would be pending here
		t.end(c, answer{err: ErrBusy})
	case of(c.opening):
		c.opening = nil
		if session, ok := protocol.SessionOf(r.Result); ok && r.Status == protocol.ReplyOK {
			t.opened[c.slot] = session
		}
		return c
	case r.Status == protocol.ReplyExpired:
		t.opened[c.slot] = 0
		if c.sent == 1 { // then it was not executed, and never will be
			c.update, c.sent = nil, 0
			return c
		}
		t.end(c, answer{err: ErrUnknown})
	default:
		t.end(c, answer{result: r.Result})
	}
	return nil
}

// end gives the command its answer, and its session to the next.
func (t *sessions) end(c *call, a answer) {
	delete(t.waiting, t.client(c.slot))
	t.bytes -= len(c.op)
	t.free = append(t.free, c.slot)
	c.done <- a
}

// each calls f for every command that waits, by slot.
func (t *sessions) each(f func(*call)) {
	for slot := range t.opened {
		if c := t.waiting[t.client(uint32(slot))]; c != nil {
			f(c)
		}
	}
}

// drop ends all commands, for the reason given.
func (t *sessions) drop(why error) {
	t.each(func(c *call) { c.done <- answer{err: why} })
}
