package check

import (
	"bytes"

	"github.com/fauer4effect/paxos/protocol"
	"github.com/fauer4effect/paxos/sim/history"
)

// Replies is S8, exactly. An operation that was answered has a position in the canonical log. Its
// result is the application's there, and positions respect real time.
type Replies struct {
	verdict
	log     *Log
	highest protocol.Seq // of all that was answered so far
	acked   [protocol.MaxServers + 1][]acked
}

func (r *Replies) invoked(u *update) {
	u.floor, u.ordered = r.highest, r.log.ordered
}

func (r *Replies) replied(client protocol.ClientID, ts protocol.Timestamp, result []byte) history.Place {
	u := r.log.sent(client, ts)
	if u == nil {
		r.fail("S8", "client %d's operation %d is answered, and was never asked for", client, ts)
		return 0
	}
	at := slotOf(u.place)
	switch {
	case at == 0:
		r.fail("S8", "client %d's operation %d is answered, but has no position in the log", client, ts)
	case !bytes.Equal(u.result, result):
		r.fail("S8", "client %d's operation %d is answered %q; at seq %d its result is %q",
			client, ts, result, at, u.result)
	case at <= u.floor:
		r.fail("S8", "client %d's operation %d took effect at seq %d, though it was sent after seq %d had been answered",
			client, ts, at, u.floor)
	}
	r.highest = max(r.highest, at)
	return u.place
}
