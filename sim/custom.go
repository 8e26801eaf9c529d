package sim

import (
	"bytes"
	"fmt"
	"regexp"

	"github.com/fauer4effect/paxos/protocol/kv"
	"github.com/fauer4effect/paxos/sim/check"
	"github.com/fauer4effect/paxos/sim/world"
)

// custom is the system of a Protocol: its servers, its letters, its checks.
type custom struct {
	run      *run
	protocol *Protocol
	world    *world.World[letter, any]
	servers  []*customServer // by id; 0 unused
	envs     []*Env          // of the latest lives
	written  []uint64        // records, by server
	digests  [][]uint64      // theirs, where the plan checks bodies
	shared   any
	violated *check.Violation
	underWay int                 // messages, but for what links repeat
	asked    uint64              // Deadlines
	taken    [requestKind]uint64 // messages, by kind
	timed    bool                // a machine wanted to be woken
	wrote    bool                // or wrote a record
}

// refusals are where the testbed panics because of its caller.
var refusals = regexp.MustCompile(`/sim\.(\(\*Env\)|\(\*digester\)|digestOf)`)

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

// The kinds of what a protocol of somebody's own does not send itself. Draws go by the number
// of a kind, so that these stay what they are.
const (
	requestKind  = uint8(14)
	responseKind = uint8(15)
)

func newCustom(p *Protocol, plan *Plan, options []Option) *custom {
	c := &custom{
		run: newRun(plan, 0, options), protocol: p,
		servers: make([]*customServer, plan.Servers+1), envs: make([]*Env, plan.Servers+1), written: make([]uint64, plan.Servers+1), digests: make([][]uint64, plan.Servers+1),
	}
	c.run.model, c.run.refusals = p.Model, refusals
	c.world = world.New[letter, any](c.run.worldConfig(), c)
	c.run.open(c)
	return c
}

// customServer is one life of a server.
type customServer struct {
	Machine
	env     *Env
	wokenAt world.Instant // last, and …
	woken   int           // … how often at that time
}

func (s *customServer) Receive(from world.Node, l *letter) {
	c := s.env.custom
	if l.message != nil {
		c.taken[l.kind]++
		c.underWay--
	}
	if c.run.story != nil {
		c.run.story.begin(c.world.Now(), s.env.node, l.act)
	}
	if l.request != nil {
		s.Request(*l.request)
		return
	}
	if c.run.plan.Bodies && digestOf(l.message) != l.digest {
		c.run.fail("invariant", "server %d gets a message of server %d that changed since it was sent: %+v", s.env.node, from, l.message)
		return
	}
	if !c.run.calm && c.run.ownLaw(from, s.env.node) {
		c.run.effects[SlowLink]++
	}
	s.Machine.Receive(int(from), l.message)
	if len(c.run.named) > 0 {
		c.run.arrivedAt(s.env.node, from, l.kind)
	}
}

func (s *customServer) Wake() {
	c := s.env.custom
	if now := c.world.Now(); now != s.wokenAt {
		s.wokenAt, s.woken = now, 0
	}
	if s.woken++; s.woken > maxWoken {
		c.run.fail("invariant", "server %d was woken %d times at one instant: its Deadline is not in the future", s.env.node, maxWoken)
		return
	}
	c.run.woke(s.env.node)
	c.run.acts(s.env.node)
	s.Machine.Wake()
}

// maxWoken is how often a machine may want to be woken at one instant. One whose Deadline stays where
// it is would be woken there for ever.
const maxWoken = 1000

func (s *customServer) Synced(upTo uint64) {
	s.env.custom.run.acts(s.env.node)
	s.Machine.Synced(upTo)
	s.env.custom.run.synced(s.env.node)
}

// Deadline is asked after every call, which makes it the place to see that a run does not end.
func (s *customServer) Deadline() world.Instant {
	c := s.env.custom
	if c.asked++; c.asked == maxAsked || c.underWay > maxUnderWay {
		c.run.fail("invariant", "the run does not come to its end: %d messages are under way after %d calls of the machines%s", c.underWay, c.asked, c.mostTaken())
	}
	d := s.Machine.Deadline()
	c.timed = c.timed || d != world.Never
	return c.run.nodes[s.env.node].clock.when(d)
}

// Bounds of a run: a plan of the swarm's takes some 100,000 calls of the machines, and has some
// hundred messages under way.
const (
	maxAsked    = 10_000_000
	maxUnderWay = 100_000
)

