package plan

import "github.com/fauer4effect/paxos/sim/world"

// Bounds of liveness in the calm. Each is what the protocol under test promises, and what the plan
// adds to that for any protocol.

// SettleWithin is how long the calm may take until a majority serves. The protocol takes promise once
// all messages are timely. Before that late messages must arrive, and a client must find a server that
// serves.
func (p *Plan) SettleWithin(promise world.Instant) world.Instant {
	bound := p.latest() + p.Workload.Timeout + promise
	if p.Workload.Reads > 0 { // a read unseats nobody: only the update that it becomes does
		bound += ReadTries * p.Workload.Timeout
	}
	return p.stretched(bound)
}

// AnswerWithin is how long an answer may take from then on. The protocol takes promise once the right
// server is asked. The client asks each server in turn, and the first of them once more.
func (p *Plan) AnswerWithin(promise world.Instant) world.Instant {
	tries := p.Servers + 1
	if p.Workload.Reads > 0 {
		tries += ReadTries
	}
	return p.stretched(world.Instant(tries)*p.Workload.Timeout + promise)
}

// ReadTries is how often a client asks for a read without the log. Then it asks for the same as an
// update: no server owes a read its liveness.
const ReadTries = 2

// stretched allows for what servers time with clocks that are not exact.
func (p *Plan) stretched(d world.Instant) world.Instant {
	drift := int64(0)
	for _, c := range p.Clocks {
		drift = max(drift, c.Drift, -c.Drift)
	}
	return d + d/million*2*world.Instant(drift)
}

// latest is how long after the calm's beginning a message of the faulty phase may arrive. It covers
// as well how long clocks that were set back stand still.
func (p *Plan) latest() world.Instant {
	delay := p.Network.All.Delay.Longest()
	for _, l := range p.Network.Links {
		delay = max(delay, l.Law.Delay.Longest())
	}
	late := world.Instant(0)
	if p.Network.All.Late > 0 || p.Network.All.Duplicate > 0 {
		late = 2 * p.Network.All.LateBy.Longest()
	}
	for i := range p.Faults {
		if p.Faults[i].Do == Delay {
			late = max(late, p.Faults[i].For)
		}
	}
	return delay + late + p.lingering()
}

// lingering is how long into the calm slow messages, and clocks that were set back and stand
// still, may outlast their faults. Those that ended early enough do not count.
func (p *Plan) lingering() world.Instant {
	reach := func(f *Fault) (end, by world.Instant) {
		switch f.Do {
		case Slow, Shuffle:
			return f.At + f.Until(0, p.Faulty), 2 * f.By // at both ends of a link
		case Jump:
			return f.At, max(0, -f.By)
		}
		return 0, 0
	}
	all, left := world.Instant(0), world.Instant(0)
	for i := range p.Faults {
		_, by := reach(&p.Faults[i])
		all += by
	}
	for i := range p.Faults {
		if end, by := reach(&p.Faults[i]); end+all >= p.Faulty {
			left += by
		}
	}
	return left
}

const million = 1_000_000 // parts are the whole
