package testbed

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/fauer4effect/paxos/sim/internal/engine"
	"github.com/fauer4effect/paxos/sim/internal/sweep"
	"github.com/fauer4effect/paxos/sim/plan"
	"github.com/fauer4effect/paxos/sim/swarm"
	"github.com/fauer4effect/paxos/sim/world"
)

// Protocol is a protocol of your own, tested as ours is: under the same network, disks, clocks and
// faults, with plans, sweeps, replays and shrinking. Its clients' histories are checked for
// linearizability. Main makes a program of it, Test a test; docs/YOUR-PROTOCOL.md walks through one.
type Protocol struct {
	Name string // in plans: a program refuses those of another protocol
	// Kinds names its kinds of message, so that faults can name them: at most 13. Send takes
	// a kind's name.
	Kinds []string
	// Start begins a life of a server, with what its disk holds. An error means that it refuses
	// its disk; no fault that such a plan contains explains one, so that is a violation.
	Start func(env *Env, records []any) (Machine, error)
	// Settings draws the machine's settings for a plan, any value that is JSON; nil: none. A
	// plan that a person wrote, or that was shrunk, may have none.
	Settings func(d *world.Dice) any
	// Shared makes what the servers of one run share: the place for checks of its own, which
	// call Env.Fail. Nil: they share nothing.
	Shared func() any
	// Durable is told of each record that a crash can no longer take, Departed of each message
	// as it leaves its server. The world tells them, so that checks need not trust the machine.
	// The Env is of the life that it happens in. Nil: nobody.
	Durable  func(env *Env, record any)
	Departed func(env *Env, message any)
	// Settle and Answer ask for liveness (L1): once faults stop, a majority must serve within
	// Settle, and from then on answer within Answer. Zero Settle: liveness is not asked for.
	Settle, Answer world.Instant
	// MinServers and MaxServers say how many servers it takes; zero: 1, and 9.
	MinServers, MaxServers int
	// Model is what the clients do and what they may see. Nil: the key-value store of package kv, with
	// operations and results encoded as there.
	Model *Model
}

// Machine is one life of one server. The world calls it, one call at a time; it answers by
// calling its Env. It may not use the clock, goroutines, or randomness but Env.Draw.
type Machine interface {
	// Receive takes a message from another server. It must not be changed.
	Receive(from int, m any)
	// Request takes a client's operation. It may come again, and at any server.
	Request(r Request)
	// Synced says that the first upTo records are durable.
	Synced(upTo uint64)
	// Wake says that Deadline has come.
	Wake()
	// Deadline is when to be woken, by Env.Now; world.Never for not at all. It is asked after
	// every call.
	Deadline() world.Instant
	// Leads says whether the server believes that it leads, for faults that strike the leader.
	Leads() bool
}

// Request is a client's operation. Its client repeats it until it is answered. It is the machine's:
// what it does with Op changes nothing elsewhere.
type Request struct {
	Client    uint32
	Timestamp uint64 // the client's own number for it, rising
	Op        []byte
}

// Env is a server's way to the world, for one life.
type Env struct {
	system *system
	node   world.Node
	life   uint64
}

// ID is the server's number, from 1.
func (e *Env) ID() int { return int(e.node) }

// Servers is how many servers there are.
func (e *Env) Servers() int { return e.system.run.Plan.Servers }

// Now is the time by the server's own clock. It never goes back.
func (e *Env) Now() world.Instant { return e.system.run.Local(e.node) }

// Draw is a random number for a purpose: the same each time the plan is run. Two calls for
// one purpose in one life give the same.
func (e *Env) Draw(purpose ...uint64) uint64 {
	return world.Draw(e.system.run.Plan.Seed, append([]uint64{engine.DrawMachine, uint64(e.node), e.life}, purpose...)...)
}

// Settings reads the plan's settings into what v points at.
func (e *Env) Settings(v any) error { return e.system.run.Plan.DecodeSettings(v) }

// Shared is what the servers of the run share.
func (e *Env) Shared() any { return e.system.shared }

