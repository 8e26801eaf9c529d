package paxos

import (
	"fmt"
	"io"
	"slices"

	"github.com/fauer4effect/paxos/protocol"
	"github.com/fauer4effect/paxos/sim/paxos/check"
	"github.com/fauer4effect/paxos/sim/plan"
	"github.com/fauer4effect/paxos/sim/world"
)

// ReadPlan reads a plan of our machine and refuses what it does not understand.
func ReadPlan(r io.Reader) (*plan.Plan, error) {
	p, err := plan.Decode(r)
	if err != nil {
		return nil, err
	}
	return p, Validate(p)
}

// LoadPlan reads a plan of our machine from a file.
func LoadPlan(path string) (*plan.Plan, error) { return plan.Load(path, Validate) }

// Validate says what is wrong with a plan of our machine, if anything, and where.
func Validate(p *plan.Plan) error {
	if err := InPlans().Names(p); err != nil {
		return err
	}
	if _, err := settingsOf(p); err != nil {
		return err
	}
	if err := validateApart(p); err != nil {
		return err
	}
	return p.Validate(InPlans())
}

// validateApart refuses settings of single servers that a cluster can't have (protocol.Format), and
// timers: what the calm allows is computed from those of all.
func validateApart(p *plan.Plan) error {
	if len(p.Apart) == 0 {
		return nil
	}
	all, _ := settingsOf(p)
	all = all.WithDefaults()
	for i := range p.Apart {
		id := p.Apart[i].Server
		if err := p.Server(id); err != nil {
			return fmt.Errorf("server_settings %d: %w", i+1, err)
		}
		if slices.ContainsFunc(p.Apart[:i], func(a plan.ServerSettings) bool { return a.Server == id }) {
			return fmt.Errorf("server_settings %d: server %d has two", i+1, id)
		}
		s, err := serverSettings(p, &p.Apart[i])
		if err != nil {
			return fmt.Errorf("server_settings %d: %w", i+1, err)
		}
		may := all // differ from the others in these
		may.PartBytes, may.WindowSlots, may.BatchBytes, may.PrepareSlots = s.PartBytes, s.WindowSlots, s.BatchBytes, s.PrepareSlots
		may.SnapshotSlots, may.HistorySlots, may.SessionLimit, may.Tombstones = s.SnapshotSlots, s.HistorySlots, s.SessionLimit, s.Tombstones
		switch {
		case s.Overlap != all.Overlap || (s.SessionLimit > 0) != (all.SessionLimit > 0):
			return fmt.Errorf("server_settings %d: servers may not differ in overlapped_write, nor in whether there is a session_limit", i+1)
		case s != may:
			return fmt.Errorf("server_settings %d: timers and queue_updates are the plan's settings: liveness is judged by them", i+1)
		case s.SessionLimit < all.SessionLimit || s.Tombstones < all.Tombstones:
			return fmt.Errorf("server_settings %d: no fewer sessions or tombstones than the plan's: a leader would end those of others", i+1)
		}
	}
	return nil
}

// settingsOf are the settings of the plan's machines, strictly read.
func settingsOf(p *plan.Plan) (protocol.Settings, error) {
	var s protocol.Settings
	if err := p.DecodeSettings(&s); err != nil {
		return s, err
	}
	return s, s.Validate()
}

// serverSettings are the settings of a server that has some of its own, defaults filled in.
func serverSettings(p *plan.Plan, a *plan.ServerSettings) (protocol.Settings, error) {
	s, err := settingsOf(p)
	if err == nil {
		err = a.DecodeSettings(&s)
	}
	if err == nil {
		err = s.Validate()
	}
	return s.WithDefaults(), err
}

