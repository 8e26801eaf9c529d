package paxos

import (
	"fmt"

	"github.com/fauer4effect/paxos/protocol"
	"github.com/fauer4effect/paxos/sim/internal/engine"
	"github.com/fauer4effect/paxos/sim/world"
)

// Where the plan's sessions expire (X26), a client opens one before its first update. It opens
// another when it is told that its session is gone. Each of its operations leaves a timestamp free
// below its own, for an opening.

func (r *System) sessionsExpire() bool { return r.settings.SessionLimit > 0 }

// comeToRest goes on, for as long as an operation may take, until all of the core is at one slot. A
// leader may end sessions by itself. So a slot may be under way at a run's end, although no client
// asks for anything.
func (r *System) comeToRest() {
	if !r.sessionsExpire() || r.world.Now() < r.run.Plan.Length()-r.run.Plan.Tail.Answer {
		return
	}
	end := r.world.Now()
	for limit := end + r.run.Plan.Tail.Answer; end < limit && r.Violation() == nil && !r.atOneSlot(); {
		end += 5 * world.Millisecond
		r.world.Play(&end, &r.run.Over)
	}
}

func (r *System) atOneSlot() bool {
	first := protocol.Seq(0)
	for i, id := range r.run.Plan.CoreServers() {
		aru := r.servers[id].machine.LocalARU()
		if i == 0 {
			first = aru
		}
		if aru != first {
			return false
		}
	}
	return true
}

// prepareSession makes the opening that the client's new operation needs, if it needs one.
func (r *System) prepareSession(c *client) {
	c.Timestamp++
	if c.opening = nil; c.session != 0 {
		return
	}
	ts := protocol.Timestamp(c.Timestamp - 1)
	c.opening = protocol.BatchOf(protocol.Update{Client: c.machineID(), Server: protocol.ServerID(c.Target), Kind: protocol.OpenSession, Timestamp: ts})
	r.checker.Invoked(r.now(), c.machineID(), ts, []byte{})
}

// opened takes the answer to the client's opening, and sends what waited for it.
func (r *System) opened(c *client, result []byte) {
	seq, ok := protocol.SessionOf(result)
	if !ok {
		r.run.Fail("S8", "client %d's opening %d is answered with %q, which names no session", c.ID, c.Timestamp-1, result)
		return
	}
	c.session, c.opening = seq, nil
	c.batch = r.update(c)
	c.Tries-- // the opening was no try of the operation
	c.Send()
}

// expired takes the word that the client's operation is of no session. What became of it is
// unknown: it may have been executed while there was one.
func (r *System) expired(c *client, from world.Node, timestamp uint64) {
	if opening := c.opening != nil && timestamp == c.Timestamp-1; !c.Waiting || timestamp != c.Timestamp && !opening || !c.Live() {
		return
	}
	r.run.Effects[expiredOperations]++
	r.checker.Expired(r.now(), c.machineID(), protocol.Timestamp(c.Timestamp))
	if r.run.Calm {
		r.Waits(c.Client, r.now())
	}
	c.session = 0
	if r.run.Story != nil {
		r.run.Story.Say(c.Node, engine.Line{Kind: engine.Told, Client: c.ID, Text: fmt.Sprintf("client %d hears that its session is expired", c.ID)})
	}
	c.Refuse(from)
}
