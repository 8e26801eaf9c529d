package swarm

import (
	"github.com/fauer4effect/paxos/sim/plan"
	"github.com/fauer4effect/paxos/sim/world"
)

// What adds faults of each kind to a plan that is to have them: see the table in faults.go.

func crashes(s *swarm, d *world.Dice) {
	s.each(d, 2, func(at world.Instant) { s.add(s.aim(d, plan.Fault{At: at, Do: plan.Crash, For: spell(d)})) })
}

// crashesOfSeveral strike several servers at once, but no majority.
func (s *swarm) crashesOfSeveral() {
	d := s.roll("crash of several")
	if few := int64(s.plan.Servers-1) / 2; few >= 2 && d.One(4) {
		s.add(plan.Fault{At: s.moment(d), Do: plan.Crash, Servers: s.some(d, int(d.Int(2, few))), For: spell(d)})
	}
}

// crashesInTransfer strike those that send, take or ask for a state as a whole, in the middle of that.
func (s *swarm) crashesInTransfer() {
	d := s.roll("crash in a transfer")
	kinds := s.target.named(func(m *Message) bool { return m.Transfer })
	if len(kinds) == 0 || s.plan.Servers < 3 || !s.pace.Transfers || !d.One(2) {
		return
	}
	for range d.Int(1, 3) {
		kind := world.Pick(d, kinds...)
		id, n := int(d.Int(1, int64(s.plan.Servers))), uint32(d.Log(1, 60))
		on := &plan.Name{Kind: kind, From: id, N: n}
		if d.One(2) {
			on = &plan.Name{Kind: kind, To: id, Arrives: true, N: n}
		}
		s.add(plan.Fault{On: on, Do: plan.Crash, For: spell(d)})
	}
}

func powerCuts(s *swarm, d *world.Dice) {
	n := int64(s.plan.Servers)
	for range d.Int(1, 2) {
		s.add(plan.Fault{At: s.moment(d), Do: plan.Crash, Servers: s.some(d, int(d.Int(n/2+1, n))), For: spell(d)})
	}
}

// crashesOnSend lets servers crash right after a message left, while records are unsynced:
// what left must not depend on them.
func crashesOnSend(s *swarm, d *world.Dice) {
	s.each(d, 2, func(world.Instant) {
		m := s.target.weighted(d, func(m *Message) int { return m.OnSend })
		most := int64(400)
		if m.Seldom {
			most = 12
		}
		on := &plan.Name{Kind: m.Name, From: s.some(d, 1)[0], N: uint32(d.Log(1, most)), Unsynced: d.Int(1, 3) > 1}
		s.add(plan.Fault{On: on, Do: plan.Crash, For: spell(d)})
	})
}

// crashesOnArrival let servers crash as they have taken a message.
func crashesOnArrival(s *swarm, d *world.Dice) {
	s.each(d, 1, func(world.Instant) {
		m := s.target.weighted(d, func(m *Message) int { return m.OnArrival })
		on := &plan.Name{Kind: m.Name, To: s.some(d, 1)[0], Arrives: true, N: uint32(d.Log(1, 400))}
		s.add(plan.Fault{On: on, Do: plan.Crash, For: spell(d)})
	})
}

func crashesOnSync(s *swarm, d *world.Dice) {
	s.each(d, 1, func(world.Instant) {
		s.add(plan.Fault{On: &plan.Name{Kind: plan.OnSync, From: s.some(d, 1)[0], N: uint32(d.Log(1, 300))}, Do: plan.Crash, For: spell(d)})
	})
}

func crashesOnStart(s *swarm, d *world.Dice) {
	s.each(d, 1, func(world.Instant) {
		s.add(plan.Fault{On: &plan.Name{Kind: plan.OnStart, From: s.some(d, 1)[0], N: uint32(d.Int(1, 4))}, Do: plan.Crash, For: spell(d)})
	})
}

func rollings(s *swarm, d *world.Dice) {
	n := s.plan.Servers
	for range d.Int(1, 2) {
		s.add(plan.Fault{At: s.moment(d), Do: plan.Rolling, Servers: world.Shuffle(d, s.some(d, int(d.Int(2, int64(n))))), For: spell(d), By: spell(d)})
	}
}

// pauses let servers stand still. One that wakes acts on what it knew.
func pauses(s *swarm, d *world.Dice) {
	s.each(d, 2, func(at world.Instant) {
		f := plan.Fault{At: at, Do: plan.Pause, For: spell(d)}
		if s.sleepy || d.One(6) {
			f.For = between(d, world.Second, max(2*world.Second, s.plan.Faulty))
		}
		s.add(s.aim(d, f))
	})
}

