package world

// Purposes of draws.
const (
	drawSync = iota + 1
	drawMessage
	drawLoss
	drawDuplicate
	drawLate
	drawDelay
	drawShuffle
	drawLie
)

// LinkLaw is what a link from one node to another does to messages. Parts are per million.
type LinkLaw struct {
	Delay     Law    `json:"delay"`                   // how long a message takes
	Loss      uint32 `json:"loss_ppm,omitempty"`      // share that is lost
	Duplicate uint32 `json:"duplicate_ppm,omitempty"` // share that arrives twice
	Late      uint32 `json:"late_ppm,omitempty"`      // share that takes late_by on top of delay
	LateBy    Law    `json:"late_by,omitzero"`        // for duplicates too: they come that much after the original
	Queue     uint32 `json:"queue,omitempty"`         // messages on the link at once; more are lost. 0: no bound
}

type link struct {
	delay, lateBy         sampler
	loss, duplicate, late uint32
	cuts, clogs           int32
	queue, onWay          uint32
	kept                  []entry // what a clog holds back
	newest                uint64  // the latest scheduled of what was delivered
	sent                  [MaxKinds]uint32
}

// Parcel says where a message goes and under what name.
type Parcel struct {
	To     Node   // zero: every other server
	After  uint64 // records that must be durable before it leaves
	Kind   uint8  // below MaxKinds
	Digest uint64 // of the content, for the world's hash
}

// SetLink sets the law of one direction of a link.
func (w *World[M, R]) SetLink(from, to Node, law LinkLaw) {
	l := w.link(from, to)
	l.delay, l.lateBy = law.Delay.sampler(), law.LateBy.sampler()
	l.loss, l.duplicate, l.late, l.queue = law.Loss, law.Duplicate, law.Late, law.Queue
}

func (w *World[M, R]) link(from, to Node) *link { return &w.links[int(from)*len(w.nodes)+int(to)] }

// Cut closes one direction of a link. Cuts add up: each takes its own Heal.
func (w *World[M, R]) Cut(from, to Node) { w.link(from, to).cuts++ }

// Heal takes one Cut back.
func (w *World[M, R]) Heal(from, to Node) {
	if l := w.link(from, to); l.cuts > 0 {
		l.cuts--
	}
}

// HealAll takes all cuts and clogs back.
func (w *World[M, R]) HealAll() {
	for i := range w.links {
		w.links[i].cuts = 0
		if w.links[i].clogs > 0 {
			w.links[i].clogs = 0
			w.letGo(&w.links[i])
		}
	}
}

// Clog makes one direction of a link hold back what is sent from now on. Clogs add up: each
// takes its own Unclog.
func (w *World[M, R]) Clog(from, to Node) { w.link(from, to).clogs++ }

// Unclog takes one Clog back. With the last, all that was held back arrives at once.
func (w *World[M, R]) Unclog(from, to Node) {
	if l := w.link(from, to); l.clogs > 0 {
		if l.clogs--; l.clogs == 0 {
			w.letGo(l)
		}
	}
}

// IsClogged says whether the direction holds messages back.
func (w *World[M, R]) IsClogged(from, to Node) bool { return w.link(from, to).clogs > 0 }

// letGo sends what a clog held back.
func (w *World[M, R]) letGo(l *link) {
	for _, e := range l.kept {
		e.at = w.now
		w.schedule(e)
	}
	l.kept = nil
}

// IsCut says whether the direction is closed.
func (w *World[M, R]) IsCut(from, to Node) bool { return w.link(from, to).cuts > 0 }

// Send sends a message of the current node.
func (w *World[M, R]) Send(p Parcel, m *M) {
	*w.Draft() = *m
	w.SendDraft(p)
}

// Draft is where the next message goes: a sender may write it there rather than have it copied.
// It holds an old one. Nothing else may be sent before SendDraft.
func (w *World[M, R]) Draft() *M {
	if w.draft == none {
		w.draft = w.slab.take()
	}
	return &w.slab.at(w.draft).message
}

// SendDraft is Send of what is in the Draft, which must have been asked for.
func (w *World[M, R]) SendDraft(p Parcel) {
	i := w.draft
	w.draft = none
	it := w.slab.at(i)
	it.digest, it.kind, it.refs = p.Digest, p.Kind, 1
	if d := &w.nodes[w.current].disk; p.After > d.synced {
		d.held = append(d.held, held{after: p.After, item: i, to: p.To})
		return
	}
	w.depart(w.current, p.To, i)
}

