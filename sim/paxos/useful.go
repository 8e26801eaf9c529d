package paxos

import (
	"github.com/fauer4effect/paxos/protocol"
	"github.com/fauer4effect/paxos/sim/world"
)

// matters says whether a packet is useful: one of its messages.
func (r *System) matters(to world.Node, p *packet) bool {
	if p.bundle == nil || p.isReply() {
		return r.useful(to, &p.Message)
	}
	m := p.Message
	for _, m.Batch = range p.bundle.requests {
		if r.useful(to, &m) {
			return true
		}
	}
	return false
}

// useful says whether the receiver could have made use of the message now: of its current
// view and for a slot not yet ordered there, or above what it knows of the election.
func (r *System) useful(to world.Node, m *protocol.Message) bool {
	if !r.world.IsServer(to) || r.servers[to] == nil {
		return false
	}
	s := r.servers[to].machine
	switch m.Kind {
	case protocol.ClientUpdate:
		u := &m.Batch.Updates[0]
		return s.LastExecuted(u.Client) < u.Timestamp
	case protocol.Proposal, protocol.Accept:
		return m.View == s.LastInstalled() && m.Seq > s.LocalARU()
	case protocol.ViewChange:
		return m.View > s.LastInstalled() && m.View >= s.LastAttempted()
	case protocol.VCProof:
		return m.View > s.LastInstalled() || m.ARU > s.LocalARU()
	case protocol.SnapshotPart:
		return m.Seq > s.LocalARU() && len(m.Part.Bytes) > 0
	case protocol.Prepare:
		return m.View >= s.LastInstalled()
	case protocol.PrepareOK:
		return m.View == s.LastInstalled() && s.State() == protocol.Preparing
	case protocol.ClientRead:
		return true
	case protocol.ReadRound, protocol.YourTurn:
		return m.View == s.LastInstalled()
	case protocol.ReadAck:
		return m.View == s.LastInstalled() && s.State() == protocol.RegLeader
	case protocol.ReadIndex:
		return s.Reads() > 0
	}
	return false
}
