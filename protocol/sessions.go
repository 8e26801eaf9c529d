package protocol

import (
	"cmp"
	"encoding/binary"
	"math"
	"slices"
)

// Sessions (X26). A client's first update opens its session, for good, unless
// Settings.SessionLimit bounds the table (FormatSessions). Then opening and expiry are updates
// like all else. So every server forgets the same session at the same slot, not at a time of
// its own clock.
//
// A client opens a session with an update of its own. The result is the slot that this update
// took, and the client names that slot in all that follows. An update is executed nowhere if it
// names another slot, or a session that is gone: its client hears that it is expired. A late
// copy of such an update does no harm, since a slot is never taken twice.
//
// A late copy of an opening could open a session that nobody wants. Servers tell each other
// what is pending, so it could do so again and again. Against that each session that goes
// leaves a tombstone, its last timestamp. The latest of them are kept, as many as the log says.
//
// The leader decides who goes. It names sessions that have been idle, by its own clock. If it
// binds openings that the table has no room for, the sessions used the longest ago go too: the
// log says which those are. The leader's settings count, not those of the server that executes
// the expiry. So they are in the log.

// UpdateKind says what an Update does.
type UpdateKind uint8

// The kinds of Update.
const (
	Operation      UpdateKind = iota // Op is the application's
	OpenSession                      // opens a session of Client; the result is the slot, in 8 bytes
	ExpireSessions                   // of no client: Op is an expiry, which the leader makes
)

var updateNames = []string{Operation: "operation", OpenSession: "opening", ExpireSessions: "expiry"}

func (k UpdateKind) String() string { return nameOf(int(k), updateNames) }

// SessionOf is the session that the result of an OpenSession names; false for other bytes.
func SessionOf(result []byte) (Seq, bool) {
	if len(result) != 8 {
		return 0, false
	}
	return Seq(binary.BigEndian.Uint64(result)), true
}

// expiring names a session as the leader knew it. It goes only if it has not been used since.
type expiring struct {
	client ClientID
	opened Seq       // the session's name
	last   Timestamp // its lastExecuted: a higher one means that it was used
}

// expiry is the op of ExpireSessions. First the sessions that it names go; then, if it has a
// limit, those used the longest ago.
type expiry struct {
	limit      uint64     // no more sessions than this are left; 0: no limit
	tombstones uint64     // no more than this are left, the latest
	named      []expiring // mostExpiring of them at most
}

// mostExpiring bounds one expiry.
const mostExpiring = 64

func (e *expiry) update() Update {
	b := binary.AppendUvarint(binary.AppendUvarint(nil, e.limit), e.tombstones)
	for _, x := range e.named {
		b = binary.AppendUvarint(b, uint64(x.client))
		b = binary.AppendUvarint(b, uint64(x.opened))
		b = binary.AppendUvarint(b, uint64(x.last))
	}
	return Update{Kind: ExpireSessions, Op: b}
}

// ExpiryOf is an expiry, as a leader makes one: it ends the sessions that are named, as far as they have
// not been used since, then those used the longest ago that are above the limit (0: none are), and keeps as
// many tombstones as are given.
func ExpiryOf(limit, tombstones uint64, named ...Session) Update {
	e := expiry{limit: limit, tombstones: tombstones}
	for _, c := range named {
		e.named = append(e.named, expiring{c.Client, c.Opened, c.Last})
	}
	return e.update()
}

// Expiry reads the op of an ExpireSessions and calls named for each session that it names. It
// returns false where the bytes are not an expiry.
func Expiry(op []byte, named func(c ClientID, opened Seq, last Timestamp)) (limit, tombstones uint64, ok bool) {
	r := uvarints{rest: op}
	for limit, tombstones = r.next(), r.next(); len(r.rest) > 0; {
		client, opened, last := r.next(), r.next(), r.next()
		if r.bad || client > math.MaxUint32 {
			return 0, 0, false
		}
		named(ClientID(client), Seq(opened), Timestamp(last))
	}
	return limit, tombstones, !r.bad
}

// tombstone is of a client whose session is gone, while its lastExecuted is still known: an
// opening at or below it opens nothing.
type tombstone struct {
	client ClientID
	at     Seq // the slot that expired the session: the client's usedAt
}

