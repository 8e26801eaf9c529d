package world

import (
	"fmt"
	"math"
)

// Instant is virtual time in nanoseconds since the world began.
type Instant int64

// Never is an Instant that does not come.
const Never Instant = math.MaxInt64

// Node names a process: servers 1…N, clients above. Zero is no node, or all servers.
type Node uint8

// MaxNodes bounds the nodes of a world, servers and clients together.
const MaxNodes = 96

// MaxKinds bounds the kinds of message.
const MaxKinds = 24

// Process is one life of one node. M is its messages, R its records; both are values that
// the world copies, and what they refer to must not change once handed over.
type Process[M, R any] interface {
	// Receive hands over a message. m is valid during the call only.
	Receive(from Node, m *M)
	// Wake says that Deadline has come.
	Wake()
	// Synced says that the first upTo records are durable.
	Synced(upTo uint64)
	// Deadline is when the process wants to be woken; it is asked after every call.
	Deadline() Instant
}

// Observer is told what the world does. Its methods may look, but not act. SyncFailed may act.
type Observer[M, R any] interface {
	// Delivering comes before Receive, if Config.Watch is set.
	Delivering(from, to Node, m *M)
	// Departed says that a message leaves its sender, once for all receivers.
	Departed(from Node, m *M)
	// Arrived comes before Receive for a message that took an unusual way.
	Arrived(from, to Node, m *M, way Way)
	// Dropped says that a message will not arrive, and why.
	Dropped(from, to Node, m *M, why Cause)
	// Durable says that a record of the node survives crashes from now on.
	Durable(node Node, r *R)
	// Survive says how many of the records that a crash may take survive it nevertheless.
	Survive(node Node, unsynced []R) int
	// Crashed names the records that the crash took.
	Crashed(node Node, lost []R)
	// SyncFailed says that the node's disk refused a sync. Its process is as it was. The driver
	// may act here, and should end the process.
	SyncFailed(node Node)
}

// Cause says why a message was dropped.
type Cause uint8

// The causes.
const (
	Lost     Cause = iota // by the link's law
	Cut                   // the link is cut
	Down                  // the receiver is down
	Named                 // a fault named this message
	Overflow              // the link's queue is full
	Omitted               // a rule loses what is of its kind
)

// Way says what happened to a message that arrives. Zero is nothing unusual.
type Way uint8

// The ways, which add up.
const (
	Repeated Way = 1 << iota // it is a duplicate
	LateWay                  // held back by the law of late messages
	Delayed                  // by a fault that named it
	Clogged                  // held back by a clog
	Slowed                   // from or to a slow node
	Shuffled                 // from or to a node that shuffles
)

// Config describes a world.
type Config struct {
	Seed    uint64
	Servers int
	Clients int
	Watch   bool // call Observer.Delivering
}

// World holds the nodes and what is on its way. One goroutine owns it.
type World[M, R any] struct {
	Counts Counts

	cfg      Config
	observer Observer[M, R]
	now      Instant
	hash     uint64
	tie      uint64
	queue    queue
	nodes    []node[M, R] // by Node; 0 unused
	current  Node         // whose process is being called
	slab     slab[M]
	draft    uint32 // its place in the slab; none: no message is being written
	links    []link // from*len(nodes)+to
	named    []*Trigger
	watched  [MaxKinds]bool
	rules    []*Rule
	// nodes that are slow or shuffle: most worlds have none, and skip the sum
	disturbed int
	actions   []func()
	after     []func() // to run once the current event is over
}

// Counts is what has happened so far.
type Counts struct {
	Events     uint64 // everything that a process was called for, and every action
	Messages   uint64 // delivered between servers
	Duplicates uint64 // delivered once more
	Reordered  uint64 // delivered after one that its link sent later
	Late       uint64 // delivered, held back by the law of late messages
	Stalled    uint64 // syncs that a stall held up
	Lied       uint64 // syncs that were answered and not done
}

type node[M, R any] struct {
	process Process[M, R]
	life    uint32 // rises with each crash
	paused  bool
	timerAt Instant
	later   Instant // of a timer that is queued too, and was overtaken by timerAt; Never: none
	disk    disk[M, R]
	slow    Instant
	shuffle Instant
	stash   []entry // what came while it was paused
}

// New returns a world without processes; Start gives each node its first life.
func New[M, R any](cfg Config, observer Observer[M, R]) *World[M, R] {
	if cfg.Servers+cfg.Clients >= MaxNodes {
		panic(fmt.Sprintf("world: %d servers and %d clients are more than %d nodes", cfg.Servers, cfg.Clients, MaxNodes-1))
	}
	w := &World[M, R]{
		cfg: cfg, observer: observer, hash: Draw(cfg.Seed), draft: none,
		nodes: make([]node[M, R], cfg.Servers+cfg.Clients+1),
	}
	w.links = make([]link, len(w.nodes)*len(w.nodes))
	for i := range w.nodes {
		w.nodes[i].timerAt, w.nodes[i].later = Never, Never
	}
	return w
}

// Now is the virtual time.
func (w *World[M, R]) Now() Instant { return w.now }

// Hash identifies all that happened so far.
func (w *World[M, R]) Hash() uint64 { return w.hash }

// Fold adds a word to the hash.
func (w *World[M, R]) Fold(x uint64) { w.hash = Mix(w.hash, x) }

