package protocol

import "slices"

// waits has the pending updates by their Update_Timer, the earliest first. A server with thousands
// of sessions must not look at each of them whenever one timer is due. (In an outage with 32,768
// sessions, 2,000 of them waiting, that took far more time than there was.) Time never goes back
// and all wait equally long: so a new timer always goes to the end.
//
// Entries of executed updates stay in the list; awaited recognises them as stale.
type waits struct {
	list []wait // Invariant: at never falls. Each pending update has its entry behind head.
	head int    // the entries before it are taken out
}

// staleWaits is how many stale entries there may be in any case.
const staleWaits = 1024

// wait is the timer of one pending update.
type wait struct {
	at      Instant // when it is due: the session's timer, unless the entry is stale
	session int32   // its place in Server.sessions
}

// await arms the timer of a session's pending update.
func (s *Server) await(c *session) {
	q := &s.waits
	for q.head < len(q.list) && !s.awaited(q.list[q.head]) {
		q.head++
	}
	if len(q.list)-q.head > 2*s.pendings+staleWaits { // one waits long, and many behind it are stale
		q.list = slices.DeleteFunc(q.list[q.head:], func(w wait) bool { return !s.awaited(w) })
		q.head = 0
	}
	if q.head > 0 && len(q.list) == cap(q.list) {
		q.list = append(q.list[:0], q.list[q.head:]...)
		q.head = 0
	}
	c.timer = s.now + s.settings.UpdateTimer
	q.list = append(q.list, wait{c.timer, s.place(c.client)})
}

// awaited says whether the entry is the timer of an update that is still pending.
func (s *Server) awaited(w wait) bool {
	c := &s.sessions[w.session]
	return c.pending != nil && c.timer == w.at
}

// due takes out the sessions whose pending updates are due, in the order of their places.
func (s *Server) due() []int32 {
	q := &s.waits
	var due []int32
	for ; q.head < len(q.list); q.head++ {
		w := q.list[q.head]
		awaited := s.awaited(w)
		if awaited && w.at > s.now {
			break
		}
		if awaited {
			due = append(due, w.session)
		}
	}
	slices.Sort(due)
	return slices.Compact(due) // one may have been armed twice in an instant
}

// first is when the next timer is due, never where no update waits. Call it after due.
func (q *waits) first() Instant {
	if q.head == len(q.list) {
		return never
	}
	return q.list[q.head].at
}