// mostTaken names the most frequent kind of message, if there is one.
func (c *custom) mostTaken() string {
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

func (c *custom) control() control { return c.world }

func (c *custom) kind(name string) uint8 {
	for i, kind := range c.protocol.Kinds {
		if kind == name {
			return uint8(i + 1)
		}
	}
	return 0
}

func (c *custom) startServer(n world.Node) error {
	env := &Env{custom: c, node: n, life: uint64(c.run.nodes[n].lives)}
	c.envs[n] = env
	records := c.world.Records(n)
	c.written[n] = uint64(len(records))
	if c.run.plan.Bodies {
		c.verify(n, records)
	}
	c.world.Settle(n)
	if c.run.story != nil && c.run.nodes[n].lives > 0 {
		c.run.story.tell(c.world.Now(), n, line{kind: struck, text: fmt.Sprintf("server %d restarts with %s", n, countOf(len(records), "record"))})
	} else {
		c.run.acts(n)
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
		c.run.effects[Recovery]++
	}
	c.servers[n] = &customServer{Machine: m, env: env}
	c.world.Start(n, c.servers[n])
	c.run.tell(n, "start", countOf(len(records), "record"))
	return nil
}

// verify finds records that were changed after they were written: a disk would have kept what they were.
func (c *custom) verify(n world.Node, records []any) {
	for i, r := range records {
		if digestOf(r) != c.digests[n][i] {
			c.run.fail("invariant", "record %d of server %d changed since it was written: %+v", i+1, n, r)
		}
	}
	c.digests[n] = c.digests[n][:len(records)]
}

// customClient is a client's place in the world.
type customClient struct{ *client }

func (c customClient) Receive(from world.Node, l *letter) {
	if !l.reply {
		return
	}
	if c.run.story != nil {
		c.run.story.begin(c.run.world.Now(), c.node, l.act)
	}
	c.reply(from, l.timestamp, l.body)
}

func (c *custom) startClient(cl *client) { c.world.Start(cl.node, customClient{cl}) }

func (c *custom) ask(cl *client) {
	digest := world.Mix(uint64(cl.id), cl.timestamp)
	c.world.Send(world.Parcel{To: world.Node(cl.target), Kind: requestKind, Digest: digest},
		&letter{request: &Request{Client: uint32(cl.id), Timestamp: cl.timestamp, Op: bytes.Clone(cl.input)}, act: c.run.acting(cl.node)})
}

func (c *custom) began(cl *client) {
	if c.run.story != nil {
		text := fmt.Sprintf("client %d asks for operation %d: %s", cl.id, cl.timestamp, c.operation(cl))
		c.run.story.tell(c.world.Now(), cl.node, line{kind: told, client: uint32(cl.id), object: cl.key.name, text: text})
	}
}

func (c *custom) ended(cl *client, output []byte) check.Place {
	if c.run.story != nil {
		text := fmt.Sprintf("client %d has its answer to operation %d: ", cl.id, cl.timestamp)
		if c.run.model != nil {
			text += c.described(cl.input, output)
		} else {
			text += fmt.Sprintf("%s → %s", c.operation(cl), c.result(output))
		}
		c.run.story.say(cl.node, line{kind: told, client: uint32(cl.id), object: cl.key.name, text: text})
	}
	return 0
}

// operation is what the client asks for, in words, and result what it is answered.
func (c *custom) operation(cl *client) string {
	if c.run.model != nil {
		return fmt.Sprintf("%q", cl.input)
	}
	return cl.op.String()
}

// described is an operation with its answer, as the model describes it if it does.
func (c *custom) described(input, output []byte) (text string) {
	describe := c.run.model.Porcupine.DescribeOperation
	text = fmt.Sprintf("%q → %q", input, output)
	if describe == nil {
		return text
	}
	defer func() { _ = recover() }() // a description is no finding
	return describe(input, output)
}

func (c *custom) result(output []byte) string {
	if r, err := kv.DecodeResult(output); err == nil {
		return r.String()
	}
	return fmt.Sprintf("%q", output)
}

// waits asks for liveness, L1.
func (c *custom) waits(cl *client, now int64) {
	calm := c.run.plan.calm()
	if c.protocol.Settle > 0 && now > max(calm.From+calm.Settle, int64(cl.call)+calm.Answer) {
		rest := ""
		for _, b := range c.run.plan.Tail.Broken {
			rest += fmt.Sprintf(", server %d %s", b.Server, b.How)
		}
		c.run.fail("L1", "client %d's operation %d, sent at %.3fs, is unanswered %.3fs after servers %v were healed at %.3fs%s",
			cl.id, cl.timestamp, float64(cl.call)/1e9, float64(now-calm.From)/1e9, c.run.plan.CoreServers(), float64(calm.From)/1e9, rest)
	}
}

func (c *custom) elect(world.Node)         {}
func (c *custom) handOver(world.Node, int) {}
func (c *custom) wiped(world.Node)         {}
func (c *custom) ready(world.Node) bool    { return true }
func (c *custom) finish()                  {}

func (c *custom) leader() world.Node {
	var leader world.Node
	for n := world.Node(1); int(n) <= c.run.plan.Servers; n++ {
		if c.servers[n] != nil && c.world.Up(n) && c.servers[n].Leads() {
			if leader != 0 {
				return 0
			}
			leader = n
		}
	}
	return leader
}

func (c *custom) judge(k *key) {
	if c.protocol.Model == nil {
		c.run.judge(k.history)
		return
	}
	model := c.protocol.Model.Porcupine
	switch verdict, err := check.Legal(model, k.raw, searchSteps); {
	case err != nil:
		c.run.fail("invariant", "at object %q, %v", k.name, err)
	case verdict == check.Illegal:
		o := check.FirstIllegal(model, k.raw, searchSteps)
		c.failAt(o.Return, "S8", check.NoLinearization+" at object %q: no order of the operations so far gives client %d's answer: %s",
			k.name, o.ClientId, c.described(o.Input.([]byte), o.Output.([]byte)))
	case verdict == check.Unknown:
		c.run.effects[Undecided]++
	}
}

func (c *custom) failAt(at int64, property, format string, args ...any) {
	if c.run.over = true; c.violated == nil {
		c.violated = &check.Violation{Property: property, At: at, Detail: fmt.Sprintf(format, args...)}
	}
}

func (c *custom) violation() *check.Violation { return c.violated }

// report says which kinds of fault have nothing to strike: clocks of machines without timers, disks
// without records.
func (c *custom) report(to *Report) {
	to.moot[Drift] = !c.timed
	for _, e := range []Effect{CrashOnSync.Effect(), Stall.Effect(), FailSync.Effect(), Full.Effect(), Survived} {
		to.moot[e] = !c.wrote
	}
}

func (c *custom) kindName(l *letter) string { return c.protocol.Kinds[l.kind-1] }

// What follows is the world's Observer. Of a message nothing is known but its kind, so all
// that is lost counts.

func (c *custom) Delivering(from, to world.Node, l *letter) {
	if l.message != nil {
		c.run.tell(to, "deliver", fmt.Sprintf("%s from %d: %+v", c.kindName(l), from, l.message))
	}
}

func (c *custom) Departed(from world.Node, l *letter) {
	if c.protocol.Departed != nil && l.message != nil {
		c.protocol.Departed(c.envs[from], l.message)
	}
}

func (c *custom) Arrived(from, to world.Node, _ *letter, way world.Way) {
	if way&world.Repeated != 0 && c.world.IsServer(to) {
		c.run.effects[Duplicate]++
	}
	c.run.arrived(from, to, way)
}

func (c *custom) Dropped(from, to world.Node, l *letter, why world.Cause) {
	if l.message != nil {
		c.underWay--
	}
	if c.run.trace != nil && l.message != nil {
		c.run.traceDrop(from, to, fmt.Sprintf("%s: %+v", c.kindName(l), l.message), why)
	}
	if c.run.story != nil && l.message != nil && why != world.Down {
		c.run.story.say(from, line{kind: lostWord, text: fmt.Sprintf("%s from server %d to server %d is lost", c.kindName(l), from, to)})
	}
	if why != world.Down && c.world.IsServer(to) {
		c.run.dropped(from, to, why)
	}
}

func (c *custom) Durable(n world.Node, record *any) {
	if c.protocol.Durable != nil {
		c.protocol.Durable(c.envs[n], *record)
	}
}

func (c *custom) Survive(n world.Node, unsynced []any) int {
	return c.run.survive(n, len(unsynced), func(int) int { return 64 })
}

func (c *custom) Crashed(n world.Node, lost []any) {
	if len(lost) > 0 {
		c.run.effects[UnsyncedLost]++
	}
	text := fmt.Sprintf("server %d crashes and loses %s", n, countOf(len(lost), "record"))
	c.run.tell(n, "crash", text)
	if c.run.story != nil {
		c.run.story.tell(c.world.Now(), n, line{kind: struck, text: text})
	}
}

func (c *custom) SyncFailed(n world.Node) { c.run.syncFailed(n) }
