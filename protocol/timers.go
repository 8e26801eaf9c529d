package protocol

// Timers. The driver keeps one: Deadline says when to call Step with a Timer. That may
// come early or late: it does only what is due.

// progressTimer is the paper's Progress_Timer: it runs while a server waits for the view to
// be installed or for slots to be executed.
type progressTimer struct {
	// running is false from an attempt until a majority joins it. Stopped, the timer counts as
	// expired, so that this server joins others' attempts (X10).
	running bool
	// since is when it was started last. It lies T back at first start, where all suspect.
	since Instant
	// timeout is T: doubled for each view that is preinstalled, and Settings.Timeout again once
	// the view in force works (X9).
	//
	// Invariant: Settings.Timeout ≤ timeout ≤ Settings.Ceiling.
	timeout Instant
}

func (t *progressTimer) restart(now Instant) { t.running, t.since = true, now }
func (t *progressTimer) stop()               { t.running = false }

func (t *progressTimer) expired(now Instant) bool {
	return !t.running || now-t.since >= t.timeout
}

// Deadline is when Step wants its next Timer. It may move in both directions at any Step.
func (s *Server) Deadline() Instant {
	if s.forming() {
		return s.disks.next
	}
	return min(s.heartbeatAt, s.attemptAt(), s.retransmitAt, s.updateAt, s.starvesAt(), s.handOverEnds())
}

// attemptAt is when this server gives up on the current attempt or view. The stagger lets
// the next leader go first, and by then the others are ready to follow (X10).
func (s *Server) attemptAt() Instant {
	if !s.progress.running {
		return never
	}
	return s.progress.since + s.progress.timeout + s.stagger
}

// setAttempted moves LastAttempted, and with it this server's place among the next leaders.
// (Not in attemptAt: Deadline is asked for after every Step, too often to divide there.)
func (s *Server) setAttempted(v View) {
	s.lastAttempted = v
	rank := (int(s.id) - int(s.leader(v+1)) + s.n) % s.n
	s.stagger = s.settings.Stagger * Instant(rank)
}

// starvesAt is a lower bound of when a pending update starves (X23).
func (s *Server) starvesAt() Instant {
	if s.state != RegNonLeader {
		return never
	}
	return s.oldestStarves()
}

// oldestStarves is starvesAt in any state.
func (s *Server) oldestStarves() Instant {
	if s.oldestFrom == never {
		return never
	}
	return s.oldestFrom + StarvingTimeouts*s.progress.timeout
}

// onTimer does what is due. (PSB, figure 6 (Leader Election), A: the progress timer expires;
// a stagger later, by X10.)
func (s *Server) onTimer(out *Output) {
	if s.now >= s.updateAt {
		s.sendPending(out)
	}
	if s.now >= s.heartbeatAt {
		s.heartbeat(out)
	}
	if s.now >= s.handOverEnds() {
		s.endHandOver(out)
	}
	if s.now >= s.starvesAt() {
		s.findOldest() // the bound may come from an update that is executed by now
	}
	switch {
	case s.now >= s.attemptAt():
		s.attempt(s.lastAttempted+1, out)
	case s.state == RegNonLeader && s.starving():
		out.event(Event{Kind: Starved})
		s.attempt(s.lastAttempted+1, out)
	}
	if s.now >= s.retransmitAt {
		s.retransmit(out)
	}
}

// heartbeat tells all where this server stands (X8).
func (s *Server) heartbeat(out *Output) {
	s.heartbeatAt = s.now + s.settings.Heartbeat
	if s.state == RegLeader && !s.outstanding() {
		s.progress.restart(s.now)
	}
	s.expireIdle(out)
	s.toAll(0, Message{Kind: VCProof, State: s.state, View: s.lastInstalled, ARU: s.localARU}, out)
	s.unpin()
	s.truncate(out)
}

// outstanding says whether there is work whose progress is due (X10).
func (s *Server) outstanding() bool {
	return s.pendings > 0 || s.state == RegLeader &&
		(s.queueHead < len(s.queue) || s.lastProposed > s.localARU)
}

// unanswered says whether something is to be repeated until it is answered.
func (s *Server) unanswered() bool {
	switch {
	case s.behind():
		return true // X11
	case len(s.reads) > 0:
		return true // X20
	case s.handOver.told && s.state == RegLeader:
		return true // until the heir is heard of
	case s.state == LeaderElection:
		return s.lastAttempted > s.lastInstalled // X1
	case s.state == Preparing:
		return true // X4
	}
	return s.state == RegLeader && s.lastProposed > s.localARU // X5
}

// armRetransmit starts the retransmission timer with the first thing that is unanswered, and
// stops it with the last.
func (s *Server) armRetransmit() {
	switch {
	case !s.unanswered():
		s.retransmitAt = never
	case s.retransmitAt == never:
		s.retransmitAt = s.now + s.settings.Retransmit
	}
}

func (s *Server) retransmit(out *Output) {
	s.retransmitAt = s.now + s.settings.Retransmit
	switch {
	case s.state == LeaderElection && s.lastAttempted > s.lastInstalled:
		s.toAll(0, Message{Kind: ViewChange, View: s.lastAttempted}, out) // X1
	case s.state == Preparing:
		s.repeatPrepare(out) // X4
	case s.state == RegLeader:
		s.repeatProposals(out) // X5
	}
	switch {
	case !s.behind():
	case !s.fetching():
		s.requestCatchUp(out) // X11
	default:
		s.repeatFetch(out) // X12
		if s.snaps.fetch.misses >= fetchPatience {
			s.requestCatchUp(out) // there may be another snapshot, or the slots after all
		}
	}
	if len(s.reads) > 0 {
		s.repeatReads(out) // X20
	}
	if s.handOver.told && s.state == RegLeader {
		s.tellHeir(out)
	}
}
