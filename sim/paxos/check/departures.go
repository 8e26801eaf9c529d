package check

import "github.com/fauer4effect/paxos/protocol"

// Departures compares what leaves a server with what its disk has at that moment (X25). A
// message may depend on something that a crash could still take. It is caught as it leaves, and
// not only when a crash happens to come. Accept and Proposal must be backed by the acceptance
// (S5), Prepare and PrepareOK by the promise (S6). A PrepareOK may keep back nothing that the disk
// holds in its range, and claim nothing that it does not hold (S5). No message may claim that its sender
// has executed more than it has, or that something is ordered that is not (S5). With formation, a disk without the cluster's roster may be an emptied
// one: its server must keep silent (S6, X18).
type Departures struct {
	verdict
	log       *Log
	order     *Order
	promise   *Promise
	Formation bool
	Overlap   bool // X16: a Proposal is nobody's acceptance
	formed    [protocol.MaxServers + 1]bool
}

// Formed says whether the server's disk holds the roster of its cluster.
func (d *Departures) Formed(id protocol.ServerID) bool { return d.formed[id] }

// Early says whether a Proposal leaves before its sender's disk holds the acceptance (X16).
func (d *Departures) Early(id protocol.ServerID, m *protocol.Message) bool {
	return d.Overlap && !d.holds(id, m)
}

func (d *Departures) holds(id protocol.ServerID, m *protocol.Message) bool {
	return m.Seq <= d.log.floor || d.log.slot(m.Seq).proposal(m.View).disks&(1<<id) != 0
}

func (d *Departures) departed(id protocol.ServerID, m *protocol.Message) {
	if d.Formation && !d.formed[id] && m.Kind != protocol.Formation {
		d.fail("S6", "server %d sends %v, but its disk does not hold the roster of a formed cluster: it may be an emptied one", id, m)
	}
	switch m.Kind {
	case protocol.VCProof, protocol.Prepare, protocol.SnapshotRequest:
		if done := d.order.last[id]; m.ARU > done {
			d.fail("S5", "server %d sends %v, and has executed 1…%d", id, m, done)
		}
	case protocol.CatchUpReply:
		for i := range *m.List {
			d.claimsOrdered(id, m, &(*m.List)[i])
		}
	case protocol.Formation:
		if m.Roster != nil && m.Roster.Formed && !d.formed[id] {
			d.fail("S6", "server %d says that it has formed a cluster, but its disk does not hold the roster", id)
		}
	}
	switch m.Kind {
	case protocol.Accept, protocol.Proposal:
		if m.Kind == protocol.Proposal && d.Overlap {
			return
		}
		if !d.holds(id, m) {
			d.fail("S5", "server %d sends %v, but its disk does not hold that acceptance", id, m)
		}
	case protocol.Prepare, protocol.PrepareOK:
		if d.promise.given[id] < m.View {
			d.fail("S6", "server %d sends %v, but its disk holds a promise of view %d only", id, m, d.promise.given[id])
		}
	}
	if m.Kind == protocol.PrepareOK {
		d.answered(id, m)
	}
}

// answered compares a part of an answer with the sender's disk, over the part's range.
func (d *Departures) answered(id protocol.ServerID, m *protocol.Message) {
	list := *m.List
	for seq := max(m.Seq, d.log.floor) + 1; seq <= min(m.ARU, d.log.top); seq++ {
		for len(list) > 0 && list[0].Seq < seq {
			list = list[1:]
		}
		held := d.log.slot(seq).highest(id, m.View)
		switch listed := len(list) > 0 && list[0].Seq == seq; {
		case held == 0 || listed && list[0].Ordered:
		case !listed:
			d.fail("S5", "server %d answers Prepare(view %d) for %d < seq ≤ %d without seq %d, which its disk holds as of view %d",
				id, m.View, m.Seq, min(m.ARU, d.log.top), seq, held)
		case list[0].View < held:
			d.fail("S5", "server %d answers Prepare(view %d) with seq %d as of view %d, where its disk holds it as of view %d",
				id, m.View, seq, list[0].View, held)
		}
	}
	for i := range *m.List {
		e := &(*m.List)[i]
		if e.Ordered {
			d.claimsOrdered(id, m, e)
			continue
		}
		if e.Seq <= d.log.floor {
			continue
		}
		p := d.log.slot(e.Seq).proposal(e.View)
		held := p.disks&(1<<id) != 0
		if e.View == m.View {
			held = p.made // it may have accepted what the leader has proposed since
		}
		if !held || p.hash != e.Batch.Hash() {
			d.fail("S5", "server %d answers Prepare(view %d) with %v for seq %d as of view %d, which its disk does not hold (as of view %d it does)",
				id, m.View, e.Batch, e.Seq, e.View, d.log.slot(e.Seq).highest(id, m.View))
		}
	}
}

// claimsOrdered looks at an entry that says that its slot is ordered.
func (d *Departures) claimsOrdered(id protocol.ServerID, m *protocol.Message, e *protocol.Entry) {
	if e.Seq <= d.log.floor || !e.Ordered {
		return
	}
	if b := d.log.Batch(e.Seq); b == nil || b.Hash() != e.Batch.Hash() {
		d.fail("S5", "server %d says in a %v that %v is ordered at seq %d, where %v is", id, m.Kind, e.Batch, e.Seq, b)
	}
}

// highest is the highest view, below the given one, of which the server's disk holds an
// acceptance. The promise has frozen those, while the view itself may go on.
func (s *slot) highest(id protocol.ServerID, below protocol.View) protocol.View {
	var view protocol.View
	for _, entries := range [][]proposal{s.inline[:], s.proposals} {
		for i := range entries {
			if entries[i].disks&(1<<id) != 0 && entries[i].view < below {
				view = max(view, entries[i].view)
			}
		}
	}
	return view
}
