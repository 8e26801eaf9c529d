package engine

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/anishathalye/porcupine"
	"github.com/fauer4effect/paxos/protocol/kv"
	"github.com/fauer4effect/paxos/sim/history"
	"github.com/fauer4effect/paxos/sim/plan"
	"github.com/fauer4effect/paxos/sim/world"
)

// Client is a closed-loop session: one operation at a time. It repeats an operation at other
// servers until it is answered or the client gives up; then it goes on to the next.
type Client struct {
	Run  *Run
	ID   uint32
	Node world.Node
	Host *Host // nil: a machine of its own

	Timestamp uint64
	Waiting   bool
	Op        kv.Op  // of the key-value store
	Input     []byte // the operation as its machine gets it
	Key       keyUse
	failing   bool          // the last operation got no answer
	since     world.Instant // no operation was answered from here on; the client's own pauses are left out
	Call      world.Instant
	Tries     int
	Target    int
	WakeAt    world.Instant
	read      bool // it asks without a log append (X20)
	Directed  bool // by a Stage: it does only what it is told
	roams     bool // a directed client that asks the next server on a timeout
	last      Answer
	dice      dice
}

func newClient(r *Run, id int) *Client {
	c := &Client{Run: r, ID: uint32(id), Node: r.nodeOf(id)}
	c.dice = newDice(r.Plan.Seed, c.ID)
	c.Directed = id > r.Plan.Workload.Clients
	if c.WakeAt = c.pause(); c.Directed {
		c.WakeAt = world.Never
	}
	r.seat(c)
	return c
}

func (c *Client) pause() world.Instant {
	law := &c.Run.Plan.Workload.Pause
	if c.Run.Calm {
		law = &c.Run.Plan.Tail.Pause
	}
	return law.Sample(c.dice.pause.Draw(c.Timestamp))
}

func (c *Client) Deadline() world.Instant { return c.WakeAt }

// wakeBy sets when the client wants to be woken.
func (c *Client) wakeBy(at world.Instant) {
	if c.WakeAt = at; c.Host != nil {
		c.Host.Due = min(c.Host.Due, at)
	}
}

func (c *Client) Synced(uint64) {}

// Live says whether the client goes on: in the calm some have given up for good.
func (c *Client) Live() bool {
	alive := c.Run.Plan.Tail.Clients
	return !c.Run.Calm || len(alive) == 0 || slices.Contains(alive, int(c.ID))
}

// Wake is a timeout, or the end of a pause.
func (c *Client) Wake() {
	r := c.Run
	c.WakeAt = world.Never
	switch {
	case !c.Live():
	case !c.Waiting:
		c.next()
	default:
		r.Effects[Timeouts]++
		if r.Calm {
			r.System.Waits(c, r.now())
		}
		if limit := r.Plan.Workload.Tries; limit > 0 && c.Tries >= limit && !r.Calm && !c.Directed {
			c.abandon()
			return
		}
		c.retarget()
		c.Send()
	}
}

// next begins an operation, unless the run is about to end.
func (c *Client) next() {
	r, w := c.Run, &c.Run.Plan.Workload
	if r.World.Now() > r.Plan.Length()-r.Plan.Tail.Answer || w.Limit > 0 && int(r.keys.begun) >= w.Limit {
		return
	}
	c.Timestamp++
	if w.Gaps > 0 && world.Chance(c.dice.gap.Draw(c.Timestamp), w.Gaps) {
		c.Timestamp++ // X26: gaps are legal
	}
	c.Key = r.keys.take(c.dice.key.Draw(c.Timestamp), int(c.ID))
	c.Target = 1 + int(world.Below(c.dice.target.Draw(c.Timestamp), uint64(r.Plan.Servers)))
	if w.Home {
		c.Target = c.home()
	}
	if r.Model != nil {
		c.Input = r.Model.Operation(c.dice.op.Draw(c.Timestamp), c.Key.Name, c.unique())
		c.ask()
		return
	}
	mix := &w.Mix
	if w.Home && slices.Contains(w.Readers, c.home()) {
		mix = &plan.Mix{Get: 1}
	}
	c.Key.operation(&c.Op, mix, c.dice.op.Draw(c.Timestamp), c)
	c.read = c.Op.Kind == kv.Get && w.Reads > 0 && world.Chance(c.dice.read.Draw(c.Timestamp), w.Reads)
	c.begin()
}

// home is the server that the client asks first, where it has one of its own.
func (c *Client) home() int {
	p := c.Run.Plan
	if homes := p.Workload.Homes; len(homes) > 0 {
		return homes[(int(c.ID)-1)%len(homes)]
	}
	return 1 + (int(c.ID)-1)%p.Servers
}

// begin sends op for the first time.
func (c *Client) begin() {
	c.Input = c.Run.texts.encode(&c.Op)
	c.ask()
}

func (c *Client) ask() {
	r := c.Run
	c.Call, c.Tries, c.Waiting = r.World.Now(), 0, true
	r.System.Began(c)
	c.Send()
}

// retarget picks the server to ask again: the next, or, of a sticky client, the same. In the
// calm a sticky client has found one of the core.
func (c *Client) retarget() {
	p := c.Run.Plan
	switch {
	case c.Directed && !c.roams:
	case c.Directed || !p.Workload.Sticky:
		c.Target = c.Target%p.Servers + 1
	case c.Run.Calm:
		for !p.InCore(c.Target) {
			c.Target = c.Target%p.Servers + 1
		}
	}
}

