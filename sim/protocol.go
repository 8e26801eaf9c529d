package sim

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"

	"github.com/anishathalye/porcupine"

	"github.com/fauer4effect/paxos/sim/check"
	"github.com/fauer4effect/paxos/sim/world"
)

// Protocol is a protocol of somebody's own that is put to the test as ours is: under the same
// network, disks, clocks and faults, with plans, sweeps, replays and shrinking, its clients'
// histories checked for linearizability. Package sim/testbed makes a program and a test of
// it; docs/YOUR-PROTOCOL.md walks through one.
type Protocol struct {
	Name string // in plans: a program refuses those of another protocol
	// Kinds names its kinds of message, so that faults can name them: at most 13. Send takes a
	// kind's place in this list.
	Kinds []string
	// Start begins a life of a server, with what its disk holds. An error means that it refuses
	// its disk; no fault that such a plan contains explains one, so that is a violation.
	Start func(env *Env, records []any) (Machine, error)
	// Settings draws the machine's settings for a plan, any value that is JSON; nil: none. A
	// plan that a person wrote, or that was shrunk, may be without.
	Settings func(d *world.Dice) any
	// Shared makes what the servers of one run share: the place for checks of its own, which
	// call Env.Fail. Nil: nothing.
	Shared func() any
	// Durable is told of each record that a crash can no longer take, Departed of each message
	// as it leaves its server. The world tells them, so that checks need not trust the machine.
	// The Env is of the life that it happens in. Nil: nobody.
	Durable  func(env *Env, record any)
	Departed func(env *Env, message any)
	// Settle and Answer ask for liveness (L1): once faults stop, a majority must serve within
	// Settle, and from then on answer within Answer. Zero Settle: liveness is not asked for.
	Settle, Answer world.Instant
	// Model is what the clients do and what they may see; nil: the key-value store of package
	// kv, whose operations and results are encoded as there.
	Model *Model
}

// Model is a sequential object: what clients ask of it, and what they may be answered.
type Model struct {
	// Operation draws an operation on the object of that name. unique is a text that no other
	// operation of the run gets.
	Operation func(draw uint64, object, unique string) []byte
	// Porcupine judges the history of one object. Inputs are operations ([]byte), outputs
	// results ([]byte; nil: the client got none, and it may have happened or not).
	Porcupine porcupine.Model
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
	// Leads says whether the server believes to lead, for faults that strike the leader.
	Leads() bool
}

// Request is a client's operation. Its client repeats it until it is answered.
type Request struct {
	Client    uint32
	Timestamp uint64 // the client's own number for it, rising
	Op        []byte
}

// Env is a server's way to the world, for one life.
type Env struct {
	custom *custom
	node   world.Node
	life   uint64
}

// ID is the server's, from 1. Servers is how many there are.
func (e *Env) ID() int      { return int(e.node) }
func (e *Env) Servers() int { return e.custom.plan.Servers }

// Now is the time by the server's own clock. It never goes back.
func (e *Env) Now() world.Instant { return e.custom.local(e.node) }

// Draw is a random number for a purpose: the same each time the plan is run. Two calls for
// one purpose in one life give the same.
func (e *Env) Draw(purpose ...uint64) uint64 {
	return world.Draw(e.custom.plan.Seed, append([]uint64{drawMachine, uint64(e.node), e.life}, purpose...)...)
}

// Settings reads the plan's settings into what v points at.
func (e *Env) Settings(v any) error { return e.custom.plan.DecodeSettings(v) }

// Shared is what the servers of the run share.
func (e *Env) Shared() any { return e.custom.shared }

// Write appends a record to the server's disk and returns its position. A crash may take it
// until Synced tells of it.
func (e *Env) Write(record any) (position uint64) {
	e.custom.world.Write(&record, false)
	e.custom.written[e.node]++
	return e.custom.written[e.node]
}

