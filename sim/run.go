package sim

import (
	"fmt"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"

	"github.com/fauer4effect/paxos/sim/check"
	"github.com/fauer4effect/paxos/sim/trace"
	"github.com/fauer4effect/paxos/sim/world"
)

// run is one execution of a plan: what is the same for every protocol under test. It makes
// the plan's faults happen, and drives its clients.
type run struct {
	plan      *Plan
	system    system
	world     control
	clients   []*client // by id; 0 unused
	hosts     []*host
	keys      *keyring
	effects   Effects
	trace     *trace.Writer // nil: none
	listener  Listener      // nil: none
	story     *Story        // nil: none
	model     *Model        // of the clients; nil: the key-value store
	calm      bool
	end       world.Instant
	over      bool           // at the first violation
	nodes     []nodeState    // by server; 0 unused
	heals     int            // times that all links were healed
	cutBy     [16][16]Effect // the kind of fault that cut the direction last, and …
	cloggedBy [16][16]Effect // … that clogged it
	named     []*named       // faults that wait for an event
	omissions []*world.Rule  // in force, or over, since the last heal
	updates   uint64         // answered
	texts     texts
	judged    check.Judge
	history   []check.Operation // kept where somebody wants it
	keep      bool
	refusals  *regexp.Regexp // functions that panic because of their caller; nil: none
}

// nodeState is what the run knows of a server, over all its lives.
type nodeState struct {
	lives   uint32        // begun
	wiped   uint32        // disks that it lost
	down    world.Instant // not to be restarted before
	resume  world.Instant // of a paused one
	dead    bool          // it refused its disk, and stays down
	slow    world.Instant // sum of what slows it
	shuffle world.Instant
	full    world.Instant // until then its disk takes no more
	restart world.Instant // how long it stays down after a failed sync
	damage  Kind          // what its disk suffered in the last crash: Rot, Misread
	damages uint32
	torn    uint64 // a draw, where the crash tore the next record
	clock   clock
}

// system is the protocol under test, as the run drives it.
type system interface {
	// control is the world that the system lives in.
	control() control
	// startServer begins a life of a server. An error means that it refuses what its disk holds.
	startServer(n world.Node) error
	// kind is the number of a kind of message, by its name; 0 for none.
	kind(name string) uint8
	// startClient gives a client its place in the world.
	startClient(c *client)
	// ask sends a client's operation to its target.
	ask(c *client)
	// began says that a client's operation is asked for the first time, ended that it has got
	// its answer, and where in the log it stands, if there is one; waits says that a client which
	// goes on is still without one.
	began(c *client)
	ended(c *client, output []byte) check.Place
	waits(c *client, now int64)
	// elect starts an election at a server, if the protocol has such a thing.
	elect(n world.Node)
	// handOver has a leader give way to another server, if the protocol has such a thing.
	handOver(leader world.Node, to int)
	// leader is the server that leads, 0 for none or more.
	leader() world.Node
	// wiped says that a server's disk was emptied; ready, whether a server takes part.
	wiped(n world.Node)
	ready(n world.Node) bool
	// finish asks for what can only be asked at the end.
	finish()
	// judge gives an opinion on one key's history.
	judge(k *key)
	// failAt reports a violation; the first stands.
	failAt(at int64, property, format string, args ...any)
	violation() *check.Violation
	// report adds the system's own figures, and folds its states into the world's hash.
	report(*Report)
}

