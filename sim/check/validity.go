package check

import (
	"bytes"

	"github.com/fauer4effect/paxos/protocol"
)

// Validity is S2: only what a client sent, a no-op, or the expiry of a leader is ordered. That a leader
// who opens sessions beyond the table's limit makes room in the same slot, Log.order sees to.
type Validity struct {
	verdict
	ops []pages[invocation] // by client and timestamp
}

type invocation struct {
	op      []byte
	refused bool         // its client was told that it will not be executed (S8)
	floor   protocol.Seq // Replies: the operation must take effect above this seq
	ordered protocol.Seq // the highest seq that was ordered anywhere when it was asked for
}

func (v *Validity) invoked(client protocol.ClientID, ts protocol.Timestamp, op []byte) *invocation {
	for int(client) >= len(v.ops) {
		v.ops = append(v.ops, pages[invocation]{})
	}
	in := v.ops[client].at(uint64(ts))
	in.op = op
	return in
}

func (v *Validity) find(client protocol.ClientID, ts protocol.Timestamp) *invocation {
	if int(client) >= len(v.ops) {
		return nil
	}
	in := v.ops[client].find(uint64(ts))
	if in == nil || in.op == nil {
		return nil
	}
	return in
}

// refused says whether the client of an update was told that it will not be executed.
func (v *Validity) refused(e *protocol.Event) bool {
	in := v.find(e.Client, e.Timestamp)
	return in != nil && in.refused
}

func (v *Validity) ordered(id protocol.ServerID, e *protocol.Event) {
	for i := range e.Batch.Updates {
		u := &e.Batch.Updates[i]
		if u.Kind == protocol.ExpireSessions {
			continue // the leader's own
		}
		if in := v.find(u.Client, u.Timestamp); in == nil || !bytes.Equal(in.op, u.Op) {
			v.fail("S2", "server %d orders at seq %d, view %d, client %d's update %d as %q, which that client never sent",
				id, e.Seq, e.View, u.Client, u.Timestamp, u.Op)
		}
	}
}
