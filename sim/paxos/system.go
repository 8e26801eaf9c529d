package paxos

import (
	"fmt"

	"github.com/fauer4effect/paxos/protocol"
	"github.com/fauer4effect/paxos/protocol/kv"
	"github.com/fauer4effect/paxos/sim/finding"
	"github.com/fauer4effect/paxos/sim/history"
	"github.com/fauer4effect/paxos/sim/internal/engine"
	"github.com/fauer4effect/paxos/sim/paxos/check"
	"github.com/fauer4effect/paxos/sim/plan"
	"github.com/fauer4effect/paxos/sim/world"
)

// packet is what travels in our world: a message of the machine, or a reply to a client. A reply is
// of replyKind, with the timestamp in place of the seq. A reply to a read without a slot has its
// index in place of the aru, and a view.
type packet struct {
	protocol.Message
	result    []byte
	status    protocol.ReplyStatus
	act       int32    // of the story: what sent it
	datagrams [][]byte // what travels where the plan has a wire
	bundle    *bundle  // from or to a host: what travels in its place, or, of requests, beside the first
}

// replyKind is not one of the machine's kinds of message: else this does not compile. Draws depend on the
// number of a kind, so this one must not change.
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
	settings protocol.Settings   // of all servers, except …
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

// newSystem prepares a run of our machine.
func newSystem(p *plan.Plan, directed int, options []engine.Option) *System {
	settings, err := settingsOf(p)
	if p.Protocol != "" {
		err = fmt.Errorf("it is a plan for protocol %q", p.Protocol)
	}
	if err != nil {
		panic("paxos: Run of an invalid plan: " + err.Error())
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
			panic("paxos: Run of an invalid plan: " + err.Error())
		}
		own[p.Apart[i].Server] = s
		window, sessions = max(window, s.WindowSlots), max(sessions, s.SessionLimit)
	}
	r := &System{own: own, run: engine.NewRun(p, directed, options), settings: settings, servers: make([]*server, p.Servers+1), clients: make([]*client, p.Workload.Clients+directed+1), logs: make([]diskLog, p.Servers+1)}
	r.checker = check.New(p.Servers, calmOf(p), kv.New())
	r.checker.Departures.Formation, r.checker.Departures.Overlap = p.Formation, settings.Overlap
	r.checker.Endless, r.checker.Broken = p.Endless, &r.run.Over
	r.checker.Log.Limit = uint64(sessions)
	copy(r.checker.Bounds.Settings[:], own)
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

func (r *System) Elect(n world.Node) { r.servers[n].step(protocol.Input{Kind: protocol.Elect}) }

func (r *System) HandOver(n world.Node, to int) {
	r.servers[n].step(protocol.Input{Kind: protocol.HandOver, To: protocol.ServerID(to)})
}

// Leader is, of the servers that believe that they lead, the one of the highest view.
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

// Leads says whether a server that is up believes that it leads. Others may have deposed it.
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
		r.checker.Table(r.now(), protocol.ServerID(id), m.LocalARU(), m)
		r.checker.Kept(r.now(), protocol.ServerID(id), m.Held())
	}
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
