package check

import "github.com/fauer4effect/paxos/protocol"

// Order is S3: each life of a server executes the log from where its recovery ended, with no gap
// and no repeat. Its application has the state that the canonical log gives.
type Order struct {
	verdict
	log  *Log
	last [protocol.MaxServers + 1]protocol.Seq
}

func (o *Order) executed(id protocol.ServerID, e *protocol.Event) {
	want := o.last[id] + 1
	o.last[id] = e.Seq
	switch {
	case e.Seq != want:
		o.fail("S3", "server %d executes seq %d where %d is next", id, e.Seq, want)
	case e.Seq > o.log.aru:
		o.fail("S3", "server %d executes seq %d, but only 1…%d is ordered without a hole", id, e.Seq, o.log.aru)
	case o.log.slots.dropped(uint64(e.Seq)):
	case o.log.slot(e.Seq).batch.Hash() != e.Batch.Hash():
		o.fail("S1", "server %d executes %v at seq %d, where %v is ordered", id, e.Batch, e.Seq, o.log.slot(e.Seq).batch)
	case o.log.State(e.Seq) != e.Hash:
		o.fail("S3", "server %d has after seq %d (%v) application state %016x, where the log gives %016x",
			id, e.Seq, e.Batch, e.Hash, o.log.State(e.Seq))
	}
}

func (o *Order) recovered(id protocol.ServerID, aru protocol.Seq, state uint64) {
	o.last[id] = aru
	switch {
	case aru > o.log.aru:
		o.fail("S3", "server %d recovers to seq %d, but only 1…%d is ordered", id, aru, o.log.aru)
	case o.log.differs(aru, state):
		o.fail("S3", "server %d recovers to seq %d with application state %016x, where the log gives %016x",
			id, aru, state, o.log.State(aru))
	}
}

// snapshot compares a snapshot that a server took, or installed in place of what it lacked, with
// the log. A snapshot that is installed may leave out slots, but never bring back an older state.
func (o *Order) snapshot(id protocol.ServerID, e *protocol.Event) {
	last := o.last[id]
	o.last[id] = e.Seq
	switch {
	case e.Kind == protocol.SnapshotTaken && e.Seq != last:
		o.fail("S3", "server %d takes a snapshot of 1…%d, but has executed 1…%d", id, e.Seq, last)
	case e.Seq < last || e.Kind == protocol.SnapshotInstalled && e.Seq == last:
		o.fail("S3", "server %d installs a snapshot of 1…%d, but has executed 1…%d", id, e.Seq, last)
	case e.Seq > o.log.aru:
		o.fail("S3", "server %d installs a snapshot of 1…%d, but only 1…%d is ordered", id, e.Seq, o.log.aru)
	case o.log.differs(e.Seq, e.Hash):
		o.fail("S3", "server %d has after the snapshot of 1…%d application state %016x, where the log gives %016x",
			id, e.Seq, e.Hash, o.log.State(e.Seq))
	}
}
