package shrink

import (
	"github.com/fauer4effect/paxos/sim/plan"
	"github.com/fauer4effect/paxos/sim/world"
)

// otherSeeds is how many other seeds are tried where a removal makes the failure go away. At first it
// is none, since most things that can go do so without; then more and more.
var otherSeeds = []int{0, 16, 64, 200}

const millisecond = world.Instant(1_000_000)

// all runs the passes, again and again, until none finds anything smaller.
func (s *search) all() {
	s.end()
	for level := 0; level < len(otherSeeds) && !s.spent(); {
		before := string(s.plan.Encode())
		for _, pass := range []struct {
			name string
			do   func(seeds int)
		}{
			{"faults", s.faults},
			{"laws", s.laws},
			{"servers", s.servers},
			{"clients", s.clients},
			{"updates", s.updates},
			{"time", s.time},
			{"faults made simpler", s.simplerFaults},
			{"one by one", s.each},
		} {
			s.pass = pass.name
			pass.do(otherSeeds[level])
			s.end()
		}
		if string(s.plan.Encode()) == before {
			level++
		}
	}
}

// end cuts off what comes after the violation: it changes nothing of what led to it.
func (s *search) end() {
	v := world.Instant(s.report.Violation.At)
	if v >= s.plan.Faulty || s.report.End > v {
		return // it takes the tail, or was found when all was over: then less time leaves less to find
	}
	s.pass = "the time after it"
	s.accept(with(s.plan, func(p *plan.Plan) {
		cutAt(p, v+1)
		p.Tail = plan.Tail{}
		if p.Workload.Limit == 0 || int(s.report.Begun) < p.Workload.Limit {
			p.Workload.Limit = max(1, int(s.report.Begun))
		}
	}))
}

// faults takes faults out: halves, quarters, and so on, down to single ones.
func (s *search) faults(seeds int) {
	for chunk := max(1, len(s.plan.Faults)/2); ; chunk /= 2 {
		for from := len(s.plan.Faults) - chunk; ; from -= chunk {
			lo := max(0, from)
			if hi := min(len(s.plan.Faults), lo+chunk); lo < hi {
				s.acceptSeeded(withoutFaults(s.plan, lo, hi), seeds/8)
			}
			if from <= 0 {
				break
			}
		}
		if chunk <= 1 {
			return
		}
	}
}

// servers takes servers out, as many as it can at once first.
func (s *search) servers(seeds int) {
	for n := 1; n < s.plan.Servers; n++ {
		c := s.plan
		for c.Servers > n {
			c = withoutServer(c, c.Servers)
		}
		if s.acceptSeeded(c, seeds) {
			break
		}
	}
	for id := s.plan.Servers; id >= 1; id-- {
		if id <= s.plan.Servers && s.plan.Servers > 1 {
			s.acceptSeeded(withoutServer(s.plan, id), seeds/4)
		}
	}
}

func (s *search) clients(seeds int) {
	for n := 1; n < s.plan.Workload.Clients; n += 1 + n/16 {
		if s.acceptSeeded(with(s.plan, func(p *plan.Plan) { clients(p, n) }), seeds/2) {
			return
		}
	}
}

// hosts gives clients machines of their own. Where the failure needs shared ones, it leaves as few as
// can be.
func (s *search) hosts(seeds int) {
	w := &s.plan.Workload
	if w.Hosts == 0 || w.Clients <= plan.MaxClients && s.accept(with(s.plan, func(p *plan.Plan) { p.Workload.Hosts = 0 })) {
		return
	}
	for n := 1; n < s.plan.Workload.Hosts; n++ {
		if s.acceptSeeded(with(s.plan, func(p *plan.Plan) { p.Workload.Hosts = n }), seeds/4) {
			return
		}
	}
}

// updates lowers the limit of operations.
func (s *search) updates(seeds int) {
	if s.plan.Workload.Limit == 0 {
		s.accept(with(s.plan, func(p *plan.Plan) { p.Workload.Limit = max(1, int(s.report.Begun)) }))
	}
	limits := []int{1, 2, 3, 4, 6}
	for n := 8; n < s.plan.Workload.Limit; n *= 2 {
		limits = append(limits, n)
	}
	for _, n := range limits {
		if n >= s.plan.Workload.Limit {
			return
		}
		fewer := with(s.plan, func(p *plan.Plan) { p.Workload.Limit = n })
		// Few updates are soon done, and what must come between them comes too late: so they are
		// spread over the time, too.
		spread := with(fewer, func(p *plan.Plan) {
			p.Workload.Pause = world.Uniform(0, round(2*p.Faulty*world.Instant(p.Workload.Clients)/world.Instant(n+1)))
		})
		if s.acceptSeeded(fewer, seeds) || s.acceptSeeded(spread, seeds) {
			return
		}
	}
}

