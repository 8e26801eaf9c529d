package sim

import (
	"cmp"
	"slices"

	"github.com/fauer4effect/paxos/protocol"
	"github.com/fauer4effect/paxos/sim/world"
)

// drawFaults draws the faults of each kind that the seed has, in order of time.
func (s *swarm) drawFaults() {
	if s.drawMuted() {
		return
	}
	type kind struct {
		odds    int64 // one seed in so many has it
		servers int   // it takes
		draw    func()
	}
	for _, k := range []kind{
		{2, 1, s.crashes},
		{5, 1, s.powerCuts},
		{3, 2, s.crashesOnSend},
		{3, 2, s.cuts},
		{3, 2, s.partitions},
		{odds(3, s.rough), 3, s.bareMajorities},
		{6, 2, s.rolling},
		{4, 1, s.pauses},
		{6, 2, s.slow},
		{7, 2, s.flaps},
		{7, 3, s.bridges},
		{8, 4, s.rings},
		{5, 2, s.clogs},
		{5, 2, s.shuffles},
		{6, 1, func() { s.disks(Stall) }},
		{7, 1, func() { s.disks(FailSync) }},
		{8, 1, func() { s.disks(Full) }},
		{7, 1, s.jumps},
		{4, 1, s.crashesOnEvent},
		{4, 2, func() { s.secluded(Isolate) }},
		{5, 2, func() { s.secluded(Deaf) }},
		{5, 2, func() { s.secluded(Mute) }},
		{3, 2, s.elections},
		{4, 2, s.handOvers},
		{odds(3, len(s.plan.Workload.Readers) > 0), 3, s.coups},
		{5, 2, s.namedDrops},
		{5, 2, s.namedDelays},
	} {
		if s.One(k.odds) && s.plan.Servers >= k.servers {
			k.draw()
		}
	}
	s.rareCrashes()
	s.omissions()
	slices.SortStableFunc(s.plan.Faults, func(a, b Fault) int { return cmp.Compare(a.At, b.At) })
}

// drawMuted draws whether the seed's one fault is that a server hears all and is not heard, for
// long, while each client stays with its server: what is asked of that one starves, though the
// leader gets on with the rest (X23), and a mixture of faults would have changed the view before
// that. The dice are its own.
func (s *swarm) drawMuted() bool {
	d := world.NewDice(world.Draw(s.plan.Seed, drawMute))
	p, w := s.plan, &s.plan.Workload
	if p.Servers < 3 || s.sleepy || s.rough || !d.One(20) {
		return false
	}
	w.Home, w.Sticky, w.Tries, w.Homes, w.Readers = s.other == nil, true, 12, nil, nil
	w.Clients = max(w.Clients, min(p.Servers, swarmClients))
	s.add(Fault{At: world.Instant(d.Int(0, int64(p.Faulty/3))), Do: Mute, Servers: s.some(1), For: p.Faulty})
	return true
}

// drawFormation draws whether the disks begin fresh and must meet (X18), and who loses its
// disk later: a minority, outside the tail's core, since nothing brings them back.
func (s *swarm) drawFormation() {
	p := s.plan
	if !s.One(3) {
		return
	}
	p.Formation = true
	if p.Servers >= 3 && s.One(2) {
		if len(p.Tail.Core) == 0 {
			p.Tail.Core = s.some(p.Servers - int(s.Int(1, int64(p.Servers-1)/2)))
		}
		lost := 0
		for id := 1; id <= p.Servers; id++ {
			if p.InCore(id) || lost == (p.Servers-1)/2 {
				continue
			}
			lost++
			for range s.Int(1, 2) {
				s.add(Fault{At: s.between(0, p.Faulty-1), Do: Wipe, Servers: []int{id}, For: s.spell()})
			}
		}
		slices.SortStableFunc(p.Faults, func(a, b Fault) int { return cmp.Compare(a.At, b.At) })
	}
	p.Tail.Settle = settleBound(p, s.settings)
}

