package check

import (
	"slices"

	"github.com/fauer4effect/paxos/protocol"
	"github.com/fauer4effect/paxos/sim/history"
)

// Log is the canonical log: what was ordered first, anywhere, at each seq, and what comes
// of executing it in order. All servers are compared with it.
type Log struct {
	slots    pages[slot] // by seq
	app      protocol.App
	floor    protocol.Seq       // what lies below is forgotten: see Checker.Endless
	aru      protocol.Seq       // all of 1…aru is ordered and executed by app
	top      protocol.Seq       // the highest seq that a disk holds an acceptance of
	ordered  protocol.Seq       // the highest seq that is ordered anywhere
	sessions []canonicalSession // by client
	Limit    uint64             // of open sessions; 0: they are not opened and never expire (sessions.go)
	Window   protocol.Seq       // of the leaders
	open     uint64             // of them
	gone     []gone             // whose last timestamps are remembered, the oldest first
	table    uint64             // a digest of all that servers know of sessions after aru (table.go)
	contents contents           // kept where somebody reads without a slot
}

type slot struct {
	batch *protocol.Batch // nil until ordered
	state uint64          // hash of the application after it, up to Log.aru
	table uint64          // digest of the session table after it, up to Log.aru
	view  protocol.View
	by    protocol.ServerID
	// Most slots see one proposal, after a view change two.
	inline    [2]proposal
	proposals []proposal
}

// proposal is what was proposed for a slot in one view, and whose disks hold it.
type proposal struct {
	view  protocol.View
	hash  uint64
	made  bool
	disks uint16 // bit id
}

// canonicalSession is what the log holds of one client, by timestamp.
type canonicalSession struct {
	last    protocol.Timestamp // executed
	lastAt  history.Place      // of it
	opened  protocol.Seq       // the slot that opened it, where sessions expire; 0: it has none
	used    protocol.Seq       // last, or ended
	digest  uint64             // its part of Log.table
	updates pages[update]      // by timestamp
}

// update is what is known of one.
type update struct {
	op      []byte        // as its client sent it; nil: it did not
	place   history.Place // where it took effect; 0: not yet, or never
	result  []byte        // with which
	floor   protocol.Seq  // Replies: it must take effect above this seq
	ordered protocol.Seq  // the highest seq that was ordered anywhere when it was asked for
	refused bool          // its client was told that it will not be executed (S8)
}

// took notes where an update took effect, and with what result.
func (c *canonicalSession) took(ts protocol.Timestamp, at history.Place, result []byte) {
	c.last, c.lastAt, c.used = ts, at, slotOf(at)
	u := c.updates.at(uint64(ts))
	u.place, u.result = at, result
}

// The place of what takes effect is its slot, and within its batch. Places are in the order of the log.
const placeBits = 12 // of the index: no batch has as many updates

// slotOf is the slot of a place; 0: there is no slot.
func slotOf(p history.Place) protocol.Seq { return protocol.Seq(p >> placeBits) }

// After is the place of a read of the state after seq: behind all that takes effect there.
func After(seq protocol.Seq) history.Place { return history.Place(seq)<<placeBits | (1<<placeBits - 1) }

// NewLog returns an empty log, executed by the given fresh App.
func NewLog(app protocol.App) *Log {
	l := &Log{app: app}
	l.slot(0).state = app.Hash()
	return l
}

// ARU is how far the canonical log goes without a hole.
func (l *Log) ARU() protocol.Seq { return l.aru }

// App is the application after ARU. It may be looked at, through a Clone.
func (l *Log) App() protocol.App { return l.app }

// Hash identifies what is ordered at 1…ARU, as far as it is not forgotten.
func (l *Log) Hash() uint64 {
	h := uint64(l.aru) + 1
	for seq := l.floor + 1; seq <= l.aru; seq++ {
		h = (h ^ l.slot(seq).batch.Hash()) * 0x9E3779B97F4A7C15
		h ^= h >> 29
	}
	return h
}

// State is the hash of the application after seq ≤ ARU, if that is not forgotten.
func (l *Log) State(seq protocol.Seq) uint64 { return l.slot(seq).state }

// differs says whether a state is another one than the log gives after seq ≤ ARU, as far as is known.
func (l *Log) differs(seq protocol.Seq, state uint64) bool {
	return !l.slots.dropped(uint64(seq)) && l.State(seq) != state
}

// Batch is what is ordered at seq, nil if nothing is.
func (l *Log) Batch(seq protocol.Seq) *protocol.Batch { return l.slot(seq).batch }

func (l *Log) slot(seq protocol.Seq) *slot { return l.slots.at(uint64(seq)) }

