package protocol

// Reads without a log append (X20; the paper orders them like updates). The server that a
// client contacts keeps the read and asks the leader of its view for an index. The index is the
// highest seq that the leader knows of. The leader gives it once a majority has acknowledged a
// round, which confirms that it still leads. The server then answers from its own state, as
// soon as that is at the index. Many reads share a round. Nobody looks at a clock.
//
// Why the answer is not stale. Let a slot be ordered, or answered from, anywhere, before the
// read arrived at the leader of v.
//
//  1. In v itself only its leader binds slots: the slot is at most LastProposed, so at most top.
//  2. In a view below v: a majority held it durably, and the answers of the prepare phase cover
//     all that. A leader has applied them before it is RegLeader: the slot is at most top.
//     Slots that the answers do not tell of can no longer be ordered below v.
//  3. In a view w > v: a majority had accepted it in w, each member with w installed, durably
//     and for good. A majority that acknowledges the round has v as LastInstalled at that time,
//     which is after the read arrived. The two share a server: there is no such slot.
//
// So the index is max(top, LocalARU) at the read's arrival, and the acknowledgements must be to
// a round begun after it. An attempt of w is no hindrance, since it promises nothing. An
// acknowledgement need not wait for the record of v either. It claims only that no view above v
// is installed here. A crash cannot make that false.
//
// A read is named by (client, timestamp), not by a number of its server. Another life of the
// server could give the same number again, and get an answer older than the read. A round is
// named by (view, number): nobody leads a view twice (X24).
//
// Reads are nobody's work outstanding and unseat no leader. A client whose read is not answered
// asks for the same as an update, which X22 and X23 take care of.

// read is one that waits, at the server that answers it or at the leader.
type read struct {
	batch     *Batch   // of one: who reads what; one from another server has no operation
	server    ServerID // that answers it
	index     Seq      // the state must be at least there; of no meaning unless round > 0 or confirmed
	round     uint64   // at a RegLeader: the first round that may confirm it; 0: no index was given yet
	confirmed bool     // the index holds for good: what is left is to execute that far
	since     Instant  // when its client asked for it last
}

// maxReads bounds the reads that wait at a server for its own clients. A leader has as much room
// again for those of each other server.
const maxReads = 4096

// readRounds is the leader's side. At most one round is under way.
type readRounds struct {
	last uint64 // number of the round begun last in this life, over all views; 0: none yet
	open bool   // that round is under way: it is not confirmed yet
	acks uint16 // servers that acknowledged it, this one included
}

// onClientRead takes a read from a client, or from the server that owes it the answer.
func (s *Server) onClientRead(m *Message, out *Output) {
	if m.Batch == nil || len(m.Batch.Updates) != 1 || m.Server != 0 && m.Batch.Updates[0].Server != m.Server {
		s.drop(malformed)
		return
	}
	r := read{batch: m.Batch, server: m.Server, since: s.now}
	if m.Server != 0 && s.state != RegLeader {
		s.drop(notLeader) // it asks the next one
		return
	}
	if u := m.Batch.Updates[0]; m.Server == 0 {
		u.Server, r.server = s.id, s.id
		r.batch = BatchOf(u)
	}
	if !s.keepRead(r, out) {
		return
	}
	kept := &s.reads[len(s.reads)-1]
	switch s.state {
	case RegLeader:
		s.indexRead(kept)
		s.beginRound(out)
	case RegNonLeader:
		s.forwardRead(kept, out)
	}
}

// keepRead puts a read at the end of those that wait, and says whether it did. An older read of
// the same client gives way to it.
func (s *Server) keepRead(r read, out *Output) bool {
	u := &r.batch.Updates[0]
	waiting := 0
	for i := range s.reads {
		old := &s.reads[i]
		if old.server != r.server {
			continue
		}
		waiting++
		switch o := &old.batch.Updates[0]; {
		case o.Client != u.Client:
		case o.Timestamp == u.Timestamp:
			old.since = s.now
			s.drop(readWaits)
			return false
		case o.Timestamp > u.Timestamp:
			s.drop(supersededUpdate)
			return false
		default:
			s.reads = append(s.reads[:i], s.reads[i+1:]...)
			s.reads = append(s.reads, r)
			return true
		}
	}
	if waiting >= maxReads {
		if s.drop(tooManyReads); r.server == s.id {
			out.refuse(u, ReplyBusy)
		}
		return false
	}
	s.reads = append(s.reads, r)
	return true
}

// indexRead gives a read, as it arrives at the leader, its index and the round to wait for. A
// round that is under way will not do: it may have been acknowledged before the read came.
func (s *Server) indexRead(r *read) {
	r.index, r.round = max(s.top, s.localARU), s.rounds.last+1
}

// beginRound asks all whether this server still leads, unless a round is under way.
func (s *Server) beginRound(out *Output) {
	s.invariant(s.state == RegLeader && s.durable >= s.installedPos, "a round is of a leader whose view is durable")
	if s.rounds.open {
		return
	}
	s.rounds = readRounds{last: s.rounds.last + 1, open: true, acks: 1 << s.id}
	s.toAll(0, s.readRound(), out)
	s.tryConfirm(out)
}

func (s *Server) readRound() Message {
	return Message{Kind: ReadRound, View: s.lastInstalled, Seq: Seq(s.rounds.last)}
}

