package paxos

import (
	"fmt"

	"github.com/fauer4effect/paxos/protocol"
	"github.com/fauer4effect/paxos/sim/internal/engine"
	"github.com/fauer4effect/paxos/sim/internal/words"
	"github.com/fauer4effect/paxos/sim/world"
)

// tellEvent tells what a machine says of itself.
func tellEvent(s *engine.Story, n world.Node, e *protocol.Event) {
	l := engine.Line{Kind: engine.Told, View: uint64(e.View), Seq: uint64(e.Seq)}
	if e.Batch != nil && len(e.Batch.Updates) > 0 {
		l.Client = uint32(e.Batch.Updates[0].Client)
	}
	if events[e.Kind].tell(&l, n, e); l.Text != "" {
		s.Say(n, l)
	}
}

// tellLoss tells of a message that could have mattered and does not arrive.
func tellLoss(s *engine.Story, from, to world.Node, m *protocol.Message) {
	l := engine.Line{Kind: engine.LostWord, View: uint64(m.View), Seq: uint64(m.Seq), Text: fmt.Sprintf("%v from server %d to server %d is lost", m, from, to)}
	switch m.Kind {
	case protocol.Proposal, protocol.Accept:
	case protocol.Prepare, protocol.PrepareOK, protocol.ViewChange:
		l.Seq = 0 // their seqs are ranges
	default:
		return
	}
	s.Say(from, l) // it changes nothing for its sender
}

func describe(e *protocol.Event) string {
	switch e.Kind {
	case protocol.Proposed, protocol.Accepted, protocol.Ordered:
		return fmt.Sprintf("view %d, seq %d: %v", e.View, e.Seq, e.Batch)
	case protocol.Overtook:
		return fmt.Sprintf("view %d, seq %d", e.View, e.Seq)
	case protocol.Learned, protocol.Executed:
		return fmt.Sprintf("seq %d: %v", e.Seq, e.Batch)
	case protocol.Applied, protocol.Filtered, protocol.Opened, protocol.Lapsed:
		return fmt.Sprintf("seq %d: client %d's update %d", e.Seq, e.Client, e.Timestamp)
	case protocol.Expired:
		return fmt.Sprintf("seq %d: client %d, whose last update was %d", e.Seq, e.Client, e.Timestamp)
	case protocol.Forgotten:
		return fmt.Sprintf("client %d, whose last update was %d", e.Client, e.Timestamp)
	case protocol.SnapshotTaken, protocol.SnapshotInstalled, protocol.Truncated:
		return fmt.Sprintf("1…%d", e.Seq)
	case protocol.CatchUp:
		return fmt.Sprintf("above seq %d", e.Seq)
	case protocol.RoundConfirmed:
		return fmt.Sprintf("view %d, round %d for %s", e.View, e.Seq, words.Count(int(e.Timestamp), "read"))
	case protocol.ReadConfirmed:
		return fmt.Sprintf("view %d, index %d of client %d's read %d", e.View, e.Seq, e.Client, e.Timestamp)
	case protocol.ReadAnswered:
		return fmt.Sprintf("client %d's read %d, after seq %d", e.Client, e.Timestamp, e.Seq)
	}
	return fmt.Sprintf("view %d", e.View)
}
