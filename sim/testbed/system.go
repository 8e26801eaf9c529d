package testbed

import (
	"bytes"
	"fmt"
	"regexp"

	"github.com/fauer4effect/paxos/protocol/kv"
	"github.com/fauer4effect/paxos/sim/finding"
	"github.com/fauer4effect/paxos/sim/history"
	"github.com/fauer4effect/paxos/sim/internal/engine"
	"github.com/fauer4effect/paxos/sim/internal/words"
	"github.com/fauer4effect/paxos/sim/plan"
	"github.com/fauer4effect/paxos/sim/world"
)

// system is the system of a Protocol: its servers, its letters, its checks.
type system struct {
	run      *engine.Run
	protocol *Protocol
	world    *world.World[letter, any]
	servers  []*server  // by id; 0 unused
	envs     []*Env     // of the latest lives
	written  []uint64   // records, by server
	digests  [][]uint64 // theirs, where the plan checks bodies
	shared   any
	violated *finding.Violation
	underWay int                 // messages, without those that links repeat
	asked    uint64              // Deadlines
	taken    [requestKind]uint64 // messages, by kind
	timed    bool                // a machine wanted to be woken
	wrote    bool                // or wrote a record
}

// refusals are where the testbed panics because of its caller.
var refusals = regexp.MustCompile(`/sim/testbed\.(\(\*Env\)|\(\*digester\)|digestOf)`)

// letter is what travels: a message of the protocol's, a client's request, or a reply.
type letter struct {
	message   any
	kind      uint8  // of it
	digest    uint64 // of it, when it was sent
	request   *Request
	reply     bool
	timestamp uint64
	body      []byte
	act       int32
}

// The kinds of what the user's protocol does not send itself. Draws depend on the number of a kind, so
// these must not change.
const (
	requestKind  = uint8(14)
	responseKind = uint8(15)
)

func newSystem(p *Protocol, plan *plan.Plan, options []engine.Option) *system {
	c := &system{
		run: engine.NewRun(plan, 0, options), protocol: p,
		servers: make([]*server, plan.Servers+1), envs: make([]*Env, plan.Servers+1), written: make([]uint64, plan.Servers+1), digests: make([][]uint64, plan.Servers+1),
	}
	c.run.Model, c.run.Refusals = p.Model, refusals
	c.world = world.New[letter, any](c.run.WorldConfig(), c)
	c.run.Open(c)
	return c
}

// server is one life of a server.
type server struct {
	machine Machine
	env     *Env
	wokenAt world.Instant // last, and …
	woken   int           // … how often at that time
}

func (s *server) Receive(from world.Node, l *letter) {
	c := s.env.system
	if l.message != nil {
		c.taken[l.kind]++
		c.underWay--
	}
	if c.run.Story != nil {
		c.run.Story.Begin(c.world.Now(), s.env.node, l.act)
	}
	if l.request != nil {
		s.machine.Request(*l.request)
		return
	}
	if c.run.Plan.Bodies && digestOf(l.message) != l.digest {
		c.run.Fail("invariant", "server %d gets a message of server %d that changed since it was sent: %+v", s.env.node, from, l.message)
		return
	}
	if !c.run.Calm && c.run.OwnLaw(from, s.env.node) {
		c.run.Effects[plan.SlowLink]++
	}
	s.machine.Receive(int(from), l.message)
	if len(c.run.Named) > 0 {
		c.run.ArrivedAt(s.env.node, from, l.kind)
	}
}

func (s *server) Wake() {
	c := s.env.system
	if now := c.world.Now(); now != s.wokenAt {
		s.wokenAt, s.woken = now, 0
	}
	if s.woken++; s.woken > maxWoken {
		c.run.Fail("invariant", "server %d was woken %d times at one instant: its Deadline is not in the future", s.env.node, maxWoken)
		return
	}
	c.run.Woke(s.env.node)
	c.run.Acts(s.env.node)
	s.machine.Wake()
}

// maxWoken is how often a machine may want to be woken at one instant. One whose Deadline stays where
// it is would be woken there for ever.
const maxWoken = 1000

func (s *server) Synced(upTo uint64) {
	s.env.system.run.Acts(s.env.node)
	s.machine.Synced(upTo)
	s.env.system.run.Synced(s.env.node)
}