// onReadRound tells the leader that no later view is installed here.
func (s *Server) onReadRound(m *Message, out *Output) {
	switch {
	case m.Server != s.leader(m.View):
		s.drop(notLeader)
	case m.View != s.lastInstalled: // a higher view is not installed by hearsay
		s.drop(wrongView)
	default:
		s.send(m.Server, 0, Message{Kind: ReadAck, View: m.View, Seq: m.Seq}, out)
	}
}

// onReadAck counts an acknowledgement of the round under way.
func (s *Server) onReadAck(m *Message, out *Output) {
	switch {
	case s.state != RegLeader || m.View != s.lastInstalled:
		s.drop(oldView)
	case !s.rounds.open || m.Seq != Seq(s.rounds.last):
		s.drop(oldRound)
	default:
		s.rounds.acks |= 1 << m.Server
		s.tryConfirm(out)
	}
}

// tryConfirm ends the round once a majority has acknowledged it. The reads that arrived before
// it began have their index. Those that arrived since get the next round.
func (s *Server) tryConfirm(out *Output) {
	if popcount(s.rounds.acks) < s.quorum(s.localARU+1) {
		return
	}
	s.rounds.open = false
	kept, served, waits := s.reads[:0], Timestamp(0), false
	for _, r := range s.reads {
		switch {
		case r.confirmed:
		case r.round > s.rounds.last:
			waits = true
		default:
			served++
			u := &r.batch.Updates[0]
			out.event(Event{Kind: ReadConfirmed, View: s.lastInstalled, Seq: r.index, Client: u.Client, Timestamp: u.Timestamp})
			if r.server != s.id {
				s.send(r.server, 0, Message{Kind: ReadIndex, View: s.lastInstalled, Seq: r.index, Batch: r.batch}, out)
				continue
			}
			r.confirmed = true
		}
		kept = append(kept, r)
	}
	s.keepOnly(kept)
	out.event(Event{Kind: RoundConfirmed, View: s.lastInstalled, Servers: s.rounds.acks, Seq: Seq(s.rounds.last), Timestamp: served})
	s.answerReads(out)
	if waits {
		s.beginRound(out)
	}
}

// onReadIndex learns from the leader how far this server must execute to answer a read. The view
// does not matter: the index was right when it was given, and stays so.
func (s *Server) onReadIndex(m *Message, out *Output) {
	if m.Batch == nil || len(m.Batch.Updates) != 1 || m.Server != s.leader(m.View) {
		s.drop(malformed)
		return
	}
	u := &m.Batch.Updates[0]
	for i := range s.reads {
		r := &s.reads[i]
		if o := &r.batch.Updates[0]; r.server == s.id && o.Client == u.Client && o.Timestamp == u.Timestamp {
			if !r.confirmed {
				r.index, r.confirmed = m.Seq, true
				s.answerReads(out)
			}
			return
		}
	}
	s.drop(noSuchRead)
}

// answerReads answers the reads whose index is executed, from the state as it is now.
func (s *Server) answerReads(out *Output) {
	kept := s.reads[:0]
	for _, r := range s.reads {
		if !r.confirmed || r.index > s.localARU {
			kept = append(kept, r)
			continue
		}
		u := &r.batch.Updates[0]
		out.Replies = append(out.Replies, Reply{
			Client: u.Client, Timestamp: u.Timestamp, Index: s.localARU, Read: true, Result: s.app.Query(u.Op),
		})
		out.event(Event{Kind: ReadAnswered, Seq: s.localARU, Client: u.Client, Timestamp: u.Timestamp})
	}
	s.keepOnly(kept)
}

// keepOnly shortens the reads to kept, which is their beginning.
func (s *Server) keepOnly(kept []read) {
	clear(s.reads[len(kept):])
	s.reads = kept
}

func (s *Server) forwardRead(r *read, out *Output) {
	u := r.batch.Updates[0]
	u.Op = nil // the leader need not know
	s.send(s.leader(s.lastInstalled), 0, Message{Kind: ClientRead, Batch: BatchOf(u)}, out)
}

// repeatReads asks the leader again for the indexes that are missing. It forgets reads that no
// client has asked for in a while: the client has its answer from another server, or is gone.
func (s *Server) repeatReads(out *Output) {
	kept := s.reads[:0]
	for _, r := range s.reads {
		if r.server == s.id && s.now-r.since >= s.settings.Ceiling {
			s.drop(readExpired)
			continue
		}
		kept = append(kept, r)
		if !r.confirmed && s.state == RegNonLeader {
			s.forwardRead(&r, out)
		}
	}
	s.keepOnly(kept)
	if s.state == RegLeader && s.rounds.open {
		s.toAll(0, s.readRound(), out)
	}
	s.answerReads(out) // a snapshot may have brought the state there
}

// leadReads has a new leader begin with the reads of its own clients. Their index is top, so
// the slots that the leader inherits are executed first.
func (s *Server) leadReads(out *Output) {
	waits := false
	for i := range s.reads {
		if r := &s.reads[i]; !r.confirmed {
			s.indexRead(r)
			waits = true
		}
	}
	if waits {
		s.beginRound(out)
	}
}

// leaveReads forgets what only a leader knows. An index that is confirmed stays right.
func (s *Server) leaveReads() {
	s.rounds.open, s.rounds.acks = false, 0
	kept := s.reads[:0]
	for _, r := range s.reads {
		if r.server == s.id {
			if !r.confirmed {
				r.index, r.round = 0, 0
			}
			kept = append(kept, r)
		}
	}
	s.keepOnly(kept)
}
