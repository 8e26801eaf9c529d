package engine

import (
	"github.com/fauer4effect/paxos/sim/plan"
	"github.com/fauer4effect/paxos/sim/world"
)

// named is a fault that waits for the event which it names.
type named struct {
	fault  *plan.Fault
	number int // in the plan, from 1
	kind   uint8
	seen   uint32
}

// arm prepares a fault that waits for an event. The world counts the messages that leave a node.
// Arrivals, syncs and starts are counted here.
func (r *Run) arm(number int, f *plan.Fault) {
	n := &named{fault: f, number: number, kind: r.System.Kind(f.On.Kind)}
	r.Named = append(r.Named, n)
	if f.On.Arrives || n.kind == 0 {
		return
	}
	t := &world.Trigger{
		Kind: n.kind, From: world.Node(f.On.From), To: world.Node(f.On.To),
		N: f.On.N, Unsynced: f.On.Unsynced, Drop: f.Do == plan.Drop, Count: &n.seen,
	}
	if f.Do == plan.Delay {
		t.Delay = f.For
	}
	t.Then = func(from, _ world.Node) { r.struck(n, from) }
	r.World.OnMessage(t)
}

// missed are the faults whose event has not occurred, or not as often as they wait for it.
func (r *Run) missed() []Missed {
	var all []Missed
	for _, n := range r.Named {
		if n.seen < n.fault.On.N {
			all = append(all, Missed{Fault: n.number, Seen: n.seen})
		}
	}
	return all
}

// struck makes the fault of an event happen.
func (r *Run) struck(n *named, to world.Node) {
	if r.Calm {
		return
	}
	r.traceFault(n.fault)
	if n.fault.Do != plan.Crash || !r.World.IsServer(to) || !r.World.Up(to) {
		return
	}
	r.Effects[n.fault.Counts(r.Plan.Servers).Effect()]++
	r.crash(to, n.fault.For)
}

// ArrivedAt counts a message that a server has taken.
func (r *Run) ArrivedAt(to, from world.Node, kind uint8) {
	for _, n := range r.Named {
		if n.kind != kind {
			continue
		}
		on := n.fault.On
		if on.Arrives && (on.From == 0 || on.From == int(from)) && (on.To == 0 || on.To == int(to)) {
			r.count(n, to)
		}
	}
}

// occurred counts an event of one server.
func (r *Run) occurred(kind string, at world.Node) {
	for _, n := range r.Named {
		if on := n.fault.On; on.Kind == kind && (on.From == 0 || on.From == int(at)) {
			r.count(n, at)
		}
	}
}

// count counts an event, and makes the fault happen once the event is over, if it is the one.
func (r *Run) count(n *named, at world.Node) {
	if r.Calm {
		return
	}
	if n.seen++; n.seen == n.fault.On.N {
		r.World.After(func() { r.struck(n, at) })
	}
}

// Synced counts a sync of a server.
func (r *Run) Synced(n world.Node) {
	if len(r.Named) > 0 {
		r.occurred(plan.OnSync, n)
	}
}
