package paxos

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/fauer4effect/paxos/protocol"
	"github.com/fauer4effect/paxos/protocol/kv"
	"github.com/fauer4effect/paxos/sim/finding"
	"github.com/fauer4effect/paxos/sim/history"
	"github.com/fauer4effect/paxos/sim/internal/engine"
	"github.com/fauer4effect/paxos/sim/internal/words"
	"github.com/fauer4effect/paxos/sim/paxos/check"
	"github.com/fauer4effect/paxos/sim/plan"
	"github.com/fauer4effect/paxos/sim/trace"
	"github.com/fauer4effect/paxos/sim/world"
)

// packet is what travels in our world: a message of the machine, or a reply to a client, of
// replyKind, with the timestamp in place of the seq; one to a read without a slot has its index
// in place of the aru, and a view.
type packet struct {
	protocol.Message
	result    []byte
	status    protocol.ReplyStatus
	act       int32    // of the story: what sent it
	datagrams [][]byte // what travels where the plan has a wire
	bundle    *bundle  // from or to a host: what travels in its place, or, of requests, beside the first
}

// replyKind is none of the machine's kinds of message, or this does not compile. Draws go by the number of
// a kind, so that this one stays what it is.
const replyKind = uint8(23)

const (
	_ = uint(replyKind - uint8(protocol.NumKinds))
	_ = uint(world.MaxKinds - 1 - replyKind)
)

func (p *packet) isReply() bool { return uint8(p.Kind) == replyKind }

type simulated = world.World[packet, diskRecord]

// System is the system of our own machine: its servers, its messages, and its checks.
type System struct {
	run      *engine.Run
	settings protocol.Settings   // of all, but for …
	own      []protocol.Settings // … what single servers have, by id; 0 unused
	world    *simulated
	checker  *check.Checker
	servers  []*server // by id; 0 unused. A server that is down keeps its last life here.
	clients  []*client // by id; 0 unused
	hosts    []*host
	answered []*host // in the step under way
	bundles  bundles
	views    uint64 // led
	bodies   bodies
	batches  protocol.Batches
	logs     []diskLog // by server, where the plan's disks are logs

	datagrams datagrams

	lostForming bool // a disk was lost before the core had formed its cluster

	witness Witness // nil: none

	judgedKeys uint64
	claim      []claimed            // scratch
	order      []*history.Operation // scratch
}

// newPaxos prepares a run of our machine.
func newSystem(p *plan.Plan, directed int, options []engine.Option) *System {
	settings, err := settingsOf(p)
	if p.Protocol != "" {
		err = fmt.Errorf("it is a plan for protocol %q", p.Protocol)
	}
	if err != nil {
		panic("sim: Run of an invalid plan: " + err.Error())
	}
	settings = settings.WithDefaults()
	own := make([]protocol.Settings, p.Servers+1)
	window, sessions := settings.WindowSlots, settings.SessionLimit
	for id := range own {
		own[id] = settings
	}
	for i := range p.Apart {
		s, err := serverSettings(p, &p.Apart[i])
		if err != nil {
			panic("sim: Run of an invalid plan: " + err.Error())
		}
		own[p.Apart[i].Server] = s
		window, sessions = max(window, s.WindowSlots), max(sessions, s.SessionLimit)
	}
	r := &System{own: own, run: engine.NewRun(p, directed, options), settings: settings, servers: make([]*server, p.Servers+1), clients: make([]*client, p.Workload.Clients+directed+1), logs: make([]diskLog, p.Servers+1)}
	r.checker = check.New(p.Servers, calmOf(p), kv.New())
	r.checker.Departures.Formation, r.checker.Departures.Overlap = p.Formation, settings.Overlap
	r.checker.Endless, r.checker.Broken = p.Endless, &r.run.Over
	r.checker.Log.Limit = uint64(sessions)
	r.checker.Log.Window = protocol.Seq(window)
	if p.Workload.Reads > 0 || directed > 0 {
		r.checker.Log.KeepValues()
	}
	r.world = world.New[packet, diskRecord](r.run.WorldConfig(), r)
	r.run.Open(r)
	return r
}

// Run executes a plan, which must be valid. It is single-threaded and a function of the
// plan alone.
func Run(p *plan.Plan, options ...engine.Option) *engine.Report {
	r := newSystem(p, 0, options)
	r.run.Play()
	return r.run.Report()
}