// Write appends a record to the server's disk and returns its position. A crash may take it
// until Synced tells of it.
func (e *Env) Write(record any) (position uint64) {
	e.demandTurn()
	digest := digestOf(record)
	if e.system.run.Plan.Bodies {
		e.system.digests[e.node] = append(e.system.digests[e.node], digest)
	}
	e.system.world.Fold(digest)
	e.system.world.Write(&record, false)
	e.system.wrote = true
	e.system.written[e.node]++
	return e.system.written[e.node]
}

// Send sends a message to a server once the first after records are durable; 0: at once. The
// run's hash covers what is in it: all that it refers to, or its Digest() uint64 where it has that
// method, which is faster.
func (e *Env) Send(to int, kind string, after uint64, m any) {
	e.demandTurn()
	k := e.system.Kind(kind)
	switch {
	case k == 0:
		panic(fmt.Sprintf("testbed: %q is not among the kinds of %s", kind, e.system.protocol.Name))
	case to < 1 || to > e.Servers():
		panic(fmt.Sprintf("testbed: a %s of server %d is for server %d of %d", kind, e.node, to, e.Servers()))
	case after > e.system.written[e.node]:
		panic(fmt.Sprintf("testbed: a %s of server %d waits for record %d of %d", kind, e.node, after, e.system.written[e.node]))
	}
	digest := digestOf(m)
	e.system.underWay++
	e.system.world.Send(world.Parcel{To: world.Node(to), After: after, Kind: k, Digest: digest}, &letter{message: m, kind: k, digest: digest, act: e.system.run.Acting(e.node)})
}

// demandTurn panics where it is not this life's turn to act. The world would take what it does for
// the act of another server.
func (e *Env) demandTurn() {
	switch c := e.system; {
	case c.envs[e.node] != e:
		panic(fmt.Sprintf("testbed: an Env of an earlier life of server %d is used", e.node))
	case c.world.Current() != e.node:
		panic(fmt.Sprintf("testbed: the Env of server %d is used while it is not called", e.node))
	}
}

// Reply answers a request.
func (e *Env) Reply(client uint32, timestamp uint64, result []byte) {
	e.demandTurn()
	c := e.system
	if client < 1 || int(client) >= len(c.run.Clients) {
		return
	}
	digest := world.Mix(uint64(client), timestamp)
	for _, b := range result {
		digest = world.Mix(digest, uint64(b))
	}
	c.world.Send(world.Parcel{To: c.run.Clients[client].Node, Kind: responseKind, Digest: digest},
		&letter{reply: true, timestamp: timestamp, body: bytes.Clone(result), act: c.run.Acting(e.node)})
}

// Fail reports that a property of the protocol's own, of that name, does not hold. The first failure
// counts.
func (e *Env) Fail(property, format string, args ...any) {
	e.system.run.Fail(cmp.Or(property, "unnamed"), format, args...)
}

// Tell adds an event to the story and the trace of the run.
func (e *Env) Tell(format string, args ...any) {
	if e.system.run.Trace == nil && e.system.run.Story == nil {
		return
	}
	text := fmt.Sprintf("server %d %s", e.node, fmt.Sprintf(format, args...))
	e.system.run.Tell(e.node, "tells", text)
	if e.system.run.Story != nil {
		e.system.run.Story.Say(e.node, engine.Line{Kind: engine.Told, Text: text})
	}
}

// Run executes a plan of the protocol. It panics where that is not valid.
func (p *Protocol) Run(plan *plan.Plan, options ...Option) *Report {
	if err := p.Validate(plan); err != nil {
		panic("testbed: Run of an invalid plan: " + err.Error())
	}
	c := newSystem(p, plan, options)
	c.run.Play()
	return c.run.Report()
}

// Sweep draws and runs the plan of each seed, many at once.
func (p *Protocol) Sweep(ctx context.Context, o SweepOptions) *Summary {
	run := func(plan *plan.Plan) *engine.Report { return p.Run(plan) }
	return sweep.Run(ctx, sweep.Subject{Target: p.target(), Run: run, Effects: engine.Outcomes}, o)
}

// Validate says what is wrong with a plan of the protocol.
func (p *Protocol) Validate(plan *plan.Plan) error {
	if err := p.Complete(); err != nil {
		return err
	}
	if p.Settings == nil && len(plan.Settings) > 0 && plan.Protocol == p.Name {
		return fmt.Errorf("settings, and %s has none", p.Name)
	}
	system := p.System()
	return plan.Validate(system)
}

