package redis

import (
	"context"
	"sync/atomic"
	"time"
)

// A server that ends in good order calls these, one after the other: RefuseClients, the server's
// GiveWay, Drain, Close. Then no command fails that is under way here, or that goes to another server.

const (
	drainLook = 5 * time.Millisecond // how often Drain looks who is without an answer
	// lingering is how long Drain waits for commands that cross with the end: they are refused
	// in words, not by a connection that closes.
	lingering = 50 * time.Millisecond
)

// RefuseClients closes the door to new connections. Those that are open are served on.
func (c *Clients) RefuseClients() { _ = c.listener.Close() }

// Drain refuses new commands, in words that say that nothing was executed. It returns when the
// commands under way have their answers, or the server or ctx ends. In the second case it says
// how many clients have no answer. Close leaves the outcome of their commands unknown.
func (c *Clients) Drain(ctx context.Context) (left int) {
	c.gate.shut.Store(true)
	look := time.NewTicker(drainLook)
	defer look.Stop()
	for c.gate.inside.Load() > 0 {
		select {
		case <-look.C:
		case <-c.server.Stopped():
			return int(c.gate.inside.Load())
		case <-ctx.Done():
			return int(c.gate.inside.Load())
		}
	}
	time.Sleep(lingering)
	return 0
}

// gate counts the connections whose commands are under way, replies included. Once it is shut it
// tells those that come that they are late.
type gate struct {
	inside atomic.Int64
	shut   atomic.Bool
}

// enter begins to answer what has come; false where it came late, and is to be refused.
func (g *gate) enter() bool {
	g.inside.Add(1) // first: Drain sees either it, or none that follows
	return !g.shut.Load()
}

// leave ends what enter began.
func (g *gate) leave() { g.inside.Add(-1) }
