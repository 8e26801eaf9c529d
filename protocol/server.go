package protocol

import (
	"fmt"
	"math"
)

// Config says who a server is.
type Config struct {
	ID       ServerID // 1…Servers
	Servers  int      // N, 1…MaxServers
	Settings Settings // its zero: the defaults
	// Store is the id of the server's disk (X18): a random number that it got when it was
	// formatted. Zero leaves formation out: the caller vouches that no disk is ever lost.
	Store StoreID
}

const (
	maxWindow  = 1024          // the most that Settings.WindowSlots may be
	reachSlots = 4096          // a data list or a record reaches at most so far above LocalARU
	never      = math.MaxInt64 // an Instant that does not come

	maxBatchBytes   = 1 << 20 // the most that Settings.BatchBytes may be
	maxBatchUpdates = 512     // that one slot binds, whatever their size

	maxView View = 1 << 60
	maxSeq  Seq  = 1 << 60
)

// window is W: the most slots that may lie between LocalARU and LastProposed (X15).
func (s *Server) window() Seq { return Seq(s.settings.WindowSlots) }

// Server is one server's machine (its fields: PSB, figure 2). It is a plain value of its
// inputs: no clock, no I/O, no randomness. One goroutine owns it; Clone makes another.
//
// The invariants hold between two Steps. A set of servers is a uint16, in which bit id stands
// for server id. An Instant is when something is due, never for not at all.
type Server struct {
	id       ServerID // 1…n
	n        int      // servers of the cluster, 1…MaxServers
	settings Settings // as given, with the defaults filled in; fixed for this life
	app      App      // owned here: the state after slots 1…localARU
	now      Instant  // of the current Step, or of the last; it never goes back

	// Election (election.go).

	// state moves as the drawing in election.go has it. A new life begins in LeaderElection.
	state State
	// lastAttempted is the paper's Last_Attempted: the view that this server wants, or has.
	// Only setAttempted changes it. It may fall back to lastInstalled, and no record keeps it:
	// an attempt promises nothing.
	//
	// Invariant: lastInstalled ≤ lastAttempted; they are equal outside LeaderElection.
	lastAttempted View
	// lastInstalled is the paper's Last_Installed: no proposal of a lower view is accepted here
	// from now on. It only rises, by install and in recovery. Zero: no view was installed yet.
	lastInstalled View
	// installedPos is where the record of lastInstalled stands. What the promise is needed for
	// waits for it: Prepare, PrepareOK, and one's own answer in tryLead. Zero: no record.
	installedPos Position
	// stagger is how long after T this server attempts lastAttempted+1 (X10). It belongs to
	// lastAttempted, and setAttempted alone changes it.
	stagger Instant
	// votes is the paper's VC[]: the servers known to attempt lastAttempted, this one included. A new life
	// begins without any.
	// Meaningful in LeaderElection only; an attempt clears it.
	votes uint16
	// preinstalled says that a majority was once in votes. It is set once an attempt, since
	// another vote may not restart the timer.
	preinstalled bool
	// progress is the paper's Progress_Timer.
	progress progressTimer
	// knownARU is the highest aru that was known when the attempt began. A report above it is
	// progress that was made without this server (X21).
	knownARU Seq
	// heartbeatAt is when the next VCProof is due (X8), in every state once the cluster is formed.
	heartbeatAt Instant
	// retransmitAt is when to repeat what is unanswered. Invariant, once the server takes part:
	// never, unless something is (unanswered).
	retransmitAt Instant

	// prepareOKs is the paper's Prepare_OK[]: by server, the ranges that its answers in
	// lastInstalled cover. What the answers say is in history already (hear). Meaningful in
	// Preparing only. This server's own answer is not in it: that is the record at installedPos.
	prepareOKs [MaxServers + 1][]span

	// Global ordering (ordering.go).

	// history is the paper's Global_History[]. Invariant: history.executed = localARU.
	history history
	// localARU is the paper's Local_Aru: slots 1…localARU are ordered and executed. It only
	// rises, by executeNext and where a snapshot is adopted.
	localARU Seq
	// lastProposed is the paper's Last_Proposed: the leader binds the slot above it next.
	// Meaningful in RegLeader only.
	//
	// Invariant there: localARU ≤ lastProposed ≤ localARU + W (X15).
	lastProposed Seq
	// top is the highest seq for which a proposal or an outcome is known here. It only rises. A
	// new leader proposes all up to it again (X7), and a read's index is at least top (X20).
	//
	// Invariant: localARU ≤ top.
	top Seq
	// acceptances are this server's own of slots above localARU whose records are not known to be durable, in the
	// order of the records. They count once they are (X6).
	acceptances []acceptance

	// Clients (client.go, sessions.go).

	// sessions has a place for each client that is known, and vacant ones. A session never
	// moves to another place.
	sessions []session
	// vacant are the free places in sessions. Always empty where clients need not open sessions.
	vacant []int32
	// opened counts the sessions that were opened and have not expired: those whose opened is
	// not zero. Zero where clients need not open any.
	opened int
	// tombs has the clients whose session is gone while their lastExecuted stays.
	tombs []tombstone
	// idleAt is no later than when the next session has been idle for too long. Meaningful in
	// RegLeader only, where clients must open sessions.
	idleAt Instant
	// expiring is an expiry to bind before anything that is queued. Nil: none, as always
	// outside RegLeader.
	expiring *Batch
	// sessionOf is a client's place in sessions. It is looked up, and never ranged over: a
	// map's order would reach an output.
	sessionOf map[ClientID]int32
	// sessionNear remembers the places found last, by client modulo its length. An entry may be
	// out of date: place compares the client.
	sessionNear [nearSessions]int32
	// pendings counts the sessions with a pending update.
	pendings int
	// queue[queueHead:] is the paper's Update_Queue. Empty outside RegLeader. An entry may be
	// executed, or given up by its client, since it was queued: dequeue passes it over.
	queue     []*Batch
	queueHead int
	// binding is scratch of dequeue, of no meaning between two calls.
	binding []*Batch
	// updateAt is no later than the first session's timer that is due: the paper's Update_Timer,
	// for all of them. Never where nothing is pending.
	updateAt Instant
	// waits has the pending updates by their timers.
	waits waits
	// oldestFrom is no later than the since of any pending update (X23). Never where none is.
	oldestFrom Instant

	// Reads (reads.go) and hand-over (handover.go).

	// reads has those that wait for their answer or their index, in order of arrival.
	reads []read
	// rounds is about the leader's last read round.
	rounds readRounds
	// handOver is about the hand-over under way, or the last one: it is over after its until. Its zero: none yet.
	handOver handOver

	// Reconciliation (reconcile.go).

	// reported is the aru that each server reported last. One's own place stays zero. A report
	// may be lower than the one before, after a crash. Only report changes it.
	reported [MaxServers + 1]Seq
	// highest is the highest of reported. This server is behind while it is above localARU.
	highest Seq
	// rotor is the server from which peerAfter goes on: the first of those asked in the last round of requests
	// for slots. Zero: none yet.
	rotor ServerID
	// requestedTo ends the ranges asked for last: at it, or above, it is time to ask for more.
	requestedTo Seq
	// snaps is about snapshots: our own (snapshot.go, truncate.go), and a peer's (fetch.go).
	snaps snapshots

	// Disk.

	// disks is what is known of the cluster's disks (formation.go).
	disks formation
	// position is that of the last record emitted. Zero: none yet.
	position Position
	// durable is the position up to which all records survive a crash (X25). It only rises, as
	// the driver says so.
	//
	// Invariant: durable ≤ position.
	durable Position

	// drops counts the inputs that were refused, by reason.
	drops [numDrops]uint64
}

