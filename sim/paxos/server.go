package paxos

import (
	"fmt"

	"github.com/fauer4effect/paxos/protocol"
	"github.com/fauer4effect/paxos/protocol/kv"
	"github.com/fauer4effect/paxos/sim/internal/engine"
	"github.com/fauer4effect/paxos/sim/internal/words"
	"github.com/fauer4effect/paxos/sim/plan"
	"github.com/fauer4effect/paxos/sim/world"
)

// server is one life of a Paxos server in the world: the simulated counterpart of a live
// driver, and as thin.
type server struct {
	System  *System
	id      protocol.ServerID
	machine *protocol.Server
	clock   *engine.Clock
	out     protocol.Output
	wire    *codec // nil: messages travel as they are

	// For effects.
	prepared  protocol.View // the view of the latest Prepare that left
	proposing protocol.View // of the latest Proposal, and …
	proposed  protocol.Seq  // … the highest seq of those
	fetched   uint64        // sum of the snapshot that was asked for beyond its first parts last
	executed  protocol.Seq  // the first slot that the current step executes
	table     bool          // the session table is to be looked at after this step
}

// StartServer begins a life of the server, with what its disk holds.
func (r *System) StartServer(n world.Node) error {
	id := protocol.ServerID(n)
	records := r.bodies.unpackAll(r.world.Records(n))
	if r.run.Plan.Bodies {
		for i := range records {
			r.verify(id, "record", records[i].Batch)
		}
	}
	if r.run.Plan.Disk.Log {
		var err error
		if records, err = r.readLog(n, records); err != nil {
			return err
		}
	}
	m, err := protocol.New(protocol.Config{ID: id, Servers: r.run.Plan.Servers, Settings: r.own[id], Store: r.storeID(n)},
		protocol.Instant(r.run.Local(n)), kv.New(), protocol.Stable{Records: records})
	if err != nil {
		return err
	}
	r.servers[n] = &server{System: r, id: id, machine: m, clock: &r.run.Nodes[n].Clock}
	r.servers[n].wire = r.newCodec(id)
	r.checker.Recovered(r.now(), id, m.LocalARU(), m.App().Hash())
	r.checker.Table(r.now(), id, m.LocalARU(), m)
	if len(records) > 0 {
		r.run.Effects[engine.Recovery]++
	}
	r.world.Start(n, r.servers[n])
	if len(records) > 0 || r.world.Now() > 0 {
		r.run.Say("server %d restarts with %s, view %d, aru %d", id, words.Count(len(records), "record"), m.LastInstalled(), m.LocalARU())
	}
	r.run.Tell(n, "start", m.String())
	if r.run.Story != nil && r.run.Nodes[n].Lives > 0 {
		r.run.Story.Tell(r.world.Now(), n, engine.Line{Kind: engine.Struck, Text: fmt.Sprintf("server %d restarts with %s, view %d, aru %d", id, words.Count(len(records), "record"), m.LastInstalled(), m.LocalARU())})
	}
	return nil
}

// storeID names the disk that the server has now, zero where the plan has no formation.
func (r *System) storeID(n world.Node) protocol.StoreID {
	if !r.run.Plan.Formation {
		return 0
	}
	return protocol.StoreID(world.Draw(r.run.Plan.Seed, engine.DrawStore, uint64(n), uint64(r.run.Nodes[n].Wiped)) | 1)
}

func (s *server) Deadline() world.Instant {
	d := world.Instant(s.machine.Deadline())
	if c := s.clock; c.Drift == 0 && d >= c.Shown && d != world.Never {
		return c.From + d - c.Shown // as when has it; asked for after every call
	}
	return s.clock.When(d)
}

func (s *server) Receive(from world.Node, p *packet) {
	r := s.System
	if !r.run.Calm && r.run.OwnLaw(from, world.Node(s.id)) && r.matters(world.Node(s.id), p) {
		r.run.Effects[plan.SlowLink]++
	}
	if r.run.Plan.Bodies {
		r.verifyMessage(s.id, &p.Message)
	}
	if r.run.Story != nil {
		r.run.Story.Begin(r.world.Now(), world.Node(s.id), p.act)
	}
	if p.bundle != nil {
		s.takeAll(p.Kind, p.bundle.requests)
	} else if s.wire == nil || p.datagrams == nil {
		s.take(&p.Message)
	} else if m, ok := s.wire.open(world.Node(s.id), p); ok {
		s.take(&m)
	}
	if len(r.run.Named) > 0 {
		r.run.ArrivedAt(world.Node(s.id), from, uint8(p.Kind))
	}
}

func (s *server) Wake() {
	s.System.run.Woke(world.Node(s.id))
	s.System.run.Acts(world.Node(s.id))
	if s.System.run.Plan.Bodies {
		s.replace()
	}
	s.step(protocol.Input{Kind: protocol.Timer})
	s.System.checker.Held(s.System.now(), s.id, s.machine.Held())
}

func (s *server) Synced(upTo uint64) {
	s.System.run.Acts(world.Node(s.id))
	s.step(protocol.Input{Kind: protocol.Durable, UpTo: protocol.Position(upTo)})
	s.System.run.Synced(world.Node(s.id))
}

// take hands the machine a message.
func (s *server) take(m *protocol.Message) {
	s.out.Reset()
	s.machine.Receive(protocol.Instant(s.clock.Now(s.System.world.Now())), m, &s.out)
	s.obey()
}