// control is what the run needs of a world, whatever travels in it.
type control interface {
	Now() world.Instant
	Hash() uint64
	Fold(uint64)
	Total() world.Counts
	At(world.Instant, func())
	After(func())
	Do(world.Node, func())
	Play(t *world.Instant, stop *bool)
	IsServer(world.Node) bool
	Up(world.Node) bool
	Crash(world.Node)
	Wipe(world.Node)
	Pause(world.Node)
	Paused(world.Node) bool
	Resume(world.Node)
	SetLink(from, to world.Node, law world.LinkLaw)
	Cut(from, to world.Node)
	Heal(from, to world.Node)
	HealAll()
	Clog(from, to world.Node)
	Unclog(from, to world.Node)
	Slow(world.Node, world.Instant)
	Shuffle(world.Node, world.Instant)
	AddRule(*world.Rule)
	RemoveRule(*world.Rule)
	OnMessage(*world.Trigger)
	Disarm()
	SetDisk(world.Node, world.Law)
	SetLies(world.Node, uint32)
	Stall(world.Node, world.Instant)
	Fill(world.Node, world.Instant)
	FailSync(world.Node)
	CalmDisk(world.Node)
	Rearm(world.Node)
	// What follows is for a Stage.
	AdvanceTo(t world.Instant, stop func() bool) bool
	IsCut(from, to world.Node) bool
	Held(*world.Rule, world.Rule) int
	Release(*world.Rule, world.Rule, int) int
	Durable(world.Node) uint64
	Unsynced(world.Node) int
	Kept(world.Node) uint64
}

// searchSteps bounds porcupine's search on one key. It is counted, not timed, so that a run
// is the same everywhere.
const searchSteps = 200_000

// Option changes how Run watches a plan, never what happens.
type Option func(*run)

// WithTrace writes every event of the run to w.
func WithTrace(w *trace.Writer) Option { return func(r *run) { r.trace = w } }

// WithHistory keeps the clients' history for Report.History.
func WithHistory() Option { return func(r *run) { r.keep = true } }

// newRun prepares a run of the plan, with so many clients more that a Stage directs. The
// system that it is to drive is put in afterwards: see open.
func newRun(p *Plan, directed int, options []Option) *run {
	r := &run{
		plan: p, clients: make([]*client, p.Workload.Clients+directed+1), nodes: make([]nodeState, p.Servers+1),
	}
	for _, o := range options {
		o(r)
	}
	return r
}

// worldConfig describes the world that the run takes place in.
func (r *run) worldConfig() world.Config {
	return world.Config{Seed: r.plan.Seed, Servers: r.plan.Servers, Clients: r.machines(), Watch: r.trace != nil}
}

// open puts the system in, and sets its world up as planned.
func (r *run) open(s system) {
	p := r.plan
	r.system, r.world = s, s.control()
	r.keys = newKeyring(p.Workload.Keys, s.judge)
	r.keys.endless = p.Endless
	r.setLaws(p.Network.All, false)
	for id := 1; id <= p.Servers; id++ {
		r.world.SetDisk(world.Node(id), p.Disk.Sync)
		r.world.SetLies(world.Node(id), p.Disk.Lies)
	}
	for _, d := range p.Disk.Servers {
		r.world.SetDisk(world.Node(d.Server), d.Sync)
	}
	for _, c := range p.Clocks {
		r.nodes[c.Server].clock = clock{shown: c.Skew, drift: c.Drift}
	}
	r.schedule()
}

// calm is what the checker must know of the plan's tail.
func (p *Plan) calm() check.Calm {
	c := check.Calm{From: int64(p.Faulty), Settle: int64(p.Tail.Settle), Answer: int64(p.Tail.Answer)}
	for id := 1; id <= p.Servers; id++ {
		if p.InCore(id) {
			c.Core |= 1 << id
		}
	}
	return c
}

