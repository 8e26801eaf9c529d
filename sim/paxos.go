package sim

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/fauer4effect/paxos/protocol"
	"github.com/fauer4effect/paxos/protocol/kv"
	"github.com/fauer4effect/paxos/sim/check"
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

// replyKind is none of the machine's kinds of message.
const replyKind = uint8(world.MaxKinds - 1)

func (p *packet) isReply() bool { return uint8(p.Kind) == replyKind }

type paxosWorld = world.World[packet, diskRecord]

// paxos is the system of our own machine: its servers, its messages, and its checks.
type paxos struct {
	run      *run
	settings protocol.Settings   // of all, but for …
	own      []protocol.Settings // … what single servers have, by id; 0 unused
	world    *paxosWorld
	checker  *check.Checker
	servers  []*server      // by id; 0 unused. A server that is down keeps its last life here.
	clients  []*paxosClient // by id; 0 unused
	hosts    []*paxosHost
	answered []*paxosHost // in the step under way
	bundles  bundles
	views    uint64 // led
	bodies   bodies
	batches  protocol.Batches
	logs     []diskLog // by server, where the plan's disks are logs

	datagrams datagrams

	lostForming bool // a disk was lost before the core had formed its cluster

	witness Witness // nil: none

	judgedKeys uint64
	claim      []claimed          // scratch
	order      []*check.Operation // scratch
}

// newPaxos prepares a run of our machine.
func newPaxos(p *Plan, directed int, options []Option) *paxos {
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
	r := &paxos{own: own, run: newRun(p, directed, options), settings: settings, servers: make([]*server, p.Servers+1), clients: make([]*paxosClient, p.Workload.Clients+directed+1), logs: make([]diskLog, p.Servers+1)}
	r.checker = check.New(p.Servers, p.calm(), kv.New())
	r.checker.Departures.Formation, r.checker.Departures.Overlap = p.Formation, settings.Overlap
	r.checker.Endless, r.checker.Broken = p.Endless, &r.run.over
	r.checker.Log.Limit = uint64(sessions)
	r.checker.Log.Window = protocol.Seq(window)
	if p.Workload.Reads > 0 || directed > 0 {
		r.checker.Log.KeepValues()
	}
	r.world = world.New[packet, diskRecord](r.run.worldConfig(), r)
	r.run.open(r)
	return r
}

// Run executes a plan, which must be valid. It is single-threaded and a function of the
// plan alone.
func Run(p *Plan, options ...Option) *Report {
	r := newPaxos(p, 0, options)
	r.run.play()
	return r.run.report()
}

// now is the virtual time in the checker's terms, asked of our own world and not through the
// interface: each event asks.
func (r *paxos) now() int64 { return int64(r.world.Now()) }

func (r *paxos) control() control { return r.world }

func (r *paxos) kind(name string) uint8 { return kindOf(name) }

// Purposes of draws.
const (
	drawStore = FirstOwnDraw + iota
	drawFlip
	drawTorn
	drawRot
)

// paxosClient is a client of our machine: with its session (session.go), and what it sends. It is a
// Process of the world where it has a machine of its own.
type paxosClient struct {
	*client
	system  *paxos
	host    *paxosHost // nil: a machine of its own
	batch   *protocol.Batch
	session protocol.Seq    // zero: none
	opening *protocol.Batch // to be answered before batch is sent; nil: none
	// Of the answer that the client is about to get: it took no slot, but is from the state after index.
	gotRead  bool
	gotIndex protocol.Seq
}

// machineID is the client as the machine names it.
func (c *paxosClient) machineID() protocol.ClientID { return protocol.ClientID(c.client.id) }

// Receive takes a reply.
func (c *paxosClient) Receive(from world.Node, p *packet) {
	if p.isReply() {
		c.system.hear(c, from, p.act, &protocol.Reply{
			Timestamp: protocol.Timestamp(p.Seq), Status: p.status, Read: p.View > 0, Index: p.ARU, Result: p.result,
		})
	}
}

