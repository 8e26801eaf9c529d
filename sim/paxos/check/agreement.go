package check

import "github.com/fauer4effect/paxos/protocol"

// Agreement is S1: no two servers order different batches at one seq.
type Agreement struct {
	verdict
	log *Log
}

func (a *Agreement) ordered(id protocol.ServerID, e *protocol.Event) {
	if s := a.log.slot(e.Seq); s.batch.Hash() != e.Batch.Hash() {
		a.fail("S1", "server %d orders %v at seq %d in view %d, where server %d ordered %v in view %d",
			id, e.Batch, e.Seq, e.View, s.by, s.batch, s.view)
	}
}
