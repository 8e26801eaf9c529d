package engine

import (
	"fmt"

	"github.com/fauer4effect/paxos/protocol/kv"
	"github.com/fauer4effect/paxos/sim/finding"
	"github.com/fauer4effect/paxos/sim/plan"
	"github.com/fauer4effect/paxos/sim/world"
)

// Stage is a run that somebody directs step by step, while all properties are checked as in
// any run. Between two calls nothing happens. One goroutine owns it.
type Stage struct {
	run  *Run
	plan *plan.Plan
}

// Listener is told what happens on a Stage, as it happens.
type Listener interface {
	// Say is told in words: crashes, restarts, faults, clients.
	Say(at world.Instant, text string)
}

// Answer is what a directed client got for its last operation.
type Answer struct {
	Op     kv.Op
	Result kv.Result
	By     int           // the server that replied
	Lapsed bool          // the session is expired: there is no Result (X26)
	Took   world.Instant // since it was first sent
}

// Direct begins the run as one that is directed.
func (r *Run) Direct(l Listener) *Stage {
	s := &Stage{run: r, plan: r.Plan}
	r.listener = l
	s.act(r.Begin)
	return s
}

// act calls f, and turns a panic of the machine into a finding.
func (s *Stage) act(f func()) {
	defer s.run.caught()
	f()
}

// Now is the virtual time.
func (s *Stage) Now() world.Instant { return s.run.World.Now() }

// Violation is the first property found broken, nil for none.
func (s *Stage) Violation() *finding.Violation { return s.run.System.Violation() }

// Run lets virtual time pass, up to the first violation.
func (s *Stage) Run(d world.Instant) { s.Until(d, func() bool { return false }) }

// Until lets time pass until the condition holds, and says whether it came to hold within
// the limit. The condition is looked at after every event.
func (s *Stage) Until(limit world.Instant, holds func() bool) bool {
	if holds() {
		return true
	}
	held := false
	s.act(func() {
		s.run.World.AdvanceTo(s.Now()+limit, func() bool {
			held = holds()
			return held || s.Violation() != nil
		})
	})
	return held && s.Violation() == nil
}

// Strike makes a fault that has no message to wait for happen now.
func (s *Stage) Strike(f plan.Fault) {
	f.At = s.Now()
	s.act(func() { s.run.strike(&f) })
}

// HandOver has a server, if it leads, give way to another.
func (s *Stage) HandOver(from, to int) {
	s.act(func() { s.run.World.Do(world.Node(from), func() { s.run.System.HandOver(world.Node(from), to) }) })
}

// Heal takes all cuts, clogs and omissions back.
func (s *Stage) Heal() { s.run.heal() }

// HealLink takes the cuts of one direction back.
func (s *Stage) HealLink(from, to int) {
	for s.run.World.IsCut(world.Node(from), world.Node(to)) {
		s.run.World.Heal(world.Node(from), world.Node(to))
	}
}

// Restart begins a new life of a server that is down.
func (s *Stage) Restart(id int) { s.act(func() { s.run.start(world.Node(id)) }) }

// Pause stops a server as it stands; Resume lets it go on with what has come meanwhile.
func (s *Stage) Pause(id int) { s.run.World.Pause(world.Node(id)) }

// Resume lets a paused server go on.
func (s *Stage) Resume(id int) { s.act(func() { s.run.World.Resume(world.Node(id)) }) }

// Slow makes each message from or to the server take longer.
func (s *Stage) Slow(id int, by world.Instant) { s.run.World.Slow(world.Node(id), by) }

// AddRule puts a rule of the network in force.
func (s *Stage) AddRule(r *world.Rule) { s.run.World.AddRule(r) }

// RemoveRule takes a rule away; what it holds stays held.
func (s *Stage) RemoveRule(r *world.Rule) { s.run.World.RemoveRule(r) }

// Held is how many messages that match the filter a rule holds.
func (s *Stage) Held(r *world.Rule, filter world.Rule) int { return s.run.World.Held(r, filter) }

// Release sends up to n messages that a rule holds and that match the filter.
func (s *Stage) Release(r *world.Rule, filter world.Rule, n int) int {
	return s.run.World.Release(r, filter, n)
}

// Leader is the server that leads, 0 for none or more. One that was deposed elsewhere does not count.
func (s *Stage) Leader() int { return int(s.run.System.Leader()) }

// Leads says whether a server believes that it leads, whatever the others do.
func (s *Stage) Leads(id int) bool { return s.run.System.Leads(world.Node(id)) }

