package paxos

import (
	"github.com/fauer4effect/paxos/protocol"
	"github.com/fauer4effect/paxos/sim/internal/engine"
	"github.com/fauer4effect/paxos/sim/world"
)

// Where a plan checks bodies, servers are replaced by their clones every now and then, and what they were before
// goes on with input that may be anything. If the two shared memory the run would become another one, or break
// a property. A search that clones servers relies on that.

// oneInClones is how often a server is replaced when it wakes.
const oneInClones = 16

// replace puts a clone in the server's place, and has the original go astray.
func (s *server) replace() {
	r := s.System
	now := r.world.Now()
	if world.Draw(r.run.Plan.Seed, engine.DrawClone, uint64(s.id), uint64(now))%oneInClones != 0 {
		return
	}
	original := s.machine
	s.machine = original.Clone()
	at := protocol.Instant(s.clock.Now(now))
	var out protocol.Output
	for i, in := range astray(original, r.run.Plan.Servers) {
		original.Step(at+protocol.Instant(i)*protocol.Instant(100*world.Millisecond), in, &out)
	}
}

// astray is input that a server may well get, and that changes as much of it as possible.
func astray(s *protocol.Server, servers int) []protocol.Input {
	peer := s.ID()%protocol.ServerID(servers) + 1
	view, seq := s.LastInstalled(), s.LocalARU()+1
	leader := protocol.ServerID(1)
	if view > 0 {
		leader = protocol.Leader(view, servers)
	}
	b := protocol.BatchOf(protocol.Update{Client: 1, Server: peer, Timestamp: 1 << 16})
	list := protocol.DataList{{Seq: seq, Ordered: true, Batch: b}, {Seq: seq + 1, View: view + 1, Batch: b}}
	var inputs []protocol.Input
	for _, m := range []protocol.Message{
		{Kind: protocol.ClientUpdate, Batch: b},
		{Kind: protocol.ClientRead, Batch: b},
		{Kind: protocol.Proposal, Server: leader, View: view, Seq: seq, Batch: b},
		{Kind: protocol.Accept, Server: peer, View: view, Seq: seq},
		{Kind: protocol.CatchUpReply, Server: peer, Seq: seq - 1, ARU: seq, List: &list},
		{Kind: protocol.PrepareOK, Server: peer, View: view, ARU: protocol.Infinity, List: &list},
		{Kind: protocol.SnapshotPart, Server: peer, Seq: seq + 9, Part: &protocol.Part{Sum: 1, Size: 200, Bytes: []byte("astray")}},
		{Kind: protocol.VCProof, Server: peer, View: view + 3, State: protocol.RegLeader, ARU: seq + 5},
		{Kind: protocol.ViewChange, Server: peer, View: view + 4},
	} {
		inputs = append(inputs, protocol.Input{Kind: protocol.Receive, Message: m})
	}
	return append(inputs, protocol.Input{Kind: protocol.Timer}, protocol.Input{Kind: protocol.Elect}, protocol.Input{Kind: protocol.Timer})
}
