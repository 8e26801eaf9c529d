package check

import "github.com/fauer4effect/paxos/protocol"

// Promise is S6: no server accepts in view u after a durable promise v > u, in whichever
// life it gave it.
type Promise struct {
	verdict
	given [protocol.MaxServers + 1]protocol.View
}

func (p *Promise) durable(id protocol.ServerID, view protocol.View) {
	p.given[id] = max(p.given[id], view)
}

func (p *Promise) accepted(id protocol.ServerID, e *protocol.Event) {
	if e.View < p.given[id] {
		p.fail("S6", "server %d accepts seq %d in view %d after its durable promise of view %d",
			id, e.Seq, e.View, p.given[id])
	}
}
