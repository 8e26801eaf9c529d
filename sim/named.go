package sim

import (
	"github.com/fauer4effect/paxos/sim/world"
)

// named is a fault that waits for the event which it names.
type named struct {
	fault  *Fault
	number int // in the plan, from 1
	kind   uint8
	seen   uint32
}

// arm prepares a fault that waits for an event. What leaves a node the world counts; what
// arrives, syncs and starts are counted here.
func (r *run) arm(number int, f *Fault) {
	n := &named{fault: f, number: number, kind: r.system.kind(f.On.Kind)}
	r.named = append(r.named, n)
	if f.On.Arrives || n.kind == 0 {
		return
	}
	t := &world.Trigger{
		Kind: n.kind, From: world.Node(f.On.From), To: world.Node(f.On.To),
		N: f.On.N, Unsynced: f.On.Unsynced, Drop: f.Do == Drop, Count: &n.seen,
	}
	if f.Do == Delay {
		t.Delay = f.For
	}
	t.Then = func(from, _ world.Node) { r.struck(n, from) }
	r.world.OnMessage(t)
}

// missed are the faults whose event has not occurred, or not as often as they wait for it.
func (r *run) missed() []Missed {
	var all []Missed
	for _, n := range r.named {
		if n.seen < n.fault.On.N {
			all = append(all, Missed{Fault: n.number, Seen: n.seen})
		}
	}
	return all
}

// struck makes the fault of an event happen.
func (r *run) struck(n *named, to world.Node) {
	if r.calm {
		return
	}
	r.traceFault(n.fault)
	if n.fault.Do != Crash || !r.world.IsServer(to) || !r.world.Up(to) {
		return
	}
	r.effects[n.fault.Counts(r.plan.Servers).Effect()]++
	r.crash(to, n.fault.For)
}

// arrivedAt counts a message that a server has taken.
func (r *run) arrivedAt(to, from world.Node, kind uint8) {
	for _, n := range r.named {
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
func (r *run) occurred(kind string, at world.Node) {
	for _, n := range r.named {
		if on := n.fault.On; on.Kind == kind && (on.From == 0 || on.From == int(at)) {
			r.count(n, at)
		}
	}
}

// count counts an event, and makes the fault happen once the event is over, if it is the one.
func (r *run) count(n *named, at world.Node) {
	if r.calm {
		return
	}
	if n.seen++; n.seen == n.fault.On.N {
		r.world.After(func() { r.struck(n, at) })
	}
}

// synced counts a sync of a server.
func (r *run) synced(n world.Node) {
	if len(r.named) > 0 {
		r.occurred(OnSync, n)
	}
}
