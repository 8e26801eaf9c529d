package check

import "github.com/fauer4effect/paxos/protocol"

// Once is S4: an update of (client, timestamp) takes effect at most once.
type Once struct {
	verdict
	log *Log
}

func (o *Once) applied(id protocol.ServerID, e *protocol.Event) {
	if e.Seq > o.log.aru {
		return // S3 will say so
	}
	if o.log.Limit > 0 && o.c.Validity.refused(e) {
		o.fail("S8", "server %d applies client %d's update %d at seq %d; the client was told that its session is expired, and it had not taken effect then",
			id, e.Client, e.Timestamp, e.Seq)
	}
	if at := slotOf(o.log.Place(e.Client, e.Timestamp)); at != e.Seq {
		o.fail("S4", "server %d applies client %d's update %d at seq %d; it took effect at seq %d (0: superseded)",
			id, e.Client, e.Timestamp, e.Seq, at)
	}
}