func slows(s *swarm, d *world.Dice) {
	s.each(d, 1, func(at world.Instant) {
		s.add(s.aim(d, plan.Fault{At: at, Do: plan.Slow, For: spell(d), By: logBetween(d, world.Millisecond, 300*world.Millisecond)}))
	})
}

func shuffles(s *swarm, d *world.Dice) {
	s.each(d, 2, func(at world.Instant) {
		s.add(s.aim(d, plan.Fault{At: at, Do: plan.Shuffle, For: spell(d), By: logBetween(d, 5*world.Millisecond, 200*world.Millisecond)}))
	})
}

// clogs hold back what a server sends and is sent. A swizzle clogs half of the servers one by
// one, and lets go of them in another order (FoundationDB's swizzle-clogging).
func clogs(s *swarm, d *world.Dice) {
	swizzle := d.One(2)
	s.each(d, 1, func(at world.Instant) {
		if !swizzle {
			s.add(s.aim(d, plan.Fault{At: at, Do: plan.Clog, For: spell(d)}))
			return
		}
		for _, id := range world.Shuffle(d, s.some(d, (s.plan.Servers+1)/2)) {
			s.add(plan.Fault{At: min(at, s.plan.Faulty-1), Do: plan.Clog, Servers: []int{id}, For: spell(d)})
			at += between(d, world.Millisecond, 60*world.Millisecond)
		}
	})
}

// coups keep the leader of that moment away from the others, for as long as they need to elect another.
// If it has a backlog, it gets older messages before it hears of the election.
func coups(s *swarm, d *world.Dice) {
	t := s.pace.Timeout
	relapse := s.target.Can.Elect && d.One(2)
	ways := []plan.Kind{plan.Backlog, plan.Backlog, plan.Deaf, plan.Isolate}
	if len(s.target.named(func(m *Message) bool { return m.Deposes })) > 0 {
		ways = append(ways, plan.Omit)
	}
	s.each(d, 2, func(at world.Instant) {
		f := plan.Fault{At: at, Do: world.Pick(d, ways...), Leader: true, For: between(d, 3*t, 9*t)}
		if f.Do != plan.Omit {
			s.add(f)
		} else {
			s.silentCoup(d, f)
		}
		if relapse {
			s.electInTurn(d, f.At+f.For)
		}
	})
	stale := s.target.named(func(m *Message) bool { return m.Stale })
	if len(stale) == 0 || s.plan.Workload.Reads == 0 {
		return
	}
	for range d.Int(10, 80) {
		s.add(plan.Fault{On: &plan.Name{Kind: world.Pick(d, stale...), N: uint32(d.Log(1, 2000))}, Do: plan.Delay, For: between(d, 2*t, 10*t)})
	}
}

// silentCoup has the others elect a leader. The old leader hears them, but not the messages that say
// so: it may believe for that time that it still leads.
func (s *swarm) silentCoup(d *world.Dice, f plan.Fault) {
	for _, kind := range s.target.named(func(m *Message) bool { return m.Deposes }) {
		f.Kind = kind
		s.add(f)
	}
	if s.target.Can.Elect {
		s.add(plan.Fault{At: min(f.At+world.Millisecond, s.plan.Faulty-1), Do: plan.Elect, Servers: s.some(d, s.plan.Servers/2+1)})
	}
}

// electInTurn has all servers elect, again and again, until each has had its turn. A server that was
// kept away before leads once more, with what it remembers of that time.
func (s *swarm) electInTurn(d *world.Dice, at world.Instant) {
	gap := logBetween(d, 10*world.Millisecond, 150*world.Millisecond)
	for range s.plan.Servers {
		if at += gap; at >= s.plan.Faulty {
			return
		}
		s.add(plan.Fault{At: at, Do: plan.Elect, Servers: s.some(d, s.plan.Servers)})
	}
}

func cuts(s *swarm, d *world.Dice) {
	s.each(d, 3, func(at world.Instant) {
		pair := s.pair(d)
		s.add(plan.Fault{At: at, Do: plan.Cut, From: pair[0], To: pair[1], For: spell(d)})
	})
}

// side is one side of a partition: not more than half of the servers.
func (s *swarm) side(d *world.Dice) []int {
	return s.some(d, int(d.Int(1, int64(max(1, s.plan.Servers/2)))))
}

func partitions(s *swarm, d *world.Dice) {
	s.each(d, 1, func(at world.Instant) {
		s.add(plan.Fault{At: at, Do: plan.Partition, Servers: s.side(d), For: spell(d)})
	})
}

func flaps(s *swarm, d *world.Dice) {
	s.each(d, 1, func(at world.Instant) {
		s.add(plan.Fault{
			At: at, Do: plan.Flap, Servers: s.side(d), For: between(d, 200*world.Millisecond, 2*world.Second),
			By: logBetween(d, 5*world.Millisecond, 400*world.Millisecond),
		})
	})
}

