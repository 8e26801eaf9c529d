package check

import (
	"fmt"

	"github.com/fauer4effect/paxos/protocol"
	"github.com/fauer4effect/paxos/sim/internal/words"
)

// Calm is the end of a run, in which a core of servers, at least a majority, is healed and
// left in peace. Only there can liveness be asked for. Times are virtual nanoseconds.
type Calm struct {
	From   int64 // when the core is healed
	Settle int64 // how long it may take to find a leader that serves; f dead ones may come before it
	Answer int64 // how long an operation may take after that
	Core   uint16
}

// Has says whether the server belongs to the core.
func (c *Calm) Has(id protocol.ServerID) bool { return c.Core&(1<<id) != 0 }

// Answered is L1: every update that a live client keeps sending is answered, per client.
type Answered struct {
	verdict
	calm *Calm
}

// Waiting says that a client which has not given up has waited for an answer since call.
func (a *Answered) Waiting(now int64, client protocol.ClientID, ts protocol.Timestamp, call int64) {
	if now > max(a.calm.From+a.calm.Settle, call+a.calm.Answer) {
		a.c.now = now
		a.fail("L1", "client %d's operation %d, sent at %ss, is unanswered %ss after servers %v were healed at %ss",
			client, ts, words.Seconds(call, 3), words.Seconds(now-a.calm.From, 3), members(a.calm.Core), words.Seconds(a.calm.From, 3))
	}
}

// Settled is L2: in the calm, views settle.
type Settled struct {
	verdict
	calm *Calm
}

func (s *Settled) installed(id protocol.ServerID, e *protocol.Event) {
	if s.c.now > s.calm.From+s.calm.Settle && s.calm.Has(id) {
		s.fail("L2", "server %d installs view %d, %ss after servers %v were healed; views should have settled within %ss",
			id, e.View, words.Seconds(s.c.now-s.calm.From, 3), members(s.calm.Core), words.Seconds(s.calm.Settle, 3))
	}
}

// Converged is L3: at the end all servers of the core have executed the same slots and
// have the same application state.
type Converged struct {
	verdict
	calm *Calm
	ends []End
}

// End is where a server of the core stands at the end of a run.
type End struct {
	ID    protocol.ServerID
	ARU   protocol.Seq
	State uint64 // hash of the application
}

// Ended takes one server's end. At the end of a run it is called for every server.
func (c *Converged) Ended(now int64, e End) {
	if !c.calm.Has(e.ID) {
		return
	}
	c.c.now = now
	c.ends = append(c.ends, e)
	if first := c.ends[0]; first.ARU != e.ARU || first.State != e.State {
		c.fail("L3", "at the end %v, but %v", first, e)
	}
}

func (e End) String() string {
	return fmt.Sprintf("server %d has executed 1…%d with state %016x", e.ID, e.ARU, e.State)
}
