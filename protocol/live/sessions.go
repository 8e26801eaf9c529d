package live

import "github.com/fauer4effect/paxos/protocol"

// Commands become updates of sessions that belong to the server. A session has one update
// outstanding, so there are as many as there were commands at once; free ones are used
// again, with rising timestamps. A timestamp begins with the number of the server's life:
// what an earlier life left on its way is older, and never passes for an answer to this one.

// lifeShift leaves room for 2^40 commands in a life.
const lifeShift = 40

// slotBits of a ClientID number a server's sessions; the bits above are the server.
const slotBits = 24

// call is one command.
type call struct {
	op    []byte
	read  bool // ask without the log first (X20)
	asked int  // times
	batch *protocol.Batch
	done  chan answer // of room one: the loop never waits
}

type answer struct {
	result []byte
	err    error
}

// sessions are the loop's.
type sessions struct {
	own     uint32
	last    uint32 // slots 1…last exist
	free    []uint32
	time    protocol.Timestamp
	waiting map[protocol.ClientID]*call
	bytes   int // of their operations
}

func (t *sessions) init(id protocol.ServerID, life uint64) {
	t.own = uint32(id) << slotBits
	t.time = protocol.Timestamp(life) << lifeShift
	t.waiting = make(map[protocol.ClientID]*call)
}

// begin gives the command a session; false where none may be had.
func (t *sessions) begin(c *call) bool {
	if len(t.waiting) >= maxWaiting || t.bytes+len(c.op) > maxWaitingBytes {
		return false
	}
	t.bytes += len(c.op)
	var slot uint32
	if n := len(t.free); n > 0 {
		slot, t.free = t.free[n-1], t.free[:n-1]
	} else {
		t.last++
		slot = t.last
	}
	t.time++
	client := protocol.ClientID(t.own | slot)
	c.batch = protocol.NewBatch(protocol.Update{Client: client, Timestamp: t.time, Op: c.op})
	t.waiting[client] = c
	return true
}

// answer hands a reply to its command; false where that has its answer already.
func (t *sessions) answer(r *protocol.Reply) bool {
	c := t.waiting[r.Client]
	if c == nil || c.batch.Updates[0].Timestamp != r.Timestamp {
		return false
	}
	delete(t.waiting, r.Client)
	t.bytes -= len(c.op)
	t.free = append(t.free, uint32(r.Client)&(1<<slotBits-1))
	if r.Status == protocol.ReplyBusy { // at the first request, or it would be pending here
		c.done <- answer{err: ErrBusy}
		return true
	}
	c.done <- answer{result: r.Result}
	return true
}

// each calls f for every command that waits, by slot.
func (t *sessions) each(f func(*call)) {
	for slot := uint32(1); slot <= t.last; slot++ {
		if c := t.waiting[protocol.ClientID(t.own|slot)]; c != nil {
			f(c)
		}
	}
}

// drop ends all commands; whether they are executed nobody knows.
func (t *sessions) drop() {
	t.each(func(c *call) { c.done <- answer{err: ErrUnknown} })
}
