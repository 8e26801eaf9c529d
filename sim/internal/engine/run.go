package engine

import (
	"cmp"
	"fmt"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"

	"github.com/fauer4effect/paxos/sim/finding"
	"github.com/fauer4effect/paxos/sim/history"
	"github.com/fauer4effect/paxos/sim/plan"
	"github.com/fauer4effect/paxos/sim/trace"
	"github.com/fauer4effect/paxos/sim/world"
)

// Run is one execution of a plan: what is the same for every protocol under test. It makes
// the plan's faults happen, and drives its clients.
type Run struct {
	Plan      *plan.Plan
	System    System
	World     Control
	Clients   []*Client // by id; 0 unused
	hosts     []*Host
	keys      *keyring
	Effects   plan.Effects
	Trace     *trace.Writer // nil: none
	listener  Listener      // nil: none
	Story     *Story        // nil: none
	Model     *Model        // of the clients; nil: the key-value store
	Calm      bool
	end       world.Instant
	Over      bool                // at the first violation
	Nodes     []nodeState         // by server; 0 unused
	heals     int                 // times that all links were healed
	cutBy     [16][16]plan.Effect // the kind of fault that cut the direction last, and …
	cloggedBy [16][16]plan.Effect // … that clogged it
	Named     []*named            // faults that wait for an event
	omissions []*world.Rule       // in force, or over, since the last heal
	Updates   uint64              // answered
	texts     texts
	judged    history.Judge
	history   []history.Operation // kept where somebody wants it
	Keep      bool
	Refusals  *regexp.Regexp // functions that panic because of their caller; nil: none
}

// nodeState is what the run knows of a server, over all its lives.
type nodeState struct {
	Lives   uint32        // begun
	Wiped   uint32        // disks that it lost
	down    world.Instant // not to be restarted before
	resume  world.Instant // of a paused one
	dead    bool          // it refused its disk, and stays down
	slow    world.Instant // sum of what slows it
	shuffle world.Instant
	full    world.Instant // until then its disk takes no more
	restart world.Instant // how long it stays down after a failed sync
	Damage  plan.Kind     // what its disk suffered in the last crash: Rot, Misread
	Damages uint32
	Torn    uint64 // a draw, where the crash tore the next record
	Clock   Clock
}

// System is the protocol under test, as the run drives it.
type System interface {
	// Control is the world that the system lives in.
	Control() Control
	// StartServer begins a life of a server. An error means that it refuses what its disk holds.
	StartServer(n world.Node) error
	// Kind is the number of a kind of message, by its name; 0 for none.
	Kind(name string) uint8
	// StartClient gives a client its place in the world.
	StartClient(c *Client)
	// Ask sends a client's operation to its target.
	Ask(c *Client)
	// Began says that a client asks for an operation for the first time. Ended says that the
	// client has its answer, and where in the log it stands, if there is a log. Waits says that
	// a client which goes on has no answer yet.
	Began(c *Client)
	Ended(c *Client, output []byte) history.Place
	Waits(c *Client, now int64)
	// Elect starts an election at a server, if the protocol has such a thing.
	Elect(n world.Node)
	// HandOver has a leader give way to another server, if the protocol has such a thing.
	HandOver(leader world.Node, to int)
	// Leader is the server that leads, 0 for none or more.
	Leader() world.Node
	// Leads says whether a server that is up believes that it leads, whatever the others do.
	Leads(world.Node) bool
	// Wiped says that a server's disk was emptied; ready, whether a server takes part.
	Wiped(n world.Node)
	Ready(n world.Node) bool
	// Finish asks for what can only be asked at the end.
	Finish()
	// Judge gives an opinion on one key's history.
	Judge(k *Key)
	// FailAt reports a violation; the first one counts.
	FailAt(at int64, property, format string, args ...any)
	Violation() *finding.Violation
	// Report adds the system's own figures, and folds its states into the world's hash.
	Report(*Report)
}