// Timely says why the plan's calm is not fair to the protocol, nil if it is. Liveness may be asked
// for only where links and disks are timely, and where the bounds leave the time that the rules take.
func Timely(p *plan.Plan) error {
	s, err := settingsOf(p)
	if err != nil {
		return err
	}
	s = s.WithDefaults()
	sync := p.Tail.Sync.Longest()
	if p.Tail.Sync == (world.Law{}) {
		sync = p.Disk.Sync.Longest()
		for _, d := range p.Disk.Servers {
			sync = max(sync, d.Sync.Longest())
		}
	}
	live := p.Workload.Clients
	if n := len(p.Tail.Clients); n > 0 {
		live = n
	}
	switch t := &p.Tail; {
	case live > s.QueueLimit:
		return fmt.Errorf("tail: %d clients go on, and a server may have %d updates in its queue: it turns the others away", live, s.QueueLimit)
	case s.SessionLimit > 0 && live > s.SessionLimit:
		return fmt.Errorf("tail: %d clients go on, and there may be %d sessions: they end each other's", live, s.SessionLimit)
	case t.Delay.Longest() > world.Instant(s.Stagger)/3:
		return fmt.Errorf("tail: delay may take %d ns, over a third of the stagger", t.Delay.Longest())
	case sync > world.Instant(s.Timeout)/16:
		return fmt.Errorf("tail: sync may take %d ns, over a sixteenth of the timeout", sync)
	case t.Settle < settleBound(p, s):
		return fmt.Errorf("tail: settle_ns %d is below %d, which the rules allow", t.Settle, settleBound(p, s))
	case t.Answer < answerBound(p, s):
		return fmt.Errorf("tail: answer_ns %d is below %d, which the rules allow", t.Answer, answerBound(p, s))
	}
	return nil
}

// settleBound is how long the calm may take to find a leader that serves. An idle cluster has no need of
// one, so a client must first find a server that takes its update.
func settleBound(p *plan.Plan, s protocol.Settings) world.Instant {
	return p.SettleWithin(settles(p, s))
}

// settles is what the rules allow the servers until a leader serves:
//
//   - the view that was under way, the one that serves, and one for each server outside the core that
//     is to lead and does not. Each costs a timeout at its ceiling (X9), a stagger for each server
//     (X10), and the messages of an election;
//   - where disks must meet first (X18): three messages and a record, each perhaps once more;
//   - where a deaf or mute server remains: updates that starve under a leader out of reach (X23), and
//     are then sent to all (X22).
func settles(p *plan.Plan, s protocol.Settings) world.Instant {
	ceiling, stagger := world.Instant(s.Ceiling), world.Instant(s.Stagger)
	view := ceiling + stagger*world.Instant(p.Servers) + electionMessages
	if p.Formation {
		view += ceiling/4 + 2*world.Instant(s.Retransmit)
	}
	outside := p.Servers - len(p.CoreServers())
	bound := world.Instant(outside+2)*view + slack
	for _, b := range p.Tail.Broken {
		if b.How == string(plan.Deaf) || b.How == string(plan.Mute) {
			bound += starvingTimeouts*ceiling + 2*world.Instant(s.UpdateTimer)
			break
		}
	}
	return bound
}

// answerBound is how long an answer may take once a leader serves. The server that has the update sends
// it on, and to all when its timer says so (X22). A message or a record may need a second try.
func answerBound(p *plan.Plan, s protocol.Settings) world.Instant {
	return p.AnswerWithin(4*world.Instant(s.UpdateTimer) + slack)
}

const (
	electionMessages = 150 * world.Millisecond // of one view, on the calm's links and disks
	slack            = 500 * world.Millisecond // for what no rule counts: queues of messages and records
	// starvingTimeouts is protocol.StarvingTimeouts, written down again: what judges the machine must not
	// change with it. A test compares them.
	starvingTimeouts = 6
)

// kindOf is the kind of message of that name, 0 for none.
func kindOf(name string) uint8 {
	return uint8(max(0, slices.Index(protocol.KindNames(), name)))
}

// calmOf is what the checker must know of the plan's tail.
func calmOf(p *plan.Plan) check.Calm {
	c := check.Calm{From: int64(p.Faulty), Settle: int64(p.Tail.Settle), Answer: int64(p.Tail.Answer)}
	for id := 1; id <= p.Servers; id++ {
		if p.InCore(id) {
			c.Core |= 1 << id
		}
	}
	return c
}