// Send sends a message to a server once the first after records are durable; 0: at once.
func (e *Env) Send(to int, kind string, after uint64, m any) {
	k := e.custom.kind(kind)
	if k == 0 {
		panic(fmt.Sprintf("sim: %q is not among the kinds of %s", kind, e.custom.protocol.Name))
	}
	var digest uint64
	if d, ok := m.(interface{ Digest() uint64 }); ok {
		digest = d.Digest()
	}
	e.custom.world.Send(world.Parcel{To: world.Node(to), After: after, Kind: k, Digest: digest}, &letter{message: m})
}

// Reply answers a request.
func (e *Env) Reply(client uint32, timestamp uint64, result []byte) {
	c := e.custom
	if client < 1 || int(client) >= len(c.clients) {
		return
	}
	digest := world.Mix(uint64(client), timestamp)
	for _, b := range result {
		digest = world.Mix(digest, uint64(b))
	}
	c.world.Send(world.Parcel{To: c.clients[client].node, Kind: responseKind, Digest: digest},
		&letter{reply: true, timestamp: timestamp, body: result})
}

// Fail reports that a property of the protocol's own does not hold. The first failure stands.
func (e *Env) Fail(property, format string, args ...any) { e.custom.fail(property, format, args...) }

// Tell adds an event to the story and the trace of the run.
func (e *Env) Tell(format string, args ...any) {
	if e.custom.trace == nil && e.custom.story == nil {
		return
	}
	text := fmt.Sprintf("server %d %s", e.node, fmt.Sprintf(format, args...))
	e.custom.tell(e.node, "tells", text)
	if e.custom.story != nil {
		e.custom.story.say(e.node, line{kind: told, text: text})
	}
}

// Run executes a plan of the protocol.
func (p *Protocol) Run(plan *Plan, options ...Option) *Report {
	c := newCustom(p, plan, options)
	c.play()
	return c.run.report()
}

// Validate says what is wrong with a plan of the protocol.
func (p *Protocol) Validate(plan *Plan) error {
	if err := p.Complete(); err != nil {
		return err
	}
	switch {
	case plan.Protocol != p.Name:
		return fmt.Errorf("it is a plan for protocol %q, not for %q", plan.Protocol, p.Name)
	case plan.Formation || plan.Network.Wire || plan.Disk.Log:
		return fmt.Errorf("formation, wire and disk.log are of our own protocol's")
	}
	return plan.validate(append([]string{noKind}, p.Kinds...))
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
		if kind == "" || kind == noKind || kind == onSync || kind == onStart || slices.Contains(p.Kinds[:i], kind) {
			return fmt.Errorf("protocol %q: kind %d can't be named %q: empty, twice, or with a meaning of its own in plans", p.Name, i+1, kind)
		}
	}
	return nil
}

// LoadPlan reads a plan of the protocol.
func (p *Protocol) LoadPlan(path string) (*Plan, error) {
	return loadPlan(path, func(r io.Reader) (*Plan, error) {
		plan, err := decodePlan(r)
		if err != nil {
			return nil, err
		}
		return plan, p.Validate(plan)
	})
}

// bounds are those of a plan's calm.
func (p *Protocol) bounds(plan *Plan) (settle, answer world.Instant) {
	return plan.stretched(plan.latest() + p.Settle + plan.Workload.Timeout),
		plan.stretched(world.Instant(plan.Servers+1)*plan.Workload.Timeout + p.Answer)
}

// settings draws a plan's settings.
func (p *Protocol) settings(d *world.Dice) json.RawMessage {
	if p.Settings == nil {
		return nil
	}
	raw, err := json.Marshal(p.Settings(d))
	if err != nil {
		panic(fmt.Sprintf("sim: settings of %s: %v", p.Name, err))
	}
	return raw
}

// judge asks porcupine for its opinion of one object's history.
func (m *Model) judge(history []porcupine.Operation) check.Verdict {
	return check.Legal(m.Porcupine, history, searchSteps)
}
