package world

// Rule tells the network what to do with messages that match it, until it is taken away. Scripts
// direct a run with rules. (A Trigger names a single message.)
type Rule struct {
	Kind     uint8 // zero: any
	From, To Node  // zero: any
	Hold     bool  // keep them until Release; false: they are lost
	Omission bool  // they are lost as on a link that loses them, as Omitted: triggers count them

	kept []keptMessage
}

type keptMessage struct {
	from, to Node
	item     uint32
}

func (r *Rule) matches(from, to Node, kind uint8) bool {
	return (r.Kind == 0 || r.Kind == kind) && (r.From == 0 || r.From == from) && (r.To == 0 || r.To == to)
}

// AddRule puts a rule in force. Where several match, the first that was added decides.
func (w *World[M, R]) AddRule(r *Rule) { w.rules = append(w.rules, r) }

// RemoveRule takes a rule away. What it holds stays held.
func (w *World[M, R]) RemoveRule(r *Rule) {
	for i := range w.rules {
		if w.rules[i] == r {
			w.rules = append(w.rules[:i:i], w.rules[i+1:]...)
			return
		}
	}
}

// Held is how many messages that match the filter the rule holds.
func (w *World[M, R]) Held(r *Rule, filter Rule) int {
	n := 0
	for _, k := range r.kept {
		if filter.matches(k.from, k.to, w.slab.at(k.item).kind) {
			n++
		}
	}
	return n
}

// Release sends messages on their way: up to n of those that the rule holds and that match the
// filter. They leave at once, in the order in which they were held. It returns how many.
func (w *World[M, R]) Release(r *Rule, filter Rule, n int) int {
	var rest []keptMessage
	released := 0
	for _, k := range r.kept {
		if released == n || !filter.matches(k.from, k.to, w.slab.at(k.item).kind) {
			rest = append(rest, k)
			continue
		}
		released++
		w.link(k.from, k.to).onWay++
		w.schedule(entry{at: w.now, event: newEvent(deliver, k.to, k.item).on(k.from, 0)})
	}
	r.kept = rest
	return released
}

// ruled says whether a rule has taken the message.
func (w *World[M, R]) ruled(from, to Node, i uint32) bool {
	it := w.slab.at(i)
	for _, r := range w.rules {
		if r.Omission || !r.matches(from, to, it.kind) {
			continue
		}
		if r.Hold {
			it.refs++
			r.kept = append(r.kept, keptMessage{from, to, i})
		} else {
			w.observer.Dropped(from, to, &it.message, Named)
		}
		return true
	}
	return false
}

// omitted says whether a rule loses messages of the kind as a link would: they count as sent, for
// faults that name one.
func (w *World[M, R]) omitted(from, to Node, kind uint8) bool {
	for _, r := range w.rules {
		if r.Omission && r.matches(from, to, kind) {
			return true
		}
	}
	return false
}

// Pause stops a node as it stands: it takes no message, no timer and no sync until Resume.
func (w *World[M, R]) Pause(n Node) { w.nodes[n].paused = true }

// Paused says whether the node is paused.
func (w *World[M, R]) Paused(n Node) bool { return w.nodes[n].paused }

// Resume lets a paused node go on, with all that has come meanwhile, in order.
func (w *World[M, R]) Resume(n Node) {
	nd := &w.nodes[n]
	nd.paused = false
	for _, e := range nd.stash {
		if e.kind() == timer {
			if e.at == nd.later {
				nd.later = Never
			}
			if nd.process == nil {
				continue
			}
			nd.timerAt = w.now
		}
		e.at = w.now
		w.schedule(e)
	}
	nd.stash = nil
	w.arm(n)
}

// stashed keeps an event for a paused node.
func (w *World[M, R]) stashed(e entry) bool {
	nd := &w.nodes[e.node()]
	if !nd.paused {
		return false
	}
	nd.stash = append(nd.stash, e)
	return true
}

// Slow makes each message from or to the node take longer, until Slow(n, 0).
func (w *World[M, R]) Slow(n Node, by Instant) {
	w.disturb(by != 0, w.nodes[n].slow != 0)
	w.nodes[n].slow = by
}

// Shuffle makes each message from or to the node take up to by longer, drawn for each. So they
// overtake one another, until Shuffle(n, 0).
func (w *World[M, R]) Shuffle(n Node, by Instant) {
	w.disturb(by != 0, w.nodes[n].shuffle != 0)
	w.nodes[n].shuffle = by
}

// disturb counts what slows messages down.
func (w *World[M, R]) disturb(is, was bool) {
	switch {
	case is && !was:
		w.disturbed++
	case was && !is:
		w.disturbed--
	}
}

// Play makes everything happen up to t, or until an event says to stop. An event may also move t. (A
// loop outside would go through an interface for each event.)
func (w *World[M, R]) Play(t *Instant, stop *bool) {
	for !*stop && w.StepBy(*t) {
	}
}

// AdvanceTo makes everything happen up to t, unless stop, asked after each event, says to
// stop before; then the time is that of the event.
func (w *World[M, R]) AdvanceTo(t Instant, stop func() bool) bool {
	for w.StepBy(t) {
		if stop() {
			return true
		}
	}
	w.now = max(w.now, t)
	return false
}
