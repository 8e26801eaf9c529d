package swarm

import (
	"slices"

	"github.com/fauer4effect/paxos/sim/plan"
	"github.com/fauer4effect/paxos/sim/world"
)

// What a seed draws beside faults: the laws of network, disks and clocks, the clients, the calm.

// delay is the law of one link. Most of the time a round trip is far below the timeouts.
func delay(d *world.Dice) world.Law {
	switch d.Int(1, 6) {
	case 1:
		return world.Constant(between(d, 100*world.Microsecond, 5*world.Millisecond))
	case 2, 3:
		lo := between(d, 50*world.Microsecond, 2*world.Millisecond)
		return world.Uniform(lo, lo+between(d, world.Millisecond, 15*world.Millisecond))
	case 4, 5:
		return world.Law{Kind: "exponential", Min: 200 * world.Microsecond, Mean: between(d, world.Millisecond, 10*world.Millisecond), Max: 200 * world.Millisecond}
	}
	return world.Law{Kind: "tail", Min: 200 * world.Microsecond, Mean: between(d, world.Millisecond, 10*world.Millisecond), Max: 1500 * world.Millisecond}
}

func (s *swarm) drawNetwork() {
	n := &s.plan.Network
	n.All.Delay = delay(s.roll("network.delay"))
	switch d := s.roll("network.loss"); {
	case s.rough:
		n.All.Loss = uint32(d.Int(100_000, 450_000))
	case d.One(2):
		n.All.Loss = uint32(d.Log(2_000, 400_000))
	}
	longAfter := func(d *world.Dice) world.Law {
		return world.Uniform(50*world.Millisecond, between(d, 300*world.Millisecond, 4*world.Second))
	}
	if d := s.roll("network.duplicate"); d.One(3) {
		if n.All.Duplicate = uint32(d.Log(2_000, 100_000)); d.One(2) {
			n.All.LateBy = longAfter(d)
		}
	}
	if d := s.roll("network.late"); d.One(3) {
		n.All.Late, n.All.LateBy = uint32(d.Log(1_000, 40_000)), longAfter(d)
	}
	if d := s.roll("network.queue"); d.One(10) {
		n.All.Queue = uint32(world.Pick(d, 2, 4, 8, 32))
	}
	if d := s.roll("network.links"); s.plan.Servers > 1 && d.One(4) {
		for range d.Int(1, 3) {
			pair := s.pair(d)
			n.Links = append(n.Links, plan.Link{From: pair[0], To: pair[1], Law: world.LinkLaw{
				Delay: world.Uniform(10*world.Millisecond, between(d, 20*world.Millisecond, 300*world.Millisecond)),
				Loss:  n.All.Loss, Duplicate: n.All.Duplicate, LateBy: n.All.LateBy, Queue: n.All.Queue,
			}})
		}
	}
	if d := s.roll("network.wire"); s.target.Can.Wire && s.plan.Servers > 1 && d.One(6) {
		n.Wire = true
		n.Flips = uint32(d.Log(1_000, 50_000))
	}
}

func (s *swarm) drawDisk() {
	disk := &s.plan.Disk
	switch d := s.roll("disk.sync"); d.Int(1, 4) {
	case 1:
		disk.Sync = world.Constant(between(d, 20*world.Microsecond, 2*world.Millisecond))
	case 2, 3:
		disk.Sync = world.Uniform(100*world.Microsecond, between(d, world.Millisecond, 12*world.Millisecond))
	case 4:
		disk.Sync = world.Law{Kind: "exponential", Min: 100 * world.Microsecond, Mean: between(d, world.Millisecond, 8*world.Millisecond), Max: 60 * world.Millisecond}
	}
	disk.Crash = world.Pick(s.roll("disk.crash"), "", plan.CrashTorn, plan.CrashScattered)
	disk.Log = s.roll("disk.log").One(5) && s.target.Can.Log
	if d := s.roll("disk.servers"); d.One(5) {
		id := int(d.Int(1, int64(s.plan.Servers)))
		disk.Servers = append(disk.Servers, plan.ServerDisk{Server: id, Sync: world.Uniform(5*world.Millisecond, 40*world.Millisecond)})
	}
}

// drawLies draws disks that lie, and the power cuts that show it.
func (s *swarm) drawLies() {
	d := s.roll("disk.lies")
	s.plan.Disk.Lies = uint32(d.Log(50_000, 1_000_000))
	crashes(s, d)
	powerCuts(s, d)
}

// drawClocks draws clocks that are not exact: ahead, fast or slow by up to some percent.
func (s *swarm) drawClocks() {
	d := s.roll("clocks")
	if !d.One(4) {
		return
	}
	for id := 1; id <= s.plan.Servers; id++ {
		if d.One(2) {
			continue
		}
		c := plan.Clock{Server: id, Skew: logBetween(d, world.Millisecond, 10*world.Second)}
		if c.Drift = d.Log(10, maxSwarmDrift); d.One(2) {
			c.Drift = -c.Drift
		}
		s.plan.Clocks = append(s.plan.Clocks, c)
	}
}

// maxSwarmDrift is the largest drift that the swarm draws, ppm.
const maxSwarmDrift = 30_000