// System is the protocol as plans know it.
func (p *Protocol) System() plan.System {
	least, most := p.Sizes()
	return plan.System{Name: p.Name, Kinds: append([]string{noKind}, p.Kinds...), MinServers: least, MaxServers: most}
}

// target is the protocol as the swarm knows it. It panics where the protocol is not complete.
func (p *Protocol) target() swarm.Target {
	if err := p.Complete(); err != nil {
		panic("testbed: " + err.Error())
	}
	t := swarm.Target{System: p.System(), Bounds: p.bounds, Validate: p.Validate}
	for _, kind := range p.Kinds {
		t.Messages = append(t.Messages, swarm.Message{Name: kind, OnSend: 1, OnArrival: 1, Named: 1, Omitted: 1})
	}
	if p.Settings != nil {
		t.Settings = func(plan *plan.Plan, roll swarm.Roll) swarm.Pace {
			plan.Settings = p.settings(roll("settings"))
			return swarm.Ordinary
		}
	}
	return t
}

// Swarm draws the plan of a seed for the protocol.
func (p *Protocol) Swarm(seed uint64, o SwarmOptions) *Plan {
	return swarm.Draw(seed, p.target(), o)
}

// Sizes are how many servers the protocol takes, at least and at most.
func (p *Protocol) Sizes() (least, most int) {
	return cmp.Or(p.MinServers, 1), cmp.Or(p.MaxServers, plan.MaxServers)
}

// noKind stands in for the kind of number 0.
const noKind = "none"

// Complete says what the protocol lacks, or what is wrong with the names of its kinds, if anything.
// Sweep and Swarm panic with that.
func (p *Protocol) Complete() error {
	if p.Name == "" || p.Start == nil || len(p.Kinds) < 1 || len(p.Kinds) >= int(requestKind) {
		return fmt.Errorf("protocol %q is not complete: it takes a Name, a Start, and 1 to %d Kinds", p.Name, requestKind-1)
	}
	for i, kind := range p.Kinds {
		if !aWord(kind) || kind == noKind || kind == plan.OnSync || kind == plan.OnStart || slices.Contains(p.Kinds[:i], kind) {
			return fmt.Errorf("protocol %q: kind %d can't be named %q: no word, twice, or with a meaning of its own in plans", p.Name, i+1, kind)
		}
	}
	least, most := p.Sizes()
	switch {
	case !aWord(p.Name):
		return fmt.Errorf("protocol %q: the name is not a word", p.Name)
	case least < 1 || most > plan.MaxServers || least > most:
		return fmt.Errorf("protocol %q: MinServers %d and MaxServers %d are not within 1 … %d", p.Name, p.MinServers, p.MaxServers, plan.MaxServers)
	case min(p.Settle, p.Answer) < 0 || max(p.Settle, p.Answer) > maxPromise:
		return fmt.Errorf("protocol %q: Settle %d and Answer %d are not within 0 … %d", p.Name, p.Settle, p.Answer, maxPromise)
	case p.Model != nil && (p.Model.Operation == nil || p.Model.Porcupine.Init == nil || p.Model.Porcupine.Step == nil):
		return fmt.Errorf("protocol %q: the Model takes an Operation, and a Porcupine with Init and Step", p.Name)
	}
	return nil
}

// maxPromise is the longest that a protocol may take for what it promises: a plan stretches it.
const maxPromise = plan.MaxTime / 8

// aWord says whether a name has no blanks, and nothing that can't be printed.
func aWord(name string) bool {
	return name != "" && !strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsGraphic(r) || unicode.IsSpace(r) })
}

// LoadPlan reads a plan of the protocol.
func (p *Protocol) LoadPlan(path string) (*plan.Plan, error) { return plan.Load(path, p.Validate) }

// bounds are those of a plan's calm.
func (p *Protocol) bounds(plan *plan.Plan) (settle, answer world.Instant) {
	return plan.SettleWithin(p.Settle), plan.AnswerWithin(p.Answer)
}

// settings draws a plan's settings.
func (p *Protocol) settings(d *world.Dice) json.RawMessage {
	raw, err := json.Marshal(p.Settings(d))
	if err != nil {
		panic(fmt.Sprintf("testbed: settings of %s: %v", p.Name, err))
	}
	return raw
}