// takeAll hands the machine what clients of a host ask for together, as a driver does that reads many
// requests at once. Each request is a step; after all of them come one write, one sync, and the messages.
func (s *server) takeAll(kind protocol.Kind, requests []*protocol.Batch) {
	s.out.Reset()
	now := protocol.Instant(s.clock.Now(s.System.world.Now()))
	m := protocol.Message{Kind: kind}
	for _, m.Batch = range requests {
		if s.System.run.Plan.Bodies {
			s.System.verifyMessage(s.id, &m)
		}
		s.machine.Receive(now, &m, &s.out)
	}
	s.obey()
}

// step hands the machine another input.
func (s *server) step(in protocol.Input) {
	s.out.Reset()
	s.machine.Step(protocol.Instant(s.clock.Now(s.System.world.Now())), in, &s.out)
	s.obey()
}

// obey does what the machine asks for.
func (s *server) obey() {
	r, out := s.System, &s.out
	if len(out.Events)+len(out.Records)+len(out.Messages)+len(out.Replies) == 0 && out.Truncate == 0 {
		return // most acceptances ask for nothing
	}
	s.executed, s.table = protocol.Infinity, false
	unheard := r.run.Story == nil && r.witness == nil && r.run.Trace == nil
	for i := range out.Events {
		if e := &out.Events[i]; unheard && e.Kind == protocol.Applied {
			r.checker.Applied(r.now(), s.id, e) // each server has one for each update
		} else {
			r.event(s, e)
		}
	}
	if s.table {
		r.checker.Table(r.now(), s.id, s.machine.LocalARU(), s.machine)
	}
	if len(out.Records) > 0 {
		r.wrote(world.Node(s.id), len(out.Records))
	}
	for i := range out.Records {
		record := &out.Records[i]
		r.bodies.pack(record, r.world.Append(record.Lazy))
	}
	if out.Truncate > 0 {
		r.truncate(world.Node(s.id), out.Truncate)
	}
	for i := range out.Messages {
		o := &out.Messages[i]
		p := r.draft(world.Node(s.id))
		p.Message = o.Message
		if s.wire != nil {
			p.datagrams = s.wire.seal(&o.Message)
		}
		r.world.SendDraft(world.Parcel{
			To: world.Node(o.To), After: uint64(o.After),
			Kind: uint8(o.Message.Kind), Digest: o.Message.Digest(),
		})
	}
	for i := range out.Replies {
		s.reply(&out.Replies[i])
	}
	r.sendReplies(s.id)
}

// reply sends a result to its client.
func (s *server) reply(of *protocol.Reply) {
	r := s.System
	if int(of.Client) >= len(r.clients) {
		return
	}
	c := r.clients[of.Client]
	if c.seat != nil {
		r.answer(c.seat, of)
		return
	}
	p := r.draft(world.Node(s.id))
	p.Kind, p.Seq, p.result, p.status = protocol.Kind(replyKind), protocol.Seq(of.Timestamp), of.Result, of.Status
	if of.Read {
		p.View, p.ARU = 1, of.Index
	}
	r.world.SendDraft(world.Parcel{To: c.Node, Kind: replyKind, Digest: digestOfReply(of)})
}

func digestOfReply(of *protocol.Reply) uint64 {
	digest := world.Mix(uint64(of.Client), uint64(of.Timestamp)|uint64(of.Status)<<56)
	for _, b := range of.Result {
		digest = world.Mix(digest, uint64(b))
	}
	if of.Read {
		digest = world.Mix(digest, uint64(of.Index))
	}
	return digest
}

// event passes on what the machine says of itself.
func (r *System) event(s *server, e *protocol.Event) {
	r.checker.Event(r.now(), s.id, e)
	if effect := events[e.Kind].counts; effect != 0 {
		r.run.Effects[effect]++
	}
	switch e.Kind {
	case protocol.Prepared:
		r.led(s)
		s.executed = protocol.Infinity // a new leader had nothing waiting
	case protocol.RoundConfirmed:
		if e.Timestamp > 1 {
			r.run.Effects[readRounds]++
		}
	case protocol.SnapshotTaken, protocol.SnapshotInstalled, protocol.Expired:
		s.table = true
	case protocol.Executed:
		s.executed = min(s.executed, e.Seq)
	case protocol.Proposed:
		if s.executed != protocol.Infinity && e.Seq >= s.executed+protocol.Seq(r.own[s.id].WindowSlots) {
			r.run.Effects[windowFull]++ // it was beyond the window when the step began
		}
		switch len(e.Batch.Updates) {
		case 0:
			r.run.Effects[noOps]++
		case 1:
		default:
			r.run.Effects[batches]++
		}
	}
	if r.run.Story != nil {
		tellEvent(r.run.Story, world.Node(s.id), e)
	}
	if r.witness != nil {
		r.witness.Machine(r.world.Now(), s.id, e)
	}
	if r.run.Trace != nil {
		r.run.Tell(world.Node(s.id), e.Kind.String(), describe(e))
	}
}

// led counts views, and servers that believe at the same time that they lead.
func (r *System) led(s *server) {
	r.views++
	if r.views > 1 {
		r.run.Effects[viewChanges]++
	}
	for _, other := range r.servers[1:] {
		if other != nil && other != s && r.world.Up(world.Node(other.id)) && other.machine.State() == protocol.RegLeader {
			r.run.Effects[twoLeaders]++
			return
		}
	}
}

func (r *System) verifyMessage(id protocol.ServerID, m *protocol.Message) {
	r.verify(id, "message", m.Batch)
	if m.List != nil {
		for i := range *m.List {
			r.verify(id, "data list", (*m.List)[i].Batch)
		}
	}
}

// verify finds a body that somebody wrote to after it was emitted.
func (r *System) verify(id protocol.ServerID, where string, b *protocol.Batch) {
	if b != nil && b.Hash() != b.Rehash() {
		r.run.Fail("invariant", "server %d finds a %s whose body changed since it was emitted: %v", id, where, b)
	}
}