// majorities connects exactly a majority, and another one every 40 to 600 ms. Each change of
// view must then take over what the last majority knew. In half of these seeds the new majority
// elects at once, with the last leader's messages in flight.
func majorities(s *swarm, d *world.Dice) {
	at := between(d, 0, s.plan.Faulty/2)
	until := between(d, at, s.plan.Faulty)
	slow := logBetween(d, 40*world.Millisecond, 600*world.Millisecond)
	hasty := (d.One(2) || s.rough) && s.target.Can.Elect
	if s.rough {
		until, slow = s.plan.Faulty, min(slow, 300*world.Millisecond)
	}
	for at < until {
		period := between(d, 40*world.Millisecond, max(60*world.Millisecond, slow))
		connected := s.some(d, s.plan.Servers/2+1)
		s.add(plan.Fault{At: at, Do: plan.Connect, Servers: connected, For: period})
		if hasty {
			s.add(plan.Fault{At: min(between(d, at, at+period/2), s.plan.Faulty-1), Do: plan.Elect, Servers: connected})
		}
		at += period
	}
}

func bridges(s *swarm, d *world.Dice) {
	s.each(d, 1, func(at world.Instant) {
		ids := world.Shuffle(d, s.some(d, s.plan.Servers))
		s.add(plan.Fault{At: at, Do: plan.Bridge, From: ids[0], Servers: ids[1 : 1+(len(ids)-1)/2], For: spell(d)})
	})
}

func rings(s *swarm, d *world.Dice) {
	s.each(d, 1, func(at world.Instant) {
		s.add(plan.Fault{At: at, Do: plan.Ring, Servers: world.Shuffle(d, s.some(d, s.plan.Servers)), For: spell(d)})
	})
}

// omissions keep messages of one kind from servers, while all else gets through. Most often one server
// still gets them, and so is ahead of the others. At the end it is often taken out.
func omissions(s *swarm, d *world.Dice) {
	p := s.plan
	if s.sleepy {
		return
	}
	for range d.Int(1, max(2, 3*int64(p.Faulty/world.Second))) {
		f := plan.Fault{
			At: s.moment(d), Do: plan.Omit, For: spell(d),
			Kind: s.target.weighted(d, func(m *Message) int { return m.Omitted }).Name,
		}
		if f.Servers = s.some(d, p.Servers-1); d.One(3) {
			f.Servers = s.some(d, int(d.Int(1, int64(p.Servers))))
		}
		s.add(f)
		if end := f.At + f.For - world.Millisecond; d.One(2) && end < p.Faulty {
			s.add(plan.Fault{At: end, Do: world.Pick(d, plan.Crash, plan.Isolate, plan.Mute), Leader: true, For: logBetween(d, 60*world.Millisecond, 1500*world.Millisecond)})
		}
	}
}

func jumps(s *swarm, d *world.Dice) {
	s.each(d, 2, func(at world.Instant) {
		f := s.aim(d, plan.Fault{At: at, Do: plan.Jump, By: logBetween(d, world.Millisecond, 3*world.Second)})
		if d.One(3) {
			f.By = -f.By
		}
		s.add(f)
	})
}

// elections start elections unprovoked. One server alone the others ignore. Many at once unseat a
// working leader, with its messages in flight.
func elections(s *swarm, d *world.Dice) {
	many := d.One(2)
	s.each(d, 3, func(at world.Instant) {
		k := 1
		if many {
			k = int(d.Int(1, int64(s.plan.Servers)))
		}
		s.add(plan.Fault{At: at, Do: plan.Elect, Servers: s.some(d, k)})
	})
}

// handOvers have the leader of that moment give way to another server.
func handOvers(s *swarm, d *world.Dice) {
	s.each(d, 2, func(at world.Instant) { s.add(plan.Fault{At: at, Do: plan.HandOver, To: s.some(d, 1)[0]}) })
}

// name is a message on a link.
func (s *swarm) name(d *world.Dice) *plan.Name {
	m := s.target.weighted(d, func(m *Message) int { return m.Named })
	most := int64(300)
	if m.Seldom {
		most = 8
	}
	pair := s.pair(d)
	return &plan.Name{Kind: m.Name, From: pair[0], To: pair[1], N: uint32(d.Log(1, most))}
}

func namedDrops(s *swarm, d *world.Dice) {
	s.each(d, 4, func(world.Instant) { s.add(plan.Fault{On: s.name(d), Do: plan.Drop}) })
}

func namedDelays(s *swarm, d *world.Dice) {
	s.each(d, 4, func(world.Instant) {
		s.add(plan.Fault{On: s.name(d), Do: plan.Delay, For: logBetween(d, 50*world.Millisecond, 3*world.Second)})
	})
}
