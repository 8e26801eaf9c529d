package world

// Trigger names a message by its meaning: the N-th of a kind on a link. Where From or To
// is zero, any node matches, and N counts all of them together.
type Trigger struct {
	Kind     uint8
	From, To Node
	N        uint32 // from 1
	// Unsynced counts only messages that leave while their sender has records that a
	// crash would take.
	Unsynced bool

	Drop  bool    // the message is lost
	Delay Instant // it takes this much longer
	// Then runs once the event in which the message leaves is over.
	Then func(from, to Node)
	// Count, if it is not nil, is where the messages that match are counted.
	Count *uint32

	seen uint32
}

// Seen is how many messages the trigger has matched so far; it fired if that is at least N.
func (t *Trigger) Seen() uint32 { return t.seen }

// OnMessage arms a trigger.
func (w *World[M, R]) OnMessage(t *Trigger) {
	w.named = append(w.named, t)
	w.watched[t.Kind] = true
}

// Disarm takes all triggers away.
func (w *World[M, R]) Disarm() {
	w.named, w.watched = nil, [MaxKinds]bool{}
}

// waits says whether a crash of the node would take a record that somebody waits for.
func (w *World[M, R]) waits(n Node) bool {
	d := &w.nodes[n].disk
	return d.wanted > d.synced
}

type verdict struct {
	drop  bool
	delay Instant
}

// name asks the triggers about a message that leaves.
func (w *World[M, R]) name(from, to Node, kind uint8) verdict {
	var v verdict
	for _, t := range w.named {
		if t.Kind != kind || t.From != 0 && t.From != from || t.To != 0 && t.To != to ||
			t.Unsynced && !w.waits(from) {
			continue
		}
		t.seen++
		if t.Count != nil {
			*t.Count = t.seen
		}
		if t.seen != t.N {
			continue
		}
		v.drop = v.drop || t.Drop
		v.delay += t.Delay
		if t.Then != nil {
			w.after = append(w.after, func() { t.Then(from, to) })
		}
	}
	return v
}
