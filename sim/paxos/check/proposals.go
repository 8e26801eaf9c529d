package check

import "github.com/fauer4effect/paxos/protocol"

// Proposals is S7: one proposal per (view, seq), and only that is accepted.
type Proposals struct {
	verdict
	log *Log
}

func (p *Proposals) proposed(id protocol.ServerID, e *protocol.Event) {
	entry := p.log.slot(e.Seq).proposal(e.View)
	if entry.made && entry.hash != e.Batch.Hash() {
		p.fail("S7", "server %d proposes %v for seq %d in view %d, where it proposed another batch before",
			id, e.Batch, e.Seq, e.View)
	}
	entry.made, entry.hash = true, e.Batch.Hash()
}

func (p *Proposals) accepted(id protocol.ServerID, e *protocol.Event) {
	if entry := p.log.slot(e.Seq).proposal(e.View); !entry.made || entry.hash != e.Batch.Hash() {
		p.fail("S7", "server %d accepts %v for seq %d in view %d, which that view's leader did not propose",
			id, e.Batch, e.Seq, e.View)
	}
}
