package testbed

import (
	"fmt"

	"github.com/fauer4effect/paxos/sim/internal/engine"
	"github.com/fauer4effect/paxos/sim/internal/words"
	"github.com/fauer4effect/paxos/sim/plan"
	"github.com/fauer4effect/paxos/sim/world"
)

// The system is the world's Observer too. Only the kind of a message is known here, so each one that
// is lost counts.

func (c *system) Delivering(from, to world.Node, l *letter) {
	if l.message != nil {
		c.run.Tell(to, "deliver", fmt.Sprintf("%s from %d: %+v", c.kindName(l), from, l.message))
	}
}

func (c *system) Departed(from world.Node, l *letter) {
	if c.protocol.Departed != nil && l.message != nil {
		c.protocol.Departed(c.envs[from], l.message)
	}
}

func (c *system) Arrived(from, to world.Node, _ *letter, way world.Way) {
	if way&world.Repeated != 0 && c.world.IsServer(to) {
		c.run.Effects[plan.Duplicate]++
	}
	c.run.Arrived(from, to, way)
}

func (c *system) Dropped(from, to world.Node, l *letter, why world.Cause) {
	if l.message != nil {
		c.underWay--
	}
	if c.run.Trace != nil && l.message != nil {
		c.run.TraceDrop(from, to, fmt.Sprintf("%s: %+v", c.kindName(l), l.message), why)
	}
	if c.run.Story != nil && l.message != nil && why != world.Down {
		c.run.Story.Say(from, engine.Line{Kind: engine.LostWord, Text: fmt.Sprintf("%s from server %d to server %d is lost", c.kindName(l), from, to)})
	}
	if why != world.Down && c.world.IsServer(to) {
		c.run.Dropped(from, to, why)
	}
}

func (c *system) Durable(n world.Node, record *any) {
	if c.protocol.Durable != nil {
		c.protocol.Durable(c.envs[n], *record)
	}
}

func (c *system) Survive(n world.Node, unsynced []any) int {
	return c.run.Survive(n, len(unsynced), func(int) int { return 64 })
}

func (c *system) Crashed(n world.Node, lost []any) {
	if len(lost) > 0 {
		c.run.Effects[engine.UnsyncedLost]++
	}
	text := fmt.Sprintf("server %d crashes and loses %s", n, words.Count(len(lost), "record"))
	c.run.Tell(n, "crash", text)
	if c.run.Story != nil {
		c.run.Story.Tell(c.world.Now(), n, engine.Line{Kind: engine.Struck, Text: text})
	}
}

func (c *system) SyncFailed(n world.Node) { c.run.SyncFailed(n) }