// drawRot draws damage on disks that are logs: of a minority outside the tail's core, since
// a server that finds its disk damaged is gone for good.
func (s *swarm) drawRot() {
	p := s.plan
	if !p.Disk.Log || p.Servers < 3 || !s.One(2) {
		return
	}
	if len(p.Tail.Core) == 0 {
		p.Tail.Core = s.some(p.Servers - int(s.Int(1, int64(p.Servers-1)/2)))
	}
	lost := map[int]bool{} // looked up, never ranged over
	for i := range p.Faults {
		if p.Faults[i].Do == Wipe {
			lost[p.Faults[i].Servers[0]] = true
		}
	}
	for id := 1; id <= p.Servers; id++ {
		if p.InCore(id) || !lost[id] && len(lost) == (p.Servers-1)/2 {
			continue
		}
		lost[id] = true
		s.add(Fault{
			At: s.between(p.Faulty/4, p.Faulty-1), Do: world.Pick(s.Dice, Rot, Misread),
			Servers: []int{id}, For: s.spell(),
		})
	}
	slices.SortStableFunc(p.Faults, func(a, b Fault) int { return cmp.Compare(a.At, b.At) })
	p.Tail.Settle = settleBound(p, s.settings)
}

// drawLies draws disks that lie, and the power cuts that show it.
func (s *swarm) drawLies() {
	s.plan.Disk.Lies = uint32(s.Log(50_000, 1_000_000))
	s.crashes()
	s.powerCuts()
	slices.SortStableFunc(s.plan.Faults, func(a, b Fault) int { return cmp.Compare(a.At, b.At) })
}

// drawWire draws whether messages travel as datagrams, and how many of them arrive damaged.
func (s *swarm) drawWire() {
	if s.One(6) && s.plan.Servers > 1 {
		s.plan.Network.Wire = true
		s.plan.Network.Flips = uint32(s.Log(1_000, 50_000))
	}
}

// odds is one in n, or certain.
func odds(n int64, certain bool) int64 {
	if certain {
		return 1
	}
	return n
}

func (s *swarm) add(f Fault) { s.plan.Faults = append(s.plan.Faults, f) }

// each calls f at about n moments a second of the faulty phase, at least at one.
func (s *swarm) each(perSecond int64, f func(at world.Instant)) {
	most := max(1, int64(s.plan.Faulty/millisecond)*perSecond/1000)
	if s.sleepy {
		most = max(1, most/40)
	}
	for range s.Int(1, most) {
		f(s.between(0, s.plan.Faulty-1))
	}
}

// spell is how long a fault lasts: often about a timeout, sometimes much longer.
func (s *swarm) spell() world.Instant {
	return world.Instant(s.Log(int64(20*millisecond), int64(1500*millisecond)))
}

func (s *swarm) crashes() {
	s.each(2, func(at world.Instant) { s.add(s.aim(Fault{At: at, Do: Crash, For: s.spell()})) })
}

// rareCrashes strike several servers at once, but no majority, and those that send, take or ask
// for a snapshot, in the middle of that. The dice are their own.
func (s *swarm) rareCrashes() {
	d := world.NewDice(world.Draw(s.plan.Seed, drawRareCrashes))
	p := s.plan
	down := func() world.Instant { return world.Instant(d.Log(int64(20*millisecond), int64(1500*millisecond))) }
	if few := int64(p.Servers-1) / 2; few >= 2 && d.One(4) {
		s.add(Fault{At: world.Instant(d.Int(0, int64(p.Faulty)-1)), Do: Crash, Servers: s.someBy(d, int(d.Int(2, few))), For: down()})
	}
	if s.other != nil || p.Servers < 3 || s.settings.SnapshotSlots == 0 || !d.One(2) {
		return
	}
	for range d.Int(1, 3) {
		kind := world.Pick(d, protocol.SnapshotPart, protocol.SnapshotPart, protocol.SnapshotRequest).String()
		id, n := int(d.Int(1, int64(p.Servers))), uint32(d.Log(1, 60))
		on := &Name{Kind: kind, From: id, N: n}
		if d.One(2) {
			on = &Name{Kind: kind, To: id, Arrives: true, N: n}
		}
		s.add(Fault{On: on, Do: Crash, For: down()})
	}
}

