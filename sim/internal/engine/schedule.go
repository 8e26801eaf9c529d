package engine

import (
	"fmt"

	"github.com/fauer4effect/paxos/sim/internal/words"
	"github.com/fauer4effect/paxos/sim/plan"
	"github.com/fauer4effect/paxos/sim/trace"
	"github.com/fauer4effect/paxos/sim/world"
)

// schedule puts the plan's faults and its tail on the world's calendar.
func (r *Run) schedule() {
	for i := range r.Plan.Faults {
		f := &r.Plan.Faults[i]
		if f.On != nil {
			r.arm(i+1, f)
		} else if f.At < r.Plan.Faulty {
			r.World.At(f.At, func() { r.strike(f) })
		}
	}
	r.World.At(r.Plan.Faulty, r.becalm)
}

// within schedules something for a later time, if that comes before the calm.
func (r *Run) within(at world.Instant, do func()) {
	if at < r.Plan.Faulty {
		r.World.At(at, do)
	}
}

// during makes something hold for a fault's time, and calls undo at its end. A fault without an end
// lasts until the calm.
func (r *Run) during(f *plan.Fault, undo func()) {
	if f.For > 0 {
		r.within(r.World.Now()+f.For, undo)
	}
}

// strike makes a fault of a time happen.
func (r *Run) strike(f *plan.Fault) {
	if f.Leader {
		leader := r.System.Leader()
		if leader == 0 {
			r.Tell(0, "fault", f.String()+": nobody leads")
			return
		}
		struck := *f
		struck.Servers = []int{int(leader)}
		f = &struck
	}
	r.traceFault(f)
	strikes[f.Do](r, f)
}

// pause lets a server stand still.
func (r *Run) pause(n world.Node, f *plan.Fault) {
	nd := &r.Nodes[n]
	nd.resume = max(nd.resume, f.Until(r.World.Now(), r.Plan.Faulty))
	r.World.Pause(n)
	r.within(nd.resume, func() {
		if r.World.Paused(n) && r.World.Now() >= nd.resume {
			r.World.Resume(n)
		}
	})
}

// crash ends a server's life, and begins another after a while, if one is given.
func (r *Run) crash(n world.Node, down world.Instant) {
	r.World.Crash(n)
	nd := &r.Nodes[n]
	up := r.World.Now() + down
	if down == 0 || up >= r.Plan.Faulty {
		return // it restarts with the tail
	}
	nd.down = max(nd.down, up)
	life := nd.Lives
	r.World.At(up, func() {
		if !r.World.Up(n) && nd.Lives == life && r.World.Now() >= nd.down {
			r.start(n)
		}
	})
}

// SyncFailed ends a server whose disk refused a sync: nobody knows what that sync wrote.
func (r *Run) SyncFailed(n world.Node) {
	nd := &r.Nodes[n]
	down, effect := nd.restart, plan.FailSync
	if left := nd.full - r.World.Now(); left > 0 {
		down, effect = left, plan.Full
	}
	r.Effects[effect.Effect()]++
	r.Say("server %d can't sync, and ends", n)
	r.crash(n, down)
}

// wipe ends a server's life, if it has one, and gives it an empty disk.
func (r *Run) wipe(n world.Node, down world.Instant) {
	if r.World.Up(n) {
		r.crash(n, down)
	}
	r.Nodes[n].Wiped++
	r.Nodes[n].Damage, r.Nodes[n].dead = "", false
	r.World.Wipe(n)
	r.System.Wiped(n)
	r.Say("server %d loses its disk", n)
	r.Tell(n, "wipe", "its disk is empty")
}

// Survive is how many of the records that a crash may take outlive it: by the plan's law of
// disks. size gives the bytes of one.
func (r *Run) Survive(n world.Node, records int, size func(i int) int) int {
	nd := &r.Nodes[n]
	name := []uint64{uint64(n), uint64(nd.Lives), uint64(nd.Wiped)}
	kept := 0
	switch r.Plan.Disk.Crash {
	case plan.CrashTorn:
		total := 0
		for i := range records {
			total += size(i)
		}
		torn := int(world.Below(world.Draw(r.Plan.Seed, append(name, drawSurvive)...), uint64(total)))
		for kept < records && torn >= size(kept) {
			torn -= size(kept)
			kept++
		}
		nd.Torn = uint64(torn)
	case plan.CrashScattered: // each is there or not; what comes after a gap is of no use
		draw := world.Draw(r.Plan.Seed, append(name, drawSurvive)...)
		for kept < min(records, 64) && draw>>kept&1 == 1 {
			kept++
		}
	}
	if kept > 0 {
		r.Effects[plan.Survived]++
	}
	return kept
}

