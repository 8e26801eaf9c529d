package check

import (
	"bytes"

	"github.com/fauer4effect/paxos/protocol"
)

// Validity is S2: every ordered batch holds clients' requests, a no-op, or a leader's expiry. A leader that
// opens sessions beyond the table's limit must make room in the same slot: Log.order checks that.
type Validity struct {
	verdict
	log *Log
}

func (v *Validity) invoked(client protocol.ClientID, ts protocol.Timestamp, op []byte) *update {
	u := v.log.session(client).updates.at(uint64(ts))
	u.op = op
	return u
}

// refused says whether the client of an update was told that it will not be executed.
func (v *Validity) refused(e *protocol.Event) bool {
	u := v.log.sent(e.Client, e.Timestamp)
	return u != nil && u.refused
}

func (v *Validity) ordered(id protocol.ServerID, e *protocol.Event) {
	for i := range e.Batch.Updates {
		u := &e.Batch.Updates[i]
		if u.Kind == protocol.ExpireSessions {
			continue // the leader's own
		}
		sent := v.log.sent(u.Client, u.Timestamp)
		if sent == nil && v.log.forgotten(u) {
			continue // whether it was sent is forgotten
		}
		if sent == nil || !bytes.Equal(sent.op, u.Op) {
			v.fail("S2", "server %d orders at seq %d, view %d, client %d's update %d as %q, which that client never sent",
				id, e.Seq, e.View, u.Client, u.Timestamp, u.Op)
		}
	}
}