// New returns a server as its disk left it: fresh where stable is empty. The App must be
// fresh too; the server owns it from here on. Everything in stable must be durable already:
// a driver syncs what it read before it calls New.
func New(cfg Config, now Instant, app App, stable Stable) (*Server, error) {
	switch {
	case cfg.Servers < 1 || cfg.Servers > MaxServers:
		return nil, fmt.Errorf("server: a cluster has 1 to %d servers, not %d", MaxServers, cfg.Servers)
	case cfg.ID < 1 || int(cfg.ID) > cfg.Servers:
		return nil, fmt.Errorf("server: no server %d in a cluster of %d", cfg.ID, cfg.Servers)
	}
	if err := cfg.Settings.Validate(); err != nil {
		return nil, err
	}
	settings := cfg.Settings.WithDefaults()
	s := &Server{
		id: cfg.ID, n: cfg.Servers, settings: settings, app: app, now: now,
		history: newHistory(settings.WindowSlots), sessionOf: make(map[ClientID]int32),
		retransmitAt: never, updateAt: never, oldestFrom: never,
	}
	s.setAttempted(0)
	s.progress.timeout = s.settings.Timeout
	s.heartbeatAt = now + s.settings.Heartbeat
	s.progress.restart(now)
	s.plan(0)
	s.disks = formation{store: cfg.Store, next: now}
	s.disks.roster.Stores[cfg.ID] = cfg.Store
	s.disks.roster.Format = s.settings.format()
	if len(stable.Records) == 0 {
		s.progress.since = now - s.settings.Timeout // X10: at first start all suspect
		return s, nil
	}
	if err := s.recover(stable); err != nil {
		return nil, fmt.Errorf("server %d: recovery: %w", cfg.ID, err)
	}
	if s.forming() && s.disks.pos == 0 {
		return nil, fmt.Errorf("server %d: recovery: a store with an id, but without the roster of its cluster", cfg.ID)
	}
	return s, nil
}