// Deadline is asked after every call, which makes it the place to see that a run does not end.
func (s *server) Deadline() world.Instant {
	c := s.env.system
	if c.asked++; c.asked == maxAsked || c.underWay > maxUnderWay {
		c.run.Fail("invariant", "the run does not come to its end: %d messages are under way after %d calls of the machines%s", c.underWay, c.asked, c.mostTaken())
	}
	d := s.machine.Deadline()
	c.timed = c.timed || d != world.Never
	return c.run.Nodes[s.env.node].Clock.When(d)
}

// Bounds of a run: a plan of the swarm's takes some 100,000 calls of the machines, and has some
// hundred messages under way.
const (
	maxAsked    = 10_000_000
	maxUnderWay = 100_000
)

// mostTaken names the most frequent kind of message, if there is one.
func (c *system) mostTaken() string {
	most := 0
	for kind, times := range c.taken {
		if times > c.taken[most] {
			most = kind
		}
	}
	if c.taken[most] == 0 {
		return ""
	}
	return fmt.Sprintf(", and most that came were a %s (%d)", c.protocol.Kinds[most-1], c.taken[most])
}

func (c *system) Control() engine.Control { return c.world }

func (c *system) Kind(name string) uint8 {
	for i, kind := range c.protocol.Kinds {
		if kind == name {
			return uint8(i + 1)
		}
	}
	return 0
}

func (c *system) StartServer(n world.Node) error {
	env := &Env{system: c, node: n, life: uint64(c.run.Nodes[n].Lives)}
	c.envs[n] = env
	records := c.world.Records(n)
	c.written[n] = uint64(len(records))
	if c.run.Plan.Bodies {
		c.verify(n, records)
	}
	c.world.Settle(n)
	if c.run.Story != nil && c.run.Nodes[n].Lives > 0 {
		c.run.Story.Tell(c.world.Now(), n, engine.Line{Kind: engine.Struck, Text: fmt.Sprintf("server %d restarts with %s", n, words.Count(len(records), "record"))})
	} else {
		c.run.Acts(n)
	}
	if c.shared == nil && c.protocol.Shared != nil {
		c.shared = c.protocol.Shared()
	}
	var m Machine
	var err error
	c.world.As(n, func() { m, err = c.protocol.Start(env, records) })
	switch {
	case err != nil:
		return err
	case m == nil:
		return fmt.Errorf("%s has a Start that returns no machine, and no error", c.protocol.Name)
	}
	if len(records) > 0 {
		c.run.Effects[engine.Recovery]++
	}
	c.servers[n] = &server{machine: m, env: env}
	c.world.Start(n, c.servers[n])
	c.run.Tell(n, "start", words.Count(len(records), "record"))
	return nil
}

// verify finds records that were changed after they were written. A disk would have kept the old content.
func (c *system) verify(n world.Node, records []any) {
	for i, r := range records {
		if digestOf(r) != c.digests[n][i] {
			c.run.Fail("invariant", "record %d of server %d changed since it was written: %+v", i+1, n, r)
		}
	}
	c.digests[n] = c.digests[n][:len(records)]
}

// client is a client's place in the world.
type client struct{ *engine.Client }

func (c client) Receive(from world.Node, l *letter) {
	if !l.reply {
		return
	}
	if c.Run.Story != nil {
		c.Run.Story.Begin(c.Run.World.Now(), c.Node, l.act)
	}
	c.Reply(from, l.timestamp, l.body)
}

func (c *system) StartClient(cl *engine.Client) { c.world.Start(cl.Node, client{cl}) }

func (c *system) Ask(cl *engine.Client) {
	digest := world.Mix(uint64(cl.ID), cl.Timestamp)
	c.world.Send(world.Parcel{To: world.Node(cl.Target), Kind: requestKind, Digest: digest},
		&letter{request: &Request{Client: uint32(cl.ID), Timestamp: cl.Timestamp, Op: bytes.Clone(cl.Input)}, act: c.run.Acting(cl.Node)})
}

func (c *system) Began(cl *engine.Client) {
	if c.run.Story != nil {
		text := fmt.Sprintf("client %d asks for operation %d: %s", cl.ID, cl.Timestamp, c.operation(cl))
		c.run.Story.Tell(c.world.Now(), cl.Node, engine.Line{Kind: engine.Told, Client: uint32(cl.ID), Object: cl.Key.Name, Text: text})
	}
}

