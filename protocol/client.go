package protocol

// Client updates (PSB, Client Update handling): the server that a client contacts keeps the
// update pending until it is executed. It makes sure that the leader gets it. Past the paper:
// X14, X17, X22, X23, X26.

// session is what a server knows of one client. The replicated part makes updates take effect
// once: only executing a slot or adopting a snapshot changes it. The rest is this server's own.
type session struct {
	client ClientID // 0 in a vacant place

	// What executing an update looks at shares a line of the processor's cache.

	opened       Seq       // replicated: the slot that opened it, by which it is named; 0: gone, or never opened (sessions.go)
	lastExecuted Timestamp // replicated: the paper's Last_Executed[]; outlives the session as a tombstone; 0: none
	lastResult   []byte    // replicated: the result of lastExecuted; never written to
	usedAt       Seq       // replicated: the slot that used it last; of a tombstone the slot that expired it
	// pending is the paper's Pending_Updates[]: a batch of the one update that is to be executed
	// yet. It is not durable (X17). Nil: none.
	//
	// Invariant: its timestamp is above lastExecuted.
	pending *Batch

	lastEnqueued Timestamp // the paper's Last_Enqueued[], in RegLeader only: all up to it is queued, bound or done
	since        Instant   // when this timestamp became pending, or the view in force began (X23); of no meaning without pending
	timer        Instant   // the paper's Update_Timer: when to send what is pending again (X22)
	used         Instant   // where sessions expire: when it was used last here, restored, or named in an expiry, or when this server began to lead
	_            [32]byte  // so that each begins a line
}

// StarvingTimeouts is how many progress timeouts a pending update waits before its server
// wants another leader, whatever else progresses (X23).
const StarvingTimeouts = 6

// session finds or opens the client's session.
func (s *Server) session(client ClientID) *session { return &s.sessions[s.place(client)] }

// place is the client's place in sessions; it makes one where there is none. sessionNear spares
// most look-ups in the map. It may do so because a session never moves.
func (s *Server) place(client ClientID) int32 {
	near := &s.sessionNear[client%nearSessions]
	if i := *near; int(i) < len(s.sessions) && s.sessions[i].client == client {
		return i
	}
	i, ok := s.sessionOf[client]
	if !ok {
		if n := len(s.vacant); n > 0 {
			i, s.vacant = s.vacant[n-1], s.vacant[:n-1]
		} else {
			i = int32(len(s.sessions))
			s.sessions = append(s.sessions, session{})
		}
		s.sessionOf[client], s.sessions[i].client = i, client
	}
	*near = i
	return i
}

const nearSessions = 64

// LastExecuted is the timestamp of the client's update that this server executed last.
func (s *Server) LastExecuted(client ClientID) Timestamp {
	if i, ok := s.sessionOf[client]; ok {
		return s.sessions[i].lastExecuted
	}
	return 0
}

// onClientUpdate takes an update from a client, or a copy that a server relayed. (PSB, Global
// Ordering, A.)
func (s *Server) onClientUpdate(m *Message, out *Output) {
	s.takeUpdate(m, out)
	if s.explicit() && m.Batch != nil && len(m.Batch.Updates) > 0 {
		if i, ok := s.sessionOf[m.Batch.Updates[0].Client]; ok {
			s.release(&s.sessions[i]) // unless it was taken
		}
	}
}

// takeUpdate refuses an update, or keeps it and passes it on to the leader. (PSB,
// Client_Update_Handler, A1–A14.)
func (s *Server) takeUpdate(m *Message, out *Output) {
	if m.Batch == nil || len(m.Batch.Updates) != 1 {
		s.drop(malformed)
		return
	}
	batch := m.Batch
	u := &batch.Updates[0]
	if u.Kind > OpenSession || s.explicit() && u.Client == 0 || !s.explicit() && (u.Kind > Operation || u.Session > 0) {
		s.drop(malformed)
		return
	}
	c := s.session(u.Client)
	fromClient := m.Server == 0
	switch {
	case s.lapsed(c, u):
		s.drop(sessionExpired)
		if fromClient {
			out.refuse(u, ReplyExpired)
		}
		return
	case u.Timestamp == c.lastExecuted && fromClient && u.Timestamp > 0:
		out.answer(u, c.lastResult)
		return
	case u.Timestamp <= c.lastExecuted:
		s.drop(alreadyExecuted)
		return
	case c.pending != nil && u.Timestamp < c.pending.Updates[0].Timestamp:
		s.drop(supersededUpdate)
		return
	case c.pending == nil && s.full(fromClient):
		s.drop(queueFull)
		if fromClient {
			out.refuse(u, ReplyBusy)
		}
		return
	case fromClient && u.Server != s.id:
		named := *u
		named.Server = s.id
		batch = BatchOf(named)
	}
	changed := s.keepPending(c, batch)
	switch {
	case s.state == RegLeader:
		s.enqueue(c, c.pending)
		s.propose(out)
	case s.state == RegNonLeader && changed && m.Server != s.leader(s.lastInstalled):
		s.forward(c.pending, out)
	}
}

