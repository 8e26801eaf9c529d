package sim

import (
	"fmt"

	"github.com/fauer4effect/paxos/protocol"
	"github.com/fauer4effect/paxos/sim/world"
)

// Where the plan's sessions expire (X26), a client opens one before its first update, and again
// when it is told that the one it had is gone. Each of its operations leaves a timestamp free
// below its own, for an opening.

func (r *paxos) sessionsExpire() bool { return r.settings.SessionLimit > 0 }

// comeToRest goes on, for as long as an operation may take, until the core stands at one slot.
// Where a leader ends sessions by itself, the last of that may be under way at a run's end,
// though no client asks for anything any more.
func (r *paxos) comeToRest() {
	if !r.sessionsExpire() || r.world.Now() < r.run.plan.total()-r.run.plan.Tail.Answer {
		return
	}
	end := r.world.Now()
	for limit := end + r.run.plan.Tail.Answer; end < limit && r.violation() == nil && !r.atOneSlot(); {
		end += 5 * millisecond
		r.world.Play(&end, &r.run.over)
	}
}

func (r *paxos) atOneSlot() bool {
	first := protocol.Seq(0)
	for i, id := range r.run.plan.CoreServers() {
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
func (r *paxos) prepareSession(c *paxosClient) {
	c.timestamp++
	if c.opening = nil; c.session != 0 {
		return
	}
	ts := protocol.Timestamp(c.timestamp - 1)
	c.opening = protocol.BatchOf(protocol.Update{Client: c.machineID(), Server: protocol.ServerID(c.target), Kind: protocol.OpenSession, Timestamp: ts})
	r.checker.Invoked(r.now(), c.machineID(), ts, []byte{})
}

// opened takes the answer to the client's opening, and sends what waited for it.
func (r *paxos) opened(c *paxosClient, result []byte) {
	seq, ok := protocol.SessionOf(result)
	if !ok {
		r.run.fail("S8", "client %d's opening %d is answered with %q, which names no session", c.id, c.timestamp-1, result)
		return
	}
	c.session, c.opening = seq, nil
	c.batch = r.update(c)
	c.tries-- // the opening was no try of the operation
	c.send()
}

// expired takes the word that the client's operation is of no session. What became of it is
// unknown: it may have been executed while there was one.
func (r *paxos) expired(c *paxosClient, from world.Node, timestamp uint64) {
	if opening := c.opening != nil && timestamp == c.timestamp-1; !c.waiting || timestamp != c.timestamp && !opening || !c.live() {
		return
	}
	r.run.effects[expiredOperations]++
	r.checker.Expired(r.now(), c.machineID(), protocol.Timestamp(c.timestamp))
	if r.run.calm {
		r.waits(c.client, r.now())
	}
	c.session = 0
	if r.run.story != nil {
		r.run.story.say(c.node, line{kind: told, client: c.id, text: fmt.Sprintf("client %d hears that its session is expired", c.id)})
	}
	c.refuse(from)
}
