package shrink

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/fauer4effect/paxos/sim/plan"
	"github.com/fauer4effect/paxos/sim/world"
)

// Removal is a plan without one of its things.
type Removal struct {
	What string
	Plan *plan.Plan
	late bool // tried when nothing else can go
}

// Removals lists what can be taken out of a plan, one thing each. That is a fault, a server, a client, an
// update, a setting, or a law of network, disk or clock. A shrunk plan no longer fails after any of them.
func Removals(p *plan.Plan) []Removal {
	var all []Removal
	add := func(plan *plan.Plan, format string, args ...any) {
		all = append(all, Removal{What: fmt.Sprintf(format, args...), Plan: plan})
	}
	simpler := func(what string, is bool, change func(*plan.Plan)) {
		if is {
			add(with(p, change), "%s", what)
		}
	}
	for i := range p.Faults {
		add(withoutFaults(p, i, i+1), "fault %d (%v)", i+1, &p.Faults[i])
	}
	for id := p.Servers; id >= 1 && p.Servers > 1; id-- {
		add(withoutServer(p, id), "server %d", id)
	}
	w := &p.Workload
	simpler("a client", w.Clients > 1, func(p *plan.Plan) { clients(p, w.Clients-1) })
	simpler("an update", w.Limit > 1, func(p *plan.Plan) { p.Workload.Limit-- })
	n := &p.Network
	simpler("loss", n.All.Loss > 0, func(p *plan.Plan) { p.Network.All.Loss = 0 })
	simpler("duplicates", n.All.Duplicate > 0, func(p *plan.Plan) { p.Network.All.Duplicate = 0 })
	simpler("late messages", n.All.Late > 0, func(p *plan.Plan) { p.Network.All.Late = 0 })
	simpler("the law of late messages", n.All.LateBy != (world.Law{}), func(p *plan.Plan) { p.Network.All.LateBy = world.Law{} })
	simpler("the queue's bound", n.All.Queue > 0, func(p *plan.Plan) { p.Network.All.Queue = 0 })
	simpler("flipped bits", n.Flips > 0, func(p *plan.Plan) { p.Network.Flips = 0 })
	simpler("the wire", n.Wire, func(p *plan.Plan) { p.Network.Wire, p.Network.Flips = false, 0 })
	for i := range n.Links {
		simpler(fmt.Sprintf("link law %d", i+1), true, func(p *plan.Plan) { p.Network.Links = append(p.Network.Links[:i], p.Network.Links[i+1:]...) })
	}
	d := &p.Disk
	simpler("the law of crashes", d.Crash != "", func(p *plan.Plan) { p.Disk.Crash = "" })
	simpler("the disks' logs", d.Log, func(p *plan.Plan) { p.Disk.Log = false })
	simpler("lies", d.Lies > 0, func(p *plan.Plan) { p.Disk.Lies = 0 })
	for i := range d.Servers {
		simpler(fmt.Sprintf("disk law %d", i+1), true, func(p *plan.Plan) { p.Disk.Servers = append(p.Disk.Servers[:i], p.Disk.Servers[i+1:]...) })
	}
	for i := range p.Clocks {
		simpler(fmt.Sprintf("clock %d", i+1), true, func(p *plan.Plan) { p.Clocks = append(p.Clocks[:i], p.Clocks[i+1:]...) })
	}
	for i := range p.Apart {
		simpler(fmt.Sprintf("the settings of server %d", p.Apart[i].Server), true, func(p *plan.Plan) { p.Apart = append(p.Apart[:i], p.Apart[i+1:]...) })
	}
	for i := range p.Tail.Broken {
		simpler(fmt.Sprintf("broken server %d", i+1), true, func(p *plan.Plan) { p.Tail.Broken = append(p.Tail.Broken[:i], p.Tail.Broken[i+1:]...) })
	}
	simpler("formation", p.Formation, func(p *plan.Plan) { p.Formation = false })
	simpler("large values", w.Bytes > 0, func(p *plan.Plan) { p.Workload.Bytes = 0 })
	simpler("gaps in timestamps", w.Gaps > 0, func(p *plan.Plan) { p.Workload.Gaps = 0 })
	simpler("shared hosts", w.Hosts > 0 && w.Clients <= plan.MaxClients, func(p *plan.Plan) { p.Workload.Hosts = 0 })
	simpler("a host", w.Hosts > 1, func(p *plan.Plan) { p.Workload.Hosts-- })
	simpler("homes", len(w.Homes) > 0, func(p *plan.Plan) { p.Workload.Homes = nil })
	simpler("readers", len(w.Readers) > 0, func(p *plan.Plan) { p.Workload.Readers = nil })
	simpler("a home of each client", w.Home, withoutHome)
	simpler("sticky clients", w.Sticky, func(p *plan.Plan) { p.Workload.Sticky = false })
	simpler("the check of bodies", p.Bodies, func(p *plan.Plan) { p.Bodies = false })
	if p.Protocol == "" { // others need not have a setting's default
		settings := settingsOf(p)
		simpler("the settings", len(settings) > 1, func(p *plan.Plan) { p.Settings = nil })
		for _, name := range slices.Sorted(maps.Keys(settings)) {
			simpler("setting "+name, true, func(p *plan.Plan) { withoutSetting(p, name) })
			all[len(all)-1].late = true // it changes when things happen, and with that what else is needed
		}
	}
	return all
}

// settingsOf is the plan's settings by name.
func settingsOf(p *plan.Plan) map[string]json.RawMessage {
	var settings map[string]json.RawMessage
	_ = json.Unmarshal(p.Settings, &settings) // where they are none, none can be taken out
	return settings
}

// withoutSetting gives one setting its default.
func withoutSetting(p *plan.Plan, name string) {
	settings := settingsOf(p)
	if delete(settings, name); len(settings) == 0 {
		p.Settings = nil
		return
	}
	if raw, err := json.Marshal(settings); err == nil { // in order of the names
		p.Settings = raw
	}
}
