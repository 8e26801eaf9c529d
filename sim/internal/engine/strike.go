package engine

import (
	"github.com/fauer4effect/paxos/sim/plan"
	"github.com/fauer4effect/paxos/sim/world"
)

// strike makes a fault happen whose time has come.
type strike func(r *Run, f *plan.Fault)

// strikes has what each kind of fault does. It is looked up only.
var strikes = map[plan.Kind]strike{
	plan.Crash:     counted(func(r *Run, n world.Node, f *plan.Fault) { r.crash(n, f.For) }),
	plan.Rolling:   rolling,
	plan.Pause:     counted((*Run).pause),
	plan.Slow:      up(slow),
	plan.Shuffle:   up(shuffle),
	plan.Clog:      clog,
	plan.Backlog:   clog,
	plan.Cut:       cut,
	plan.Partition: cut,
	plan.Flap:      func(r *Run, f *plan.Fault) { flap(r, f, r.World.Now()+f.For) },
	plan.Connect:   cut,
	plan.Bridge:    cut,
	plan.Ring:      cut,
	plan.Isolate:   cut,
	plan.Deaf:      cut,
	plan.Mute:      cut,
	plan.Omit:      omit,
	plan.Jump:      counted(jump),
	plan.Stall:     up(func(r *Run, n world.Node, f *plan.Fault) { r.World.Stall(n, f.Until(r.World.Now(), r.Plan.Faulty)) }),
	plan.FailSync:  up(failSync),
	plan.Full:      up(fill),
	plan.Wipe:      each(wipe),
	plan.Rot:       each(damage),
	plan.Misread:   each(damage),
	plan.Elect:     counted(func(r *Run, n world.Node, _ *plan.Fault) { r.World.Do(n, func() { r.System.Elect(n) }) }),
	plan.HandOver:  handOver,
	// These wait for a message: see arm.
	plan.Drop:  func(*Run, *plan.Fault) {},
	plan.Delay: func(*Run, *plan.Fault) {},
}

// each is a fault that strikes servers one by one.
func each(hit func(*Run, world.Node, *plan.Fault)) strike {
	return func(r *Run, f *plan.Fault) {
		for _, id := range f.Servers {
			hit(r, world.Node(id), f)
		}
	}
}

// up is each server that is not down. What such a fault does counts, not that it strikes.
func up(hit func(*Run, world.Node, *plan.Fault)) strike {
	return each(func(r *Run, n world.Node, f *plan.Fault) {
		if r.World.Up(n) {
			hit(r, n, f)
		}
	})
}

// counted is up, and counts that it strikes.
func counted(hit func(*Run, world.Node, *plan.Fault)) strike {
	return up(func(r *Run, n world.Node, f *plan.Fault) {
		r.Effects[f.Counts(r.Plan.Servers).Effect()]++
		hit(r, n, f)
	})
}

func rolling(r *Run, f *plan.Fault) {
	for i, id := range f.Servers {
		r.within(r.World.Now()+world.Instant(i)*f.By, func() {
			if n := world.Node(id); r.World.Up(n) {
				r.Effects[f.Do.Effect()]++
				r.crash(n, f.For)
			}
		})
	}
}

func slow(r *Run, n world.Node, f *plan.Fault) {
	nd := &r.Nodes[n]
	nd.slow += f.By
	r.World.Slow(n, nd.slow)
	r.during(f, func() { nd.slow -= f.By; r.World.Slow(n, nd.slow) })
}

func shuffle(r *Run, n world.Node, f *plan.Fault) {
	nd := &r.Nodes[n]
	nd.shuffle += f.By
	r.World.Shuffle(n, nd.shuffle)
	r.during(f, func() { nd.shuffle -= f.By; r.World.Shuffle(n, nd.shuffle) })
}

func clog(r *Run, f *plan.Fault) {
	effect := f.Do.Effect()
	f.EachLink(r.Plan.Servers, func(from, to world.Node) {
		r.World.Clog(from, to)
		r.cloggedBy[from][to] = effect
	})
	heals := r.heals
	r.during(f, func() {
		if heals == r.heals {
			f.EachLink(r.Plan.Servers, r.World.Unclog)
		}
	})
}

// cut closes the fault's links.
func cut(r *Run, f *plan.Fault) { r.cutFor(f, f.For) }

// cutFor closes the fault's links for a while; zero is until the calm.
func (r *Run) cutFor(f *plan.Fault, spell world.Instant) {
	effect := f.Do.Effect()
	f.EachLink(r.Plan.Servers, func(from, to world.Node) {
		r.World.Cut(from, to)
		r.cutBy[from][to] = effect
	})
	heals := r.heals
	r.during(&plan.Fault{For: spell}, func() {
		if heals == r.heals {
			f.EachLink(r.Plan.Servers, r.World.Heal)
		}
	})
}

// flap closes a partition for half a period, again and again.
func flap(r *Run, f *plan.Fault, until world.Instant) {
	r.cutFor(f, max(1, f.By/2))
	if next := r.World.Now() + f.By; next < until {
		heals := r.heals
		r.within(next, func() {
			if heals == r.heals {
				flap(r, f, until)
			}
		})
	}
}

func omit(r *Run, f *plan.Fault) {
	kind := r.System.Kind(f.Kind)
	for _, id := range f.Servers {
		rule := &world.Rule{Kind: kind, To: world.Node(id), Omission: true}
		r.World.AddRule(rule)
		r.within(f.Until(r.World.Now(), r.Plan.Faulty), func() { r.World.RemoveRule(rule) })
		r.omissions = append(r.omissions, rule)
	}
}

func jump(r *Run, n world.Node, f *plan.Fault) {
	r.Nodes[n].Clock.jump(r.World.Now(), f.By)
	r.World.Rearm(n)
}

func failSync(r *Run, n world.Node, f *plan.Fault) {
	r.Nodes[n].restart = f.For
	r.World.FailSync(n)
}

func fill(r *Run, n world.Node, f *plan.Fault) {
	nd := &r.Nodes[n]
	nd.full = max(nd.full, f.Until(r.World.Now(), r.Plan.Faulty))
	r.World.Fill(n, nd.full)
}

func wipe(r *Run, n world.Node, f *plan.Fault) {
	r.Effects[f.Do.Effect()]++
	r.wipe(n, f.For)
}

// damage crashes a server, and has its disk suffer. While any server does not take part yet all are
// needed for that, and none may be lost (X18).
func damage(r *Run, n world.Node, f *plan.Fault) {
	taking := true
	for id := 1; id <= r.Plan.Servers; id++ {
		taking = taking && r.System.Ready(world.Node(id))
	}
	r.crash(n, f.For)
	if nd := &r.Nodes[n]; taking {
		nd.Damage = f.Do
		nd.Damages++
	}
}

func handOver(r *Run, f *plan.Fault) {
	if leader := r.System.Leader(); leader != 0 && int(leader) != f.To {
		r.World.Do(leader, func() { r.System.HandOver(leader, f.To) })
	}
}
