package scenarios

import (
	"fmt"
	"math/bits"
	"strings"

	"github.com/fauer4effect/paxos/protocol"
	"github.com/fauer4effect/paxos/sim/paxos"
	"github.com/fauer4effect/paxos/sim/world"
)

// transcript is the story as told: one line an event that a person would mention. It is
// deterministic, and what one pastes into a bug report.
type transcript struct{ strings.Builder }

func (t *transcript) line(at world.Instant, text string) {
	fmt.Fprintf(t, "%8.3fs  %s\n", float64(at)/float64(second), text)
}

// say adds a line of the script's own doing.
func (st *story) say(format string, args ...any) {
	st.transcript.line(st.stage.Now(), fmt.Sprintf(format, args...))
}

// Say adds what the stage tells.
func (st *story) Say(at world.Instant, text string) {
	if !st.quiet {
		st.transcript.line(at, text)
	}
}

// Machine adds what a server's machine tells, where it matters to the story.
func (st *story) Machine(at world.Instant, id protocol.ServerID, e *protocol.Event) {
	switch e.Kind {
	case protocol.Attempted:
		st.transcript.line(at, fmt.Sprintf("server %d wants view %d", id, e.View))
	case protocol.Prepared:
		st.transcript.line(at, fmt.Sprintf("server %d leads view %d, votes of %s", id, e.View, members(e.Servers)))
	case protocol.Returned:
		st.transcript.line(at, fmt.Sprintf("server %d goes back into view %d", id, e.View))
	case protocol.Proposed:
		if len(e.Batch.Updates) == 0 {
			st.transcript.line(at, fmt.Sprintf("server %d fills seq %d with a no-op in view %d", id, e.Seq, e.View))
		}
	case protocol.Ordered:
		if st.directed(e.Batch) && !st.ordered[e.Seq] {
			st.ordered[e.Seq] = true
			st.transcript.line(at, fmt.Sprintf("seq %d is ordered in view %d, first on server %d: %s", e.Seq, e.View, id, st.words(e.Batch)))
		}
	case protocol.Filtered:
		st.transcript.line(at, fmt.Sprintf("server %d finds a duplicate at seq %d and does not execute it again", id, e.Seq))
	case protocol.Opened:
		if name := st.clientName(e.Client); name != "" {
			st.transcript.line(at, fmt.Sprintf("server %d opens client %s's session, at seq %d", id, name, e.Seq))
		}
	case protocol.Expired:
		if name := st.clientName(e.Client); name != "" {
			st.transcript.line(at, fmt.Sprintf("server %d ends client %s's session, at seq %d", id, name, e.Seq))
		}
	case protocol.HandedOver:
		st.transcript.line(at, fmt.Sprintf("server %d has handed over to server %s, in view %d", id, members(e.Servers), e.View))
	case protocol.RoundConfirmed:
		st.transcript.line(at, fmt.Sprintf("server %d still leads view %d, say %s: reads that waited, %d", id, e.View, members(e.Servers), e.Timestamp))
	case protocol.SnapshotInstalled:
		st.transcript.line(at, fmt.Sprintf("server %d installs a snapshot of the slots up to %d", id, e.Seq))
	case protocol.CatchUp:
		st.transcript.line(at, fmt.Sprintf("server %d asks for the slots above %d", id, e.Seq))
	}
}

// directed says whether a batch has an update of a client that the script directs.
func (st *story) directed(b *protocol.Batch) bool {
	for i := range b.Updates {
		if st.clientName(b.Updates[i].Client) != "" {
			return true
		}
	}
	return false
}

func (st *story) clientName(id protocol.ClientID) string {
	if i := int(id) - st.script.plan.Workload.Clients; i > 0 {
		return paxos.DirectedName(i)
	}
	return ""
}

// clientID is the i-th directed client as the machine knows it.
func (st *story) clientID(i int) protocol.ClientID {
	return protocol.ClientID(st.script.plan.Workload.Clients + i)
}

func (st *story) words(b *protocol.Batch) string {
	var words []string
	for i := range b.Updates {
		if name := st.clientName(b.Updates[i].Client); name != "" {
			what := "update"
			if b.Updates[i].Kind == protocol.OpenSession {
				what = "opening"
			}
			words = append(words, fmt.Sprintf("client %s's %s %d", name, what, b.Updates[i].Timestamp))
		}
	}
	return strings.Join(words, ", ")
}

func members(set uint16) string {
	var ids []int
	for id := range 16 {
		if bits.OnesCount16(set&(1<<id)) == 1 {
			ids = append(ids, id)
		}
	}
	return list(ids)
}

func list(ids []int) string {
	if len(ids) == 0 {
		return "none"
	}
	return strings.Trim(fmt.Sprint(ids), "[]")
}
