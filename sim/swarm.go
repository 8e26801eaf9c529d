package sim

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/fauer4effect/paxos/protocol"
	"github.com/fauer4effect/paxos/sim/world"
)

// SwarmOptions fix what a seed would draw otherwise. The zero value fixes nothing.
type SwarmOptions struct {
	Servers int           // 0: drawn
	Faulty  world.Instant // how long faults may happen; 0: drawn
	// Lies gives the cluster disks that answer some syncs and do not do them, and crashes that
	// show it. Violations are to be expected, and a sweep that finds none is broken.
	Lies bool
	// Protocol is the one under test; nil: ours.
	Protocol *Protocol
}

// demand panics where no plan can be drawn.
func (o *SwarmOptions) demand() {
	least, most := 1, protocol.MaxServers
	if o.Protocol != nil {
		if err := o.Protocol.Complete(); err != nil {
			panic("sim: " + err.Error())
		}
		least, most = o.Protocol.Sizes()
	}
	switch {
	case o.Servers != 0 && (o.Servers < least || o.Servers > most):
		panic(fmt.Sprintf("sim: a swarm of %d servers: not within %d … %d", o.Servers, least, most))
	case o.Faulty < 0 || o.Faulty > maxTime:
		panic(fmt.Sprintf("sim: a swarm of %d ns under faults: not within 0 … %d", o.Faulty, maxTime))
	}
}

// Swarm draws a plan. Each seed first picks which kinds of fault exist at all, then how
// strong they are: plans that lack most kinds reach states that a mixture of all does not
// (swarm testing: Groce et al., ISSTA 2012). Kinds that the cluster's size makes impossible
// are not drawn.
func Swarm(seed uint64, o SwarmOptions) *Plan {
	o.demand()
	s := &swarm{Dice: world.NewDice(seed), plan: &Plan{Version: PlanVersion, Seed: seed}, other: o.Protocol}
	p := s.plan
	p.Servers = int(world.Pick(s.Dice, 3, 5, 3, 5, 3, 5, 4, 7, 1, 2, 6, 8, 9))
	if s.other != nil {
		least, most := s.other.Sizes()
		p.Servers = least + (p.Servers-1)%(most-least+1)
	}
	if o.Servers > 0 {
		p.Servers = o.Servers
	}
	p.Faulty = world.Instant(s.Log(int64(1500*millisecond), int64(8*second)))
	if s.sleepy = s.One(80) && o.Faulty == 0; s.sleepy {
		p.Faulty = world.Instant(s.Log(int64(60*second), int64(240*second)))
	}
	if o.Faulty > 0 {
		p.Faulty = o.Faulty
	}
	s.rough = s.One(4) && p.Servers > 2 && !s.sleepy
	s.aimed = s.One(3)
	s.drawSettings()
	s.drawNetwork()
	s.drawDisk()
	s.drawWorkload()
	s.drawFaults()
	s.drawTail()
	if s.other == nil {
		s.letSessionsLive()
		s.drawFormation()
		s.drawRot()
		s.drawWire()
	}
	s.drawClocks()
	p.Bodies = s.One(8)
	if o.Lies {
		s.drawLies()
	}
	validate := func() error { return Validate(p) }
	if s.other != nil {
		p.Protocol = s.other.Name
		p.Tail.Settle, p.Tail.Answer = s.other.bounds(p)
		validate = func() error { return s.other.Validate(p) }
	}
	if err := validate(); err != nil {
		panic(fmt.Sprintf("sim: swarm of seed %d draws a bad plan: %v", seed, err))
	}
	return p
}

type swarm struct {
	*world.Dice
	plan     *Plan
	settings protocol.Settings
	other    *Protocol // nil: ours
	// A rough seed keeps many slots in flight over a lossy network and changes the majority
	// that is connected, and with it the view, all the time; in the end only a bare
	// majority heals. That leaves holes, and proposals that outlive their views.
	rough bool
	// An aimed seed strikes the leader more often than others.
	aimed bool
	// A sleepy seed takes minutes, in which little is asked and little goes wrong, but
	// servers pause for long.
	sleepy bool
}

// between is uniform over a range of durations.
func (s *swarm) between(lo, hi world.Instant) world.Instant {
	return world.Instant(s.Int(int64(lo), int64(hi)))
}