// Control is what the run needs of a world, whatever travels in it.
type Control interface {
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

// SearchSteps bounds porcupine's search on one key. It is counted, not timed, so that a run
// is the same everywhere.
const SearchSteps = 200_000

// Option changes how Run watches a plan, never what happens.
type Option func(*Run)

// WithTrace writes every event of the run to w.
func WithTrace(w *trace.Writer) Option { return func(r *Run) { r.Trace = w } }

// WithHistory keeps the clients' history for Report.History.
func WithHistory() Option { return func(r *Run) { r.Keep = true } }

// NewRun prepares a run of the plan, with further clients that a Stage directs. The
// system that it is to drive is put in afterwards: see Open.
func NewRun(p *plan.Plan, directed int, options []Option) *Run {
	r := &Run{
		Plan: p, Clients: make([]*Client, p.Workload.Clients+directed+1), Nodes: make([]nodeState, p.Servers+1),
	}
	for _, o := range options {
		o(r)
	}
	return r
}

// WorldConfig describes the world that the run takes place in.
func (r *Run) WorldConfig() world.Config {
	return world.Config{Seed: r.Plan.Seed, Servers: r.Plan.Servers, Clients: r.machines(), Watch: r.Trace != nil}
}

// Open puts the system in, and sets its world up as planned.
func (r *Run) Open(s System) {
	p := r.Plan
	r.System, r.World = s, s.Control()
	r.keys = newKeyring(p.Workload.Keys, s.Judge)
	r.keys.endless = p.Endless
	r.setLaws(p.Network.All, false)
	for id := 1; id <= p.Servers; id++ {
		r.World.SetDisk(world.Node(id), p.Disk.Sync)
		r.World.SetLies(world.Node(id), p.Disk.Lies)
	}
	for _, d := range p.Disk.Servers {
		r.World.SetDisk(world.Node(d.Server), d.Sync)
	}
	for _, c := range p.Clocks {
		r.Nodes[c.Server].Clock = Clock{Shown: c.Skew, Drift: c.Drift}
	}
	r.schedule()
}

// setLaws gives all links a law; the plan's laws of single links follow, but in the calm.
func (r *Run) setLaws(law world.LinkLaw, calm bool) {
	n := world.Node(r.Plan.Servers + r.machines())
	for from := world.Node(1); from <= n; from++ {
		for to := world.Node(1); to <= n; to++ {
			r.World.SetLink(from, to, law)
		}
	}
	if !calm {
		for _, l := range r.Plan.Network.Links {
			r.World.SetLink(world.Node(l.From), world.Node(l.To), l.Law)
		}
	}
}

// OwnLaw says whether the plan gives a link a law of its own.
func (r *Run) OwnLaw(from, to world.Node) bool {
	for i := range r.Plan.Network.Links {
		if l := &r.Plan.Network.Links[i]; l.From == int(from) && l.To == int(to) {
			return true
		}
	}
	return false
}

// Begin gives every node its first life.
func (r *Run) Begin() {
	for id := 1; id <= r.Plan.Servers; id++ {
		r.start(world.Node(id))
	}
	for id := 1; id < len(r.Clients); id++ {
		r.Clients[id] = newClient(r, id)
		r.System.StartClient(r.Clients[id])
	}
	r.end = r.Plan.Length()
}

// start begins a life of a server, unless it refuses its disk: then it stays down for good.
func (r *Run) start(n world.Node) {
	nd := &r.Nodes[n]
	if nd.dead {
		return
	}
	if err := r.System.StartServer(n); err != nil {
		if nd.Damage == "" {
			panic(fmt.Sprintf("server %d does not start: %v", n, err)) // no disk law of ours explains it
		}
		nd.dead = true
		r.Effects[nd.Damage.Effect()]++
		r.Say("server %d refuses to start: %v", n, err)
		r.Tell(n, "refuses to start", err.Error())
		return
	}
	nd.Lives++
	r.occurred(plan.OnStart, n)
}

// Play makes the run happen, up to its end or the first violation.
func (r *Run) Play() {
	defer r.caught()
	r.Begin()
	r.World.Play(&r.end, &r.Over)
	r.finish()
}

// caught turns a panic of the machine into a finding.
func (r *Run) caught() {
	p := recover()
	if p == nil {
		return
	}
	detail, stack := Panicked(p, r.Refusals)
	first := r.System.Violation() == nil
	r.Fail("invariant", "%s", detail)
	if v := r.System.Violation(); first && v != nil {
		v.Stack = stack
	}
}

// Panicked describes a panic from within the deferred function that recovered it: what it says and where it
// came from, and who called whom.
func Panicked(p any, refusals *regexp.Regexp) (detail string, stack []string) {
	where, stack := panicSite(refusals)
	if _, ok := p.(lawBroken); ok {
		return fmt.Sprint(p), stack
	}
	return fmt.Sprintf("%v at %s", p, where), stack
}

// stackDepth is how many callers of a panic are told.
const stackDepth = 24

// lawBroken is what a machine panics with that says which of its own laws does not hold.
type lawBroken interface{ BrokenLaw() string }

// panicSite is the function that panicked, with file and line: the first that is not of Go's own
// library. So the finding says where it broke.
func panicSite(refusals *regexp.Regexp) (site string, stack []string) {
	pcs := make([]uintptr, 64)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs)])
	library, panicked := "", false
	for more := true; more; {
		var f runtime.Frame
		f, more = frames.Next()
		if f.Function == "runtime.gopanic" {
			library, panicked = strings.TrimSuffix(f.File, "runtime/panic.go"), true
		}
		if !panicked || ofLibrary(&f, library) {
			continue
		}
		frame := fmt.Sprintf("%s (%s:%d)", strings.TrimPrefix(f.Function, "github.com/fauer4effect/paxos/"), filepath.Base(f.File), f.Line)
		if site == "" && (refusals == nil || !refusals.MatchString(f.Function)) {
			site = frame
		}
		if len(stack) < stackDepth {
			stack = append(stack, frame)
		}
	}
	return cmp.Or(site, "an unknown place"), stack
}

