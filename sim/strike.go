package sim

import "github.com/fauer4effect/paxos/sim/world"

// strike makes a fault happen whose time has come.
type strike func(r *run, f *Fault)

// strikes has what each kind of fault does. It is looked up only.
var strikes = map[Kind]strike{
	Crash:     counted(func(r *run, n world.Node, f *Fault) { r.crash(n, f.For) }),
	Rolling:   rolling,
	Pause:     counted((*run).pause),
	Slow:      up(slow),
	Shuffle:   up(shuffle),
	Clog:      clog,
	Backlog:   clog,
	Cut:       cut,
	Partition: cut,
	Flap:      func(r *run, f *Fault) { flap(r, f, r.world.Now()+f.For) },
	Connect:   cut,
	Bridge:    cut,
	Ring:      cut,
	Isolate:   cut,
	Deaf:      cut,
	Mute:      cut,
	Omit:      omit,
	Jump:      counted(jump),
	Stall:     up(func(r *run, n world.Node, f *Fault) { r.world.Stall(n, f.Until(r.world.Now(), r.plan.Faulty)) }),
	FailSync:  up(failSync),
	Full:      up(fill),
	Wipe:      each(wipe),
	Rot:       each(damage),
	Misread:   each(damage),
	Elect:     counted(func(r *run, n world.Node, _ *Fault) { r.world.Do(n, func() { r.system.elect(n) }) }),
	HandOver:  handOver,
	// These wait for a message: see arm.
	Drop:  func(*run, *Fault) {},
	Delay: func(*run, *Fault) {},
}

// each is a fault that strikes servers one by one.
func each(hit func(*run, world.Node, *Fault)) strike {
	return func(r *run, f *Fault) {
		for _, id := range f.Servers {
			hit(r, world.Node(id), f)
		}
	}
}

// up is each, but for those that are down. What such a fault does counts, not that it strikes.
func up(hit func(*run, world.Node, *Fault)) strike {
	return each(func(r *run, n world.Node, f *Fault) {
		if r.world.Up(n) {
			hit(r, n, f)
		}
	})
}

// counted is up, and counts that it strikes.
func counted(hit func(*run, world.Node, *Fault)) strike {
	return up(func(r *run, n world.Node, f *Fault) {
		r.effects[f.Counts(r.plan.Servers).Effect()]++
		hit(r, n, f)
	})
}

func rolling(r *run, f *Fault) {
	for i, id := range f.Servers {
		r.within(r.world.Now()+world.Instant(i)*f.By, func() {
			if n := world.Node(id); r.world.Up(n) {
				r.effects[f.Do.Effect()]++
				r.crash(n, f.For)
			}
		})
	}
}

func slow(r *run, n world.Node, f *Fault) {
	nd := &r.nodes[n]
	nd.slow += f.By
	r.world.Slow(n, nd.slow)
	r.during(f, func() { nd.slow -= f.By; r.world.Slow(n, nd.slow) })
}

func shuffle(r *run, n world.Node, f *Fault) {
	nd := &r.nodes[n]
	nd.shuffle += f.By
	r.world.Shuffle(n, nd.shuffle)
	r.during(f, func() { nd.shuffle -= f.By; r.world.Shuffle(n, nd.shuffle) })
}

func clog(r *run, f *Fault) {
	effect := f.Do.Effect()
	f.EachLink(r.plan.Servers, func(from, to world.Node) {
		r.world.Clog(from, to)
		r.cloggedBy[from][to] = effect
	})
	heals := r.heals
	r.during(f, func() {
		if heals == r.heals {
			f.EachLink(r.plan.Servers, r.world.Unclog)
		}
	})
}

// cut closes the fault's links.
func cut(r *run, f *Fault) { r.cutFor(f, f.For) }

// cutFor closes the fault's links for a while; zero is until the calm.
func (r *run) cutFor(f *Fault, spell world.Instant) {
	effect := f.Do.Effect()
	f.EachLink(r.plan.Servers, func(from, to world.Node) {
		r.world.Cut(from, to)
		r.cutBy[from][to] = effect
	})
	heals := r.heals
	r.during(&Fault{For: spell}, func() {
		if heals == r.heals {
			f.EachLink(r.plan.Servers, r.world.Heal)
		}
	})
}

// flap closes a partition for half a period, again and again.
func flap(r *run, f *Fault, until world.Instant) {
	r.cutFor(f, max(1, f.By/2))
	if next := r.world.Now() + f.By; next < until {
		heals := r.heals
		r.within(next, func() {
			if heals == r.heals {
				flap(r, f, until)
			}
		})
	}
}

func omit(r *run, f *Fault) {
	kind := r.system.kind(f.Kind)
	for _, id := range f.Servers {
		rule := &world.Rule{Kind: kind, To: world.Node(id), Omission: true}
		r.world.AddRule(rule)
		r.within(f.Until(r.world.Now(), r.plan.Faulty), func() { r.world.RemoveRule(rule) })
		r.omissions = append(r.omissions, rule)
	}
}

func jump(r *run, n world.Node, f *Fault) {
	r.nodes[n].clock.jump(r.world.Now(), f.By)
	r.world.Rearm(n)
}

func failSync(r *run, n world.Node, f *Fault) {
	r.nodes[n].restart = f.For
	r.world.FailSync(n)
}

func fill(r *run, n world.Node, f *Fault) {
	nd := &r.nodes[n]
	nd.full = max(nd.full, f.Until(r.world.Now(), r.plan.Faulty))
	r.world.Fill(n, nd.full)
}

func wipe(r *run, n world.Node, f *Fault) {
	r.effects[f.Do.Effect()]++
	r.wipe(n, f.For)
}

// damage crashes a server, and has its disk suffer. While any server does not take part yet all are
// needed for that, and none may be lost (X18).
func damage(r *run, n world.Node, f *Fault) {
	taking := true
	for id := 1; id <= r.plan.Servers; id++ {
		taking = taking && r.system.ready(world.Node(id))
	}
	r.crash(n, f.For)
	if nd := &r.nodes[n]; taking {
		nd.damage = f.Do
		nd.damages++
	}
}

func handOver(r *run, f *Fault) {
	if leader := r.system.leader(); leader != 0 && int(leader) != f.To {
		r.world.Do(leader, func() { r.system.handOver(leader, f.To) })
	}
}