// explicit says whether clients must open their sessions.
func (s *Server) explicit() bool { return s.settings.SessionLimit > 0 }

// lapsed says whether the update is of a session that is known to be gone. A server that is
// behind may not have heard of the session yet: that one is not lapsed.
func (s *Server) lapsed(c *session, u *Update) bool {
	switch {
	case !s.explicit():
		return false
	case u.Kind == OpenSession:
		return c.opened == 0 && u.Timestamp <= c.lastExecuted
	}
	return u.Session <= s.localARU && (u.Session != c.opened || c.opened == 0)
}

// turnAway tells a client that its update will not be executed.
func (s *Server) turnAway(u *Update, out *Output) {
	if u.Server == s.id {
		out.refuse(u, ReplyExpired)
	}
}

// open executes an opening. One that is repeated changes nothing while its session lives.
func (s *Server) open(seq Seq, u *Update, out *Output) {
	c := s.session(u.Client)
	if u.Timestamp <= c.lastExecuted {
		out.became(Filtered, seq, u)
		s.dropLapsed(c, out)
		return
	}
	if c.opened == 0 {
		s.opened++
		if c.lastExecuted > 0 {
			s.tombs = slices.DeleteFunc(s.tombs, func(t tombstone) bool { return t.client == u.Client })
		}
	}
	c.opened, c.lastExecuted, c.usedAt, c.used = seq, u.Timestamp, seq, s.now
	c.lastResult = binary.BigEndian.AppendUint64(nil, uint64(seq))
	out.became(Opened, seq, u)
	if c.pending != nil && c.pending.Updates[0].Timestamp <= u.Timestamp {
		s.dropPending(c)
	}
	s.dropLapsed(c, out)
	if u.Server == s.id {
		out.answer(u, c.lastResult)
	}
}

// expire executes an expiry.
func (s *Server) expire(seq Seq, u *Update, out *Output) {
	limit, tombstones, ok := Expiry(u.Op, func(client ClientID, opened Seq, last Timestamp) {
		if i, known := s.sessionOf[client]; known {
			if c := &s.sessions[i]; c.opened == opened && c.opened > 0 && c.lastExecuted == last {
				s.forget(seq, c, out)
			}
		}
	})
	if !ok {
		return
	}
	for limit > 0 && uint64(s.opened) > limit {
		s.forget(seq, s.leastUsed(), out)
	}
	s.trimTombstones(tombstones, out)
}

// trimTombstones gives up the oldest tombstones until no more than kept are left.
func (s *Server) trimTombstones(kept uint64, out *Output) {
	s.sortTombstones()
	for ; uint64(len(s.tombs)) > kept; s.tombs = slices.Delete(s.tombs, 0, 1) {
		c := s.session(s.tombs[0].client)
		out.event(Event{Kind: Forgotten, Client: c.client, Timestamp: c.lastExecuted})
		c.lastExecuted, c.usedAt = 0, 0
		s.release(c)
	}
}

// sortTombstones puts the tombstones into an order that all servers have, the oldest first.
func (s *Server) sortTombstones() {
	slices.SortFunc(s.tombs, func(a, b tombstone) int {
		return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.client, b.client))
	})
}

// leastUsed is the session that was used the longest ago, in slots of the log. There must be
// one.
func (s *Server) leastUsed() *session {
	var least *session
	for i := range s.sessions {
		c := &s.sessions[i]
		switch {
		case c.opened == 0:
		case least == nil || c.usedAt < least.usedAt, c.usedAt == least.usedAt && c.client < least.client:
			least = c
		}
	}
	return least
}

// forget ends a session. What is pending of it will not be executed.
func (s *Server) forget(seq Seq, c *session, out *Output) {
	out.event(Event{Kind: Expired, Seq: seq, Client: c.client, Timestamp: c.lastExecuted})
	c.opened, c.lastResult, c.usedAt = 0, nil, seq
	s.opened--
	s.tombs = append(s.tombs, tombstone{c.client, seq})
	s.dropLapsed(c, out)
}

// dropLapsed drops a pending update of a session that is gone. If it were kept it would starve,
// and views would change for ever (X23).
func (s *Server) dropLapsed(c *session, out *Output) {
	if c.pending != nil && s.lapsed(c, &c.pending.Updates[0]) {
		s.turnAway(&c.pending.Updates[0], out)
		s.dropPending(c)
	}
}

