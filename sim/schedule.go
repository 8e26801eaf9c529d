package sim

import (
	"fmt"

	"github.com/fauer4effect/paxos/protocol"
	"github.com/fauer4effect/paxos/sim/trace"
	"github.com/fauer4effect/paxos/sim/world"
)

// schedule puts the plan's faults and its tail on the world's calendar.
func (r *run) schedule() {
	for i := range r.plan.Faults {
		f := &r.plan.Faults[i]
		if f.On != nil {
			r.arm(f)
		} else if f.At < r.plan.Faulty {
			r.world.At(f.At, func() { r.strike(f) })
		}
	}
	r.world.At(r.plan.Faulty, r.becalm)
}

// arm prepares a fault that waits for a message.
func (r *run) arm(f *Fault) {
	t := &world.Trigger{
		Kind: kindOf(f.On.Kind), From: world.Node(f.On.From), To: world.Node(f.On.To),
		N: f.On.N, Unsynced: f.On.Unsynced, Drop: f.Do == doDrop,
	}
	if f.Do == doDelay {
		t.Delay = f.For
	}
	t.Then = func(from, _ world.Node) {
		r.traceFault(f)
		switch {
		case r.calm || !r.world.IsServer(from):
		case f.Do == doCrash && r.world.Up(from):
			r.effects[crashOnSend]++
			r.crash(from, f.For)
		}
	}
	r.world.OnMessage(t)
}

// strike makes a fault of a time happen.
func (r *run) strike(f *Fault) {
	r.traceFault(f)
	effect := f.effect(r.plan.Servers)
	switch f.Do {
	case doCrash:
		for _, id := range f.Servers {
			if n := world.Node(id); r.world.Up(n) {
				r.effects[effect]++
				r.crash(n, f.For)
			}
		}
	case doWipe:
		for _, id := range f.Servers {
			r.effects[effect]++
			r.wipe(world.Node(id), f.For)
		}
	case doElect:
		for _, id := range f.Servers {
			n := world.Node(id)
			if r.world.Up(n) {
				r.effects[elect]++
			}
			r.world.Do(n, func() { r.servers[n].step(protocol.Input{Kind: protocol.Elect}) })
		}
	default:
		f.closes(r.plan.Servers, func(from, to world.Node) {
			r.world.Cut(from, to)
			r.cutBy[from][to] = effect
		})
		if f.For > 0 && f.At+f.For < r.plan.Faulty {
			heals := r.heals
			r.world.At(f.At+f.For, func() {
				if heals == r.heals {
					f.closes(r.plan.Servers, r.world.Heal)
				}
			})
		}
	}
}

// crash ends a server's life, and begins another after a while, if one is given.
func (r *run) crash(n world.Node, down world.Instant) {
	r.world.Crash(n)
	up := r.world.Now() + down
	if down == 0 || up >= r.plan.Faulty {
		return // it restarts with the tail
	}
	r.down[n] = max(r.down[n], up)
	life := r.lives[n]
	r.world.At(up, func() {
		if !r.world.Up(n) && r.lives[n] == life && r.world.Now() >= r.down[n] {
			r.start(n)
		}
	})
}

// wipe ends a server's life, if it has one, and gives it an empty disk.
func (r *run) wipe(n world.Node, down world.Instant) {
	if r.world.Up(n) {
		r.crash(n, down)
	}
	r.wiped[n]++
	r.world.Wipe(n)
	r.checker.Wiped(r.now(), protocol.ServerID(n))
	r.say("server %d loses its disk", n)
}

// becalm begins the tail: the core is healed, the rest is broken as planned.
func (r *run) becalm() {
	r.calm = true
	r.say("calm begins: servers %s are healed", listOf(r.plan.core()))
	if r.trace != nil {
		r.trace.Event(r.now(), 0, "calm", fmt.Sprintf("core %v, broken %v, clients %v", r.plan.Tail.Core, r.plan.Tail.Broken, r.plan.Tail.Clients))
	}
	r.setLaws(world.LinkLaw{Delay: r.plan.Tail.Delay}, true)
	r.world.HealAll()
	r.world.Disarm()
	if r.plan.Tail.Sync != (world.Law{}) {
		for id := 1; id <= r.plan.Servers; id++ {
			r.world.SetDisk(world.Node(id), r.plan.Tail.Sync)
		}
	}
	down := make([]bool, r.plan.Servers+1)
	for _, b := range r.plan.Tail.Broken {
		if r.coreFormed() { // it takes all servers, and what is not formed yet could not wait
			r.breakFor(&b, down)
		}
	}
	for id := 1; id <= r.plan.Servers; id++ {
		n := world.Node(id)
		if !r.world.Up(n) && !down[id] {
			r.start(n)
		}
	}
	for _, c := range r.clients[1:] {
		if !c.live() && c.waiting {
			r.effects[quitClients]++
			c.leaveOpen()
		}
	}
}

// coreFormed says whether every server of the core takes part: once formed, a disk says so.
func (r *run) coreFormed() bool {
	if !r.plan.Formation {
		return true
	}
	for id := 1; id <= r.plan.Servers; id++ {
		if r.plan.inCore(id) && !r.checker.Departures.Formed(protocol.ServerID(id)) {
			return false
		}
	}
	return true
}

// breakFor breaks a server outside the core for good. A half-cut one keeps its clients.
func (r *run) breakFor(b *Broken, down []bool) {
	f := Fault{Do: b.How, Servers: []int{b.Server}}
	switch b.How {
	case "down":
		down[b.Server] = true
		if r.world.Up(world.Node(b.Server)) {
			r.effects[brokenDown]++
		}
		r.world.Crash(world.Node(b.Server))
		return
	case "cut":
		f.Do = doIsolate
	}
	f.closes(r.plan.Servers, func(from, to world.Node) {
		r.world.Cut(from, to)
		r.cutBy[from][to] = b.effect()
	})
}

// Delivering traces a message.
func (r *run) Delivering(from, to world.Node, p *packet) {
	if p.reply == nil {
		r.trace.Write(trace.Line{At: r.now(), Server: int(to), From: int(from), What: "deliver", Detail: p.String(), Hash: HashString(r.world.Hash())})
	}
}

func (r *run) traceDrop(from, to world.Node, p *packet, why world.Cause) {
	causes := [...]string{world.Lost: "lost", world.Cut: "cut", world.Down: "down", world.Named: "named by a fault"}
	if p.reply == nil {
		r.trace.Write(trace.Line{At: r.now(), Server: int(to), From: int(from), What: "drop", Detail: causes[why] + ": " + p.String()})
	}
}

func (r *run) traceFault(f *Fault) {
	if f.Do != doCrash && f.Do != doWipe { // each crash is told as it happens
		r.say("%v", f)
	}
	if r.trace != nil {
		r.trace.Event(r.now(), 0, "fault", f.String())
	}
}

func countOf(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