// omissions keep messages of one kind from servers, while all else gets through: most often Accepts
// from all but one, which is then ahead of them, and is taken out, often, at the end of it. The dice
// are their own.
func (s *swarm) omissions() {
	d := world.NewDice(world.Draw(s.plan.Seed, drawOmissions))
	p := s.plan
	if p.Servers < 2 || s.sleepy || !d.One(4) {
		return
	}
	kinds := s.kinds(protocol.Accept, protocol.Proposal, protocol.PrepareOK, protocol.CatchUpReply, protocol.VCProof,
		protocol.ViewChange, protocol.ClientUpdate, protocol.ReadAck, protocol.SnapshotPart)
	for range d.Int(1, max(2, 3*int64(p.Faulty/second))) {
		f := Fault{
			At: world.Instant(d.Int(0, int64(p.Faulty)-1)), Do: Omit, Kind: world.Pick(d, kinds...),
			For: world.Instant(d.Log(int64(20*millisecond), int64(1500*millisecond))),
		}
		if f.Servers = s.someBy(d, p.Servers-1); d.One(3) {
			f.Servers = s.someBy(d, int(d.Int(1, int64(p.Servers))))
		}
		if s.other == nil && d.One(2) {
			f.Kind = protocol.Accept.String()
		}
		s.add(f)
		if end := f.At + f.For - millisecond; d.One(2) && end < p.Faulty {
			s.add(Fault{
				At: end, Do: world.Pick(d, Crash, Isolate, Mute), Leader: true,
				For: world.Instant(d.Log(int64(60*millisecond), int64(1500*millisecond))),
			})
		}
	}
}

// aim gives the fault a victim: one server, or, in an aimed seed, often whoever leads then.
func (s *swarm) aim(f Fault) Fault {
	if f.Leader = s.aimed && s.One(2); !f.Leader {
		f.Servers = s.some(1)
	}
	return f
}

func (s *swarm) rolling() {
	n := s.plan.Servers
	for range s.Int(1, 2) {
		s.add(Fault{
			At: s.between(0, s.plan.Faulty-1), Do: Rolling, Servers: world.Shuffle(s.Dice, s.some(int(s.Int(2, int64(n))))),
			For: s.spell(), By: s.spell(),
		})
	}
}

// pauses let servers stand still. One that wakes acts on what it knew.
func (s *swarm) pauses() {
	s.each(2, func(at world.Instant) {
		f := Fault{At: at, Do: Pause, For: s.spell()}
		if s.sleepy || s.One(6) {
			f.For = s.between(second, max(2*second, s.plan.Faulty))
		}
		s.add(s.aim(f))
	})
}

func (s *swarm) slow() {
	s.each(1, func(at world.Instant) {
		s.add(s.aim(Fault{At: at, Do: Slow, For: s.spell(), By: world.Instant(s.Log(int64(millisecond), int64(300*millisecond)))}))
	})
}

func (s *swarm) flaps() {
	s.each(1, func(at world.Instant) {
		side := int(s.Int(1, int64(max(1, s.plan.Servers/2))))
		s.add(Fault{
			At: at, Do: Flap, Servers: s.some(side), For: s.between(200*millisecond, 2*second),
			By: world.Instant(s.Log(int64(5*millisecond), int64(400*millisecond))),
		})
	})
}

func (s *swarm) bridges() {
	s.each(1, func(at world.Instant) {
		ids := world.Shuffle(s.Dice, s.some(s.plan.Servers))
		s.add(Fault{At: at, Do: Bridge, From: ids[0], Servers: ids[1 : 1+(len(ids)-1)/2], For: s.spell()})
	})
}

func (s *swarm) rings() {
	s.each(1, func(at world.Instant) {
		s.add(Fault{At: at, Do: Ring, Servers: world.Shuffle(s.Dice, s.some(s.plan.Servers)), For: s.spell()})
	})
}

