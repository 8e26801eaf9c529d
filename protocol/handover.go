package protocol

// Hand-over: an operator has the leader give way to a server of his choice, the heir, and no
// client notices more than a pause. (Only the beginning differs from the paper's election. What
// makes the election safe is the same.)
//
// The leader binds nothing new and lets what is under way be settled and executed, by itself
// and by the heir. Then it tells all that it is the heir's turn. The heir attempts the next view
// that belongs to it, and skips those between. The others, the leader among them, join although
// they suspect nobody. The leader passes on what is pending as soon as that view is installed.
// If the heir is not heard of, nothing is lost: the leader goes on after half a Timeout, before
// anybody suspects it.

// handOver is what a server knows of a hand-over that is under way. Its zero: there is none.
type handOver struct {
	to    ServerID // at the leader that gives way: the heir; zero at the others
	told  bool     // at the leader: all is executed, and YourTurn is sent and repeated
	view  View     // the heir's, which this server joins unsuspecting before until; zero: not told yet
	until Instant  // half a Timeout after this server learnt of the hand-over: then it is over
}

// beginHandOver does what the operator asks for, if this server leads.
func (s *Server) beginHandOver(to ServerID, out *Output) {
	switch {
	case to < 1 || int(to) > s.n || to == s.id:
		s.drop(malformed)
	case s.state != RegLeader:
		s.drop(notLeader)
	case s.handOver.to != 0:
		s.drop(handingOver)
	default:
		s.handOver = handOver{to: to, until: s.now + s.settings.Timeout/2}
		s.tryHandOver(out)
	}
}

// heirView is the next view above LastInstalled that belongs to the heir.
func (s *Server) heirView(heir ServerID) View {
	ahead := (int(heir) - int(s.leader(s.lastInstalled)) + s.n) % s.n
	return s.lastInstalled + View(ahead)
}

// tryHandOver tells all whose turn it is, once nothing is under way and the heir is up to date.
func (s *Server) tryHandOver(out *Output) {
	v := &s.handOver
	if v.to == 0 || v.told || s.state != RegLeader ||
		max(s.top, s.lastProposed) > s.localARU || s.reported[v.to] < s.localARU {
		return
	}
	v.told, v.view = true, s.heirView(v.to)
	s.tellHeir(out)
}

func (s *Server) tellHeir(out *Output) {
	s.toAll(0, Message{Kind: YourTurn, View: s.lastInstalled, Seq: Seq(s.handOver.to), ARU: s.localARU}, out)
}

// onYourTurn hears from the leader who is to lead in its place.
func (s *Server) onYourTurn(m *Message, out *Output) {
	heir := ServerID(min(m.Seq, MaxServers+1))
	switch {
	case m.Server != s.leader(m.View):
		s.drop(notLeader)
	case heir < 1 || int(heir) > s.n || heir == m.Server:
		s.drop(malformed)
	case m.View != s.lastInstalled || s.state != RegNonLeader:
		s.drop(oldView)
	case heir == s.id && s.localARU < m.ARU:
		s.drop(notUpToDate) // it is told again
	case heir == s.id:
		s.attempt(s.heirView(heir), out)
	default:
		s.handOver = handOver{view: s.heirView(heir), until: s.now + s.settings.Timeout/2}
	}
}

// mayInherit says whether an attempt is that of a hand-over, which this server joins
// unsuspecting.
func (s *Server) mayInherit(m *Message) bool {
	return m.View == s.handOver.view && s.now < s.handOver.until
}

// handOverEnds is when the leader gives a hand-over up.
func (s *Server) handOverEnds() Instant {
	if s.handOver.to == 0 || s.state != RegLeader {
		return never
	}
	return s.handOver.until
}

// endHandOver has the leader go on: the heir has not been heard of.
func (s *Server) endHandOver(out *Output) {
	s.handOver = handOver{}
	s.propose(out)
}

// yield ends a hand-over where another view is installed. A leader that gave way passes on
// what is pending: so no client waits for a timer.
func (s *Server) yield(out *Output) {
	v := s.handOver
	s.handOver = handOver{}
	if v.to == 0 {
		return
	}
	if s.lastInstalled == v.view {
		out.event(Event{Kind: HandedOver, View: v.view, Servers: 1 << v.to})
	}
	for i := range s.sessions {
		if c := &s.sessions[i]; c.pending != nil {
			s.forward(c.pending, out)
		}
	}
}