// full says whether no further update may become pending. There is more room for updates that
// other servers took in: if one of those were refused here, its client would not hear of it.
func (s *Server) full(fromClient bool) bool {
	limit := s.settings.QueueLimit
	if !fromClient {
		limit *= s.n
	}
	return s.pendings >= limit
}

// keepPending makes the update the session's pending one, and says whether that changed
// anything. (PSB, Add_to_Pending_Updates, B1–B4.) A copy that only names another server keeps
// timer and age. Else a server out of reach could rename the update for ever, and nobody would
// broadcast it.
func (s *Server) keepPending(c *session, b *Batch) bool {
	u := &b.Updates[0]
	if c.pending != nil && c.pending.Updates[0].Timestamp == u.Timestamp {
		changed := c.pending.Updates[0].Server != u.Server
		if changed {
			c.pending = b
		}
		return changed
	}
	if c.pending == nil {
		s.pendings++
	}
	c.pending, c.since = b, s.now
	s.await(c)
	s.updateAt = min(s.updateAt, c.timer)
	s.oldestFrom = min(s.oldestFrom, c.since)
	return true
}

func (s *Server) forward(b *Batch, out *Output) {
	s.send(s.leader(s.lastInstalled), 0, Message{Kind: ClientUpdate, Batch: b}, out)
}

// sendPending sends the pending updates that are due again. (PSB, Update_Timer expires, B1–B4;
// who sends to whom is X22.) The server named in an update sends it to all, in every state. So
// all have work outstanding, and a leader out of reach is noticed. The others forward it.
//
// In an election there is nobody to forward it to, and the server named may have executed it
// long ago. So one such update is sent to all.
func (s *Server) sendPending(out *Output) {
	told := false
	for _, i := range s.due() {
		c := &s.sessions[i]
		s.await(c)
		switch {
		case c.pending.Updates[0].Server == s.id:
			s.toAll(0, Message{Kind: ClientUpdate, Batch: c.pending}, out)
		case s.state == RegNonLeader:
			s.forward(c.pending, out)
		case s.state == LeaderElection && !told:
			s.toAll(0, Message{Kind: ClientUpdate, Batch: c.pending}, out)
			told = true
		}
	}
	s.updateAt = s.waits.first()
}

// starving says whether a pending update is too old to wait for this leader (X23).
func (s *Server) starving() bool {
	if s.now < s.oldestStarves() {
		return false
	}
	for i := range s.sessions {
		c := &s.sessions[i]
		if c.pending != nil && s.now-c.since >= StarvingTimeouts*s.progress.timeout {
			return true
		}
	}
	return false
}

func (s *Server) findOldest() {
	s.oldestFrom = never
	for i := range s.sessions {
		if c := &s.sessions[i]; c.pending != nil {
			s.oldestFrom = min(s.oldestFrom, c.since)
		}
	}
}

func (s *Server) restartAges() {
	s.oldestFrom = never
	for i := range s.sessions {
		if c := &s.sessions[i]; c.pending != nil {
			c.since, s.oldestFrom = s.now, s.now
		}
	}
}

// enqueue puts a pending update into the leader's queue, once. (PSB, Enqueue_Update, A1–A8.)
func (s *Server) enqueue(c *session, b *Batch) {
	if ts := b.Updates[0].Timestamp; ts > c.lastEnqueued {
		c.lastEnqueued = ts
		if len(s.queue)-s.queueHead >= queueRoom(s.n, s.settings)-1 {
			s.thinQueue()
		}
		if s.queueHead > 0 && len(s.queue) == cap(s.queue) {
			n := copy(s.queue, s.queue[s.queueHead:]) // a queue that is never empty may not grow for ever
			clear(s.queue[n:])
			s.queue, s.queueHead = s.queue[:n], 0
		}
		s.queue = append(s.queue, b)
	}
}