func (s *swarm) drawSettings() {
	ms := protocol.Instant(millisecond)
	t := protocol.Instant(s.Int(60, 300)) * ms
	if s.One(12) {
		t = protocol.Instant(s.Int(300, 1500)) * ms
	}
	s.settings = protocol.Settings{
		Timeout:      t,
		Ceiling:      t * world.Pick[protocol.Instant](s.Dice, 1, 2, 2, 4, 8),
		Heartbeat:    t / world.Pick[protocol.Instant](s.Dice, 5, 5, 8),
		Retransmit:   t / world.Pick[protocol.Instant](s.Dice, 6, 6, 3, 10),
		Stagger:      protocol.Instant(s.Int(20, 60)) * ms,
		UpdateTimer:  t / world.Pick[protocol.Instant](s.Dice, 2, 4, 4),
		PartBytes:    int(world.Pick(s.Dice, 1200, 1200, 300, 60, 1)),
		WindowSlots:  int(world.Pick(s.Dice, 16, 16, 16, 16, 1, 1, 2, 5)),
		Overlap:      s.One(3),
		SessionLimit: int(world.Pick(s.Dice, 0, 0, 0, 4096, 4096, 3, 6, 12)),
		SessionIdle:  world.Pick(s.Dice, 0, 0, protocol.Instant(s.Int(700, 3000))*ms),
		BatchBytes:   int(world.Pick(s.Dice, 4096, 4096, 4096, 1, 60, 120)),
		QueueLimit:   int(world.Pick(s.Dice, 8192, 8192, 8192, 8192, 8192, 8192, 1, 2, 4)),
	}
	if s.other != nil {
		s.settings = protocol.DefaultSettings() // for the calm's delays
		s.plan.Settings = s.other.settings(s.Dice)
		return
	}
	if d := world.NewDice(world.Draw(s.plan.Seed, drawTombstones)); s.settings.SessionLimit > 0 && d.One(2) {
		s.settings.Tombstones = int(d.Log(2, 8)) // else no run is long enough to forget a session
	}
	if d := world.NewDice(world.Draw(s.plan.Seed, drawPrepareSlots)); d.One(4) {
		s.settings.PrepareSlots = int(d.Log(1, 16)) // few runs have as many slots as the default
	}
	s.drawSnapshots()
	s.writeSettings()
}

func (s *swarm) writeSettings() {
	raw, err := json.Marshal(s.settings)
	if err != nil {
		panic(err) // plain numbers encode
	}
	s.plan.Settings = raw
}

// letSessionsLive takes back limits under which no session can be of use in the calm, where some
// servers stay broken: one that ends before its client has gone around them and heard of it; and,
// where servers that hear nothing go on sending what is pending, so few tombstones that the
// openings of clients which are gone open sessions again and again, in place of others'.
func (s *swarm) letSessionsLive() {
	p := s.plan
	if s.settings.SessionLimit == 0 || len(p.Tail.Broken) == 0 {
		return
	}
	if s.settings.SessionIdle > 0 {
		around := world.Instant(len(p.Tail.Broken)+2)*p.Workload.Timeout + world.Instant(s.settings.UpdateTimer)
		s.settings.SessionIdle = max(s.settings.SessionIdle, protocol.Instant(around+around/8)) // clocks drift
	}
	if s.settings.Tombstones > 0 && slices.ContainsFunc(p.Tail.Broken, func(b Broken) bool { return b.How == string(Deaf) }) {
		s.settings.Tombstones = max(s.settings.Tombstones, p.Workload.Clients)
	}
	s.writeSettings()
}

// drawSnapshots draws how often a server takes a snapshot and how soon it truncates: in half
// of the seeds so often that servers which lack a few slots need one. The dice are its own.
func (s *swarm) drawSnapshots() {
	d := world.NewDice(world.Draw(s.plan.Seed, drawSnapshots))
	if d.One(2) {
		return
	}
	s.settings.SnapshotSlots = int(d.Log(4, 64))
	s.settings.HistorySlots = int(d.Log(4, 64))
	if d.One(2) {
		s.settings.PartBytes = 64 // so that a snapshot comes in many parts
	}
}

// kinds are the names of those kinds of message that a fault may name: of our own protocol
// the given ones, of another all.
func (s *swarm) kinds(ours ...protocol.Kind) []string {
	if s.other != nil {
		return s.other.Kinds
	}
	var names []string
	for _, k := range ours {
		names = append(names, k.String())
	}
	return names
}

// delay is the law of one link. Most of the time a round trip is far below the timeouts.
func (s *swarm) delay() world.Law {
	switch s.Int(1, 6) {
	case 1:
		return world.Constant(s.between(100*microsecond, 5*millisecond))
	case 2, 3:
		lo := s.between(50*microsecond, 2*millisecond)
		return world.Uniform(lo, lo+s.between(millisecond, 15*millisecond))
	case 4, 5:
		return world.Law{Kind: "exponential", Min: 200 * microsecond, Mean: s.between(millisecond, 10*millisecond), Max: 200 * millisecond}
	}
	return world.Law{Kind: "tail", Min: 200 * microsecond, Mean: s.between(millisecond, 10*millisecond), Max: 1500 * millisecond}
}

