package sim

import (
	"fmt"

	"github.com/fauer4effect/paxos/sim/trace"
	"github.com/fauer4effect/paxos/sim/world"
)

// schedule puts the plan's faults and its tail on the world's calendar.
func (r *run) schedule() {
	for i := range r.plan.Faults {
		f := &r.plan.Faults[i]
		if f.On != nil {
			r.arm(i+1, f)
		} else if f.At < r.plan.Faulty {
			r.world.At(f.At, func() { r.strike(f) })
		}
	}
	r.world.At(r.plan.Faulty, r.becalm)
}

// within schedules something for a later time, if that comes before the calm.
func (r *run) within(at world.Instant, do func()) {
	if at < r.plan.Faulty {
		r.world.At(at, do)
	}
}

// during makes something hold for a fault's time: undo comes at its end, or never where the
// fault has none, until the calm.
func (r *run) during(f *Fault, undo func()) {
	if f.For > 0 {
		r.within(r.world.Now()+f.For, undo)
	}
}

// strike makes a fault of a time happen.
func (r *run) strike(f *Fault) {
	if f.Leader {
		leader := r.system.leader()
		if leader == 0 {
			r.tell(0, "fault", f.String()+": nobody leads")
			return
		}
		f = &Fault{At: f.At, Do: f.Do, Servers: []int{int(leader)}, For: f.For, By: f.By, Leader: true}
	}
	r.traceFault(f)
	strikes[f.Do](r, f)
}

// pause lets a server stand still.
func (r *run) pause(n world.Node, f *Fault) {
	nd := &r.nodes[n]
	nd.resume = max(nd.resume, f.Until(r.world.Now(), r.plan.Faulty))
	r.world.Pause(n)
	r.within(nd.resume, func() {
		if r.world.Paused(n) && r.world.Now() >= nd.resume {
			r.world.Resume(n)
		}
	})
}

// crash ends a server's life, and begins another after a while, if one is given.
func (r *run) crash(n world.Node, down world.Instant) {
	r.world.Crash(n)
	nd := &r.nodes[n]
	up := r.world.Now() + down
	if down == 0 || up >= r.plan.Faulty {
		return // it restarts with the tail
	}
	nd.down = max(nd.down, up)
	life := nd.lives
	r.world.At(up, func() {
		if !r.world.Up(n) && nd.lives == life && r.world.Now() >= nd.down {
			r.start(n)
		}
	})
}

// syncFailed ends a server whose disk refused a sync: what that wrote nobody knows.
func (r *run) syncFailed(n world.Node) {
	nd := &r.nodes[n]
	down, effect := nd.restart, FailSync
	if left := nd.full - r.world.Now(); left > 0 {
		down, effect = left, Full
	}
	r.effects[effect.Effect()]++
	r.say("server %d can't sync, and ends", n)
	r.crash(n, down)
}

// wipe ends a server's life, if it has one, and gives it an empty disk.
func (r *run) wipe(n world.Node, down world.Instant) {
	if r.world.Up(n) {
		r.crash(n, down)
	}
	r.nodes[n].wiped++
	r.nodes[n].damage, r.nodes[n].dead = "", false
	r.world.Wipe(n)
	r.system.wiped(n)
	r.say("server %d loses its disk", n)
	r.tell(n, "wipe", "its disk is empty")
}

// survive is how many of the records that a crash may take outlive it: by the plan's law of
// disks. size gives the bytes of one.
func (r *run) survive(n world.Node, records int, size func(i int) int) int {
	nd := &r.nodes[n]
	name := []uint64{uint64(n), uint64(nd.lives), uint64(nd.wiped)}
	kept := 0
	switch r.plan.Disk.Crash {
	case CrashTorn:
		total := 0
		for i := range records {
			total += size(i)
		}
		torn := int(world.Below(world.Draw(r.plan.Seed, append(name, drawSurvive)...), uint64(total)))
		for kept < records && torn >= size(kept) {
			torn -= size(kept)
			kept++
		}
		nd.torn = uint64(torn)
	case CrashScattered: // each is there or not; what comes after a gap is of no use
		draw := world.Draw(r.plan.Seed, append(name, drawSurvive)...)
		for kept < min(records, 64) && draw>>kept&1 == 1 {
			kept++
		}
	}
	if kept > 0 {
		r.effects[Survived]++
	}
	return kept
}

