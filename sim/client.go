package sim

import (
	"fmt"
	"math"
	"slices"

	"github.com/anishathalye/porcupine"
	"github.com/fauer4effect/paxos/protocol/kv"
	"github.com/fauer4effect/paxos/sim/check"
	"github.com/fauer4effect/paxos/sim/world"
)

// client is a closed-loop session: one operation at a time, repeated at other servers until
// it is answered or the client gives up, and then the next.
type client struct {
	run  *run
	id   uint32
	node world.Node
	host *host // nil: a machine of its own

	timestamp uint64
	waiting   bool
	op        kv.Op  // of the key-value store
	input     []byte // the operation as its machine gets it
	key       keyUse
	failing   bool          // no operation was answered since …
	since     world.Instant // … this one was sent, but for the client's own pauses
	call      world.Instant
	tries     int
	target    int
	wakeAt    world.Instant
	read      bool // it asks without a log append (X20)
	directed  bool // by a Stage: it does only what it is told
	roams     bool // a directed client that asks the next server on a timeout
	last      Answer
	stems     [ownDraws]world.Stem
}

// Purposes of draws: a client's own, for each operation, and others.
const (
	drawPause = iota + 1000
	drawGap
	drawKey
	drawOp
	drawTarget
	drawRead
	drawSurvive

	ownDraws = drawSurvive - drawPause
	// FirstOwnDraw is the first purpose that is a protocol's own.
	FirstOwnDraw = 2000
)

func newClient(r *run, id int) *client {
	c := &client{run: r, id: uint32(id), node: r.nodeOf(id)}
	for i := range c.stems {
		c.stems[i] = world.StemOf(r.plan.Seed, drawPause+uint64(i), uint64(c.id))
	}
	c.directed = id > r.plan.Workload.Clients
	if c.wakeAt = c.pause(); c.directed {
		c.wakeAt = world.Never
	}
	r.seat(c)
	return c
}

func (c *client) draw(purpose uint64) uint64 {
	return c.stems[purpose-drawPause].Draw(c.timestamp)
}

func (c *client) pause() world.Instant {
	law := &c.run.plan.Workload.Pause
	if c.run.calm {
		law = &c.run.plan.Tail.Pause
	}
	return law.Sample(c.draw(drawPause))
}

func (c *client) Deadline() world.Instant { return c.wakeAt }

// wakeBy sets when the client wants to be woken.
func (c *client) wakeBy(at world.Instant) {
	if c.wakeAt = at; c.host != nil {
		c.host.due = min(c.host.due, at)
	}
}

func (c *client) Synced(uint64) {}

// live says whether the client goes on: in the calm some have given up for good.
func (c *client) live() bool {
	alive := c.run.plan.Tail.Clients
	return !c.run.calm || len(alive) == 0 || slices.Contains(alive, int(c.id))
}

// Wake is a timeout, or the end of a pause.
func (c *client) Wake() {
	r := c.run
	c.wakeAt = world.Never
	switch {
	case !c.live():
	case !c.waiting:
		c.next()
	default:
		r.effects[Timeouts]++
		if r.calm {
			r.system.waits(c, r.now())
		}
		if limit := r.plan.Workload.Tries; limit > 0 && c.tries >= limit && !r.calm && !c.directed {
			c.abandon()
			return
		}
		c.retarget()
		c.send()
	}
}

// next begins an operation, unless the run is about to end.
func (c *client) next() {
	r, w := c.run, &c.run.plan.Workload
	if r.world.Now() > r.plan.total()-r.plan.Tail.Answer || w.Limit > 0 && int(r.keys.begun) >= w.Limit {
		return
	}
	c.timestamp++
	if w.Gaps > 0 && world.Chance(c.draw(drawGap), w.Gaps) {
		c.timestamp++ // X26: gaps are legal
	}
	c.key = r.keys.take(c.draw(drawKey), int(c.id))
	c.target = 1 + int(world.Below(c.draw(drawTarget), uint64(r.plan.Servers)))
	if w.Home {
		c.target = c.home()
	}
	if r.model != nil {
		c.input = r.model.Operation(c.draw(drawOp), c.key.name, c.unique())
		c.ask()
		return
	}
	mix := &w.Mix
	if w.Home && slices.Contains(w.Readers, c.home()) {
		mix = &Mix{Get: 1}
	}
	c.key.operation(&c.op, mix, c.draw(drawOp), c)
	c.read = c.op.Kind == kv.Get && w.Reads > 0 && world.Chance(c.draw(drawRead), w.Reads)
	c.begin()
}

// home is the server that the client asks first, where it has one of its own.
func (c *client) home() int {
	p := c.run.plan
	if homes := p.Workload.Homes; len(homes) > 0 {
		return homes[(int(c.id)-1)%len(homes)]
	}
	return 1 + (int(c.id)-1)%p.Servers
}

// begin sends op for the first time.
func (c *client) begin() {
	c.input = c.run.texts.encode(&c.op)
	c.ask()
}

func (c *client) ask() {
	r := c.run
	c.call, c.tries, c.waiting = r.world.Now(), 0, true
	r.system.began(c)
	c.send()
}