func (s *swarm) drawNetwork() {
	n := &s.plan.Network
	n.All.Delay = s.delay()
	switch {
	case s.rough:
		n.All.Loss = uint32(s.Int(100_000, 450_000))
	case s.One(2):
		n.All.Loss = uint32(s.Log(2_000, 400_000))
	}
	if s.One(3) {
		n.All.Duplicate = uint32(s.Log(2_000, 100_000))
		if s.One(2) { // long after the original
			n.All.LateBy = world.Uniform(50*millisecond, s.between(300*millisecond, 4*second))
		}
	}
	if s.One(10) {
		n.All.Queue = uint32(world.Pick(s.Dice, 2, 4, 8, 32))
	}
	if s.One(3) {
		n.All.Late = uint32(s.Log(1_000, 40_000))
		n.All.LateBy = world.Uniform(50*millisecond, s.between(300*millisecond, 4*second))
	}
	if s.plan.Servers > 1 && s.One(4) {
		for range s.Int(1, 3) {
			pair := s.pair()
			n.Links = append(n.Links, Link{From: pair[0], To: pair[1], Law: world.LinkLaw{
				Delay: world.Uniform(10*millisecond, s.between(20*millisecond, 300*millisecond)),
				Loss:  n.All.Loss, Duplicate: n.All.Duplicate, LateBy: n.All.LateBy, Queue: n.All.Queue,
			}})
		}
	}
}

// pair is two different servers.
func (s *swarm) pair() [2]int {
	from := int(s.Int(1, int64(s.plan.Servers)))
	to := int(s.Int(1, int64(s.plan.Servers-1)))
	if to >= from {
		to++
	}
	return [2]int{from, to}
}

func (s *swarm) drawDisk() {
	switch s.Int(1, 4) {
	case 1:
		s.plan.Disk.Sync = world.Constant(s.between(20*microsecond, 2*millisecond))
	case 2, 3:
		s.plan.Disk.Sync = world.Uniform(100*microsecond, s.between(millisecond, 12*millisecond))
	case 4:
		s.plan.Disk.Sync = world.Law{Kind: "exponential", Min: 100 * microsecond, Mean: s.between(millisecond, 8*millisecond), Max: 60 * millisecond}
	}
	s.plan.Disk.Crash = world.Pick(s.Dice, "", crashTorn, crashScattered)
	s.plan.Disk.Log = s.One(5) && s.other == nil
	if s.One(5) {
		id := int(s.Int(1, int64(s.plan.Servers)))
		s.plan.Disk.Servers = append(s.plan.Disk.Servers, ServerDisk{Server: id, Sync: world.Uniform(5*millisecond, 40*millisecond)})
	}
}

// drawClocks draws clocks that are not exact: ahead, fast or slow by up to some percent.
func (s *swarm) drawClocks() {
	if !s.One(4) {
		return
	}
	p := s.plan
	for id := 1; id <= p.Servers; id++ {
		if s.One(2) {
			continue
		}
		c := Clock{Server: id, Skew: world.Instant(s.Log(int64(millisecond), int64(10*second)))}
		if c.Drift = s.Log(10, maxSwarmDrift); s.One(2) {
			c.Drift = -c.Drift
		}
		p.Clocks = append(p.Clocks, c)
	}
	p.Tail.Settle, p.Tail.Answer = settleBound(p, s.settings), answerBound(p, s.settings)
}

// maxSwarmDrift is the largest drift that the swarm draws, ppm.
const maxSwarmDrift = 30_000