func (c *system) Ended(cl *engine.Client, output []byte) history.Place {
	if c.run.Story != nil {
		text := fmt.Sprintf("client %d has its answer to operation %d: ", cl.ID, cl.Timestamp)
		if c.run.Model != nil {
			text += c.described(cl.Input, output)
		} else {
			text += fmt.Sprintf("%s → %s", c.operation(cl), c.result(output))
		}
		c.run.Story.Say(cl.Node, engine.Line{Kind: engine.Told, Client: uint32(cl.ID), Object: cl.Key.Name, Text: text})
	}
	return 0
}

// operation is what the client asks for, in words, and result what it is answered.
func (c *system) operation(cl *engine.Client) string {
	if c.run.Model != nil {
		return fmt.Sprintf("%q", cl.Input)
	}
	return cl.Op.String()
}

// described is an operation with its answer, as the model describes it if it does.
func (c *system) described(input, output []byte) (text string) {
	describe := c.run.Model.Porcupine.DescribeOperation
	text = fmt.Sprintf("%q → %q", input, output)
	if describe == nil {
		return text
	}
	defer func() { _ = recover() }() // a description is no finding
	return describe(input, output)
}

func (c *system) result(output []byte) string {
	if r, err := kv.DecodeResult(output); err == nil {
		return r.String()
	}
	return fmt.Sprintf("%q", output)
}

// Waits asks for liveness, L1.
func (c *system) Waits(cl *engine.Client, now int64) {
	p := c.run.Plan
	if c.protocol.Settle > 0 && now > int64(max(p.Faulty+p.Tail.Settle, cl.Call+p.Tail.Answer)) {
		rest := ""
		for _, b := range p.Tail.Broken {
			rest += fmt.Sprintf(", server %d %s", b.Server, b.How)
		}
		c.run.Fail("L1", "client %d's operation %d, sent at %.3fs, is unanswered %.3fs after servers %v were healed at %.3fs%s",
			cl.ID, cl.Timestamp, float64(cl.Call)/1e9, float64(now-int64(p.Faulty))/1e9, p.CoreServers(), float64(p.Faulty)/1e9, rest)
	}
}

func (c *system) Elect(world.Node)         {}
func (c *system) HandOver(world.Node, int) {}
func (c *system) Wiped(world.Node)         {}
func (c *system) Ready(world.Node) bool    { return true }
func (c *system) Finish()                  {}

func (c *system) Leads(n world.Node) bool {
	return c.servers[n] != nil && c.world.Up(n) && c.servers[n].machine.Leads()
}

func (c *system) Leader() world.Node {
	var leader world.Node
	for n := world.Node(1); int(n) <= c.run.Plan.Servers; n++ {
		if c.servers[n] != nil && c.world.Up(n) && c.servers[n].machine.Leads() {
			if leader != 0 {
				return 0
			}
			leader = n
		}
	}
	return leader
}

func (c *system) Judge(k *engine.Key) {
	if c.protocol.Model == nil {
		c.run.Judge(k.History)
		return
	}
	model := c.protocol.Model.Porcupine
	switch verdict, err := history.Legal(model, k.Raw, engine.SearchSteps); {
	case err != nil:
		c.run.Fail("invariant", "at object %q, %v", k.Name, err)
	case verdict == history.Illegal:
		o := history.FirstIllegal(model, k.Raw, engine.SearchSteps)
		c.FailAt(o.Return, "S8", finding.NoLinearization+" at object %q: no order of the operations so far gives client %d's answer: %s",
			k.Name, o.ClientId, c.described(o.Input.([]byte), o.Output.([]byte)))
	case verdict == history.Unknown:
		c.run.Effects[engine.Undecided]++
	}
}

// properties are those that every protocol is asked for, in a word.
var properties = map[string]string{"S8": "reply", "L1": "answered"}

func (c *system) FailAt(at int64, property, format string, args ...any) {
	if c.run.Over = true; c.violated == nil {
		c.violated = &finding.Violation{Property: property, Name: properties[property], At: at, Detail: fmt.Sprintf(format, args...)}
	}
}

func (c *system) Violation() *finding.Violation { return c.violated }

// Report says which kinds of fault have nothing to strike: clocks of machines without timers, disks
// without records.
func (c *system) Report(to *engine.Report) {
	to.Moot[plan.Drift] = !c.timed
	for _, e := range []plan.Effect{plan.CrashOnSync.Effect(), plan.Stall.Effect(), plan.FailSync.Effect(), plan.Full.Effect(), plan.Survived} {
		to.Moot[e] = !c.wrote
	}
}

func (c *system) kindName(l *letter) string { return c.protocol.Kinds[l.kind-1] }