func (l *Log) first(seq protocol.Seq) bool { return l.slot(seq).batch == nil }

// proposal finds or makes the entry of a view.
func (s *slot) proposal(view protocol.View) *proposal {
	for i := range s.inline {
		switch s.inline[i].view {
		case view:
			return &s.inline[i]
		case 0:
			s.inline[i].view = view
			return &s.inline[i]
		}
	}
	for i := range s.proposals {
		if s.proposals[i].view == view {
			return &s.proposals[i]
		}
	}
	s.proposals = append(s.proposals, proposal{view: view})
	return &s.proposals[len(s.proposals)-1]
}

// order makes the event's batch the canonical one and executes what has become contiguous.
//
// S2: suppose a batch opens sessions, and together with those that its leader has bound before it
// they are more than the table's limit. Then it must end in an expiry that makes room (X26).
func (l *Log) order(v verdict, id protocol.ServerID, e *protocol.Event) {
	s := l.slot(e.Seq)
	s.batch, s.by, s.view = e.Batch, id, e.View
	l.ordered = max(l.ordered, e.Seq)
	for {
		next := l.slot(l.aru + 1)
		if next.batch == nil {
			return
		}
		l.aru++
		for i := range next.batch.Updates {
			l.apply(&next.batch.Updates[i], history.Place(l.aru)<<placeBits|history.Place(i))
		}
		next.state, next.table = l.app.Hash(), l.table
		if l.Limit > 0 && l.open > l.Limit && opens(next.batch) && l.boundTogether(l.aru) {
			v.fail("S2", "server %d orders at seq %d openings that leave %d sessions open, where %d are the limit", next.by, l.aru, l.open, l.Limit)
		}
	}
}

func opens(b *protocol.Batch) bool {
	return slices.ContainsFunc(b.Updates, func(u protocol.Update) bool { return u.Kind == protocol.OpenSession })
}

// boundTogether says whether the leader that first bound what is ordered at seq had bound all that
// is ordered in the window before it. Leaders that do not know of each other may together open more
// sessions than each of them meant. Then the next opening makes room. It is false where a slot
// of the window is forgotten.
func (l *Log) boundTogether(seq protocol.Seq) bool {
	views := l.slot(seq).madeIn()
	made := len(views) > 0
	for before := seq; made && before > 0 && before+l.Window > seq; before-- {
		if before <= l.floor {
			return false
		}
		made = slices.Contains(l.slot(before).madeIn(), views[0])
	}
	return made
}

// madeIn lists the views in which the ordered batch was proposed, rising.
func (s *slot) madeIn() []protocol.View {
	var views []protocol.View
	for _, p := range slices.Concat(s.inline[:], s.proposals) {
		if p.made && p.hash == s.batch.Hash() {
			views = append(views, p.view)
		}
	}
	slices.Sort(views)
	return views
}

func (l *Log) apply(u *protocol.Update, at history.Place) {
	if u.Kind != protocol.Operation {
		l.sessionsChange(u, at)
		return
	}
	c := l.session(u.Client)
	if u.Timestamp <= c.last || l.Limit > 0 && (c.opened == 0 || u.Session != c.opened) {
		return
	}
	result := l.app.Apply(u.Op)
	c.took(u.Timestamp, at, result)
	l.changed(c, u.Client, result)
	if l.contents.of != nil {
		l.contents.wrote(slotOf(at), u.Op, l.app)
	}
}

func (l *Log) session(client protocol.ClientID) *canonicalSession {
	for int(client) >= len(l.sessions) {
		l.sessions = append(l.sessions, canonicalSession{})
	}
	return &l.sessions[client]
}

// Place is where the update took effect, 0 if it did not.
func (l *Log) Place(client protocol.ClientID, ts protocol.Timestamp) history.Place {
	if c := l.session(client); c.last == ts {
		return c.lastAt // as servers mostly ask
	}
	if u := l.session(client).updates.find(uint64(ts)); u != nil {
		return u.place
	}
	return 0
}

// forgotten says whether what was known of an update is forgotten: it may have been sent long ago.
func (l *Log) forgotten(u *protocol.Update) bool {
	return int(u.Client) < len(l.sessions) && l.sessions[u.Client].updates.dropped(uint64(u.Timestamp))
}

// sent is what is known of an update, nil where its client never sent it.
func (l *Log) sent(client protocol.ClientID, ts protocol.Timestamp) *update {
	if int(client) >= len(l.sessions) {
		return nil
	}
	u := l.sessions[client].updates.find(uint64(ts))
	if u == nil || u.op == nil {
		return nil
	}
	return u
}