func (s *swarm) drawWorkload() {
	w := &s.plan.Workload
	w.Clients = int(s.Int(1, 6))
	w.Pause = world.Uniform(0, world.Instant(s.Log(int64(4*millisecond), int64(250*millisecond))))
	if s.sleepy {
		w.Clients = int(s.Int(1, 3))
		w.Pause = world.Uniform(0, 5*second)
	} else if s.rough || s.One(4) { // crowded: many slots in flight at once
		w.Clients = int(s.Int(7, swarmClients))
		w.Pause = world.Uniform(0, world.Instant(s.Log(int64(4*millisecond), int64(60*millisecond))))
	}
	w.Keys = int(s.Int(1, 4))
	w.Timeout = s.between(80*millisecond, 500*millisecond)
	w.Tries = int(world.Pick(s.Dice, 1, 2, 3, 5, 12))
	w.Sticky = s.One(3)
	if s.One(3) {
		w.Gaps = uint32(s.Log(10_000, 300_000))
	}
	w.Mix = Mix{
		Get: int(s.Int(1, 6)), Put: int(s.Int(0, 4)), Append: int(s.Int(0, 4)),
		CAS: int(s.Int(0, 3)), Delete: int(s.Int(0, 1)), Incr: int(s.Int(0, 4)),
	}
	if s.other == nil {
		w.Reads = world.Pick[uint32](s.Dice, 0, 0, 300_000, 1_000_000, 1_000_000)
		// A leader that nobody gives work to but readers notices late that it is none.
		if w.Home = s.One(3); w.Reads > 0 && s.One(2) {
			w.Home, w.Readers = true, s.some(int(s.Int(1, int64(max(1, s.plan.Servers-1)))))
		}
		s.drawHosts()
	}
}

// drawHosts draws whether clients share machines, and some homes. In half of those seeds their pauses
// are of one length, so that what is answered together is followed by what is asked together. The
// dice are its own.
func (s *swarm) drawHosts() {
	d := world.NewDice(world.Draw(s.plan.Seed, drawHosts))
	w := &s.plan.Workload
	if w.Clients < 2 || !d.One(6) {
		return
	}
	w.Hosts = int(d.Int(1, int64(w.Clients+1)/2))
	if d.One(2) {
		w.Home, w.Homes = true, s.someBy(d, int(d.Int(1, int64(s.plan.Servers))))
	}
	if d.One(2) && !s.sleepy {
		w.Pause = world.Constant(world.Instant(d.Log(int64(4*millisecond), int64(60*millisecond))))
	}
}

// swarmClients bounds the clients of a drawn plan.
const swarmClients = 14

// some is a random set of k servers, rising.
func (s *swarm) some(k int) []int { return s.someBy(s.Dice, k) }

// someBy is some by other dice.
func (s *swarm) someBy(d *world.Dice, k int) []int {
	ids := make([]int, s.plan.Servers)
	for i := range ids {
		ids[i] = i + 1
	}
	ids = world.Shuffle(d, ids)[:k]
	slices.Sort(ids)
	return ids
}

// drawTail draws the calm end: who is healed, who stays broken and how, which clients go
// on. Healing everything would hide a livelock that one half-cut server causes.
func (s *swarm) drawTail() {
	p, t := s.plan, &s.plan.Tail
	n, majority := p.Servers, p.Servers/2+1
	core := n
	if n > 2 && (s.rough || s.One(2)) {
		core = int(s.Int(int64(majority), int64(n-1)))
		if s.rough {
			core = majority
		}
		t.Core = s.some(core)
		way := world.Pick(s.Dice, "", "", "down", "cut", string(Deaf), string(Mute))
		for id := 1; id <= n; id++ {
			if slices.Contains(t.Core, id) {
				continue
			}
			how := way
			if how == "" {
				how = world.Pick(s.Dice, "down", "cut", string(Deaf), string(Deaf), string(Mute))
			}
			t.Broken = append(t.Broken, Broken{Server: id, How: how})
		}
	}
	// More clients than the servers' queues bear are told "busy", in turn and by chance: nothing
	// promises one of them that its turn will come.
	queue := s.settings.QueueLimit
	if limit := s.settings.SessionLimit; limit > 0 {
		queue = min(queue, limit) // they would end each other's sessions
	}
	if c := p.Workload.Clients; c > 1 && s.One(2) || s.other == nil && c > queue {
		alive := min(world.Pick(s.Dice, 1, 1, int(s.Int(1, int64(max(1, c-1))))), queue)
		ids := make([]int, c)
		for i := range ids {
			ids[i] = i + 1
		}
		t.Clients = world.Shuffle(s.Dice, ids)[:alive]
		slices.Sort(t.Clients)
	}
	stagger := world.Instant(s.settings.Stagger)
	t.Delay = world.Uniform(100*microsecond, s.between(300*microsecond, min(10*millisecond, stagger/3)))
	// The core stays timely, disks included: the model promises liveness for no other.
	t.Sync = world.Uniform(100*microsecond, world.Instant(s.settings.Timeout)/16)
	t.Pause = world.Uniform(0, s.between(50*millisecond, 500*millisecond))
	t.Settle = settleBound(p, s.settings)
	t.Answer = answerBound(p, s.settings)
	t.For = s.between(500*millisecond, 2*second)
}