// time makes the faulty phase shorter: everything that comes at a time comes sooner.
func (s *search) time(seeds int) {
	for _, by := range []world.Instant{8, 4, 2} {
		for s.acceptSeeded(with(s.plan, func(p *plan.Plan) {
			p.Faulty = max(1, p.Faulty/by)
			for i := range p.Faults {
				p.Faults[i].At /= by
			}
		}), seeds/4) {
		}
	}
}

// laws makes laws simple: none, or constant ones.
func (s *search) laws(seeds int) {
	plain := func(p *plan.Plan) {
		p.Network = plan.Network{All: world.LinkLaw{Delay: p.Network.All.Delay, Loss: p.Network.All.Loss}}
		p.Disk = plan.Disk{Sync: p.Disk.Sync, Log: p.Disk.Log, Crash: p.Disk.Crash, Lies: p.Disk.Lies}
		p.Clocks = nil
	}
	s.accept(with(s.plan, plain))
	s.acceptSeeded(with(s.plan, func(p *plan.Plan) { p.Network.All.Loss = 0 }), seeds)
	for _, law := range []func(*plan.Plan) *world.Law{
		func(p *plan.Plan) *world.Law { return &p.Network.All.Delay },
		func(p *plan.Plan) *world.Law { return &p.Disk.Sync },
	} {
		if l := law(s.plan); l.Kind != "constant" {
			middle := (l.Min + max(l.Max, l.Mean)) / 2
			s.acceptSeeded(with(s.plan, func(p *plan.Plan) { *law(p) = world.Constant(round(middle)) }), seeds/4)
		}
	}
	s.accept(with(s.plan, func(p *plan.Plan) {
		p.Workload.Pause, p.Workload.Sticky, p.Workload.Gaps = world.Law{}, false, 0
	}))
	s.accept(with(s.plan, func(p *plan.Plan) { p.Workload.Bytes = 0 }))
	s.accept(with(s.plan, withoutHome))
	s.hosts(seeds)
	s.accept(with(s.plan, func(p *plan.Plan) { p.Workload.Reads = 0 }))
	s.acceptSeeded(with(s.plan, func(p *plan.Plan) { p.Workload.Keys = 1 }), seeds/4)
	for _, mix := range []plan.Mix{{Put: 1}, {Incr: 1, Get: 1}, {Put: 1, Get: 1}} {
		if s.plan.Workload.Mix != mix && s.accept(with(s.plan, func(p *plan.Plan) { p.Workload.Mix = mix })) {
			break
		}
	}
}

// round gives three digits.
func round(d world.Instant) world.Instant {
	unit := world.Instant(1)
	for d/unit >= 1000 {
		unit *= 10
	}
	return d / unit * unit
}

// simplerFaults makes each fault plainer: fewer servers, rounder times, no condition.
func (s *search) simplerFaults(int) {
	for i := 0; i < len(s.plan.Faults); i++ {
		change := func(f func(*plan.Fault)) bool {
			return s.accept(with(s.plan, func(p *plan.Plan) { f(&p.Faults[i]) }))
		}
		for k := len(s.plan.Faults[i].Servers) - 1; k >= 0 && len(s.plan.Faults[i].Servers) > 1; k-- {
			change(func(f *plan.Fault) { f.Servers = append(f.Servers[:k:k], f.Servers[k+1:]...) })
		}
		f := &s.plan.Faults[i]
		if f.For > 0 {
			change(func(f *plan.Fault) { f.For = 0 })
		}
		if f := &s.plan.Faults[i]; f.On != nil && f.On.Unsynced {
			change(func(f *plan.Fault) { on := *f.On; on.Unsynced = false; f.On = &on })
		}
		for _, unit := range []world.Instant{100 * millisecond, 10 * millisecond, millisecond} {
			change(func(f *plan.Fault) { f.At, f.For = f.At/unit*unit, f.For/unit*unit })
		}
	}
}

// each tries all single removals. It tries the late ones once no other seeds are left to try. If it
// finds none then, the plan is minimal.
func (s *search) each(seeds int) {
	for again := true; again && !s.spent(); {
		again = false
		for _, r := range Removals(s.plan) {
			if r.late && seeds < otherSeeds[len(otherSeeds)-1] {
				continue
			}
			if s.accept(r.Plan) {
				again = true
				break
			}
		}
	}
}
