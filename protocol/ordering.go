package protocol

// Global ordering (PSB, Global Ordering): the leader binds a batch to the next seq. Every
// server makes the binding durable and tells all; a majority in one view settles it. Past
// the paper: X5–X7, X13–X16, X25, X27. The package comment draws the life of a slot.

// acceptance is one of this server's own, on its way to the disk.
type acceptance struct {
	seq  Seq
	view View
	pos  Position // of its RecordAccepted; it counts once durable reaches it
}

// propose binds slots while the window has room. (PSB, Global Ordering, Send_Proposal, A1–A16.
// The window, the no-ops and batches of several updates are X15, X7 and X14.)
func (s *Server) propose(out *Output) {
	s.invariant(s.state == RegLeader, "only a RegLeader proposes")
	for {
		s.lastProposed = max(s.lastProposed, s.localARU)
		seq := s.lastProposed + 1
		if seq > s.localARU+s.window() { // X15
			return
		}
		sl := s.history.at(seq)
		if sl.ordered { // never bound again
			s.lastProposed = seq
			continue
		}
		batch := sl.proposal()
		if batch == nil && seq <= s.top {
			batch = noOp // X7: a hole would block everything above it
		}
		if batch == nil {
			if s.handOver.to != 0 {
				return // the heir gets what is pending
			}
			batch, s.expiring = s.expiring, nil
		}
		if batch == nil {
			if batch = s.dequeue(); batch == nil {
				return
			}
		}
		s.bind(sl, batch, out)
	}
}

// bind proposes the batch for the slot. That is the leader's own acceptance too.
func (s *Server) bind(sl *slot, batch *Batch, out *Output) {
	s.lastProposed = sl.seq
	s.top = max(s.top, sl.seq)
	out.event(Event{Kind: Proposed, View: s.lastInstalled, Seq: sl.seq, Batch: batch})
	s.hold(sl, s.lastInstalled, batch, out)
	s.sendProposal(sl, out)
}

// sendProposal sends the leader's Proposal. It counts as the leader's acceptance, and so waits
// for the record. With overlapped writes (X16) it leaves at once and is nobody's acceptance:
// the leader sends an Accept as well, once the record is durable.
func (s *Server) sendProposal(sl *slot, out *Output) {
	sl.sentAt = s.now
	m := Message{Kind: Proposal, View: sl.view, Seq: sl.seq, Batch: sl.batch}
	if !s.settings.Overlap {
		s.toAll(sl.pos, m, out)
		return
	}
	s.toAll(0, m, out)
	s.toAll(sl.pos, Message{Kind: Accept, View: sl.view, Seq: sl.seq}, out)
}

// repeatProposals sends the Proposals of slots that stay unordered again (X5).
func (s *Server) repeatProposals(out *Output) {
	for seq := s.localARU + 1; seq <= s.lastProposed; seq++ {
		sl := s.history.at(seq)
		if sl.ordered || s.now-sl.sentAt < s.settings.Retransmit {
			continue
		}
		s.invariant(sl.view == s.lastInstalled, "a leader holds what it proposed")
		s.sendProposal(sl, out)
	}
}

// hold makes (view, seq, batch) this server's acceptance. (PSB, Update_Data_Structures, D.)
func (s *Server) hold(sl *slot, view View, batch *Batch, out *Output) {
	s.invariant(sl.view < view, "acceptances of a slot rise in view")
	sl.view, sl.batch = view, batch
	sl.pos = s.record(Record{Kind: RecordAccepted, View: sl.view, Seq: sl.seq, Batch: batch}, out)
	s.acceptances = append(s.acceptances, acceptance{seq: sl.seq, view: sl.view, pos: sl.pos})
	out.event(Event{Kind: Accepted, View: sl.view, Seq: sl.seq, Batch: batch})
}

// onProposal accepts the leader's binding: record it, and tell all once that is durable. (PSB,
// Global Ordering, B1–B5, after Conflict checks, E.)
func (s *Server) onProposal(m *Message, out *Output) {
	switch {
	case m.Batch == nil || m.Seq == 0:
		s.drop(malformed)
	case m.Server != s.leader(m.View):
		s.drop(notLeader)
	case m.View != s.lastInstalled: // a higher view is not installed by hearsay
		s.drop(wrongView)
	case m.Seq > s.localARU+2*s.window():
		s.drop(beyondWindow) // the leader may be a window ahead, no more
	case m.Seq <= s.localARU:
		s.acceptSettled(m, out)
	default:
		s.acceptOpen(m, out)
	}
}

// acceptSettled answers a Proposal of a slot that is executed here: others may still need
// the acceptance.
func (s *Server) acceptSettled(m *Message, out *Output) {
	e := s.history.settled(m.Seq)
	switch {
	case e == nil:
		s.drop(truncatedSlot)
		return
	case e.batch.hash != m.Batch.hash:
		s.drop(contradictsOrdered)
		return
	case e.view != m.View:
		e.view = m.View
		e.pos = s.record(Record{Kind: RecordAccepted, View: m.View, Seq: m.Seq, Batch: e.batch}, out)
		out.event(Event{Kind: Accepted, View: m.View, Seq: m.Seq, Batch: e.batch})
	}
	s.toAll(e.pos, Message{Kind: Accept, View: m.View, Seq: m.Seq}, out)
}