// retarget picks the server to ask again: the next, or, of a sticky client, the same. In the
// calm a sticky client has found one of the core.
func (c *client) retarget() {
	p := c.run.plan
	switch {
	case c.directed && !c.roams:
	case c.directed || !p.Workload.Sticky:
		c.target = c.target%p.Servers + 1
	case c.run.calm:
		for !p.InCore(c.target) {
			c.target = c.target%p.Servers + 1
		}
	}
}

// unique is a number that no other operation of the run writes.
func (c *client) unique() string { return c.uniqueAnd("") }

func (c *client) uniqueAnd(end string) string {
	return c.run.texts.number(int(c.timestamp)*max(MaxClients, len(c.run.clients))+int(c.id), end)
}

func (c *client) send() {
	c.tries++
	c.wakeBy(c.run.world.Now() + c.run.plan.Workload.Timeout)
	c.run.system.ask(c)
}

// reads says whether the operation is asked for without the log, this time.
func (c *client) reads() bool { return c.read && (c.directed || c.tries <= ReadTries) }

// reply takes a server's answer. One to an operation that is over is a repetition.
func (c *client) reply(from world.Node, timestamp uint64, output []byte) {
	r := c.run
	if !c.waiting || timestamp != c.timestamp || !c.live() {
		return
	}
	c.waiting, c.failing = false, false
	r.updates++
	if r.updates == uint64(r.plan.Workload.Limit) && r.calm {
		r.end = min(r.end, r.world.Now()+r.plan.Tail.Answer) // nothing else will be asked
	}
	place := r.system.ended(c, output)
	if r.model != nil {
		c.key.raw = append(c.key.raw, c.raw(output, true))
		c.key.ring.left(c.key.key)
		c.goOn()
		return
	}
	result, err := kv.DecodeResult(output)
	if err != nil {
		r.fail("S8", "client %d's operation %d is answered by server %d with %q: %v", c.id, c.timestamp, from, output, err)
		return
	}
	o := c.key.note()
	o.Client, o.Op, o.Result = c.id, c.op, result
	o.Call, o.Return, o.Answered = int64(c.call), r.now(), true
	o.Timestamp, o.Place = c.timestamp, place
	c.key.answered(o)
	if r.trace != nil {
		r.tell(from, "reply", fmt.Sprintf("client %d's operation %d: %v → %v", c.id, c.timestamp, c.op, result))
	}
	c.goOn()
	if c.directed {
		c.answered(from, result)
	}
}

// goOn follows an answer: by a pause, or, where that is none, by the next operation at once,
// which spares the queue a timer.
func (c *client) goOn() {
	if at := c.rested(); at > c.run.world.Now() || c.directed {
		c.wakeBy(at)
		return
	}
	c.wakeAt = world.Never
	c.next()
}

// abandon gives an operation up; it counts as possibly done.
func (c *client) abandon() {
	c.run.effects[Abandoned]++
	c.leaveOpen()
	c.wakeBy(c.rested())
}

// refuse ends the operation by a server's word that there will be no answer. Whether it took effect is
// unknown. A client that has heard that again and again still waits since the first time (L1).
func (c *client) refuse(from world.Node) {
	if !c.failing {
		c.failing, c.since = true, c.call
	}
	c.leaveOpen()
	if c.wakeBy(c.rested()); c.directed {
		c.refused(from)
	}
}

// waitsSince is when the wait began for which L1 asks.
func (c *client) waitsSince() world.Instant {
	if c.failing {
		return c.since
	}
	return c.call
}

// rested is when the pause after an operation ends. Where that got no answer nobody is to blame for a
// long one of the faulty phase (L1); the calm's are short.
func (c *client) rested() world.Instant {
	pause := c.pause()
	if !c.run.calm {
		c.since += pause
	}
	return c.run.world.Now() + pause
}

// becalm begins the calm for a client that rests. It does so no longer than clients do in the calm, or
// an idle cluster would settle long after the bound that views have (L2). And if it is without an answer
// since long, it waits for nothing before it asks again: what it has waited for till then says nothing of
// the calm (L1).
func (c *client) becalm() {
	if c.waiting || c.wakeAt == world.Never {
		return
	}
	now := c.run.world.Now()
	if c.wakeAt-now > c.run.plan.Tail.Pause.Longest() {
		c.wakeBy(now + c.pause())
		c.run.world.Rearm(c.node)
	}
	if c.failing {
		c.since = max(c.since, c.wakeAt)
	}
}

// leaveOpen puts an unanswered operation into the history.
func (c *client) leaveOpen() {
	if c.waiting {
		c.waiting = false
		if c.run.model != nil {
			c.key.raw = append(c.key.raw, c.raw(nil, false))
		}
		c.key.abandoned(c.open())
	}
}

// open is the operation that the client waits for, as its history has it so far.
func (c *client) open() check.Operation {
	return check.Operation{Client: c.id, Op: c.op, Call: int64(c.call), Timestamp: c.timestamp}
}

// raw is an operation of a model of somebody's own.
func (c *client) raw(result []byte, answered bool) porcupine.Operation {
	o := porcupine.Operation{ClientId: int(c.id), Input: c.input, Call: int64(c.call), Return: math.MaxInt64}
	if answered {
		o.Output, o.Return = result, c.run.now()
	}
	return o
}
