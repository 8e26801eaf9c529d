package check

import (
	"fmt"

	"github.com/fauer4effect/paxos/protocol"
)

// Bounds is S9 and S10: what a server keeps stays within constants and settings, whatever the others do.
// Memory is L4: in the end of the calm nothing is kept that nobody needs any more.
type Bounds struct {
	verdict
	order *Order
	// Settings has those of each server, by id.
	Settings [protocol.MaxServers + 1]protocol.Settings
}

// proposed is S9: a leader binds no slot beyond its window, which begins above what it has executed (X15).
func (b *Bounds) proposed(id protocol.ServerID, e *protocol.Event) {
	window := protocol.Seq(b.Settings[id].WindowSlots)
	if done := b.order.last[id]; window > 0 && e.Seq > done+window {
		b.fail("S9", "server %d binds seq %d in view %d, and has executed 1…%d: its window is %d slots", id, e.Seq, e.View, done, window)
	}
}

// tombstones is the most that any leader leaves.
func (b *Bounds) tombstones() int {
	most := 0
	for i := range b.Settings {
		most = max(most, b.Settings[i].Tombstones)
	}
	return most
}

// Held takes what a server keeps, at any time (S10).
func (c *Checker) Held(now int64, id protocol.ServerID, h protocol.Held) {
	what := h.Exceeds(c.servers, c.Bounds.Settings[id])
	if h.Tombs > c.Bounds.tombstones() {
		what = "tombstones"
	}
	if what != "" {
		c.now = now
		verdict{c}.fail("S10", "server %d keeps more %s than its bound: %+v", id, what, h)
	}
}

// Kept takes what a server keeps in the end (L4).
func (c *Checker) Kept(now int64, id protocol.ServerID, h protocol.Held) {
	if !c.Answered.calm.Has(id) {
		return
	}
	set := &c.Bounds.Settings[id]
	slack := 2 * protocol.Seq(set.WindowSlots)
	between := protocol.Seq(set.SnapshotSlots)
	// A crash may take a snapshot that was not durable yet. The next one comes where it was planned.
	log := max(protocol.Seq(set.HistorySlots), 2*between) + slack
	what := ""
	switch {
	case h.Executed > log:
		what = fmt.Sprintf("a log of %d slots, where %d are enough", h.Executed, log)
	case h.Behind > 2*between+slack:
		what = fmt.Sprintf("%d slots that no durable snapshot covers, where one is taken every %d", h.Behind, between)
	case protocol.Seq(h.Marks) > log/between+3:
		what = fmt.Sprintf("%d snapshots on its disk", h.Marks)
	case h.Queued > 0:
		what = fmt.Sprintf("%d updates in its queue", h.Queued)
	case h.ReadAge > set.Ceiling+2*set.Retransmit:
		what = fmt.Sprintf("a read that was asked for %d ns ago", h.ReadAge)
	case h.Fetched > 0 || h.Ahead > 0:
		what = fmt.Sprintf("%d bytes and %d parts of a snapshot that it no longer fetches", h.Fetched, h.Ahead)
	case h.PinAge > protocol.PinTimeouts*set.Timeout+2*set.Heartbeat:
		what = fmt.Sprintf("a snapshot that nobody has asked for since %d ns", h.PinAge)
	}
	if what != "" {
		c.now = now
		verdict{c}.fail("L4", "in the end server %d keeps %s", id, what)
	}
}