// unique is a number that no other operation of the run writes.
func (c *Client) unique() string { return c.uniqueAnd("") }

// value is unique, and as long as the plan wants values to be.
func (c *Client) value() string {
	v := c.unique()
	if missing := c.Run.Plan.Workload.Bytes - len(v); missing > 0 {
		v += strings.Repeat(".", missing)
	}
	return v
}

func (c *Client) uniqueAnd(end string) string {
	return c.Run.texts.number(int(c.Timestamp)*max(plan.MaxClients, len(c.Run.Clients))+int(c.ID), end)
}

func (c *Client) Send() {
	c.Tries++
	c.wakeBy(c.Run.World.Now() + c.Run.Plan.Workload.Timeout)
	c.Run.System.Ask(c)
}

// Reads says whether the operation is asked for without the log, this time.
func (c *Client) Reads() bool { return c.read && (c.Directed || c.Tries <= plan.ReadTries) }

// Reply takes a server's answer. One to an operation that is over is a repetition.
func (c *Client) Reply(from world.Node, timestamp uint64, output []byte) {
	r := c.Run
	if !c.Waiting || timestamp != c.Timestamp || !c.Live() {
		return
	}
	c.Waiting, c.failing = false, false
	r.Updates++
	if r.Updates == uint64(r.Plan.Workload.Limit) && r.Calm {
		r.end = min(r.end, r.World.Now()+r.Plan.Tail.Answer) // nothing else will be asked
	}
	place := r.System.Ended(c, output)
	if r.Model != nil {
		c.Key.Raw = append(c.Key.Raw, c.raw(output, true))
		c.Key.ring.left(c.Key.Key)
		c.goOn()
		return
	}
	result, err := kv.DecodeResult(output)
	if err != nil {
		r.Fail("S8", "client %d's operation %d is answered by server %d with %q: %v", c.ID, c.Timestamp, from, output, err)
		return
	}
	o := c.Key.note()
	o.Client, o.Op, o.Result = c.ID, c.Op, result
	o.Call, o.Return, o.Answered = int64(c.Call), r.now(), true
	o.Timestamp, o.Place = c.Timestamp, place
	c.Key.answered(o)
	if r.Trace != nil {
		r.Tell(from, "reply", fmt.Sprintf("client %d's operation %d: %v → %v", c.ID, c.Timestamp, c.Op, result))
	}
	c.goOn()
	if c.Directed {
		c.answered(from, result)
	}
}

// goOn follows an answer. After it comes a pause; if that is zero, the next operation follows at once,
// which spares the queue a timer.
func (c *Client) goOn() {
	if at := c.rested(); at > c.Run.World.Now() || c.Directed {
		c.wakeBy(at)
		return
	}
	c.WakeAt = world.Never
	c.next()
}

// abandon gives an operation up; it counts as possibly done.
func (c *Client) abandon() {
	c.Run.Effects[Abandoned]++
	c.leaveOpen()
	c.wakeBy(c.rested())
}

// Refuse ends the operation: a server says that there will be no answer. Whether it took effect is
// unknown. A client that hears that again and again counts as waiting since the first time (L1).
func (c *Client) Refuse(from world.Node) {
	if !c.failing {
		c.failing, c.since = true, c.Call
	}
	c.leaveOpen()
	if c.wakeBy(c.rested()); c.Directed {
		c.refused(from)
	}
}

// WaitsSince is when the wait began for which L1 asks.
func (c *Client) WaitsSince() world.Instant {
	if c.failing {
		return c.since
	}
	return c.Call
}

// rested is when the pause after an operation ends. In the faulty phase a pause may be long. It does
// not count as waiting, even after an operation without an answer (L1). Those in the calm are short.
func (c *Client) rested() world.Instant {
	pause := c.pause()
	if !c.Run.Calm {
		c.since += pause
	}
	return c.Run.World.Now() + pause
}

// becalm begins the calm for a client that rests. The rest becomes no longer than those in the calm:
// else an idle cluster would settle long after the bound for views (L2).
//
// L1 counts only waiting that happens in the calm. A client between retries is not waiting, so its
// clock starts when it next asks.
func (c *Client) becalm() {
	if c.Waiting || c.WakeAt == world.Never {
		return
	}
	now := c.Run.World.Now()
	if c.WakeAt-now > c.Run.Plan.Tail.Pause.Longest() {
		c.wakeBy(now + c.pause())
		c.Run.World.Rearm(c.Node)
	}
	if c.failing {
		c.since = max(c.since, c.WakeAt)
	}
}

// leaveOpen puts an unanswered operation into the history.
func (c *Client) leaveOpen() {
	if c.Waiting {
		c.Waiting = false
		if c.Run.Model != nil {
			c.Key.Raw = append(c.Key.Raw, c.raw(nil, false))
		}
		c.Key.abandoned(c.open())
	}
}

// open is the operation that the client waits for, as its history has it so far.
func (c *Client) open() history.Operation {
	return history.Operation{Client: c.ID, Op: c.Op, Call: int64(c.Call), Timestamp: c.Timestamp}
}

// raw is an operation of a model of the user's.
func (c *Client) raw(result []byte, answered bool) porcupine.Operation {
	o := porcupine.Operation{ClientId: int(c.ID), Input: c.Input, Call: int64(c.Call), Return: math.MaxInt64}
	if answered {
		o.Output, o.Return = result, c.Run.now()
	}
	return o
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
