package sim

import (
	"cmp"
	"slices"

	"github.com/fauer4effect/paxos/protocol"
	"github.com/fauer4effect/paxos/sim/world"
)

// drawFaults draws the faults of each kind that the seed has, in order of time.
func (s *swarm) drawFaults() {
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
		{4, 2, func() { s.secluded(doIsolate) }},
		{5, 2, func() { s.secluded(doDeaf) }},
		{5, 2, func() { s.secluded(doMute) }},
		{3, 2, s.elections},
		{5, 2, s.namedDrops},
		{5, 2, s.namedDelays},
	} {
		if s.One(k.odds) && s.plan.Servers >= k.servers {
			k.draw()
		}
	}
	slices.SortStableFunc(s.plan.Faults, func(a, b Fault) int { return cmp.Compare(a.At, b.At) })
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
			if p.inCore(id) || lost == (p.Servers-1)/2 {
				continue
			}
			lost++
			for range s.Int(1, 2) {
				s.add(Fault{At: s.between(0, p.Faulty-1), Do: doWipe, Servers: []int{id}, For: s.spell()})
			}
		}
		slices.SortStableFunc(p.Faults, func(a, b Fault) int { return cmp.Compare(a.At, b.At) })
	}
	p.Tail.Settle = p.settleBound(p.Servers-len(p.core()), s.settings)
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
	for range s.Int(1, most) {
		f(s.between(0, s.plan.Faulty-1))
	}
}

// spell is how long a fault lasts: often about a timeout, sometimes much longer.
func (s *swarm) spell() world.Instant {
	return world.Instant(s.Log(int64(20*millisecond), int64(1500*millisecond)))
}

func (s *swarm) crashes() {
	s.each(2, func(at world.Instant) {
		s.add(Fault{At: at, Do: doCrash, Servers: s.some(1), For: s.spell()})
	})
}

func (s *swarm) powerCuts() {
	for range s.Int(1, 2) {
		n := s.plan.Servers
		s.add(Fault{
			At: s.between(0, s.plan.Faulty-1), Do: doCrash,
			Servers: s.some(int(s.Int(int64(n/2+1), int64(n)))), For: s.spell(),
		})
	}
}

// crashesOnSend lets servers crash right after a message left, while records are unsynced:
// what left must not depend on them.
func (s *swarm) crashesOnSend() {
	kinds := []protocol.Kind{protocol.Accept, protocol.Proposal, protocol.PrepareOK, protocol.Prepare, protocol.VCProof}
	s.each(2, func(world.Instant) {
		kind := world.Pick(s.Dice, kinds...)
		most := int64(400)
		if kind == protocol.Prepare || kind == protocol.PrepareOK {
			most = 12
		}
		s.add(Fault{
			On: &Name{Kind: kind.String(), From: s.some(1)[0], N: uint32(s.Log(1, most)), Unsynced: s.Int(1, 3) > 1},
			Do: doCrash, For: s.spell(),
		})
	})
}

func (s *swarm) cuts() {
	s.each(3, func(at world.Instant) {
		pair := s.pair()
		s.add(Fault{At: at, Do: doCut, From: pair[0], To: pair[1], For: s.spell()})
	})
}

func (s *swarm) partitions() {
	s.each(1, func(at world.Instant) {
		side := int(s.Int(1, int64(max(1, s.plan.Servers/2))))
		s.add(Fault{At: at, Do: doPartition, Servers: s.some(side), For: s.spell()})
	})
}

// bareMajorities connects exactly a majority, and another one every 40 to 600 ms: each
// change of view must then take over what the last majority knew. In half of these seeds
// the majority elects anew at once, with the last leader's messages in flight.
func (s *swarm) bareMajorities() {
	at := s.between(0, s.plan.Faulty/2)
	until := s.between(at, s.plan.Faulty)
	slow := world.Instant(s.Log(int64(40*millisecond), int64(600*millisecond)))
	hasty := s.rough || s.One(2)
	if s.rough {
		until, slow = s.plan.Faulty, min(slow, 300*millisecond)
	}
	for at < until {
		period := s.between(40*millisecond, max(60*millisecond, slow))
		connected := s.some(s.plan.Servers/2 + 1)
		s.add(Fault{At: at, Do: doConnect, Servers: connected, For: period})
		if hasty {
			s.add(Fault{At: min(s.between(at, at+period/2), s.plan.Faulty-1), Do: doElect, Servers: connected})
		}
		at += period
	}
}

func (s *swarm) secluded(do string) {
	s.each(1, func(at world.Instant) {
		s.add(Fault{At: at, Do: do, Servers: s.some(1), For: s.spell()})
	})
}

// elections are started unprovoked, by one server, which the others ignore, or by many at
// once, which unseats a working leader with its messages in flight.
func (s *swarm) elections() {
	many := s.One(2)
	s.each(3, func(at world.Instant) {
		k := 1
		if many {
			k = int(s.Int(1, int64(s.plan.Servers)))
		}
		s.add(Fault{At: at, Do: doElect, Servers: s.some(k)})
	})
}

func (s *swarm) name() *Name {
	kind := world.Pick(s.Dice, protocol.Proposal, protocol.Accept, protocol.PrepareOK, protocol.Prepare, protocol.ViewChange)
	most := int64(300)
	if kind != protocol.Proposal && kind != protocol.Accept {
		most = 8
	}
	pair := s.pair()
	return &Name{Kind: kind.String(), From: pair[0], To: pair[1], N: uint32(s.Log(1, most))}
}

func (s *swarm) namedDrops() {
	s.each(4, func(world.Instant) { s.add(Fault{On: s.name(), Do: doDrop}) })
}

func (s *swarm) namedDelays() {
	s.each(4, func(world.Instant) {
		s.add(Fault{On: s.name(), Do: doDelay, For: world.Instant(s.Log(int64(50*millisecond), int64(3*second)))})
	})
}