// hear gives the client a reply, which an act of its server sent.
func (r *paxos) hear(c *paxosClient, from world.Node, act int32, of *protocol.Reply) {
	if r.run.story != nil {
		r.run.story.begin(r.world.Now(), c.node, act)
	}
	switch {
	case of.Status == protocol.ReplyBusy:
		r.busy(c, from, uint64(of.Timestamp))
	case of.Status == protocol.ReplyExpired:
		r.expired(c, from, uint64(of.Timestamp))
	case c.opening != nil && c.waiting && uint64(of.Timestamp) == c.timestamp-1 && !of.Read:
		r.opened(c, of.Result)
	default:
		c.gotRead, c.gotIndex = of.Read, of.Index
		c.reply(from, uint64(of.Timestamp), of.Result)
	}
}

// busy takes the word that a server's queue is full. The client's timer has it ask another.
func (r *paxos) busy(c *paxosClient, from world.Node, timestamp uint64) {
	r.run.effects[busy]++
	if c.directed && c.waiting && timestamp == c.timestamp {
		r.run.say("client %s hears from server %d that it is busy", c.name(), from)
	}
}

func (r *paxos) startClient(base *client) {
	c := &paxosClient{client: base, system: r}
	if r.clients[base.id] = c; base.host == nil {
		r.world.Start(c.node, c)
		return
	}
	r.startOnHost(c)
}

func (r *paxos) began(base *client) {
	c := r.clients[base.id]
	if r.sessionsExpire() {
		r.prepareSession(c)
	}
	c.batch = r.update(c)
	r.checker.Invoked(r.now(), c.machineID(), protocol.Timestamp(c.timestamp), c.input)
	if r.run.story != nil {
		r.run.story.tell(r.world.Now(), c.node, line{kind: told, client: c.id, object: c.key.name, text: fmt.Sprintf("client %d asks for operation %d: %v", c.id, c.timestamp, c.op)})
	}
}

// update is the client's operation as its machine gets it.
func (r *paxos) update(c *paxosClient) *protocol.Batch {
	return r.batches.Of(c.machineID(), protocol.ServerID(c.target), protocol.Timestamp(c.timestamp), c.session, c.input)
}

func (r *paxos) ask(base *client) {
	c := r.clients[base.id]
	kind, batch := protocol.ClientUpdate, c.batch
	switch {
	case c.reads():
		kind = protocol.ClientRead
	case c.opening != nil:
		batch = c.opening
	}
	if c.host != nil {
		c.host.ask(c.target, kind, batch)
		return
	}
	p := r.draft(c.node)
	p.Kind, p.Batch = kind, batch
	r.world.SendDraft(world.Parcel{To: world.Node(c.target), Kind: uint8(kind), Digest: p.Digest()})
}

// draft is the place of the node's next message, empty but for what it is an act of. It is emptied
// field by field: all at once takes longer.
func (r *paxos) draft(n world.Node) *packet {
	p := r.world.Draft()
	p.Kind, p.State, p.Server, p.Store = 0, 0, 0, 0
	p.View, p.Seq, p.ARU = 0, 0, 0
	p.Batch, p.List, p.Roster, p.Part = nil, nil, nil, nil
	p.result, p.status, p.act, p.datagrams, p.bundle = nil, 0, r.run.acting(n), nil, nil
	return p
}

func (r *paxos) ended(base *client, output []byte) check.Place {
	c := r.clients[base.id]
	place := check.After(c.gotIndex)
	if c.gotRead {
		r.checker.Read(r.now(), c.machineID(), protocol.Timestamp(c.timestamp), c.gotIndex, output)
	} else {
		place = r.checker.Replied(r.now(), c.machineID(), protocol.Timestamp(c.timestamp), output)
	}
	if r.run.story != nil {
		r.run.story.say(c.node, line{kind: told, client: c.id, object: c.key.name, text: fmt.Sprintf("client %d has its answer to operation %d (%v)", c.id, c.timestamp, c.op)})
	}
	return place
}