// thinQueue takes out of the queue what nobody wants any more, and dequeue would pass over. Clients may
// give up, and ask for the next, as long as the window is full. What is left is pending, so it is bounded.
func (s *Server) thinQueue() {
	kept := s.queue[:0]
	for _, b := range s.queue[s.queueHead:] {
		u := &b.Updates[0]
		if i, known := s.sessionOf[u.Client]; known && s.sessions[i].awaits(u.Timestamp) && !s.lapsed(&s.sessions[i], u) {
			kept = append(kept, b)
		}
	}
	clear(s.queue[len(kept):])
	s.queue, s.queueHead = kept, 0
}

// awaits says whether an update of that timestamp is still wanted.
func (c *session) awaits(ts Timestamp) bool {
	return ts > c.lastExecuted && (c.pending == nil || ts >= c.pending.Updates[0].Timestamp)
}

// dequeue takes the next updates to bind (X14): all that are queued, as far as they fit into
// one batch, which holds at least one. It passes over those executed meanwhile. (PSB has
// Remove_Bound_Updates_From_Queue, D1–D6, do that beforehand.)
//
// It passes over those as well whose clients have gone on to their next. Clients may give up
// faster than slots are settled: then the patient ones would wait behind updates nobody wants.
func (s *Server) dequeue() *Batch {
	ones, size := s.binding[:0], 0
	for s.queueHead < len(s.queue) {
		b := s.queue[s.queueHead]
		if s.session(b.Updates[0].Client).awaits(b.Updates[0].Timestamp) {
			size += b.bytes()
			if len(ones) > 0 && size > s.settings.BatchBytes || len(ones) == maxBatchUpdates {
				break
			}
			ones = append(ones, b)
		}
		s.queueHead++
	}
	if s.queueHead == len(s.queue) {
		s.queue, s.queueHead = s.queue[:0], 0
	}
	if s.explicit() {
		ones = s.bound(ones)
	}
	s.binding = ones
	switch len(ones) {
	case 0:
		return nil
	case 1:
		return ones[0]
	}
	return joined(ones)
}

func (s *Server) clearQueue() { s.queue, s.queueHead, s.expiring = s.queue[:0], 0, nil }

// queuePending fills a new leader's queue with the pending updates that no open slot binds
// already. (PSB, Enqueue_Unbound_Pending_Updates, C1–C4.)
func (s *Server) queuePending() {
	s.clearQueue()
	for i := range s.sessions {
		s.sessions[i].lastEnqueued = s.sessions[i].lastExecuted
	}
	for seq := s.localARU + 1; seq <= s.top; seq++ {
		sl := s.history.peek(seq)
		if sl == nil || sl.proposal() == nil {
			continue
		}
		updates := sl.proposal().Updates
		if sl.ordered {
			updates = sl.batch.Updates
		}
		for i := range updates {
			if updates[i].Kind != ExpireSessions {
				c := s.session(updates[i].Client)
				c.lastEnqueued = max(c.lastEnqueued, updates[i].Timestamp)
			}
		}
	}
	for i := range s.sessions {
		if c := &s.sessions[i]; c.pending != nil {
			s.enqueue(c, c.pending)
		}
	}
}

// apply executes one update, once per (client, timestamp) (S4), and answers the client if
// this server is the one that owes the reply. (PSB, Global Ordering, D1–D12.)
func (s *Server) apply(seq Seq, u *Update, out *Output) {
	switch u.Kind {
	case OpenSession:
		s.open(seq, u, out)
		return
	case ExpireSessions:
		s.expire(seq, u, out)
		return
	}
	c := s.session(u.Client)
	switch {
	case s.explicit() && (u.Session != c.opened || c.opened == 0):
		out.became(Lapsed, seq, u)
		s.turnAway(u, out)
		if c.pending != nil && c.pending.Updates[0].Timestamp == u.Timestamp {
			s.dropPending(c)
		}
		s.release(c)
		return
	case u.Timestamp <= c.lastExecuted:
		out.became(Filtered, seq, u)
		return
	}
	c.lastExecuted, c.lastResult = u.Timestamp, s.app.Apply(u.Op)
	if c.usedAt = seq; s.explicit() {
		c.used = s.now
	}
	out.became(Applied, seq, u)
	if c.pending != nil && c.pending.Updates[0].Timestamp <= u.Timestamp {
		s.dropPending(c)
	}
	if u.Server == s.id {
		out.answer(u, c.lastResult)
	}
}

// dropPending forgets the session's pending update: it is executed, or never will be.
func (s *Server) dropPending(c *session) {
	c.pending = nil
	s.pendings--
	if s.pendings == 0 {
		s.updateAt, s.oldestFrom = never, never
	}
}
