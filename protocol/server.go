package protocol

import (
	"fmt"
	"math"
)

// Config says who a server is.
type Config struct {
	ID       ServerID // 1…Servers
	Servers  int      // N, 1…MaxServers
	Settings Settings
	// Store is the id of the server's disk (X18): a random number that it got when it was
	// formatted. Zero leaves formation out: the caller vouches that no disk is ever lost.
	Store StoreID
}

const (
	maxWindow  = 1024          // of the window
	reachSlots = 4096          // above LocalARU, that a data list may tell of
	never      = math.MaxInt64 // an Instant that does not come

	maxBatchBytes   = 1 << 20
	maxBatchUpdates = 512 // whatever their size

	maxView View = 1 << 60
	maxSeq  Seq  = 1 << 60
)

// window is W, the slots between LocalARU and LastProposed (X15).
func (s *Server) window() Seq { return Seq(s.settings.WindowSlots) }

// Server is one server's machine. It is a plain value of its inputs: no clock, no I/O, no
// randomness. One goroutine owns it; Clone makes another.
type Server struct {
	id       ServerID
	n        int
	settings Settings
	app      App
	now      Instant // of the current Step

	// Election (election.go).
	state         State
	lastAttempted View
	lastInstalled View     // Invariant: lastInstalled ≤ lastAttempted
	installedPos  Position // of its record
	stagger       Instant  // before this server attempts lastAttempted+1 (X10); see setAttempted
	votes         uint16   // VC[]: servers that attempt lastAttempted, bit id
	preinstalled  bool
	progress      progressTimer
	knownARU      Seq // the highest aru known when the attempt began (X21)
	heartbeatAt   Instant
	retransmitAt  Instant

	// Prepare phase (prepare.go): what of the log each server's PrepareOKs cover.
	prepareOKs [MaxServers + 1][]span

	// Global ordering (ordering.go).
	history      history
	localARU     Seq // all of 1…localARU is ordered and executed
	lastProposed Seq
	top          Seq // the highest seq that a proposal or an order is known for
	acceptances  []acceptance

	// Clients (client.go).
	sessions    []session
	vacant      []int32 // places in sessions
	opened      int     // sessions that are open (sessions.go)
	tombs       []tombstone
	idleAt      Instant            // lower bound of when one has been idle for too long, at a RegLeader
	expiring    *Batch             // an expiry to bind next, at a RegLeader
	sessionOf   map[ClientID]int32 // looked up, never ranged over
	sessionNear [nearSessions]int32
	pendings    int
	queue       []*Batch // UpdateQueue, at a RegLeader only
	queueHead   int
	binding     []*Batch // scratch of dequeue
	updateAt    Instant  // lower bound of the sessions' timers
	waits       waits    // by those timers
	oldestFrom  Instant  // lower bound of the pending updates' ages

	// Reads (reads.go) and hand-over (handover.go).
	reads    []read // in order of arrival
	rounds   readRounds
	handOver handOver

	// Reconciliation (reconcile.go).
	reported    [MaxServers + 1]Seq // each server's last reported aru
	highest     Seq                 // of reported
	rotor       ServerID            // whom we asked last
	requestedTo Seq
	snaps       snapshots // snapshot.go, truncate.go, fetch.go

	// Disk.
	disks    formation // formation.go
	position Position  // of the last record emitted
	durable  Position

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

// Receive is Step for a message, which it neither changes nor keeps: most inputs are
// messages, and a driver need not copy them.
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

// admits refuses what no server of this cluster sends.
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

// quorum is how many servers decide on a slot, in whatever phase: a majority of the configuration
// that is in force there. There is one for all slots, as long as membership does not change (X19).
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