// ofLibrary says whether a frame is of Go's library, which lies in a folder of its own. A build
// that keeps no folders (-trimpath) shows it by the package's name, which no module's can be.
func ofLibrary(f *runtime.Frame, folder string) bool {
	if folder != "" {
		return strings.HasPrefix(f.File, folder)
	}
	first, _, path := strings.Cut(f.Function, "/")
	return !strings.HasPrefix(f.Function, "main.") && (!path || !strings.Contains(first, "."))
}

// finish asks for what can only be asked at the end: convergence, answers, and porcupine's
// opinion.
func (r *Run) finish() {
	if r.System.Violation() != nil {
		return
	}
	r.System.Finish()
	for _, c := range r.Clients[1:] {
		if c.Live() && c.Waiting {
			r.System.Waits(c, int64(r.Plan.Length()))
		}
		c.leaveOpen()
	}
	r.keys.judgeRest()
}

// Fail reports a violation that happens now.
func (r *Run) Fail(property, format string, args ...any) {
	r.System.FailAt(int64(r.World.Now()), property, format, args...)
}

// Acts begins an act of the story that no message causes.
func (r *Run) Acts(n world.Node) {
	if r.Story != nil {
		r.Story.Begin(r.World.Now(), n, 0)
	}
}

// Acting is the node's act under way, where a story is told.
func (r *Run) Acting(n world.Node) int32 {
	if r.Story == nil {
		return 0
	}
	return r.Story.last[n]
}

// Judge asks porcupine about a history of the key-value store.
func (r *Run) Judge(operations []history.Operation) {
	if r.Keep {
		r.history = append(r.history, operations...)
	}
	switch o := r.judged.Within(operations, SearchSteps); o.Verdict {
	case history.Illegal:
		r.System.FailAt(o.At, "S8", finding.NoLinearization+": %s", o.Detail)
	case history.Unknown:
		r.Effects[Undecided]++
	}
}

// now is the virtual time in the checker's terms.
func (r *Run) now() int64 { return int64(r.World.Now()) }

// Local is the time by a server's own clock.
func (r *Run) Local(n world.Node) world.Instant { return r.Nodes[n].Clock.Now(r.World.Now()) }

// Tell adds an event to the trace, if there is one.
func (r *Run) Tell(n world.Node, what, detail string) {
	if r.Trace != nil {
		r.Trace.Event(r.now(), int(n), what, detail)
	}
}