func (r *paxos) waits(c *client, now int64) {
	if r.lostForming && !r.run.coreReady() {
		// Some had recorded the lost disk as the cluster's, and others can't any more. No cluster
		// came about, and none is promised (X18).
		return
	}
	r.checker.Answered.Waiting(now, protocol.ClientID(c.id), protocol.Timestamp(c.timestamp), int64(c.waitsSince()))
}

func (r *paxos) elect(n world.Node) { r.servers[n].step(protocol.Input{Kind: protocol.Elect}) }

func (r *paxos) handOver(n world.Node, to int) {
	r.servers[n].step(protocol.Input{Kind: protocol.HandOver, To: protocol.ServerID(to)})
}

// leader is the server that leads the highest view of those that believe to lead.
func (r *paxos) leader() world.Node {
	var leader world.Node
	var view protocol.View
	for _, s := range r.servers[1:] {
		if n := world.Node(s.id); r.world.Up(n) && s.machine.State() == protocol.RegLeader && s.machine.LastInstalled() > view {
			leader, view = n, s.machine.LastInstalled()
		}
	}
	return leader
}

func (r *paxos) wiped(n world.Node) {
	r.lostForming = r.lostForming || r.run.plan.Formation && !r.run.coreReady()
	r.logs[n] = diskLog{}
	r.checker.Wiped(r.now(), protocol.ServerID(n))
}

// ready says whether the server takes part. A disk with the roster is not enough: its server
// may be waiting for the others' disks.
func (r *paxos) ready(n world.Node) bool {
	return !r.run.plan.Formation || r.servers[n] != nil && r.servers[n].machine.Roster().Formed
}

func (r *paxos) failAt(at int64, property, format string, args ...any) {
	r.checker.Fail(at, property, format, args...)
}

func (r *paxos) violation() *check.Violation { return r.checker.Violation() }

// finish compares where the servers stand.
func (r *paxos) finish() {
	r.comeToRest()
	for id := 1; id <= r.run.plan.Servers; id++ {
		if r.servers[id] == nil {
			continue // it never started
		}
		m := r.servers[id].machine
		r.checker.Converged.Ended(r.now(), check.End{
			ID: protocol.ServerID(id), ARU: m.LocalARU(), State: m.App().Hash(),
		})
	}
}

// judge asks for an opinion of one key's history. The canonical log claims an order; where that
// is a linearization of what the clients saw, no search could say otherwise. Where it is not,
// for some keys in any case, and in scripts for all, porcupine searches, and knows nothing of it.
func (r *paxos) judge(k *key) {
	r.judgedKeys++
	if r.run.keep || r.witness != nil || r.sampled() || !r.certifies(k.history) {
		r.run.judge(k.history)
	}
}

// sampled says whether the key is one of those that porcupine judges in any case: one in eight of a
// run's first 64, and of a long run's many others one in 64.
func (r *paxos) sampled() bool {
	return r.judgedKeys%64 == 1 || r.judgedKeys < 64 && r.judgedKeys%8 == 1
}