// Step hands the server one input and appends what follows from it to out. Bad input from
// outside is counted and dropped; a contradiction inside panics (*InvariantError).
func (s *Server) Step(now Instant, in Input, out *Output) {
	if in.Kind == Receive {
		s.Receive(now, &in.Message, out)
		return
	}
	s.now = max(now, s.now)
	if s.forming() {
		s.form(&in, out)
		return
	}
	switch in.Kind {
	case Durable:
		s.onDurable(in.UpTo, out)
	case Timer:
		s.onTimer(out)
	case Elect:
		s.attempt(s.lastAttempted+1, out)
	case HandOver:
		s.beginHandOver(in.To, out)
	}
	s.armRetransmit()
}

// Receive is Step for a message, which it neither changes nor keeps. Most inputs are
// messages, and so a driver need not copy them.
func (s *Server) Receive(now Instant, m *Message, out *Output) {
	s.now = max(now, s.now)
	switch {
	case !s.admits(m, out):
		return
	case s.forming():
		s.receiveForming(m, out)
		return
	}
	s.receive(m, out)
	s.armRetransmit()
}

// admits refuses what no server of this cluster sends. The paper's conflict checks (PSB,
// Conflict checks, A–F) come after it, first in each handler.
func (s *Server) admits(m *Message, out *Output) bool {
	switch {
	case int(m.Server) > s.n || m.Server == 0 && m.Kind != ClientUpdate && m.Kind != ClientRead:
		s.drop(unknownServer)
	case m.Server == s.id:
		s.drop(fromSelf)
	case m.View > maxView || m.Seq > maxSeq || m.ARU > maxSeq && (m.Kind != PrepareOK || m.ARU != Infinity):
		s.drop(malformed) // nobody gets that far, and sums must not overflow
	default:
		return s.forming() || !s.stranger(m, out)
	}
	return false
}

func (s *Server) receive(m *Message, out *Output) {
	switch m.Kind {
	case ClientUpdate:
		s.onClientUpdate(m, out)
	case ViewChange:
		s.onViewChange(m, out)
	case VCProof:
		s.onVCProof(m, out)
	case Prepare:
		s.onPrepare(m, out)
	case PrepareOK:
		s.onPrepareOK(m, out)
	case Proposal:
		s.onProposal(m, out)
	case Accept:
		s.onAccept(m, out)
	case CatchUpRequest:
		s.onCatchUpRequest(m, out)
	case CatchUpReply:
		s.onCatchUpReply(m, out)
	case Formation:
		s.onFormation(m, out)
	case SnapshotRequest:
		s.onSnapshotRequest(m, out)
	case SnapshotPart:
		s.onSnapshotPart(m, out)
	case ClientRead:
		s.onClientRead(m, out)
	case ReadRound:
		s.onReadRound(m, out)
	case ReadAck:
		s.onReadAck(m, out)
	case ReadIndex:
		s.onReadIndex(m, out)
	case YourTurn:
		s.onYourTurn(m, out)
	default:
		s.drop(unknownKind)
	}
}

