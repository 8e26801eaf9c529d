package world_test

import (
	"fmt"

	"github.com/fauer4effect/paxos/sim/world"
)

const ms = world.Instant(1_000_000)

// ball is the only message, hit the only record: the highest number that a player has seen.
type (
	ball struct{ n int }
	hit  struct{ n int }
)

const ballKind = 1 // by which faults would name it

// player is one life of a server. It hits each ball back with the next number, once it has
// written down what it got.
type player struct {
	world   *world.World[ball, hit]
	node    world.Node
	last    int
	written uint64
	serveAt world.Instant // a ball may be lost: then server 1 hits again
}

// newPlayer begins a life with what the disk holds.
func newPlayer(w *world.World[ball, hit], n world.Node) *player {
	p := &player{world: w, node: n, serveAt: world.Never}
	for _, r := range w.Records(n) {
		p.last = r.n
		p.written++
	}
	if n == 1 {
		p.serveAt = w.Now()
	}
	fmt.Printf("%d ms: server %d starts at %d\n", w.Now()/ms, n, p.last)
	return p
}

func (p *player) Deadline() world.Instant { return p.serveAt }
func (p *player) Synced(uint64)           {} // nothing waits for it but messages, which the world holds back

func (p *player) Wake() { p.hit() }

func (p *player) Receive(from world.Node, m *ball) {
	fmt.Printf("%d ms: server %d takes %d\n", p.world.Now()/ms, p.node, m.n)
	if m.n <= p.last {
		return
	}
	p.last = m.n
	p.world.Write(&hit{m.n}, false)
	p.written++
	p.hit()
}

func (p *player) hit() {
	p.world.Send(world.Parcel{To: 3 - p.node, Kind: ballKind, After: p.written}, &ball{p.last + 1})
	if p.node == 1 {
		p.serveAt = p.world.Now() + 50*ms
	}
}

// referee observes: here only what does not arrive.
type referee struct{ now func() world.Instant }

func (r referee) Dropped(from, to world.Node, m *ball, why world.Cause) {
	fmt.Printf("%d ms: %d from server %d is lost: server %d is down\n", r.now()/ms, m.n, from, to)
}
func (referee) Delivering(_, _ world.Node, _ *ball)           {}
func (referee) Departed(world.Node, *ball)                    {}
func (referee) Arrived(_, _ world.Node, _ *ball, _ world.Way) {}
func (referee) Durable(world.Node, *hit)                      {}
func (referee) Survive(world.Node, []hit) int                 { return 0 }
func (referee) Crashed(world.Node, []hit)                     {}
func (referee) SyncFailed(world.Node)                         {}

// Two servers play ping-pong. One of them crashes with the ball in the air, and comes back.
func Example() {
	var w *world.World[ball, hit]
	w = world.New[ball, hit](world.Config{Seed: 1, Servers: 2}, referee{func() world.Instant { return w.Now() }})
	for n := world.Node(1); n <= 2; n++ {
		w.SetLink(n, 3-n, world.LinkLaw{Delay: world.Constant(10 * ms)})
		w.SetDisk(n, world.Constant(2*ms))
		w.Start(n, newPlayer(w, n))
	}
	w.At(30*ms, func() { w.Crash(2) })
	w.At(60*ms, func() { w.Start(2, newPlayer(w, 2)) })
	for w.StepBy(100 * ms) {
	}
	// Output:
	// 0 ms: server 1 starts at 0
	// 0 ms: server 2 starts at 0
	// 10 ms: server 2 takes 1
	// 22 ms: server 1 takes 2
	// 34 ms: 3 from server 1 is lost: server 2 is down
	// 60 ms: server 2 starts at 1
	// 82 ms: server 2 takes 3
	// 94 ms: server 1 takes 4
}
