package protocol

import (
	"cmp"
	"slices"
)

// waits has the pending updates by their UpdateTimer, the earliest first: a server with thousands of
// sessions may not look at each of them whenever one timer is due. (In an outage with 32,768 sessions, 500
// of them waiting, that took all of its time.) It is a binary heap. An update that is executed leaves its
// place there, which nobody's timer answers to any more.
type waits []wait

type wait struct {
	at      Instant
	session int32 // its place in Server.sessions
}

// await arms the timer of a session's pending update.
func (s *Server) await(c *session) {
	if len(s.waits) >= 2*s.pendings+1024 {
		s.waits = slices.DeleteFunc(s.waits, func(w wait) bool { return !s.awaited(w) })
		slices.SortFunc(s.waits, func(v, w wait) int { return cmp.Compare(v.at, w.at) })
	}
	c.timer = s.now + s.settings.UpdateTimer
	s.waits.push(wait{c.timer, s.placeOf(c)})
}

// awaited says whether a session's timer still is that one.
func (s *Server) awaited(w wait) bool {
	c := &s.sessions[w.session]
	return c.pending != nil && c.timer == w.at
}

// due takes out the sessions whose pending updates are due, in the order of their places.
func (s *Server) due() []int32 {
	var due []int32
	for len(s.waits) > 0 && (s.waits[0].at <= s.now || !s.awaited(s.waits[0])) {
		if w := s.waits.pop(); s.awaited(w) {
			due = append(due, w.session)
		}
	}
	slices.Sort(due)
	return slices.Compact(due) // one may have been armed twice in an instant
}

// placeOf is where a session lies.
func (s *Server) placeOf(c *session) int32 {
	if i := s.sessionNear[c.client%nearSessions]; int(i) < len(s.sessions) && s.sessions[i].client == c.client {
		return i
	}
	return s.sessionOf[c.client]
}

// first is when the earliest is due.
func (h waits) first() Instant {
	if len(h) == 0 {
		return never
	}
	return h[0].at
}

func (h *waits) push(w wait) {
	*h = append(*h, w)
	s := *h
	i := len(s) - 1
	for ; i > 0 && w.at < s[(i-1)/2].at; i = (i - 1) / 2 {
		s[i] = s[(i-1)/2]
	}
	s[i] = w
}

func (h *waits) pop() wait {
	s := *h
	top, last := s[0], s[len(s)-1]
	s = s[:len(s)-1]
	*h = s
	for i := 0; len(s) > 0; {
		least := 2*i + 1
		if least+1 < len(s) && s[least+1].at < s[least].at {
			least++
		}
		if least >= len(s) || last.at <= s[least].at {
			s[i] = last
			break
		}
		s[i] = s[least]
		i = least
	}
	return top
}