// depart puts a message onto its links.
func (w *World[M, R]) depart(from, to Node, i uint32) {
	if w.IsServer(from) {
		w.observer.Departed(from, &w.slab.at(i).message)
	}
	if to != 0 {
		w.transmit(from, to, i)
	} else {
		for to = 1; int(to) <= w.cfg.Servers; to++ {
			if to != from {
				w.transmit(from, to, i)
			}
		}
	}
	w.slab.release(i)
}

// transmit is one message on one link: what happens to it is drawn from its name.
func (w *World[M, R]) transmit(from, to Node, i uint32) {
	l := w.link(from, to)
	it := w.slab.at(i)
	l.sent[it.kind]++
	n := l.sent[it.kind]
	name := uint64(it.kind)<<48 | uint64(from)<<40 | uint64(to)<<32 | uint64(n)
	h := Mix(Mix(w.cfg.Seed^drawMessage, name), drawEnd)
	delay, way := l.delay.sample(Mix(h, drawDelay)), Way(0)
	if w.disturbed > 0 {
		slow := w.nodes[from].slow + w.nodes[to].slow
		shuffle := Instant(Below(Mix(h, drawShuffle), uint64(w.nodes[from].shuffle+w.nodes[to].shuffle)))
		delay += slow + shuffle
		if slow > 0 {
			way |= Slowed
		}
		if shuffle > 0 {
			way |= Shuffled
		}
	}
	if len(w.rules) > 0 && w.ruled(from, to, i) {
		return
	}
	if w.watched[it.kind] {
		verdict := w.name(from, to, it.kind)
		if verdict.drop {
			w.observer.Dropped(from, to, &it.message, Named)
			return
		}
		if delay += verdict.delay; verdict.delay > 0 {
			way |= Delayed
		}
	}
	switch {
	case l.cuts > 0:
		w.observer.Dropped(from, to, &it.message, Cut)
		return
	case len(w.rules) > 0 && w.omitted(from, to, it.kind):
		w.observer.Dropped(from, to, &it.message, Omitted)
		return
	case l.loss > 0 && Chance(Mix(h, drawLoss), l.loss):
		w.observer.Dropped(from, to, &it.message, Lost)
		return
	case l.queue > 0 && l.onWay >= l.queue:
		w.observer.Dropped(from, to, &it.message, Overflow)
		return
	}
	if l.late > 0 && Chance(Mix(h, drawLate), l.late) {
		way |= LateWay
		delay += l.lateBy.sample(Mix(h, drawLate+100))
	}
	e := entry{at: w.now + delay, event: newEvent(deliver, to, i).on(from, way)}
	it.refs++
	l.onWay++
	if l.clogs > 0 {
		e.event = e.on(0, Clogged)
		l.kept = append(l.kept, e)
		return
	}
	w.schedule(e)
	if l.duplicate > 0 && Chance(Mix(h, drawDuplicate), l.duplicate) {
		e.event = e.on(0, Repeated)
		e.at = w.now + delay + l.delay.sample(Mix(h, drawDelay+100)) + l.lateBy.sample(Mix(h, drawLate+200))
		it.refs++
		l.onWay++
		w.schedule(e)
	}
}

func (w *World[M, R]) deliver(e entry) {
	it := w.slab.at(e.item())
	nd := &w.nodes[e.node()]
	l := w.link(e.from(), e.node())
	l.onWay--
	if nd.process == nil {
		w.observer.Dropped(e.from(), e.node(), &it.message, Down)
		w.slab.release(e.item())
		return
	}
	w.Counts.Events++
	if e.tie < l.newest {
		w.Counts.Reordered++
	} else {
		l.newest = e.tie
	}
	if w.IsServer(e.from()) && w.IsServer(e.node()) {
		w.Counts.Messages++
	}
	w.fold(uint64(e.node())|uint64(e.from())<<8|uint64(it.kind)<<16, it.digest)
	if e.way() != 0 {
		w.Counts.Duplicates += uint64(e.way() & Repeated)
		w.Counts.Late += uint64(e.way()&LateWay) / uint64(LateWay)
		w.observer.Arrived(e.from(), e.node(), &it.message, e.way())
	}
	if w.cfg.Watch {
		w.observer.Delivering(e.from(), e.node(), &it.message)
	}
	w.current = e.node()
	nd.process.Receive(e.from(), &it.message)
	w.slab.release(e.item())
	w.arm(e.node())
}
