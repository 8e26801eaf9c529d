package check

import (
	"bytes"

	"github.com/fauer4effect/paxos/protocol"
)

// Replies is S8, exactly: an operation that was answered has a position in the canonical
// log, its result is the application's there, and positions respect real time.
type Replies struct {
	verdict
	log      *Log
	validity *Validity
	highest  protocol.Seq // of all that was answered so far
	acked    [protocol.MaxServers + 1][]acked
}

func (r *Replies) invoked(in *invocation) {
	in.floor, in.ordered = r.highest, r.log.ordered
}

func (r *Replies) replied(client protocol.ClientID, ts protocol.Timestamp, result []byte) Place {
	at := r.log.effect(client, ts)
	in := r.validity.find(client, ts)
	switch {
	case at.seq() == 0:
		r.fail("S8", "client %d's operation %d is answered, but has no position in the log", client, ts)
	case !bytes.Equal(at.result, result):
		r.fail("S8", "client %d's operation %d is answered %q; at seq %d its result is %q",
			client, ts, result, at.seq(), at.result)
	case at.seq() <= in.floor:
		r.fail("S8", "client %d's operation %d took effect at seq %d, though it was sent after seq %d had been answered",
			client, ts, at.seq(), in.floor)
	}
	r.highest = max(r.highest, at.seq())
	return at.place
}