// heal takes back all that keeps messages from getting through: cuts, clogs and omissions, however long
// they were to last.
func (r *Run) heal() {
	r.heals++
	r.World.HealAll()
	for _, rule := range r.omissions {
		r.World.RemoveRule(rule)
	}
	r.omissions = nil
}

// becalm begins the tail: the core is healed, the rest is broken as planned.
func (r *Run) becalm() {
	r.Calm = true
	r.Say("calm begins: servers %s are healed", words.List(r.Plan.CoreServers()))
	if r.Trace != nil {
		r.Trace.Event(r.now(), 0, "calm", fmt.Sprintf("core %v, broken %v, clients %v", r.Plan.Tail.Core, r.Plan.Tail.Broken, r.Plan.Tail.Clients))
	}
	r.setLaws(world.LinkLaw{Delay: r.Plan.Tail.Delay}, true)
	r.heal()
	r.World.Disarm()
	for id := 1; id <= r.Plan.Servers; id++ {
		r.becalmServer(world.Node(id))
	}
	down := make([]bool, r.Plan.Servers+1)
	for _, b := range r.Plan.Tail.Broken {
		if r.CoreReady() { // it takes all servers, and what is not formed yet could not wait
			r.breakFor(&b, down)
		}
	}
	for id := 1; id <= r.Plan.Servers; id++ {
		n := world.Node(id)
		if !r.World.Up(n) && !down[id] {
			r.start(n)
		}
	}
	for _, c := range r.Clients[1:] {
		c.becalm()
		if !c.Live() && c.Waiting {
			r.Effects[plan.Quit]++
			c.leaveOpen()
		}
	}
}

// becalmServer takes back what slows one server, and gives its disk the tail's law.
func (r *Run) becalmServer(n world.Node) {
	nd := &r.Nodes[n]
	nd.slow, nd.shuffle, nd.full = 0, 0, 0
	r.World.Slow(n, 0)
	r.World.Shuffle(n, 0)
	r.World.CalmDisk(n)
	if r.World.Paused(n) {
		r.World.Resume(n)
	}
	if r.Plan.Tail.Sync != (world.Law{}) {
		r.World.SetDisk(n, r.Plan.Tail.Sync)
	}
}

// CoreReady says whether every server of the core takes part.
func (r *Run) CoreReady() bool {
	for id := 1; id <= r.Plan.Servers; id++ {
		if r.Plan.InCore(id) && !r.System.Ready(world.Node(id)) {
			return false
		}
	}
	return true
}

// breakFor breaks a server outside the core for good. A half-cut one keeps its clients.
func (r *Run) breakFor(b *plan.Broken, down []bool) {
	f := plan.Fault{Do: plan.Kind(b.How), Servers: []int{b.Server}}
	switch b.How {
	case "down":
		down[b.Server] = true
		if r.World.Up(world.Node(b.Server)) {
			r.Effects[plan.TailDown]++
		}
		r.World.Crash(world.Node(b.Server))
		return
	case "cut":
		f.Do = plan.Isolate
	}
	f.EachLink(r.Plan.Servers, func(from, to world.Node) {
		r.World.Cut(from, to)
		r.cutBy[from][to] = b.Effect()
	})
}

func (r *Run) TraceDrop(from, to world.Node, what string, why world.Cause) {
	causes := [...]string{world.Lost: "lost", world.Cut: "cut", world.Down: "down", world.Named: "named by a fault", world.Overflow: "queue full", world.Omitted: "omitted"}
	r.Trace.Write(trace.Line{At: r.now(), Server: int(to), From: int(from), What: "drop", Detail: causes[why] + ": " + what})
}

func (r *Run) traceFault(f *plan.Fault) {
	if f.Do != plan.Crash && f.Do != plan.Wipe { // each crash is told as it happens
		r.Say("%v", f)
	}
	r.Tell(0, "fault", f.String())
	if r.Story != nil && f.Do != plan.Crash && f.Do != plan.Wipe && f.Do != plan.Drop {
		r.Story.Tell(r.World.Now(), 0, Line{Kind: Struck, Text: "fault: " + f.String()})
	}
}