// now is the virtual time in the checker's terms, asked of our own world and not through the
// interface: each event asks.
func (r *System) now() int64 { return int64(r.world.Now()) }

func (r *System) Control() engine.Control { return r.world }

func (r *System) Kind(name string) uint8 { return kindOf(name) }

// Purposes of draws, beside the engine's (see there).
const (
	drawStore = 1005
	drawFlip  = 1006
	drawTorn  = 1008
	drawRot   = 1009
)

// client is a client of our machine: with its session (session.go), and what it sends. It is a
// Process of the world where it has a machine of its own.
type client struct {
	*engine.Client
	System  *System
	host    *host // nil: a machine of its own
	batch   *protocol.Batch
	session protocol.Seq    // zero: none
	opening *protocol.Batch // to be answered before batch is sent; nil: none
	// Of the answer that the client is about to get: it took no slot, but is from the state after index.
	gotRead  bool
	gotIndex protocol.Seq
}

// machineID is the client as the machine names it.
func (c *client) machineID() protocol.ClientID { return protocol.ClientID(c.Client.ID) }

// Receive takes a reply.
func (c *client) Receive(from world.Node, p *packet) {
	if p.isReply() {
		c.System.hear(c, from, p.act, &protocol.Reply{
			Timestamp: protocol.Timestamp(p.Seq), Status: p.status, Read: p.View > 0, Index: p.ARU, Result: p.result,
		})
	}
}

// hear gives the client a reply, which an act of its server sent.
func (r *System) hear(c *client, from world.Node, act int32, of *protocol.Reply) {
	if r.run.Story != nil {
		r.run.Story.Begin(r.world.Now(), c.Node, act)
	}
	switch {
	case of.Status == protocol.ReplyBusy:
		r.busy(c, from, uint64(of.Timestamp))
	case of.Status == protocol.ReplyExpired:
		r.expired(c, from, uint64(of.Timestamp))
	case c.opening != nil && c.Waiting && uint64(of.Timestamp) == c.Timestamp-1 && !of.Read:
		r.opened(c, of.Result)
	default:
		c.gotRead, c.gotIndex = of.Read, of.Index
		c.Reply(from, uint64(of.Timestamp), of.Result)
	}
}

// busy takes the word that a server's queue is full. The client's timer has it ask another.
func (r *System) busy(c *client, from world.Node, timestamp uint64) {
	r.run.Effects[busy]++
	if c.Directed && c.Waiting && timestamp == c.Timestamp {
		r.run.Say("client %s hears from server %d that it is busy", c.Name(), from)
	}
}

func (r *System) StartClient(base *engine.Client) {
	c := &client{Client: base, System: r}
	if r.clients[base.ID] = c; base.Host == nil {
		r.world.Start(c.Node, c)
		return
	}
	r.startOnHost(c)
}

func (r *System) Began(base *engine.Client) {
	c := r.clients[base.ID]
	if r.sessionsExpire() {
		r.prepareSession(c)
	}
	c.batch = r.update(c)
	r.checker.Invoked(r.now(), c.machineID(), protocol.Timestamp(c.Timestamp), c.Input)
	if r.run.Story != nil {
		r.run.Story.Tell(r.world.Now(), c.Node, engine.Line{Kind: engine.Told, Client: c.ID, Object: c.Key.Name, Text: fmt.Sprintf("client %d asks for operation %d: %v", c.ID, c.Timestamp, c.Op)})
	}
}

// update is the client's operation as its machine gets it.
func (r *System) update(c *client) *protocol.Batch {
	return r.batches.Of(c.machineID(), protocol.ServerID(c.Target), protocol.Timestamp(c.Timestamp), c.session, c.Input)
}

func (r *System) Ask(base *engine.Client) {
	c := r.clients[base.ID]
	kind, batch := protocol.ClientUpdate, c.batch
	switch {
	case c.Reads():
		kind = protocol.ClientRead
	case c.opening != nil:
		batch = c.opening
	}
	if c.host != nil {
		c.host.ask(c.Target, kind, batch)
		return
	}
	p := r.draft(c.Node)
	p.Kind, p.Batch = kind, batch
	r.world.SendDraft(world.Parcel{To: world.Node(c.Target), Kind: uint8(kind), Digest: p.Digest()})
}

