package protocol

import "slices"

// Prepare phase (PSB, figure 7): the leader of a new view asks all what they know above its
// LocalARU, and waits for a majority. So nothing that an earlier view settled can be lost. Past
// the paper: X3, X4, X7, X24, X25, X27.

// span is a range of seqs (from, to] that a PrepareOK covers: to is Infinity in the last part.
//
// Invariant: from < to.
type span struct{ from, to Seq }

// enterPrepare begins to lead view v. (PSB, figure 7 (Prepare Phase), A1–A10:
// Shift_to_Prepare_Phase; not twice a view is X24.)
func (s *Server) enterPrepare(v View, out *Output) {
	s.invariant(v > s.lastInstalled, "nobody leads a view twice (X24)")
	s.invariant(s.leader(v) == s.id, "a view is prepared by its leader")
	s.install(v, out)
	s.state = Preparing
	s.clearPrepareOKs()
	s.clearQueue()
	s.leaveReads()
	s.handOver = handOver{}
	if s.progress.expired(s.now) {
		s.progress.restart(s.now)
	}
	s.toAll(s.installedPos, Message{Kind: Prepare, View: v, ARU: s.localARU}, out)
}

// repeatPrepare asks the servers again whose answers do not yet count (X4).
func (s *Server) repeatPrepare(out *Output) {
	m := Message{Kind: Prepare, View: s.lastInstalled, ARU: s.localARU}
	for id := ServerID(1); int(id) <= s.n; id++ {
		if id != s.id && !s.covers(id) {
			s.send(id, s.installedPos, m, out)
		}
	}
}

// onPrepare installs the leader's view and answers. From here on this server takes no proposal
// of an older view. (PSB, figure 7 (Prepare Phase), B1–B10, with Conflict checks, C, and
// Update_Data_Structures, B; that it installs whatever was attempted is X2.)
func (s *Server) onPrepare(m *Message, out *Output) {
	switch {
	case m.Server != s.leader(m.View):
		s.drop(notLeader)
		return
	case m.View < s.lastInstalled:
		s.drop(oldView)
		return
	case m.View > s.lastInstalled:
		s.install(m.View, out)
		s.enterRegNonLeader()
		s.yield(out)
	case s.state == LeaderElection && s.lastAttempted == m.View:
		s.enterRegNonLeader()
	}
	s.answerPrepare(m.Server, m.ARU, out)
}

// answerPrepare tells the leader what this server knows above aru: settled slots, and
// proposals it accepted. (PSB, Construct_DataList, A1–A8.) The answer is built when it is asked
// for (X3), in parts that name the range they cover. The promise has frozen acceptances of
// older views: so parts of different answers may be mixed.
func (s *Server) answerPrepare(to ServerID, aru Seq, out *Output) {
	if reach := Seq(s.settings.PrepareSlots); s.localARU > reach {
		aru = max(aru, s.localARU-reach)
	}
	aru = max(aru, s.history.truncated) // a leader below needs a snapshot first (X12)
	s.sendParts(parts{
		to: to, after: s.installedPos,
		message: Message{Kind: PrepareOK, View: s.lastInstalled, Seq: aru, ARU: Infinity},
		last:    max(s.top, aru), entry: s.knownEntry,
	}, out)
}

// knownEntry is what a PrepareOK says of one slot; a nil batch says nothing.
func (s *Server) knownEntry(seq Seq) Entry {
	if seq <= s.localARU {
		e := s.history.settled(seq)
		if e == nil {
			return Entry{} // truncated
		}
		return Entry{Seq: seq, Ordered: true, Batch: e.batch}
	}
	sl := s.history.peek(seq)
	switch {
	case sl == nil:
		return Entry{}
	case sl.ordered:
		return Entry{Seq: seq, Ordered: true, Batch: sl.batch}
	case sl.view > 0:
		return Entry{Seq: seq, View: sl.view, Batch: sl.batch}
	}
	return Entry{}
}

// parts describes an answer over the range (message.Seq, message.ARU].
type parts struct {
	to      ServerID
	after   Position        // that each part waits for; zero: nothing
	message Message         // without the list; each part gets a range of its own
	last    Seq             // there is no entry above it
	entry   func(Seq) Entry // what to say of a slot; a nil batch says nothing
}

