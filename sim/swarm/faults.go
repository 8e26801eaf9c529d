package swarm

import (
	"cmp"

	"github.com/fauer4effect/paxos/sim/plan"
	"github.com/fauer4effect/paxos/sim/world"
)

// draws has, for each kind of fault, what adds faults of it to a plan that is to have them. It is
// looked up only: the odds stand in Kinds.
var draws = map[plan.Kind]func(s *swarm, d *world.Dice){
	plan.Crash:          crashes,
	plan.PowerCut:       powerCuts,
	plan.CrashOnSend:    crashesOnSend,
	plan.CrashOnArrival: crashesOnArrival,
	plan.CrashOnSync:    crashesOnSync,
	plan.CrashOnStart:   crashesOnStart,
	plan.Rolling:        rollings,
	plan.Pause:          pauses,
	plan.Slow:           slows,
	plan.Shuffle:        shuffles,
	plan.Clog:           clogs,
	plan.Backlog:        coups,
	plan.Cut:            cuts,
	plan.Partition:      partitions,
	plan.Flap:           flaps,
	plan.Connect:        majorities,
	plan.Bridge:         bridges,
	plan.Ring:           rings,
	plan.Isolate:        victims(plan.Isolate, 1),
	plan.Deaf:           victims(plan.Deaf, 1),
	plan.Mute:           victims(plan.Mute, 1),
	plan.Omit:           omissions,
	plan.Jump:           jumps,
	plan.Stall:          victims(plan.Stall, 1),
	plan.FailSync:       victims(plan.FailSync, 1),
	plan.Full:           victims(plan.Full, 1),
	plan.Elect:          elections,
	plan.HandOver:       handOvers,
	plan.Drop:           namedDrops,
	plan.Delay:          namedDelays,
}

// later are the kinds that drawLosses adds, since they go by who is in the tail's core.
var later = [...]plan.Kind{plan.Wipe, plan.Rot, plan.Misread}

// drawFaults draws the faults of each kind that the seed has.
func (s *swarm) drawFaults() {
	if s.drawMuted() {
		return
	}
	for _, k := range s.rows {
		d, draw := s.roll(string(k.Kind)), draws[k.Kind]
		if has := d.One(k.Odds) || s.certain(k.Kind); has && draw != nil && s.plan.Servers >= k.Least && s.can(k.Kind) {
			draw(s, d)
		}
	}
	s.crashesOfSeveral()
	s.crashesInTransfer()
}

// certain says whether the seed has the kind of fault in any case.
func (s *swarm) certain(k plan.Kind) bool {
	return k == plan.Connect && s.rough || k == plan.Backlog && len(s.plan.Workload.Readers) > 0
}

// can says whether the protocol can be told to do what the fault asks for.
func (s *swarm) can(k plan.Kind) bool {
	return (k != plan.Elect || s.target.Can.Elect) && (k != plan.HandOver || s.target.Can.HandOver)
}

func byTime(a, b plan.Fault) int { return cmp.Compare(a.At, b.At) }

func (s *swarm) add(f plan.Fault) { s.plan.Faults = append(s.plan.Faults, f) }

// each calls f at about n moments a second of the faulty phase, at least at one.
func (s *swarm) each(d *world.Dice, perSecond int64, f func(at world.Instant)) {
	most := max(1, int64(s.plan.Faulty/world.Millisecond)*perSecond/1000)
	if s.sleepy {
		most = max(1, most/40)
	}
	for range d.Int(1, most) {
		f(s.moment(d))
	}
}

// moment is a time of the faulty phase.
func (s *swarm) moment(d *world.Dice) world.Instant { return between(d, 0, s.plan.Faulty-1) }

// spell is how long a fault lasts: often about a timeout, sometimes much longer.
func spell(d *world.Dice) world.Instant {
	return logBetween(d, 20*world.Millisecond, 1500*world.Millisecond)
}

// aim gives the fault a victim: one server, or, in an aimed seed, often the leader of that moment.
func (s *swarm) aim(d *world.Dice, f plan.Fault) plan.Fault {
	if f.Leader = s.aimed && d.One(2); !f.Leader {
		f.Servers = s.some(d, 1)
	}
	return f
}

// victims strike one server each, at the given rate a second.
func victims(do plan.Kind, perSecond int64) func(*swarm, *world.Dice) {
	return func(s *swarm, d *world.Dice) {
		s.each(d, perSecond, func(at world.Instant) { s.add(s.aim(d, plan.Fault{At: at, Do: do, For: spell(d)})) })
	}
}

// drawMuted draws whether the seed has one fault alone: a server hears all and is not heard, for
// long. Each client stays with its server. So what the muted server is asked starves, though the
// leader serves the rest (X23). In a mixture of faults the view would change before that.
func (s *swarm) drawMuted() bool {
	d := s.roll("one is mute")
	p, w := s.plan, &s.plan.Workload
	if p.Servers < 3 || s.sleepy || s.rough || !d.One(20) {
		return false
	}
	w.Home, w.Sticky, w.Tries, w.Homes, w.Readers = s.target.Can.Reads, true, 12, nil, nil
	w.Clients = max(w.Clients, min(p.Servers, swarmClients))
	s.add(plan.Fault{At: between(d, 0, p.Faulty/3), Do: plan.Mute, Servers: s.some(d, 1), For: p.Faulty})
	return true
}

// drawLosses draws whether the disks begin fresh and must meet (X18). It draws who loses its disk later,
// or finds it damaged. That is a minority outside the tail's core, since nothing brings them back.
func (s *swarm) drawLosses() {
	p := s.plan
	p.Formation = s.target.Can.Formation && s.roll("formation").One(3)
	lost := map[int]bool{} // looked up, never ranged over
	most := (p.Servers - 1) / 2
	for _, k := range later {
		d := s.roll(string(k))
		row, _ := k.Row()
		if possible := p.Formation && k == plan.Wipe || p.Disk.Log && k != plan.Wipe; !possible || p.Servers < row.Least || !d.One(row.Odds) {
			continue
		}
		if len(p.Tail.Core) == 0 {
			p.Tail.Core = s.some(d, p.Servers-int(d.Int(1, int64(most))))
		}
		for id := 1; id <= p.Servers; id++ {
			if p.InCore(id) || !lost[id] && len(lost) == most {
				continue
			}
			lost[id] = true
			first, times := world.Instant(0), d.Int(1, 2)
			if k != plan.Wipe { // there must be something to damage
				first, times = p.Faulty/4, 1
			}
			for range times {
				s.add(plan.Fault{At: between(d, first, p.Faulty-1), Do: k, Servers: []int{id}, For: spell(d)})
			}
		}
	}
}
