package protocol

// Leader election (PSB, figure 6 (Leader Election)): servers that see no progress attempt the
// next view. A majority of attempts preinstalls it, and its leader prepares. Past the paper:
// X1, X2, X8–X10, X21, X23, X24. The package comment draws the states of a server.
//
// The steps of a view at one server. Only the third is a promise:
//
//	attempted     lastAttempted = v; ViewChange to all, repeated (X1)
//	preinstalled  a majority attempts v; T is doubled (X9), and the timer runs again
//	installed     lastInstalled = v; RecordInstalled, which Prepare and PrepareOK wait for
//	prepared      at v's leader alone: it binds slots from now on

// suspects says whether this server has reason to want another leader. It joins the attempts
// of others only then: one slow server must not unseat a working leader (X10).
func (s *Server) suspects() bool {
	return s.progress.expired(s.now) || s.starving()
}

// attempt tries to install view v. (PSB, figure 6 (Leader Election), E1–E6:
// Shift_to_Leader_Election.)
func (s *Server) attempt(v View, out *Output) {
	s.invariant(v > s.lastAttempted, "an attempt goes above LastAttempted")
	s.setAttempted(v)
	s.state = LeaderElection
	s.progress.stop()
	s.votes, s.preinstalled = 0, false
	s.clearPrepareOKs()
	s.clearQueue()
	s.leaveReads()
	if v != s.handOver.view {
		s.handOver = handOver{}
	}
	s.knownARU = max(s.localARU, s.highest)
	out.event(Event{Kind: Attempted, View: v})
	s.toAll(0, Message{Kind: ViewChange, View: v}, out)
	s.vote(s.id, out)
}

// onViewChange hears that a peer attempts m.View. (PSB, figure 6 (Leader Election), B1–B11,
// with Conflict checks, A; who joins is X10.)
func (s *Server) onViewChange(m *Message, out *Output) {
	switch {
	case m.View > s.lastAttempted && (s.suspects() || s.mayInherit(m)):
		s.attempt(m.View, out)
		s.vote(m.Server, out)
	case m.View > s.lastAttempted:
		s.drop(notSuspecting)
	case m.View < s.lastAttempted:
		s.drop(oldView)
	case m.View == s.lastInstalled || s.state != LeaderElection:
		s.drop(alreadyInstalled)
	default:
		s.vote(m.Server, out)
	}
}

// vote counts an attempt of LastAttempted. (PSB, figure 6 (Leader Election), D:
// Preinstall_Ready; Update_Data_Structures, A.) A majority preinstalls the view, once: if a
// repeated vote restarted the timer, a dead leader would hold all up for good.
func (s *Server) vote(id ServerID, out *Output) {
	s.votes |= 1 << id
	if s.preinstalled || popcount(s.votes) < s.quorum(s.localARU+1) {
		return
	}
	s.preinstalled = true
	s.progress.timeout = min(2*s.progress.timeout, s.settings.Ceiling) // X9
	s.progress.restart(s.now)
	out.event(Event{Kind: Preinstalled, View: s.lastAttempted})
	if s.leader(s.lastAttempted) == s.id {
		s.enterPrepare(s.lastAttempted, out)
	}
}

// onVCProof hears which view a peer has installed, its State and its aru. (PSB, figure 6
// (Leader Election), C1–C7, with Conflict checks, B; heartbeat and report are X8.)
func (s *Server) onVCProof(m *Message, out *Output) {
	if m.View == 0 && m.State != LeaderElection {
		s.drop(malformed) // view 0 has no leader to follow
		return
	}
	s.report(m.Server, m.ARU)
	switch {
	case m.View > s.lastInstalled && s.leader(m.View) == s.id:
		s.enterPrepare(m.View, out)
	case m.View > s.lastInstalled:
		s.install(m.View, out)
		s.enterRegNonLeader()
		s.yield(out)
	case m.View == s.lastInstalled && s.returns(m):
		s.enterRegNonLeader()
		out.event(Event{Kind: Returned, View: m.View})
	}
	if m.View == s.lastInstalled && m.Server == s.leader(m.View) &&
		(m.State == Preparing || m.State == RegLeader) &&
		s.state == RegNonLeader && (!s.outstanding() || s.broughtUp()) {
		s.progress.restart(s.now)
		if s.broughtUp() {
			s.restartAges() // nor may what it cannot execute starve (X23)
		}
	}
	s.tryHandOver(out)
	if s.localARU+2*s.window() < m.ARU && s.localARU >= s.requestedTo && !s.fetching() {
		s.requestCatchUp(out) // too far behind for the slots in flight: do not wait
	}
}

// returns says whether a server in an election goes back into LastInstalled, in which the
// sender of m still works (X21). One that attempts a higher view needs a sign that others
// make progress: else the heartbeat of a deaf leader would hold it for ever.
func (s *Server) returns(m *Message) bool {
	switch {
	case s.state != LeaderElection || m.State == LeaderElection || s.leader(m.View) == s.id:
		return false
	case s.lastAttempted == m.View:
		return true
	}
	return !s.preinstalled && !s.starving() && m.ARU > s.knownARU
}

// install promises to take no proposal of a view below v again. The promise holds once its
// record is durable; what depends on it waits for installedPos.
func (s *Server) install(v View, out *Output) {
	s.invariant(v > s.lastInstalled, "views are installed in rising order")
	s.lastInstalled = v
	s.setAttempted(v)
	s.installedPos = s.record(Record{Kind: RecordInstalled, View: v}, out)
	out.event(Event{Kind: Installed, View: v})
}

// enterRegNonLeader follows the leader of LastInstalled. (PSB, Shift_to_Reg_Non_Leader,
// B1–B5.)
func (s *Server) enterRegNonLeader() {
	s.invariant(s.leader(s.lastInstalled) != s.id, "a leader does not follow itself")
	s.state = RegNonLeader
	s.setAttempted(s.lastInstalled)
	s.clearPrepareOKs()
	s.clearQueue()
	s.leaveReads()
	s.progress.restart(s.now)
	s.restartAges()
}

func popcount(set uint16) int {
	n := 0
	for ; set != 0; set &= set - 1 {
		n++
	}
	return n
}