func (s *Server) acceptOpen(m *Message, out *Output) {
	sl := s.history.at(m.Seq)
	switch {
	case sl.ordered && sl.batch.hash != m.Batch.hash:
		s.drop(contradictsOrdered)
		return
	case sl.view == m.View && sl.batch.hash != m.Batch.hash:
		s.drop(contradictsHeld) // two proposals for one (view, seq): the first stands
		return
	case sl.view != m.View:
		s.top = max(s.top, m.Seq)
		s.hold(sl, m.View, m.Batch, out)
	}
	s.toAll(sl.pos, Message{Kind: Accept, View: m.View, Seq: m.Seq}, out)
	if !s.settings.Overlap {
		s.accept(m.Server, m.View, m.Seq, out) // it waited for the leader's record
	}
}

// onAccept handles a peer's word that it holds (m.View, m.Seq) durably. (PSB, Global Ordering,
// C1–C6, after Conflict checks, F.) An Accept that overtakes its Proposal is kept, in any
// State (X13). Runs N−1 times a slot: it may not allocate.
func (s *Server) onAccept(m *Message, out *Output) {
	switch {
	case m.Seq <= s.localARU:
		s.drop(alreadyOrdered)
	case m.Seq > s.localARU+2*s.window():
		s.drop(beyondWindow)
	default:
		s.accept(m.Server, m.View, m.Seq, out)
	}
}

// countOwn counts our own acceptances whose records have become durable (X6).
func (s *Server) countOwn(out *Output) {
	n := 0
	for n < len(s.acceptances) && s.acceptances[n].pos <= s.durable {
		n++
	}
	for _, a := range s.acceptances[:n] {
		if a.seq > s.localARU {
			s.accept(s.id, a.view, a.seq, out)
		}
	}
	s.acceptances = append(s.acceptances[:0], s.acceptances[n:]...)
}

// accept counts one durable acceptance, a peer's or our own. It orders the slot when a majority
// accepted in the view of the proposal that is held here. (PSB, Update_Data_Structures, E1–E8,
// and Globally_Ordered_Ready, B1–B5; that one's own counts only once durable is X6.)
func (s *Server) accept(id ServerID, view View, seq Seq, out *Output) {
	sl := s.history.at(seq)
	s.invariant(sl.seq == seq, "a window slot belongs to its seq")
	sl.accepts[id] = max(sl.accepts[id], view)
	if sl.view < view && !sl.ordered {
		out.event(Event{Kind: Overtook, View: view, Seq: seq, Servers: 1 << id})
	}
	if sl.ordered || sl.view == 0 || sl.accepted(sl.view, s.n) < s.quorum(seq) {
		return
	}
	sl.ordered = true // S1: sl.batch is final
	s.record(Record{Kind: RecordOrdered, Lazy: true, View: sl.view, Seq: seq}, out)
	out.event(Event{Kind: Ordered, View: sl.view, Seq: seq, Batch: sl.batch})
	s.execute(out)
}

// learn settles a slot on the word of a peer that has it ordered. (PSB,
// Update_Data_Structures, F: Globally_Ordered_Update.)
func (s *Server) learn(sl *slot, batch *Batch, out *Output) {
	if sl.view > 0 && sl.batch.hash != batch.hash {
		sl.view, sl.pos = 0, 0 // what we accepted lost
	}
	sl.ordered, sl.batch = true, batch
	s.top = max(s.top, sl.seq)
	s.record(Record{Kind: RecordOrdered, Lazy: true, View: 0, Seq: sl.seq, Batch: batch}, out)
	out.event(Event{Kind: Learned, Seq: sl.seq, Batch: batch})
}

// execute runs the ordered slots above LocalARU, in order and without a gap (S3), and lets
// the leader go on. (PSB, Global Ordering, Advance_Aru, C1–C4.)
func (s *Server) execute(out *Output) {
	if before := s.localARU; s.executeAll(out) > before {
		s.advanced(out)
	}
}

// executeAll runs what is ordered, and returns LocalARU.
func (s *Server) executeAll(out *Output) Seq {
	for s.executeNext(out) {
		if s.localARU == s.snaps.next {
			s.takeSnapshot(out)
		}
	}
	return s.localARU
}

// advanced is what follows from a higher LocalARU.
func (s *Server) advanced(out *Output) {
	if len(s.reads) > 0 {
		s.answerReads(out)
	}
	if f := &s.snaps.fetch; f.seq > 0 && !s.fetching() {
		*f = fetch{} // the slots came first
	}
	if s.state != LeaderElection {
		s.progress.restart(s.now)
	}
	switch s.state {
	case RegLeader:
		s.propose(out)
		s.tryHandOver(out)
	case Preparing:
		s.tryLead(out) // what the answers must cover begins higher now (X3)
	}
}

// executeNext runs the slot above LocalARU, if it is ordered. (PSB, Global Ordering, D1–D12,
// for each update of the batch: see apply.)
func (s *Server) executeNext(out *Output) bool {
	sl := s.history.peek(s.localARU + 1)
	if sl == nil || !sl.ordered {
		return false
	}
	batch, seq := sl.batch, sl.seq
	if sl.view == s.lastInstalled && len(batch.Updates) > 0 && s.state != LeaderElection {
		s.progress.timeout = s.settings.Timeout // X9: the view works
	}
	s.history.settle(sl)
	s.localARU = seq
	for i := range batch.Updates {
		s.apply(seq, &batch.Updates[i], out)
	}
	out.event(Event{Kind: Executed, Seq: seq, Batch: batch, Hash: s.app.Hash()})
	return true
}

// Ordered is the batch of an executed slot, 1…LocalARU; nil where it is truncated.
func (s *Server) Ordered(seq Seq) *Batch {
	if e := s.history.settled(seq); e != nil {
		return e.batch
	}
	return nil
}
