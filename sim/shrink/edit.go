package shrink

import (
	"slices"

	"github.com/fauer4effect/paxos/sim/plan"
	"github.com/fauer4effect/paxos/sim/world"
)

// withoutServer takes a server out of a plan: those above it move down, and what names it
// goes, too.
func withoutServer(p *plan.Plan, gone int) *plan.Plan {
	c := p.Clone()
	c.Servers--
	moved := func(id int) int {
		if id > gone {
			return id - 1
		}
		return id
	}
	ids := func(list []int) []int {
		var left []int
		for _, id := range list {
			if id != gone {
				left = append(left, moved(id))
			}
		}
		return left
	}
	c.Apart = slices.DeleteFunc(c.Apart, func(a plan.ServerSettings) bool { return a.Server == gone })
	for i := range c.Apart {
		c.Apart[i].Server = moved(c.Apart[i].Server)
	}
	c.Network.Links = slices.DeleteFunc(c.Network.Links, func(l plan.Link) bool { return l.From == gone || l.To == gone })
	for i := range c.Network.Links {
		l := &c.Network.Links[i]
		l.From, l.To = moved(l.From), moved(l.To)
	}
	c.Disk.Servers = slices.DeleteFunc(c.Disk.Servers, func(d plan.ServerDisk) bool { return d.Server == gone })
	for i := range c.Disk.Servers {
		c.Disk.Servers[i].Server = moved(c.Disk.Servers[i].Server)
	}
	c.Clocks = slices.DeleteFunc(c.Clocks, func(k plan.Clock) bool { return k.Server == gone })
	for i := range c.Clocks {
		c.Clocks[i].Server = moved(c.Clocks[i].Server)
	}
	c.Workload.Homes, c.Workload.Readers = ids(c.Workload.Homes), ids(c.Workload.Readers)
	c.Tail.Core = ids(c.Tail.Core)
	c.Tail.Broken = slices.DeleteFunc(c.Tail.Broken, func(b plan.Broken) bool { return b.Server == gone })
	for i := range c.Tail.Broken {
		c.Tail.Broken[i].Server = moved(c.Tail.Broken[i].Server)
	}
	var faults []plan.Fault
	for _, f := range c.Faults {
		named := len(f.Servers) > 0
		f.Servers = ids(f.Servers)
		if f.From == gone || f.To == gone || f.On != nil && (f.On.From == gone || f.On.To == gone) || named && len(f.Servers) == 0 {
			continue
		}
		f.From, f.To = moved(f.From), moved(f.To)
		if f.On != nil {
			on := *f.On
			on.From, on.To = moved(on.From), moved(on.To)
			f.On = &on
		}
		faults = append(faults, f)
	}
	c.Faults = faults
	return c
}

// withoutFaults takes faults from … to−1, counted from 0, out of a plan.
func withoutFaults(p *plan.Plan, from, to int) *plan.Plan {
	c := p.Clone()
	c.Faults = slices.Delete(c.Faults, from, to)
	return c
}

// with is a copy of a plan that was changed.
func with(p *plan.Plan, change func(*plan.Plan)) *plan.Plan {
	c := p.Clone()
	change(c)
	return c
}

// clients sets the number of clients; those of the tail that are gone are left out.
func clients(p *plan.Plan, n int) {
	p.Workload.Clients = n
	p.Workload.Hosts = min(p.Workload.Hosts, n)
	p.Tail.Clients = slices.DeleteFunc(p.Tail.Clients, func(id int) bool { return id > n })
}

// withoutHome has clients begin anywhere.
func withoutHome(p *plan.Plan) {
	w := &p.Workload
	w.Home, w.Homes, w.Readers = false, nil, nil
}

// cutAt ends the faulty phase at the given time; faults that come later go.
func cutAt(p *plan.Plan, end world.Instant) {
	p.Faulty = end
	p.Faults = slices.DeleteFunc(p.Faults, func(f plan.Fault) bool { return f.On == nil && f.At >= end })
}