// draft is the place of the node's next message, empty but for what it is an act of. It is emptied
// field by field: all at once takes longer.
func (r *System) draft(n world.Node) *packet {
	p := r.world.Draft()
	p.Kind, p.State, p.Server, p.Store = 0, 0, 0, 0
	p.View, p.Seq, p.ARU = 0, 0, 0
	p.Batch, p.List, p.Roster, p.Part = nil, nil, nil, nil
	p.result, p.status, p.act, p.datagrams, p.bundle = nil, 0, r.run.Acting(n), nil, nil
	return p
}

func (r *System) Ended(base *engine.Client, output []byte) history.Place {
	c := r.clients[base.ID]
	place := check.After(c.gotIndex)
	if c.gotRead {
		r.checker.Read(r.now(), c.machineID(), protocol.Timestamp(c.Timestamp), c.gotIndex, output)
	} else {
		place = r.checker.Replied(r.now(), c.machineID(), protocol.Timestamp(c.Timestamp), output)
	}
	if r.run.Story != nil {
		r.run.Story.Say(c.Node, engine.Line{Kind: engine.Told, Client: c.ID, Object: c.Key.Name, Text: fmt.Sprintf("client %d has its answer to operation %d (%v)", c.ID, c.Timestamp, c.Op)})
	}
	return place
}

func (r *System) Waits(c *engine.Client, now int64) {
	if r.lostForming && !r.run.CoreReady() {
		// Some had recorded the lost disk as the cluster's, and others can't any more. No cluster
		// came about, and none is promised (X18).
		return
	}
	r.checker.Answered.Waiting(now, protocol.ClientID(c.ID), protocol.Timestamp(c.Timestamp), int64(c.WaitsSince()))
}

func (r *System) Elect(n world.Node) { r.servers[n].step(protocol.Input{Kind: protocol.Elect}) }

func (r *System) HandOver(n world.Node, to int) {
	r.servers[n].step(protocol.Input{Kind: protocol.HandOver, To: protocol.ServerID(to)})
}

// Leader is the server that leads the highest view of those that believe to lead.
func (r *System) Leader() world.Node {
	var leader world.Node
	var view protocol.View
	for _, s := range r.servers[1:] {
		if n := world.Node(s.id); r.world.Up(n) && s.machine.State() == protocol.RegLeader && s.machine.LastInstalled() > view {
			leader, view = n, s.machine.LastInstalled()
		}
	}
	return leader
}

// Leads says whether a server that is up believes to lead, be it deposed elsewhere.
func (r *System) Leads(n world.Node) bool {
	return r.world.Up(n) && r.servers[n].machine.State() == protocol.RegLeader
}

func (r *System) Wiped(n world.Node) {
	r.lostForming = r.lostForming || r.run.Plan.Formation && !r.run.CoreReady()
	r.logs[n] = diskLog{}
	r.checker.Wiped(r.now(), protocol.ServerID(n))
}

// Ready says whether the server takes part. A disk with the roster is not enough: its server
// may be waiting for the others' disks.
func (r *System) Ready(n world.Node) bool {
	return !r.run.Plan.Formation || r.servers[n] != nil && r.servers[n].machine.Roster().Formed
}

func (r *System) FailAt(at int64, property, format string, args ...any) {
	r.checker.Fail(at, property, format, args...)
}

func (r *System) Violation() *finding.Violation { return r.checker.Violation() }

// Finish compares where the servers stand.
func (r *System) Finish() {
	r.comeToRest()
	for id := 1; id <= r.run.Plan.Servers; id++ {
		if r.servers[id] == nil {
			continue // it never started
		}
		m := r.servers[id].machine
		r.checker.Converged.Ended(r.now(), check.End{
			ID: protocol.ServerID(id), ARU: m.LocalARU(), State: m.App().Hash(),
		})
	}
}

// Judge asks for an opinion of one key's history. The canonical log claims an order; where that
// is a linearization of what the clients saw, no search could say otherwise. Where it is not,
// for some keys in any case, and in scripts for all, porcupine searches, and knows nothing of it.
func (r *System) Judge(k *engine.Key) {
	r.judgedKeys++
	if r.run.Keep || r.witness != nil || r.sampled() || !r.certifies(k.History) {
		r.run.Judge(k.History)
	}
}