// release frees the place of a client that has no session, no tombstone and nothing pending.
func (s *Server) release(c *session) {
	if !s.explicit() || c.opened > 0 || c.lastExecuted > 0 || c.pending != nil || c.client == 0 {
		return
	}
	i := s.sessionOf[c.client]
	delete(s.sessionOf, c.client)
	*c = session{}
	s.vacant = append(s.vacant, i)
}

// bound keeps the table bounded: to a batch that opens more sessions than there is room for it
// adds an expiry. Openings in slots that are under way count too.
func (s *Server) bound(ones []*Batch) []*Batch {
	openings := uint64(0)
	for _, b := range ones {
		openings += openingsOf(b)
	}
	if openings == 0 {
		return ones
	}
	for seq := s.localARU + 1; seq <= s.lastProposed; seq++ {
		if sl := s.history.peek(seq); sl != nil && sl.batch != nil {
			openings += openingsOf(sl.batch)
		}
	}
	if limit := uint64(s.settings.SessionLimit); uint64(s.opened)+openings > limit {
		e := expiry{limit: limit, tombstones: s.tombstones()}
		ones = append(ones, BatchOf(e.update()))
	}
	return ones
}

func openingsOf(b *Batch) uint64 {
	n := uint64(0)
	for i := range b.Updates {
		if b.Updates[i].Kind == OpenSession {
			n++
		}
	}
	return n
}

func (s *Server) tombstones() uint64 { return uint64(s.settings.Tombstones) }

// expireIdle has the leader end sessions that it has not seen used for SessionIdle.
func (s *Server) expireIdle(out *Output) {
	if !s.explicit() || s.state != RegLeader || s.now < s.idleAt || s.expiring != nil {
		return
	}
	e := expiry{tombstones: s.tombstones()}
	s.idleAt = s.now + s.settings.SessionIdle
	for i := range s.sessions {
		c := &s.sessions[i]
		switch {
		case c.opened == 0 || c.pending != nil:
		case s.now-c.used < s.settings.SessionIdle:
			s.idleAt = min(s.idleAt, c.used+s.settings.SessionIdle)
		case len(e.named) == mostExpiring:
			s.idleAt = s.now
		default:
			e.named = append(e.named, expiring{c.client, c.opened, c.lastExecuted})
			c.used = s.now // not again while this one is on its way
		}
	}
	if len(e.named) > 0 {
		s.expiring = BatchOf(e.update())
		s.propose(out)
	}
}

// restartIdle gives every session its full time under a new leader, which does not know the
// clock of the former one.
func (s *Server) restartIdle() {
	for i := range s.sessions {
		s.sessions[i].used = s.now
	}
	s.idleAt = s.now + s.settings.SessionIdle
}

// Session is what all servers know alike of a client, once they have executed the same slots: what
// a snapshot has of it.
type Session struct {
	Client ClientID
	Opened Seq       // the slot that opened its session; 0: it has none, or sessions are not opened
	UsedAt Seq       // the slot that used it last, or that ended it
	Last   Timestamp // the last one executed; never 0
	Result []byte    // of Last; nil once the session has ended. Not to be written to
}

// EachSession calls f for each client of whom a last timestamp is known, in no particular order.
func (s *Server) EachSession(f func(Session)) {
	for i := range s.sessions {
		if c := &s.sessions[i]; c.lastExecuted > 0 {
			f(Session{c.client, c.opened, c.usedAt, c.lastExecuted, c.lastResult})
		}
	}
}

// EachTombstone calls f for each client whose session has ended, and of whom the last timestamp is
// remembered, with the slot that ended the session: the oldest first.
func (s *Server) EachTombstone(f func(client ClientID, at Seq)) {
	for _, t := range s.tombs {
		f(t.client, t.at)
	}
}

// Sessions is how many sessions are open.
func (s *Server) Sessions() int { return s.opened }

// SessionAt is the slot that opened the client's session, zero where it has none.
func (s *Server) SessionAt(client ClientID) Seq {
	if i, ok := s.sessionOf[client]; ok {
		return s.sessions[i].opened
	}
	return 0
}