// sendParts sends the range in parts of at most PartBytes. Every part names what it covers,
// and even an empty answer covers its range.
func (s *Server) sendParts(p parts, out *Output) {
	m, to := p.message, p.message.ARU
	var list DataList
	size := 0
	flush := func(covered Seq) {
		body := list
		m.ARU, m.List = covered, &body
		s.send(p.to, p.after, m, out)
		m.Seq, list, size = covered, nil, 0
	}
	for seq := p.message.Seq + 1; seq <= p.last; seq++ {
		e := p.entry(seq)
		if e.Batch == nil {
			continue
		}
		cost := 24 + e.Batch.bytes()
		if len(list) > 0 && size+cost > s.settings.PartBytes {
			flush(seq - 1)
		}
		list = append(list, e)
		size += cost
	}
	flush(to)
}

// onPrepareOK takes over what one part of an answer knows. (PSB, figure 7 (Prepare Phase),
// C1–C4, with Conflict checks, D; parts are X3.)
func (s *Server) onPrepareOK(m *Message, out *Output) {
	switch {
	case !m.wellFormed():
		s.drop(malformed)
		return
	case m.lastSeq() > s.localARU+reachSlots:
		s.drop(beyondWindow) // we catch up first, and ask again (X4)
		return
	case m.View != s.lastAttempted || m.View != s.lastInstalled:
		s.drop(oldView)
		return
	case s.state != Preparing:
		s.drop(notPreparing)
		return
	}
	for i := range *m.List {
		s.hear((*m.List)[i], out)
	}
	if r := (span{m.Seq, m.ARU}); !slices.Contains(s.prepareOKs[m.Server], r) { // answers repeat
		s.prepareOKs[m.Server] = append(s.prepareOKs[m.Server], r)
	}
	s.execute(out)
	s.tryLead(out)
}

// wellFormed says whether a data list has rising seqs within its range, each with a batch.
func (m *Message) wellFormed() bool {
	if m.List == nil || m.Seq >= m.ARU {
		return false
	}
	last := m.Seq
	for _, e := range *m.List {
		if e.Batch == nil || e.Seq <= last || e.Seq > m.ARU || !e.Ordered && e.View == 0 {
			return false
		}
		last = e.Seq
	}
	return true
}

// lastSeq is the highest seq that a well-formed data list has an entry for.
func (m *Message) lastSeq() Seq {
	if len(*m.List) == 0 {
		return m.Seq
	}
	return (*m.List)[len(*m.List)-1].Seq
}

// hear takes over one entry of a data list. For each seq an ordered update wins, else the
// proposal of the highest view. It is evidence, not an acceptance (X27). (PSB,
// Update_Data_Structures, C1–C6.)
func (s *Server) hear(e Entry, out *Output) {
	if e.Seq <= s.localARU {
		return
	}
	s.top = max(s.top, e.Seq)
	sl := s.history.at(e.Seq)
	switch {
	case sl.ordered:
	case e.Ordered:
		s.learn(sl, e.Batch, out)
	case e.View > sl.heardView:
		sl.heardView, sl.heardBatch = e.View, e.Batch
	}
}

// covers says whether the server's parts together cover (LocalARU, ∞]. Only then does its
// answer count (X3).
func (s *Server) covers(id ServerID) bool {
	at := s.localARU
	for at != Infinity {
		next := at
		for _, r := range s.prepareOKs[id] {
			if r.from <= at && r.to > next {
				next = r.to
			}
		}
		if next == at {
			return false
		}
		at = next
	}
	return true
}

// tryLead becomes RegLeader once a majority has answered. This server's own answer is the
// durable record of the view (X25). (PSB, Shift_to_Reg_Leader, A1–A6, after
// View_Prepared_Ready, B1–B5.)
func (s *Server) tryLead(out *Output) {
	if s.state != Preparing || s.durable < s.installedPos {
		return
	}
	answers := uint16(1) << s.id
	for id := ServerID(1); int(id) <= s.n; id++ {
		if id != s.id && s.covers(id) {
			answers |= 1 << id
		}
	}
	if popcount(answers) < s.quorum(s.localARU+1) {
		return
	}
	s.state = RegLeader
	s.restartAges()
	s.restartIdle()
	s.lastProposed = s.localARU
	s.queuePending()
	out.event(Event{Kind: Prepared, View: s.lastInstalled, Servers: answers})
	s.propose(out)
	s.leadReads(out)
}

func (s *Server) clearPrepareOKs() {
	for id := range s.prepareOKs {
		s.prepareOKs[id] = s.prepareOKs[id][:0]
	}
}