// heal takes back whatever keeps messages from getting through, however long it was to be: cuts, clogs
// and omissions.
func (r *run) heal() {
	r.heals++
	r.world.HealAll()
	for _, rule := range r.omissions {
		r.world.RemoveRule(rule)
	}
	r.omissions = nil
}

// becalm begins the tail: the core is healed, the rest is broken as planned.
func (r *run) becalm() {
	r.calm = true
	r.say("calm begins: servers %s are healed", listOf(r.plan.CoreServers()))
	if r.trace != nil {
		r.trace.Event(r.now(), 0, "calm", fmt.Sprintf("core %v, broken %v, clients %v", r.plan.Tail.Core, r.plan.Tail.Broken, r.plan.Tail.Clients))
	}
	r.setLaws(world.LinkLaw{Delay: r.plan.Tail.Delay}, true)
	r.heal()
	r.world.Disarm()
	for id := 1; id <= r.plan.Servers; id++ {
		r.becalmServer(world.Node(id))
	}
	down := make([]bool, r.plan.Servers+1)
	for _, b := range r.plan.Tail.Broken {
		if r.coreReady() { // it takes all servers, and what is not formed yet could not wait
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
		c.becalm()
		if !c.live() && c.waiting {
			r.effects[Quit]++
			c.leaveOpen()
		}
	}
}

// becalmServer takes back what slows one server, and gives its disk the tail's law.
func (r *run) becalmServer(n world.Node) {
	nd := &r.nodes[n]
	nd.slow, nd.shuffle, nd.full = 0, 0, 0
	r.world.Slow(n, 0)
	r.world.Shuffle(n, 0)
	r.world.CalmDisk(n)
	if r.world.Paused(n) {
		r.world.Resume(n)
	}
	if r.plan.Tail.Sync != (world.Law{}) {
		r.world.SetDisk(n, r.plan.Tail.Sync)
	}
}

// coreReady says whether every server of the core takes part.
func (r *run) coreReady() bool {
	for id := 1; id <= r.plan.Servers; id++ {
		if r.plan.InCore(id) && !r.system.ready(world.Node(id)) {
			return false
		}
	}
	return true
}

// breakFor breaks a server outside the core for good. A half-cut one keeps its clients.
func (r *run) breakFor(b *Broken, down []bool) {
	f := Fault{Do: Kind(b.How), Servers: []int{b.Server}}
	switch b.How {
	case "down":
		down[b.Server] = true
		if r.world.Up(world.Node(b.Server)) {
			r.effects[TailDown]++
		}
		r.world.Crash(world.Node(b.Server))
		return
	case "cut":
		f.Do = Isolate
	}
	f.EachLink(r.plan.Servers, func(from, to world.Node) {
		r.world.Cut(from, to)
		r.cutBy[from][to] = b.Effect()
	})
}

func (r *run) traceDrop(from, to world.Node, what string, why world.Cause) {
	causes := [...]string{world.Lost: "lost", world.Cut: "cut", world.Down: "down", world.Named: "named by a fault", world.Overflow: "queue full", world.Omitted: "omitted"}
	r.trace.Write(trace.Line{At: r.now(), Server: int(to), From: int(from), What: "drop", Detail: causes[why] + ": " + what})
}

func (r *run) traceFault(f *Fault) {
	if f.Do != Crash && f.Do != Wipe { // each crash is told as it happens
		r.say("%v", f)
	}
	r.tell(0, "fault", f.String())
	if r.story != nil && f.Do != Crash && f.Do != Wipe && f.Do != Drop {
		r.story.tell(r.world.Now(), 0, line{kind: struck, text: "fault: " + f.String()})
	}
}
