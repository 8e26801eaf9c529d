package sim

import (
	"fmt"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/fauer4effect/paxos/protocol"
	"github.com/fauer4effect/paxos/protocol/kv"
	"github.com/fauer4effect/paxos/sim/check"
	"github.com/fauer4effect/paxos/sim/trace"
	"github.com/fauer4effect/paxos/sim/world"
)

// packet is what travels in our world: a message of the machine, or a reply to a client.
type packet struct {
	protocol.Message
	reply     *protocol.Reply
	datagrams [][]byte // what travels where the plan has a wire
}

// replyKind is none of the machine's kinds of message.
const replyKind = uint8(world.MaxKinds - 1)

type paxosWorld = world.World[packet, protocol.Record]

// run is one execution of a plan.
type run struct {
	plan     *Plan
	settings protocol.Settings
	world    *paxosWorld
	checker  *check.Checker
	servers  []*server // by id; 0 unused. A server that is down keeps its last life here.
	clients  []*client // by id; 0 unused
	keys     *keyring
	effects  Effects
	trace    *trace.Writer // nil: none
	witness  Witness       // nil: none
	calm     bool
	end      world.Instant
	down     []world.Instant // by server: not to be restarted before
	lives    []uint32        // by server: how many have begun
	wiped    []uint32        // by server: disks that it lost
	heals    int             // times that all links were healed
	cutBy    [16][16]Effect  // the kind of fault that cut the direction last
	updates  uint64          // answered
	views    uint64          // led
}

// searchSteps bounds porcupine's search on one key. It is counted, not timed, so that a run
// is the same everywhere.
const searchSteps = 200_000

// Option changes how Run watches a plan, never what happens.
type Option func(*run)

// WithTrace writes every event of the run to w.
func WithTrace(w *trace.Writer) Option { return func(r *run) { r.trace = w } }

// Run executes a plan, which must be valid. It is single-threaded and a function of the
// plan alone.
func Run(p *Plan, options ...Option) *Report {
	r := newRun(p, 0, options)
	r.play()
	return r.report()
}

// newRun prepares a run of the plan, with so many clients more that a Stage directs.
func newRun(p *Plan, directed int, options []Option) *run {
	settings, err := p.settings()
	if err != nil {
		panic(fmt.Sprintf("sim: Run of an invalid plan: %v", err))
	}
	r := &run{
		plan: p, settings: settings,
		servers: make([]*server, p.Servers+1), clients: make([]*client, p.Workload.Clients+directed+1),
		down: make([]world.Instant, p.Servers+1), lives: make([]uint32, p.Servers+1),
		wiped: make([]uint32, p.Servers+1),
	}
	for _, o := range options {
		o(r)
	}
	r.checker = check.New(p.Servers, p.calm(), kv.New())
	r.checker.Departures.Formation = p.Formation
	r.world = world.New[packet, protocol.Record](world.Config{
		Seed: p.Seed, Servers: p.Servers, Clients: len(r.clients) - 1, Watch: r.trace != nil,
	}, r)
	r.keys = newKeyring(p.Workload.Keys, r.judge)
	r.setLaws(p.Network.All, false)
	for id := 1; id <= p.Servers; id++ {
		r.world.SetDisk(world.Node(id), p.Disk.Sync)
	}
	for _, d := range p.Disk.Servers {
		r.world.SetDisk(world.Node(d.Server), d.Sync)
	}
	r.schedule()
	return r
}

// calm is what the checker must know of the plan's tail.
func (p *Plan) calm() check.Calm {
	c := check.Calm{From: int64(p.Faulty), Settle: int64(p.Tail.Settle), Answer: int64(p.Tail.Answer)}
	for id := 1; id <= p.Servers; id++ {
		if p.inCore(id) {
			c.Core |= 1 << id
		}
	}
	return c
}

func (p *Plan) inCore(id int) bool { return len(p.Tail.Core) == 0 || slices.Contains(p.Tail.Core, id) }

// setLaws gives all links a law; the plan's laws of single links follow, but in the calm.
func (r *run) setLaws(law world.LinkLaw, calm bool) {
	n := world.Node(r.plan.Servers + len(r.clients) - 1)
	for from := world.Node(1); from <= n; from++ {
		for to := world.Node(1); to <= n; to++ {
			r.world.SetLink(from, to, law)
		}
	}
	if !calm {
		for _, l := range r.plan.Network.Links {
			r.world.SetLink(world.Node(l.From), world.Node(l.To), l.Law)
		}
	}
}

// begin gives every node its first life.
func (r *run) begin() {
	for id := 1; id <= r.plan.Servers; id++ {
		r.start(world.Node(id))
	}
	for id := 1; id < len(r.clients); id++ {
		r.clients[id] = newClient(r, id)
		r.world.Start(r.clients[id].node, r.clients[id])
	}
	r.end = r.plan.total()
}

// play makes the run happen, up to its end or the first violation.
func (r *run) play() {
	defer r.caught()
	r.begin()
	for r.checker.Violation() == nil && r.world.StepBy(r.end) {
	}
	r.finish()
}

// caught turns a panic of the machine into a finding.
func (r *run) caught() {
	p := recover()
	if p == nil {
		return
	}
	where := ""
	if _, ok := p.(*protocol.InvariantError); !ok {
		where = " at " + panicSite(string(debug.Stack()))
	}
	r.checker.Fail(int64(r.world.Now()), "invariant", "%v%s", p, where)
}

// panicSite is the first line of ours in a stack, so that the finding says where it broke.
func panicSite(stack string) string {
	_, below, _ := strings.Cut(stack, "panic(")
	for _, line := range strings.Split(below, "\n") {
		if i := strings.Index(line, "paxos/"); i >= 0 && strings.HasPrefix(line, "github.com/") {
			name, _, _ := strings.Cut(line[i+len("paxos/"):], "(0x")
			return name
		}
	}
	return "an unknown place"
}

// finish asks for what can only be asked at the end: convergence, and porcupine's opinion.
func (r *run) finish() {
	now := int64(r.world.Now())
	if r.checker.Violation() != nil {
		return
	}
	for id := 1; id <= r.plan.Servers; id++ {
		m := r.servers[id].machine
		r.checker.Converged.Ended(now, check.End{
			ID: protocol.ServerID(id), ARU: m.LocalARU(), State: m.App().Hash(),
		})
	}
	for _, c := range r.clients[1:] {
		if c.live() && c.waiting {
			r.checker.Answered.Waiting(int64(r.plan.total()), c.id, c.timestamp, int64(c.call))
		}
		c.leaveOpen()
	}
	r.keys.judgeRest()
}

// judge asks porcupine for its opinion of one key's history.
func (r *run) judge(history []check.Operation) {
	switch o := check.LinearizableWithin(history, searchSteps); o.Verdict {
	case check.Illegal:
		r.checker.Fail(r.now(), "S8", "the clients' history has no linearization at key %q: %s", o.Key, o.Detail)
	case check.Unknown:
		r.effects[porcupineUnknown]++
	}
}

// now is the virtual time in the checker's terms.
func (r *run) now() int64 { return int64(r.world.Now()) }