// setLaws gives all links a law; the plan's laws of single links follow, but in the calm.
func (r *run) setLaws(law world.LinkLaw, calm bool) {
	n := world.Node(r.plan.Servers + r.machines())
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

// ownLaw says whether the plan gives a link a law of its own.
func (r *run) ownLaw(from, to world.Node) bool {
	for i := range r.plan.Network.Links {
		if l := &r.plan.Network.Links[i]; l.From == int(from) && l.To == int(to) {
			return true
		}
	}
	return false
}

// begin gives every node its first life.
func (r *run) begin() {
	for id := 1; id <= r.plan.Servers; id++ {
		r.start(world.Node(id))
	}
	for id := 1; id < len(r.clients); id++ {
		r.clients[id] = newClient(r, id)
		r.system.startClient(r.clients[id])
	}
	r.end = r.plan.total()
}

// start begins a life of a server, unless it refuses its disk: then it stays down for good.
func (r *run) start(n world.Node) {
	nd := &r.nodes[n]
	if nd.dead {
		return
	}
	if err := r.system.startServer(n); err != nil {
		if nd.damage == "" {
			panic(fmt.Sprintf("server %d does not start: %v", n, err)) // no disk law of ours explains it
		}
		nd.dead = true
		r.effects[nd.damage.Effect()]++
		r.say("server %d refuses to start: %v", n, err)
		r.tell(n, "refuses to start", err.Error())
		return
	}
	nd.lives++
	r.occurred(OnStart, n)
}

// play makes the run happen, up to its end or the first violation.
func (r *run) play() {
	defer r.caught()
	r.begin()
	r.world.Play(&r.end, &r.over)
	r.finish()
}

// caught turns a panic of the machine into a finding.
func (r *run) caught() {
	p := recover()
	if p == nil {
		return
	}
	where := ""
	if _, ok := p.(lawBroken); !ok {
		where = " at " + panicSite(r.refusals)
	}
	r.fail("invariant", "%v%s", p, where)
}

// lawBroken is what a machine panics with that says which of its own laws does not hold.
type lawBroken interface{ BrokenLaw() string }

// panicSite is the function that panicked, with file and line, so that the finding says where it
// broke: the first that is not of Go's own library.
func panicSite(refusals *regexp.Regexp) string {
	pcs := make([]uintptr, 64)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs)])
	library, panicked := "", false
	for more := true; more; {
		var f runtime.Frame
		f, more = frames.Next()
		if f.Function == "runtime.gopanic" {
			library, panicked = strings.TrimSuffix(f.File, "runtime/panic.go"), true
		}
		if panicked && !ofLibrary(&f, library) && (refusals == nil || !refusals.MatchString(f.Function)) {
			return fmt.Sprintf("%s (%s:%d)", strings.TrimPrefix(f.Function, "github.com/fauer4effect/paxos/"), filepath.Base(f.File), f.Line)
		}
	}
	return "an unknown place"
}

// ofLibrary says whether a frame is of Go's library, which lies in a folder of its own; or whose
// packages are named like none of a module's, where a build keeps no folders (-trimpath).
func ofLibrary(f *runtime.Frame, folder string) bool {
	if folder != "" {
		return strings.HasPrefix(f.File, folder)
	}
	first, _, path := strings.Cut(f.Function, "/")
	return !strings.HasPrefix(f.Function, "main.") && (!path || !strings.Contains(first, "."))
}

// finish asks for what can only be asked at the end: convergence, answers, and porcupine's
// opinion.
func (r *run) finish() {
	if r.system.violation() != nil {
		return
	}
	r.system.finish()
	for _, c := range r.clients[1:] {
		if c.live() && c.waiting {
			r.system.waits(c, int64(r.plan.total()))
		}
		c.leaveOpen()
	}
	r.keys.judgeRest()
}

// fail reports a violation that happens now.
func (r *run) fail(property, format string, args ...any) {
	r.system.failAt(int64(r.world.Now()), property, format, args...)
}

// acts begins an act of the story that no message causes.
func (r *run) acts(n world.Node) {
	if r.story != nil {
		r.story.begin(r.world.Now(), n, 0)
	}
}

// acting is the node's act under way, where a story is told.
func (r *run) acting(n world.Node) int32 {
	if r.story == nil {
		return 0
	}
	return r.story.last[n]
}

// judge asks porcupine about a history of the key-value store.
func (r *run) judge(history []check.Operation) {
	if r.keep {
		r.history = append(r.history, history...)
	}
	switch o := r.judged.Within(history, searchSteps); o.Verdict {
	case check.Illegal:
		r.system.failAt(o.At, "S8", check.NoLinearization+": %s", o.Detail)
	case check.Unknown:
		r.effects[Undecided]++
	}
}

// now is the virtual time in the checker's terms.
func (r *run) now() int64 { return int64(r.world.Now()) }

// local is the time by a server's own clock.
func (r *run) local(n world.Node) world.Instant { return r.nodes[n].clock.now(r.world.Now()) }

// tell adds an event to the trace, if there is one.
func (r *run) tell(n world.Node, what, detail string) {
	if r.trace != nil {
		r.trace.Event(r.now(), int(n), what, detail)
	}
}