// clogs hold back what a server sends and is sent. A swizzle clogs half of the servers one by
// one, and lets go of them in another order (FoundationDB's swizzle-clogging).
func (s *swarm) clogs() {
	swizzle := s.One(2)
	s.each(1, func(at world.Instant) {
		if !swizzle {
			s.add(s.aim(Fault{At: at, Do: Clog, For: s.spell()}))
			return
		}
		for _, id := range world.Shuffle(s.Dice, s.some((s.plan.Servers+1)/2)) {
			s.add(Fault{At: min(at, s.plan.Faulty-1), Do: Clog, Servers: []int{id}, For: s.spell()})
			at += s.between(millisecond, 60*millisecond)
		}
	})
}

func (s *swarm) shuffles() {
	s.each(2, func(at world.Instant) {
		s.add(s.aim(Fault{At: at, Do: Shuffle, For: s.spell(), By: world.Instant(s.Log(int64(5*millisecond), int64(200*millisecond)))}))
	})
}

// disks stall, fill up, or fail a sync.
func (s *swarm) disks(do Kind) {
	s.each(1, func(at world.Instant) { s.add(s.aim(Fault{At: at, Do: do, For: s.spell()})) })
}

func (s *swarm) jumps() {
	s.each(2, func(at world.Instant) {
		f := s.aim(Fault{At: at, Do: Jump, By: world.Instant(s.Log(int64(millisecond), int64(3*second)))})
		if s.One(3) {
			f.By = -f.By
		}
		s.add(f)
	})
}

// crashesOnEvent let servers crash as they have taken a message, synced, or started anew.
func (s *swarm) crashesOnEvent() {
	kinds := s.kinds(protocol.Accept, protocol.Proposal, protocol.PrepareOK, protocol.Prepare, protocol.ClientUpdate, protocol.VCProof)
	s.each(2, func(world.Instant) {
		on := &Name{From: s.some(1)[0]}
		switch s.Int(1, 3) {
		case 1:
			on.Kind, on.N = OnSync, uint32(s.Log(1, 300))
		case 2:
			on.Kind, on.N = OnStart, uint32(s.Int(1, 4))
		default:
			*on = Name{Kind: world.Pick(s.Dice, kinds...), To: on.From, Arrives: true, N: uint32(s.Log(1, 400))}
		}
		s.add(Fault{On: on, Do: Crash, For: s.spell()})
	})
}

func (s *swarm) powerCuts() {
	for range s.Int(1, 2) {
		n := s.plan.Servers
		s.add(Fault{
			At: s.between(0, s.plan.Faulty-1), Do: Crash,
			Servers: s.some(int(s.Int(int64(n/2+1), int64(n)))), For: s.spell(),
		})
	}
}

// crashesOnSend lets servers crash right after a message left, while records are unsynced:
// what left must not depend on them.
func (s *swarm) crashesOnSend() {
	kinds := s.kinds(protocol.Accept, protocol.Proposal, protocol.PrepareOK, protocol.Prepare, protocol.VCProof)
	s.each(2, func(world.Instant) {
		kind := world.Pick(s.Dice, kinds...)
		most := int64(400)
		if kind == protocol.Prepare.String() || kind == protocol.PrepareOK.String() {
			most = 12
		}
		s.add(Fault{
			On: &Name{Kind: kind, From: s.some(1)[0], N: uint32(s.Log(1, most)), Unsynced: s.Int(1, 3) > 1},
			Do: Crash, For: s.spell(),
		})
	})
}

func (s *swarm) cuts() {
	s.each(3, func(at world.Instant) {
		pair := s.pair()
		s.add(Fault{At: at, Do: Cut, From: pair[0], To: pair[1], For: s.spell()})
	})
}

func (s *swarm) partitions() {
	s.each(1, func(at world.Instant) {
		side := int(s.Int(1, int64(max(1, s.plan.Servers/2))))
		s.add(Fault{At: at, Do: Partition, Servers: s.some(side), For: s.spell()})
	})
}