// sampled says whether the key is one of those that porcupine judges in any case: one in eight of a
// run's first 64, and of a long run's many others one in 64.
func (r *System) sampled() bool {
	return r.judgedKeys%64 == 1 || r.judgedKeys < 64 && r.judgedKeys%8 == 1
}

// certifies says whether the log's order explains the history.
func (r *System) certifies(operations []history.Operation) bool {
	r.claim = r.claim[:0]
	for i := range operations {
		o := &operations[i]
		at := o.Place
		if !o.Answered {
			at = r.checker.Log.Place(protocol.ClientID(o.Client), protocol.Timestamp(o.Timestamp))
		}
		switch {
		case at > 0:
			r.claim = append(r.claim, claimed{at, o})
		case o.Answered:
			return false
		}
	}
	sortClaims(r.claim)
	r.order = r.order[:0]
	for _, c := range r.claim {
		r.order = append(r.order, c.operation)
	}
	return history.Holds(r.order)
}

// sortClaims puts claims into the order of the log. Operations end in nearly that order: none but the
// few that were under way together change places.
func sortClaims(claims []claimed) {
	moves := 8 * len(claims)
	for i := 1; i < len(claims); i++ {
		c, at := claims[i], i
		for ; at > 0 && c.compare(claims[at-1]) < 0; at-- {
			claims[at] = claims[at-1]
			moves--
		}
		if claims[at] = c; moves < 0 {
			slices.SortFunc(claims, claimed.compare)
			return
		}
	}
}

// claimed is an operation and its place in the log.
type claimed struct {
	at        history.Place
	operation *history.Operation
}

// compare goes by position. Reads without a slot share one, and come in the order of their calls.
func (c claimed) compare(d claimed) int {
	if c.at != d.at {
		return cmp.Compare(c.at, d.at) // most do: the operations need not be looked at
	}
	a, b := c.operation, d.operation
	return cmp.Or(cmp.Compare(a.Call, b.Call), cmp.Compare(a.Client, b.Client))
}

func (r *System) Report(to *engine.Report) {
	for _, s := range r.servers[1:] {
		if s != nil {
			r.world.Fold(s.machine.Hash(0))
		}
	}
	r.world.Fold(r.checker.Log.State(r.checker.Log.ARU()))
	to.Log, to.Views = r.checker.Log.Hash(), r.views
}

// What follows is the world's Observer.

// Delivering traces a message.
func (r *System) Delivering(from, to world.Node, p *packet) {
	if !p.isReply() {
		r.run.Trace.Write(trace.Line{At: r.now(), Server: int(to), From: int(from), What: "deliver", Detail: p.String(), Hash: engine.HashString(r.world.Hash())})
	}
}

// Dropped counts what the loss of a message could have changed.
func (r *System) Dropped(from, to world.Node, p *packet, why world.Cause) {
	if r.run.Trace != nil && !p.isReply() {
		r.run.TraceDrop(from, to, p.String(), why)
	}
	if why != world.Down && r.matters(to, p) {
		r.run.Dropped(from, to, why)
		if r.run.Story != nil && !p.isReply() {
			tellLoss(r.run.Story, from, to, &p.Message)
		}
	}
}

// Departed tells the checker.
func (r *System) Departed(n world.Node, p *packet) {
	if p.Kind == protocol.Proposal && r.checker.Departures.Early(protocol.ServerID(n), &p.Message) {
		r.run.Effects[overlapped]++
	}
	if !p.isReply() {
		r.checker.Departed(r.now(), protocol.ServerID(n), &p.Message)
		r.repeats(r.servers[n], &p.Message)
	}
}

// repeats counts what a leader says again: in each view it asks once, and proposes in order.
func (r *System) repeats(s *server, m *protocol.Message) {
	switch {
	case m.Kind == protocol.Prepare && m.View == s.prepared:
		r.run.Effects[preparedAgain]++
	case m.Kind == protocol.Prepare:
		s.prepared = m.View
	case m.Kind == protocol.Proposal && m.View == s.proposing && m.Seq <= s.proposed:
		r.run.Effects[proposedAgain]++
	case m.Kind == protocol.Proposal:
		s.proposing, s.proposed = m.View, m.Seq
	}
}

