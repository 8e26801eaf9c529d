package protocol

import "slices"

// Reconciliation: a server that learns of a higher aru asks peers for the slots it lacks
// (X11). The paper leaves it open, and the original repository lacked it.

const (
	catchUpSlots    = 64 // the most slots of one request
	catchUpInFlight = 4  // requests at once, each to the next peer in turn
)

func (s *Server) behind() bool { return s.highest > s.localARU }

// report notes the aru that a server reports. After a crash it may be below an earlier one.
func (s *Server) report(id ServerID, aru Seq) {
	s.reported[id] = aru
	s.highest = slices.Max(s.reported[:])
}

// requestCatchUp asks for the next ranges above LocalARU. The peers rotate: the one with
// the highest aru may be deaf.
func (s *Server) requestCatchUp(out *Output) {
	from, high := s.localARU, s.highest
	out.event(Event{Kind: CatchUp, Seq: from})
	first := s.rotor
	for i := range catchUpInFlight {
		if from >= high {
			break
		}
		to := min(from+catchUpSlots, high)
		s.send(s.nextPeer(from), 0, Message{Kind: CatchUpRequest, Seq: from, ARU: to}, out)
		if from = to; i == 0 {
			first = s.rotor
		}
	}
	s.requestedTo = from
	// Advance by one peer per round, not by four. With 4 peers and 4 requests the first range
	// would go to the same peer every time.
	s.rotor = first
}

// nextPeer is the next server, in turn, that reported an aru above seq. There must be one.
func (s *Server) nextPeer(seq Seq) ServerID {
	s.rotor = s.peerAfter(s.rotor, seq)
	return s.rotor
}

// peerAfter is the next server, in turn after the given one, that reported an aru above seq.
func (s *Server) peerAfter(id ServerID, seq Seq) ServerID {
	for range s.n {
		id = id%ServerID(s.n) + 1
		if id != s.id && s.reported[id] > seq {
			return id
		}
	}
	s.invariant(false, "a range is asked for only where a peer reported it")
	return 0
}

// onCatchUpRequest answers with the ordered slots of the range, up to LocalARU.
func (s *Server) onCatchUpRequest(m *Message, out *Output) {
	to := min(m.ARU, s.localARU, m.Seq+catchUpSlots)
	switch {
	case m.Seq >= m.ARU:
		s.drop(malformed)
	case to <= m.Seq:
		s.drop(nothingNewer)
	case m.Seq < s.history.truncated:
		s.offer(m.Server, m.Seq, out) // X12
	default:
		s.sendParts(parts{
			to: m.Server, message: Message{Kind: CatchUpReply, Seq: m.Seq, ARU: to},
			last: to, entry: s.knownEntry,
		}, out)
	}
}

// onCatchUpReply takes over slots that a peer has ordered.
func (s *Server) onCatchUpReply(m *Message, out *Output) {
	switch {
	case !m.wellFormed():
		s.drop(malformed)
		return
	case m.ARU <= s.localARU:
		s.drop(alreadyOrdered)
		return
	case m.ARU > s.localARU+catchUpSlots*catchUpInFlight:
		s.drop(beyondWindow)
		return
	}
	for i := range *m.List {
		if e := (*m.List)[i]; e.Ordered {
			s.hear(e, out)
		}
	}
	s.execute(out)
	if s.localARU >= s.requestedTo && s.behind() {
		s.requestCatchUp(out)
	}
}
