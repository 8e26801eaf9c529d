package check

import "github.com/fauer4effect/paxos/protocol"

// keptTimestamps is how many of a client's latest operations an endless run remembers.
const keptTimestamps = 1024

// forget drops what the durable snapshots of all servers cover. No server can execute or
// recover to anything below them.
func (c *Checker) forget() {
	if !c.Endless {
		return
	}
	floor := c.Log.aru
	for id := 1; id <= c.servers; id++ {
		floor = min(floor, c.Truncation.covered[id])
	}
	if floor <= c.Log.floor {
		return
	}
	c.Log.floor = floor
	c.Log.slots.drop(uint64(floor))
	for client := range c.Log.sessions {
		s := &c.Log.sessions[client]
		if s.last <= keptTimestamps {
			continue
		}
		s.updates.drop(uint64(s.last - keptTimestamps))
	}
}

// Forgotten is the seq below which an endless run remembers nothing.
func (l *Log) Forgotten() protocol.Seq { return l.floor }