// certifies says whether the log's order explains the history.
func (r *paxos) certifies(history []check.Operation) bool {
	r.claim = r.claim[:0]
	for i := range history {
		o := &history[i]
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
	return check.Holds(r.order)
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
	at        check.Place
	operation *check.Operation
}

// compare goes by position. Reads without a slot share one, and come in the order of their calls.
func (c claimed) compare(d claimed) int {
	if c.at != d.at {
		return cmp.Compare(c.at, d.at) // most do: the operations need not be looked at
	}
	a, b := c.operation, d.operation
	return cmp.Or(cmp.Compare(a.Call, b.Call), cmp.Compare(a.Client, b.Client))
}

func (r *paxos) report(to *Report) {
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
func (r *paxos) Delivering(from, to world.Node, p *packet) {
	if !p.isReply() {
		r.run.trace.Write(trace.Line{At: r.now(), Server: int(to), From: int(from), What: "deliver", Detail: p.String(), Hash: HashString(r.world.Hash())})
	}
}

// Dropped counts what the loss of a message could have changed.
func (r *paxos) Dropped(from, to world.Node, p *packet, why world.Cause) {
	if r.run.trace != nil && !p.isReply() {
		r.run.traceDrop(from, to, p.String(), why)
	}
	if why != world.Down && r.matters(to, p) {
		r.run.dropped(from, to, why)
		if r.run.story != nil && !p.isReply() {
			tellLoss(r.run.story, from, to, &p.Message)
		}
	}
}

// Departed tells the checker.
func (r *paxos) Departed(n world.Node, p *packet) {
	if p.Kind == protocol.Proposal && r.checker.Departures.Early(protocol.ServerID(n), &p.Message) {
		r.run.effects[overlapped]++
	}
	if !p.isReply() {
		r.checker.Departed(r.now(), protocol.ServerID(n), &p.Message)
		r.repeats(r.servers[n], &p.Message)
	}
}

// repeats counts what a leader says again: in each view it asks once, and proposes in order.
func (r *paxos) repeats(s *server, m *protocol.Message) {
	switch {
	case m.Kind == protocol.Prepare && m.View == s.prepared:
		r.run.effects[preparedAgain]++
	case m.Kind == protocol.Prepare:
		s.prepared = m.View
	case m.Kind == protocol.Proposal && m.View == s.proposing && m.Seq <= s.proposed:
		r.run.effects[proposedAgain]++
	case m.Kind == protocol.Proposal:
		s.proposing, s.proposed = m.View, m.Seq
	}
}

// Arrived counts messages that took an unusual way. One that is late counts if it is of use
// still.
func (r *paxos) Arrived(from, to world.Node, p *packet, way world.Way) {
	if way&world.Repeated != 0 && r.world.IsServer(to) {
		r.run.effects[Duplicate]++
	}
	if r.matters(to, p) {
		r.run.arrived(from, to, way)
	}
}

// Durable tells the checker.
func (r *paxos) Durable(n world.Node, d *diskRecord) {
	record := d.head()
	r.checker.Durable(r.now(), protocol.ServerID(n), &record)
}

// truncate gives up the records of a server's disk below a position.
func (r *paxos) truncate(n world.Node, position protocol.Position) {
	id := protocol.ServerID(n)
	first := r.bodies.unpack(r.world.Record(n, uint64(position)))
	r.checker.Truncating(r.now(), id, &first, uint64(position) <= r.world.Durable(n))
	if r.checker.Violation() != nil {
		return
	}
	r.run.effects[truncations]++
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
func (r *paxos) Survive(n world.Node, packed []diskRecord) int {
	unsynced := r.bodies.unpackAll(packed)
	kept := r.run.survive(n, len(unsynced), func(i int) int { return recordBytes(&unsynced[i]) })
	r.tear(n, unsynced, kept)
	return kept
}

// Crashed counts what a crash took.
func (r *paxos) Crashed(n world.Node, lost []diskRecord) {
	for i := range lost {
		if !lost[i].lazy {
			r.run.effects[UnsyncedLost]++
			break
		}
	}
	for i := range lost {
		r.bodies.drop(&lost[i])
	}
	r.run.say("server %d crashes and loses %s", n, countOf(len(lost), "record"))
	if r.run.story != nil {
		r.run.story.tell(r.world.Now(), n, line{kind: struck, text: fmt.Sprintf("server %d crashes and loses %s", n, countOf(len(lost), "record"))})
	}
	r.run.tell(n, "crash", countOf(len(lost), "record")+" lost")
}

// SyncFailed ends the server.
func (r *paxos) SyncFailed(n world.Node) { r.run.syncFailed(n) }

// matters says whether a packet is useful: one of its messages.
func (r *paxos) matters(to world.Node, p *packet) bool {
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
func (r *paxos) useful(to world.Node, m *protocol.Message) bool {
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
