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

// useful says whether the receiver could have made use of the message now. It is of the receiver's
// view and for a slot not yet ordered there, or above what the receiver knows of the election.
func (r *System) useful(to world.Node, m *protocol.Message) bool {
	return r.world.IsServer(to) && r.servers[to] != nil && uses[m.Kind](r.servers[to].machine, m)
}

// uses says of each kind of message when a server can make use of one.
var uses = [protocol.NumKinds]func(s *protocol.Server, m *protocol.Message) bool{
	0: never, // no message of the machine
	protocol.ClientUpdate: func(s *protocol.Server, m *protocol.Message) bool {
		u := &m.Batch.Updates[0]
		return s.LastExecuted(u.Client) < u.Timestamp
	},
	protocol.ViewChange: func(s *protocol.Server, m *protocol.Message) bool {
		return m.View > s.LastInstalled() && m.View >= s.LastAttempted()
	},
	protocol.VCProof: func(s *protocol.Server, m *protocol.Message) bool {
		return m.View > s.LastInstalled() || m.ARU > s.LocalARU()
	},
	protocol.Prepare: func(s *protocol.Server, m *protocol.Message) bool { return m.View >= s.LastInstalled() },
	protocol.PrepareOK: func(s *protocol.Server, m *protocol.Message) bool {
		return m.View == s.LastInstalled() && s.State() == protocol.Preparing
	},
	protocol.Proposal: openSlot,
	protocol.Accept:   openSlot,
	// These are asked for again and again: one more or less makes no difference.
	protocol.CatchUpRequest:  never,
	protocol.CatchUpReply:    never,
	protocol.Formation:       never,
	protocol.SnapshotRequest: never,
	protocol.SnapshotPart: func(s *protocol.Server, m *protocol.Message) bool {
		return m.Seq > s.LocalARU() && len(m.Part.Bytes) > 0
	},
	protocol.ClientRead: func(*protocol.Server, *protocol.Message) bool { return true },
	protocol.ReadRound:  ofItsView,
	protocol.ReadAck: func(s *protocol.Server, m *protocol.Message) bool {
		return m.View == s.LastInstalled() && s.State() == protocol.RegLeader
	},
	protocol.ReadIndex: func(s *protocol.Server, _ *protocol.Message) bool { return s.Reads() > 0 },
	protocol.YourTurn:  ofItsView,
}

func never(*protocol.Server, *protocol.Message) bool { return false }

func ofItsView(s *protocol.Server, m *protocol.Message) bool { return m.View == s.LastInstalled() }

func openSlot(s *protocol.Server, m *protocol.Message) bool {
	return ofItsView(s, m) && m.Seq > s.LocalARU()
}