// Up says whether a server is alive; a paused one is.
func (s *Stage) Up(id int) bool { return s.run.World.Up(world.Node(id)) }

// Paused says whether a server is paused.
func (s *Stage) Paused(id int) bool { return s.run.World.Paused(world.Node(id)) }

// Durable is how many of a server's records survive a crash.
func (s *Stage) Durable(id int) uint64 { return s.run.World.Durable(world.Node(id)) }

// Unsynced is how many records a crash of the server would take.
func (s *Stage) Unsynced(id int) int { return s.run.World.Unsynced(world.Node(id)) }

// Kept is how many records a server's disk holds.
func (s *Stage) Kept(id int) uint64 { return s.run.World.Kept(world.Node(id)) }

// Updates is how many operations of clients have been answered.
func (s *Stage) Updates() uint64 { return s.run.Updates }

// Effects are the run's effects so far.
func (s *Stage) Effects() plan.Effects { return s.run.Effects }

// Missed are the plan's faults that wait for an event which has not occurred so far.
func (s *Stage) Missed() []Missed { return s.run.missed() }

// Hash identifies all that happened so far.
func (s *Stage) Hash() uint64 { return s.run.World.Hash() }

// client is the i-th directed client, from 1.
func (s *Stage) client(i int) *Client { return s.run.Clients[s.plan.Workload.Clients+i] }

// Send makes directed client i, from 1, send an operation to a server. It repeats it there
// on each of its timeouts, and at the next server if roam is set, until it is answered. One
// that is still waiting gives its operation up first.
func (s *Stage) Send(i int, op kv.Op, via int, roam bool) { s.send(i, op, false, via, roam) }

// Read is Send of a get without a log append (X20).
func (s *Stage) Read(i int, key string, via int, roam bool) {
	s.send(i, kv.Op{Kind: kv.Get, Key: key}, true, via, roam)
}

func (s *Stage) send(i int, op kv.Op, read bool, via int, roam bool) {
	s.Run(1) // what is sent now comes after what was answered, not at the same time
	c := s.client(i)
	s.act(func() {
		c.leaveOpen()
		c.Timestamp++
		c.Key = s.run.keys.directed(op.Key)
		c.Target, c.roams, c.read = via, roam, read
		how := ""
		if read {
			how = ", without the log"
		}
		s.run.Say("client %s asks server %d: %v%s", DirectedName(i), via, op, how)
		s.run.World.Do(c.Node, func() { c.Op = op; c.begin() })
	})
}

// Waiting says whether directed client i waits for an answer.
func (s *Stage) Waiting(i int) bool { return s.client(i).Waiting }

// Answer is the last answer that directed client i got.
func (s *Stage) Answer(i int) Answer { return s.client(i).last }

// DirectedName is the name of directed client i: a, b, c …
func DirectedName(i int) string { return string(rune('a' + i - 1)) }

// Judge asks porcupine about all that clients did so far, and fails the run if no order
// explains it. Operations that are still open count as possibly done; they stay open.
func (s *Stage) Judge() {
	s.act(func() {
		for _, c := range s.run.Clients[1:] {
			if c.Waiting {
				c.Key.History = append(c.Key.History, c.open())
				defer func(k *Key, n int) { k.History = k.History[:n] }(c.Key.Key, len(c.Key.History)-1)
			}
		}
		s.run.keys.judgeRest()
	})
}

// Report ends the run as its plan's own Run would, if it has come to the plan's end.
func (s *Stage) Report() *Report {
	s.act(s.run.finish)
	return s.run.Report()
}

// refused tells of a directed client whose session is expired.
func (c *Client) refused(from world.Node) {
	c.last = Answer{Op: c.Op, Lapsed: true, By: int(from), Took: c.Run.World.Now() - c.Call}
	c.WakeAt = world.Never
	c.Run.Say("client %s hears from server %d that its session is expired: %v", c.Name(), from, c.Op)
}

// answered tells of a directed client's answer.
func (c *Client) answered(from world.Node, result kv.Result) {
	c.last = Answer{Op: c.Op, Result: result, By: int(from), Took: c.Run.World.Now() - c.Call}
	c.WakeAt = world.Never
	c.Run.Say("client %s has its answer from server %d: %v", c.Name(), from, result)
}

// Name is that of a directed client.
func (c *Client) Name() string { return DirectedName(int(c.ID) - c.Run.Plan.Workload.Clients) }

// Say tells the listener, if there is one.
func (r *Run) Say(format string, args ...any) {
	if r.listener != nil {
		r.listener.Say(r.World.Now(), fmt.Sprintf(format, args...))
	}
}
