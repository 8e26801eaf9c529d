package cluster

import (
	"fmt"
	"math/rand/v2"

	"github.com/fauer4effect/paxos/sim/history"
)

const (
	pipelineOdds  = 4 // one time in this many a client sends several commands at once
	pipelineCalls = 6 // of them at most
)

// pipeline sends several operations at once, on a key that no other client uses. So the time between
// call and answer may be cut into one part for each operation, in their order. The checker demands
// that order of the server.
func (c *client) pipeline() {
	if c.own == nil || c.own.abandoned > 0 || c.own.operations >= keyOperations {
		c.own = c.load.ownKey()
	}
	ops := make([]history.Operation, 2+rand.IntN(pipelineCalls-1))
	call := c.load.now()
	for i := range ops {
		c.own.users++
		c.own.operations++
		ops[i] = history.Operation{Client: uint32(c.id), Op: c.draw(c.own.name)}
		name, args := resp(ops[i].Op)
		_ = c.conn.Send(name, args...) // what fails here fails below
	}
	_ = c.conn.Flush()
	happened, broken := make([]bool, len(ops)), false
	for i := range ops {
		reply, err := c.conn.Receive()
		happened[i] = judge(&ops[i], reply, err)
		broken = broken || !ops[i].Answered
	}
	part := (c.load.now() - call) / int64(len(ops))
	for i := range ops {
		ops[i].Call = call + int64(i)*part
		ops[i].Return = ops[i].Call + part - 1 // intervals are closed
		c.load.done(c.own, ops[i], happened[i])
	}
	if broken {
		c.leave()
		c.next()
	}
}

// ownKey is a key for one client's pipelines.
func (l *load) ownKey() *key {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.owned++
	return &key{name: fmt.Sprintf("own%d", l.owned)}
}