// record appends a record to the server's disk order and returns its position.
func (s *Server) record(r Record, out *Output) Position {
	s.position++
	out.Records = extend(out.Records)
	to := &out.Records[len(out.Records)-1]
	to.Kind, to.Lazy, to.Position = r.Kind, r.Lazy, s.position
	to.View, to.Seq, to.Batch, to.Roster, to.Checkpoint = r.View, r.Seq, r.Batch, r.Roster, r.Checkpoint
	return s.position
}

// onDurable learns that every record up to pos survives a crash. One's own acceptances
// count from here on (X6), and so does one's own PrepareOK.
func (s *Server) onDurable(pos Position, out *Output) {
	if pos > s.position {
		s.drop(beyondRecords)
		return
	}
	s.durable = max(s.durable, pos)
	s.countOwn(out)
	s.tryLead(out)
	if s.durableSnapshot() > s.history.truncated {
		s.truncate(out)
	}
}

func (s *Server) send(to ServerID, after Position, m Message, out *Output) {
	out.Messages = extend(out.Messages)
	o := &out.Messages[len(out.Messages)-1]
	o.To, o.After = to, after
	o.Message.Kind, o.Message.Server, o.Message.State, o.Message.Store = m.Kind, s.id, m.State, s.disks.store
	o.Message.View, o.Message.Seq, o.Message.ARU = m.View, m.Seq, m.ARU
	o.Message.Batch, o.Message.List, o.Message.Roster, o.Message.Part = m.Batch, m.List, m.Roster, m.Part
}

// toAll sends to every other server.
func (s *Server) toAll(after Position, m Message, out *Output) {
	if s.n > 1 {
		s.send(0, after, m, out)
	}
}

// quorum is how many servers decide on a slot, in each phase: a majority of the configuration
// in force there. As long as membership does not change, that is the same for all slots (X19).
func (s *Server) quorum(Seq) int { return s.n/2 + 1 }

func (s *Server) leader(v View) ServerID   { return Leader(v, s.n) }
func (s *Server) ID() ServerID             { return s.id }
func (s *Server) State() State             { return s.state }
func (s *Server) LastInstalled() View      { return s.lastInstalled }
func (s *Server) LastAttempted() View      { return s.lastAttempted }
func (s *Server) LocalARU() Seq            { return s.localARU }
func (s *Server) LastProposed() Seq        { return s.lastProposed }
func (s *Server) Truncated() Seq           { return s.history.truncated }
func (s *Server) Pending() int             { return s.pendings }
func (s *Server) Reads() int               { return len(s.reads) }
func (s *Server) App() App                 { return s.app }
func (s *Server) ProgressTimeout() Instant { return s.progress.timeout }

// Clone returns a copy that shares no mutable memory with s.
func (s *Server) Clone() *Server {
	c := *s
	c.app = s.app.Clone()
	c.history = s.history.clone()
	c.snaps = s.snaps.clone()
	c.acceptances = append([]acceptance(nil), s.acceptances...)
	c.sessions = append([]session(nil), s.sessions...)
	c.sessionOf = make(map[ClientID]int32, len(s.sessions))
	for i := range c.sessions {
		c.sessionOf[c.sessions[i].client] = int32(i)
	}
	c.vacant = append([]int32(nil), s.vacant...)
	c.waits = waits{list: append([]wait(nil), s.waits.list[s.waits.head:]...)}
	c.tombs = append([]tombstone(nil), s.tombs...)
	if len(c.vacant) > 0 {
		delete(c.sessionOf, 0) // of vacant places
	}
	c.queue = append([]*Batch(nil), s.queue[s.queueHead:]...)
	c.queueHead, c.binding = 0, nil
	c.reads = append([]read(nil), s.reads...)
	for i := range c.prepareOKs {
		c.prepareOKs[i] = append([]span(nil), s.prepareOKs[i]...)
	}
	return &c
}