// Arrived counts messages that took an unusual way. One that is late counts if it is of use
// still.
func (r *System) Arrived(from, to world.Node, p *packet, way world.Way) {
	if way&world.Repeated != 0 && r.world.IsServer(to) {
		r.run.Effects[plan.Duplicate]++
	}
	if r.matters(to, p) {
		r.run.Arrived(from, to, way)
	}
}

// Durable tells the checker.
func (r *System) Durable(n world.Node, d *diskRecord) {
	record := d.head()
	r.checker.Durable(r.now(), protocol.ServerID(n), &record)
}

// truncate gives up the records of a server's disk below a position.
func (r *System) truncate(n world.Node, position protocol.Position) {
	id := protocol.ServerID(n)
	first := r.bodies.unpack(r.world.Record(n, uint64(position)))
	r.checker.Truncating(r.now(), id, &first, uint64(position) <= r.world.Durable(n))
	if r.checker.Violation() != nil {
		return
	}
	r.run.Effects[truncations]++
	gone := 0
	r.world.Truncate(n, uint64(position), func(d *diskRecord) {
		record := d.head()
		r.checker.Forgotten(r.now(), id, &record, &first)
		r.bodies.drop(d)
		gone++
	})
	r.logs[n].truncate(gone)
}

// Survive says what a crash leaves of unsynced records.
func (r *System) Survive(n world.Node, packed []diskRecord) int {
	unsynced := r.bodies.unpackAll(packed)
	kept := r.run.Survive(n, len(unsynced), func(i int) int { return recordBytes(&unsynced[i]) })
	r.tear(n, unsynced, kept)
	return kept
}

// Crashed counts what a crash took.
func (r *System) Crashed(n world.Node, lost []diskRecord) {
	for i := range lost {
		if !lost[i].lazy {
			r.run.Effects[engine.UnsyncedLost]++
			break
		}
	}
	for i := range lost {
		r.bodies.drop(&lost[i])
	}
	r.run.Say("server %d crashes and loses %s", n, words.Count(len(lost), "record"))
	if r.run.Story != nil {
		r.run.Story.Tell(r.world.Now(), n, engine.Line{Kind: engine.Struck, Text: fmt.Sprintf("server %d crashes and loses %s", n, words.Count(len(lost), "record"))})
	}
	r.run.Tell(n, "crash", words.Count(len(lost), "record")+" lost")
}

// SyncFailed ends the server.
func (r *System) SyncFailed(n world.Node) { r.run.SyncFailed(n) }

// matters says whether a packet is useful: one of its messages.
func (r *System) matters(to world.Node, p *packet) bool {
	if p.bundle == nil || p.isReply() {
		return r.useful(to, &p.Message)
	}
	m := p.Message
	for _, m.Batch = range p.bundle.requests {
		if r.useful(to, &m) {
			return true
		}
	}
	return false
}

// useful says whether the receiver could have made use of the message now: of its current
// view and for a slot not yet ordered there, or above what it knows of the election.
func (r *System) useful(to world.Node, m *protocol.Message) bool {
	if !r.world.IsServer(to) || r.servers[to] == nil {
		return false
	}
	s := r.servers[to].machine
	switch m.Kind {
	case protocol.ClientUpdate:
		u := &m.Batch.Updates[0]
		return s.LastExecuted(u.Client) < u.Timestamp
	case protocol.Proposal, protocol.Accept:
		return m.View == s.LastInstalled() && m.Seq > s.LocalARU()
	case protocol.ViewChange:
		return m.View > s.LastInstalled() && m.View >= s.LastAttempted()
	case protocol.VCProof:
		return m.View > s.LastInstalled() || m.ARU > s.LocalARU()
	case protocol.SnapshotPart:
		return m.Seq > s.LocalARU() && len(m.Part.Bytes) > 0
	case protocol.Prepare:
		return m.View >= s.LastInstalled()
	case protocol.PrepareOK:
		return m.View == s.LastInstalled() && s.State() == protocol.Preparing
	case protocol.ClientRead:
		return true
	case protocol.ReadRound, protocol.YourTurn:
		return m.View == s.LastInstalled()
	case protocol.ReadAck:
		return m.View == s.LastInstalled() && s.State() == protocol.RegLeader
	case protocol.ReadIndex:
		return s.Reads() > 0
	}
	return false
}
