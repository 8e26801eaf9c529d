package scenarios

import (
	"fmt"
	"math/bits"
	"strings"

	"github.com/fauer4effect/paxos/protocol"
	"github.com/fauer4effect/paxos/sim/paxos"
	"github.com/fauer4effect/paxos/sim/script"
	"github.com/fauer4effect/paxos/sim/world"
)

// witness tells a story what its machines say of themselves.
type witness struct {
	story   *script.Story
	ordered map[protocol.Seq]bool // told already; looked up, never ranged over
}

// Say passes on what the stage tells.
func (w *witness) Say(at world.Instant, text string) { w.story.Say(at, text) }

// Machine adds what a server's machine tells, where it matters to the story.
func (w *witness) Machine(at world.Instant, id protocol.ServerID, e *protocol.Event) {
	switch e.Kind {
	case protocol.Attempted:
		w.story.Say(at, fmt.Sprintf("server %d wants view %d", id, e.View))
	case protocol.Prepared:
		w.story.Say(at, fmt.Sprintf("server %d leads view %d, votes of %s", id, e.View, members(e.Servers)))
	case protocol.Returned:
		w.story.Say(at, fmt.Sprintf("server %d goes back into view %d", id, e.View))
	case protocol.Proposed:
		if len(e.Batch.Updates) == 0 {
			w.story.Say(at, fmt.Sprintf("server %d fills seq %d with a no-op in view %d", id, e.Seq, e.View))
		}
	case protocol.Ordered:
		if w.directed(e.Batch) && !w.ordered[e.Seq] {
			w.ordered[e.Seq] = true
			w.story.Say(at, fmt.Sprintf("seq %d is ordered in view %d, first on server %d: %s", e.Seq, e.View, id, w.words(e.Batch)))
		}
	case protocol.Filtered:
		w.story.Say(at, fmt.Sprintf("server %d finds a duplicate at seq %d and does not execute it again", id, e.Seq))
	case protocol.Opened:
		if name := w.clientName(e.Client); name != "" {
			w.story.Say(at, fmt.Sprintf("server %d opens client %s's session, at seq %d", id, name, e.Seq))
		}
	case protocol.Expired:
		if name := w.clientName(e.Client); name != "" {
			w.story.Say(at, fmt.Sprintf("server %d ends client %s's session, at seq %d", id, name, e.Seq))
		}
	case protocol.HandedOver:
		w.story.Say(at, fmt.Sprintf("server %d has handed over to server %s, in view %d", id, members(e.Servers), e.View))
	case protocol.RoundConfirmed:
		w.story.Say(at, fmt.Sprintf("server %d still leads view %d, say %s: reads that waited, %d", id, e.View, members(e.Servers), e.Timestamp))
	case protocol.SnapshotInstalled:
		w.story.Say(at, fmt.Sprintf("server %d installs a snapshot of the slots up to %d", id, e.Seq))
	case protocol.CatchUp:
		w.story.Say(at, fmt.Sprintf("server %d asks for the slots above %d", id, e.Seq))
	}
}

// directed says whether a batch has an update of a client that the script directs.
func (w *witness) directed(b *protocol.Batch) bool {
	for i := range b.Updates {
		if w.clientName(b.Updates[i].Client) != "" {
			return true
		}
	}
	return false
}

func (w *witness) clientName(id protocol.ClientID) string {
	if i := int(id) - w.story.Script.Plan.Workload.Clients; i > 0 {
		return paxos.DirectedName(i)
	}
	return ""
}

func (w *witness) words(b *protocol.Batch) string {
	var words []string
	for i := range b.Updates {
		if name := w.clientName(b.Updates[i].Client); name != "" {
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
	return script.List(ids)
}