// IsServer says whether the node is one of the servers.
func (w *World[M, R]) IsServer(n Node) bool { return n >= 1 && int(n) <= w.cfg.Servers }

// Up says whether the node is alive.
func (w *World[M, R]) Up(n Node) bool { return w.nodes[n].process != nil }

// Start begins a life of the node. What its disk holds is durable from now on.
func (w *World[M, R]) Start(n Node, p Process[M, R]) {
	w.nodes[n].process = p
	w.Settle(n)
	w.fold(uint64(n), w.nodes[n].disk.synced)
	w.arm(n)
}

// Crash ends the node's life: what its disk had not made durable is gone, and so are the
// messages that waited for it. What already left is still on its way.
func (w *World[M, R]) Crash(n Node) {
	nd := &w.nodes[n]
	if nd.process == nil {
		return
	}
	w.fold(uint64(n)|1<<16, uint64(nd.life))
	nd.process = nil
	nd.life++
	nd.timerAt, nd.later = Never, Never
	w.Resume(n) // nobody is left to pause; what came for it meets a server that is down
	for _, h := range nd.disk.held {
		w.slab.release(h.item)
	}
	w.observer.Crashed(n, nd.disk.crash(w.observer, n))
}

// Total is what has happened so far.
func (w *World[M, R]) Total() Counts { return w.Counts }

// Rearm asks the node for its deadline again, which something else than a call may have moved.
func (w *World[M, R]) Rearm(n Node) { w.arm(n) }

// After calls do once the current event is over.
func (w *World[M, R]) After(do func()) { w.after = append(w.after, do) }

// At schedules an action of the driver.
func (w *World[M, R]) At(at Instant, do func()) {
	w.actions = append(w.actions, do)
	w.schedule(entry{at: max(at, w.now), event: newEvent(action, 0, uint32(len(w.actions)-1))})
}

func (w *World[M, R]) schedule(e entry) {
	w.tie++
	e.tie = w.tie
	w.queue.push(e)
}

// Next is when the next event happens, Never where none is scheduled.
func (w *World[M, R]) Next() Instant {
	if w.queue.len() == 0 {
		return Never
	}
	e, _ := w.queue.first()
	return e.at
}

// Step makes the next event happen; false means that none is left.
func (w *World[M, R]) Step() bool { return w.StepBy(Never) }

// StepBy makes the next event happen, if it is due by t; false means that none is.
func (w *World[M, R]) StepBy(t Instant) bool {
	e, ok := w.queue.popBy(t)
	if !ok {
		return false
	}
	w.now = e.at
	if e.kind() != action && w.stashed(e) {
		return true
	}
	switch e.kind() {
	case deliver:
		w.deliver(e)
	case timer:
		w.fire(e)
	case synced:
		w.sync(e)
	case action:
		w.Counts.Events++
		w.fold(5<<16, uint64(e.item()))
		w.actions[e.item()]()
		w.actions[e.item()] = nil
	}
	for len(w.after) > 0 {
		do := w.after[0]
		w.after = append(w.after[:0], w.after[1:]...)
		do()
	}
	return true
}

// fold adds an event to the hash: when, what, and two words of its own.
func (w *World[M, R]) fold(what, word uint64) {
	w.hash = Mix(Mix(w.hash, uint64(w.now)^what<<40), word)
}

// arm makes sure that a timer is queued that fires no later than the node's deadline. A timer
// that an earlier one has overtaken serves again afterwards. So a client that is answered and
// asks again, with a far timeout each time, keeps a single far timer in the queue.
func (w *World[M, R]) arm(n Node) {
	nd := &w.nodes[n]
	if nd.process == nil {
		return
	}
	d := max(nd.process.Deadline(), w.now)
	switch {
	case d >= nd.timerAt:
		return
	case nd.timerAt != Never:
		nd.later = nd.timerAt
	case nd.later <= d:
		nd.timerAt, nd.later = nd.later, Never
		return
	}
	nd.timerAt = d
	w.schedule(entry{at: d, event: newEvent(timer, n, 0)})
}

// fire wakes a process. A node has one timer that counts, the one of timerAt. It is armed again
// only for an earlier deadline, so a timer that fires too early is queued again.
func (w *World[M, R]) fire(e entry) {
	nd := &w.nodes[e.node()]
	if e.at == nd.later {
		nd.later = Never
	}
	if nd.process == nil || e.at != nd.timerAt {
		return
	}
	nd.timerAt = Never
	if nd.process.Deadline() <= w.now {
		w.Counts.Events++
		w.fold(uint64(e.node())|2<<16, 0)
		w.current = e.node()
		nd.process.Wake()
	}
	w.arm(e.node())
}

// As runs f on behalf of node n, which has no process yet: whatever f sends or writes is n's.
func (w *World[M, R]) As(n Node, f func()) {
	before := w.current
	w.current = n
	f()
	w.current = before
}

// Current is the node whose process is being called, or was called last.
func (w *World[M, R]) Current() Node { return w.current }

// Do calls f as the node's process would be called, for inputs that do not come from the world.
// Whatever f sends or writes is the node's.
func (w *World[M, R]) Do(n Node, f func()) {
	if w.nodes[n].process == nil {
		return
	}
	w.fold(uint64(n)|3<<16, 0)
	w.current = n
	f()
	w.arm(n)
}