// bareMajorities connects exactly a majority, and another one every 40 to 600 ms: each
// change of view must then take over what the last majority knew. In half of these seeds
// the majority elects anew at once, with the last leader's messages in flight.
func (s *swarm) bareMajorities() {
	at := s.between(0, s.plan.Faulty/2)
	until := s.between(at, s.plan.Faulty)
	slow := world.Instant(s.Log(int64(40*millisecond), int64(600*millisecond)))
	hasty := (s.rough || s.One(2)) && s.other == nil
	if s.rough {
		until, slow = s.plan.Faulty, min(slow, 300*millisecond)
	}
	for at < until {
		period := s.between(40*millisecond, max(60*millisecond, slow))
		connected := s.some(s.plan.Servers/2 + 1)
		s.add(Fault{At: at, Do: Connect, Servers: connected, For: period})
		if hasty {
			s.add(Fault{At: min(s.between(at, at+period/2), s.plan.Faulty-1), Do: Elect, Servers: connected})
		}
		at += period
	}
}

func (s *swarm) secluded(do Kind) {
	s.each(1, func(at world.Instant) { s.add(s.aim(Fault{At: at, Do: do, For: s.spell()})) })
}

// elections are started unprovoked, by one server, which the others ignore, or by many at
// once, which unseats a working leader with its messages in flight.
func (s *swarm) elections() {
	if s.other != nil {
		return
	}
	many := s.One(2)
	s.each(3, func(at world.Instant) {
		k := 1
		if many {
			k = int(s.Int(1, int64(s.plan.Servers)))
		}
		s.add(Fault{At: at, Do: Elect, Servers: s.some(k)})
	})
}

// coups keep whoever leads away from the others for as long as they need to elect another. One
// with a backlog has not heard of that when what is older arrives.
func (s *swarm) coups() {
	t := world.Instant(s.settings.Timeout)
	relapses := world.NewDice(world.Draw(s.plan.Seed, drawRelapses))
	relapse := s.other == nil && relapses.One(2)
	s.each(2, func(at world.Instant) {
		f := Fault{At: at, Do: world.Pick(s.Dice, Backlog, Backlog, Deaf, Isolate), Leader: true, For: s.between(3*t, 9*t)}
		s.add(f)
		if relapse {
			s.electInTurn(relapses, f.At+f.For)
		}
	})
	if s.other == nil && s.plan.Workload.Reads > 0 {
		for range s.Int(1, 12) {
			s.add(Fault{
				On: &Name{Kind: protocol.ReadAck.String(), N: uint32(s.Log(1, 2000))},
				Do: Delay, For: s.between(2*t, 10*t),
			})
		}
	}
}

// electInTurn has all servers elect, again and again, until each has had its turn: who was kept away
// before leads once more, with what it remembers of that time.
func (s *swarm) electInTurn(d *world.Dice, at world.Instant) {
	gap := world.Instant(d.Log(int64(10*millisecond), int64(150*millisecond)))
	for range s.plan.Servers {
		if at += gap; at >= s.plan.Faulty {
			return
		}
		s.add(Fault{At: at, Do: Elect, Servers: s.someBy(d, s.plan.Servers)})
	}
}

// handOvers have whoever leads give way to another server.
func (s *swarm) handOvers() {
	if s.other == nil {
		s.each(2, func(at world.Instant) { s.add(Fault{At: at, Do: HandOver, To: s.some(1)[0]}) })
	}
}

func (s *swarm) name() *Name {
	kind := world.Pick(s.Dice, s.kinds(protocol.Proposal, protocol.Accept, protocol.PrepareOK, protocol.Prepare, protocol.ViewChange)...)
	most := int64(300)
	if s.other == nil && kind != protocol.Proposal.String() && kind != protocol.Accept.String() {
		most = 8
	}
	pair := s.pair()
	return &Name{Kind: kind, From: pair[0], To: pair[1], N: uint32(s.Log(1, most))}
}

func (s *swarm) namedDrops() {
	s.each(4, func(world.Instant) { s.add(Fault{On: s.name(), Do: Drop}) })
}

func (s *swarm) namedDelays() {
	s.each(4, func(world.Instant) {
		s.add(Fault{On: s.name(), Do: Delay, For: world.Instant(s.Log(int64(50*millisecond), int64(3*second)))})
	})
}