func (s *swarm) drawWorkload() {
	w := &s.plan.Workload
	d := s.roll("workload.clients")
	w.Clients = int(d.Int(1, 6))
	w.Pause = world.Uniform(0, logBetween(d, 4*world.Millisecond, 250*world.Millisecond))
	if s.sleepy {
		w.Clients = int(d.Int(1, 3))
		w.Pause = world.Uniform(0, 5*world.Second)
	} else if s.rough || d.One(4) { // crowded: many slots in flight at once
		w.Clients = int(d.Int(7, swarmClients))
		w.Pause = world.Uniform(0, logBetween(d, 4*world.Millisecond, 60*world.Millisecond))
	}
	w.Keys = int(s.roll("workload.keys").Int(1, 4))
	w.Timeout = between(s.roll("workload.timeout"), 80*world.Millisecond, 500*world.Millisecond)
	w.Tries = int(world.Pick(s.roll("workload.tries"), 1, 2, 3, 5, 12))
	w.Sticky = s.roll("workload.sticky").One(3)
	if d := s.roll("workload.gaps"); d.One(3) {
		w.Gaps = uint32(d.Log(10_000, 300_000))
	}
	m := s.roll("workload.mix")
	w.Mix = plan.Mix{
		Get: int(m.Int(1, 6)), Put: int(m.Int(0, 4)), Append: int(m.Int(0, 4)),
		CAS: int(m.Int(0, 3)), Delete: int(m.Int(0, 1)), Incr: int(m.Int(0, 4)),
	}
	if s.target.Can.Reads {
		w.Reads = world.Pick[uint32](s.roll("workload.reads"), 0, 300_000, 1_000_000, 1_000_000)
		// A stale read shows where somebody wrote that key meanwhile.
		if s.roll("workload.reads meet writes").One(2) && w.Reads > 0 {
			w.Keys = (w.Clients + plan.ClientsPerKey - 1) / plan.ClientsPerKey
		}
		// A leader whose only work is reads notices late that it no longer leads.
		d := s.roll("workload.home")
		if w.Home = d.One(3); w.Reads > 0 && d.One(2) {
			w.Home, w.Readers = true, s.some(d, int(d.Int(1, int64(max(1, s.plan.Servers-1)))))
		}
	}
	// Large values make a snapshot that takes several requests, while others are taken.
	if d := s.roll("workload.value_bytes"); s.pace.Transfers && d.One(3) || d.One(24) {
		w.Bytes = int(d.Log(100, 4000))
	}
	if s.target.Can.Hosts {
		s.drawHosts(s.roll("workload.hosts"))
	}
}

// drawHosts draws whether clients share machines, and some homes. In half of those seeds their pauses
// are of one length: so clients that are answered together ask together again.
func (s *swarm) drawHosts(d *world.Dice) {
	w := &s.plan.Workload
	if w.Clients < 2 || !d.One(6) {
		return
	}
	w.Hosts = int(d.Int(1, int64(w.Clients+1)/2))
	if d.One(2) {
		w.Home, w.Homes = true, s.some(d, int(d.Int(1, int64(s.plan.Servers))))
	}
	if d.One(2) && !s.sleepy {
		w.Pause = world.Constant(logBetween(d, 4*world.Millisecond, 60*world.Millisecond))
	}
}

// swarmClients bounds the clients of a drawn plan.
const swarmClients = 14

// drawTail draws the calm end: who is healed, who stays broken and how, which clients go
// on. Healing everything would hide a livelock that one half-cut server causes.
func (s *swarm) drawTail() {
	p, t := s.plan, &s.plan.Tail
	n, majority := p.Servers, p.Servers/2+1
	if d := s.roll("tail.core"); n > 2 && (s.rough || d.One(2)) {
		core := int(d.Int(int64(majority), int64(n-1)))
		if s.rough {
			core = majority
		}
		t.Core = s.some(d, core)
		way := world.Pick(d, "", "", "down", "cut", string(plan.Deaf), string(plan.Mute))
		for id := 1; id <= n; id++ {
			if slices.Contains(t.Core, id) {
				continue
			}
			how := way
			if how == "" {
				how = world.Pick(d, "down", "cut", string(plan.Deaf), string(plan.Deaf), string(plan.Mute))
			}
			t.Broken = append(t.Broken, plan.Broken{Server: id, How: how})
		}
	}
	// More clients than can be served would be turned away, in turn and by chance: nothing promises
	// one of them that its turn will come.
	d := s.roll("tail.clients")
	if c := p.Workload.Clients; c > 1 && d.One(2) || c > s.pace.Clients {
		alive := min(world.Pick(d, 1, 1, int(d.Int(1, int64(max(1, c-1))))), s.pace.Clients)
		t.Clients = world.Shuffle(d, upTo(c))[:alive]
		slices.Sort(t.Clients)
	}
	t.Delay = world.Uniform(100*world.Microsecond, between(s.roll("tail.delay"), 300*world.Microsecond, min(10*world.Millisecond, s.pace.Stagger/3)))
	// The core stays timely, disks included: the model promises liveness for no other.
	t.Sync = world.Uniform(100*world.Microsecond, s.pace.Timeout/16)
	t.Pause = world.Uniform(0, between(s.roll("tail.pause"), 50*world.Millisecond, 500*world.Millisecond))
	t.For = between(s.roll("tail.for"), 500*world.Millisecond, 2*world.Second)
}
