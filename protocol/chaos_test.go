package protocol

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// action is one thing that chaos does to a cluster: plain numbers, so that it can be done to
// two clusters alike.
type action struct{ kind, a, b int }

func drawAction(t *rapid.T) action {
	return action{
		// Mostly letters arrive, or nothing would ever come of it.
		kind: rapid.SampledFrom([]int{0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 3, 4, 4, 5, 6, 7, 8, 8, 9}).Draw(t, "action"),
		a:    rapid.IntRange(0, 1<<16).Draw(t, "a"),
		b:    rapid.IntRange(0, 400).Draw(t, "b"),
	}
}

// act does what chaos wants; letters are taken mostly in order, and sometimes late.
func (c *cluster) act(x action) {
	id := ServerID(x.a%c.n) + 1
	if len(c.wire) > 0 && x.kind <= 2 {
		i := 0
		if x.b < 100 {
			i = x.a % len(c.wire)
		}
		l := c.wire[i]
		if x.kind < 2 { // else it stays, and arrives once more
			c.wire = append(c.wire[:i:i], c.wire[i+1:]...)
		}
		if x.kind != 1 { // else it is lost
			c.receive(l.to, l.Message)
		}
	}
	switch {
	case x.kind == 3:
		c.now += Instant(x.b) * ms / 2
		c.wake()
	case x.kind == 4:
		c.request(id, ClientID(x.b%4), Timestamp(1+x.b/4%20), "op")
	case x.kind == 5 && c.disks[id].held:
		c.disks[id].held = false
		c.sync(id)
	case x.kind == 5:
		c.disks[id].held = true
	case x.kind == 6 && x.b < 100:
		c.crash(id)
		c.start(id)
	case x.kind == 7 && x.b < 100:
		c.step(id, Input{Kind: Elect})
	case x.kind == 8:
		c.read(id, ClientID(10+x.b%4), Timestamp(1+x.b/4%20))
	case x.kind == 9:
		c.step(id, Input{Kind: HandOver, To: ServerID(x.b%c.n) + 1})
	}
}

// drawSnapshots draws settings that give a cluster snapshots in a short play.
func drawSnapshots(t *rapid.T) Settings {
	return Settings{
		SnapshotSlots: rapid.SampledFrom([]int{0, 1, 2, 4}).Draw(t, "snapshot slots"),
		HistorySlots:  rapid.SampledFrom([]int{0, 1, 3}).Draw(t, "history slots"),
		PartBytes:     rapid.SampledFrom([]int{0, 1}).Draw(t, "part bytes"),
	}
}

// chaos plays a cluster for a while.
func (c *cluster) chaos(t *rapid.T, most int) {
	c.wake()
	for range rapid.IntRange(0, most).Draw(t, "actions") {
		c.act(drawAction(t))
	}
}

// Chaos orders nothing twice in two ways (act checks S1), and once it is over all servers
// come to the same end.
func TestChaosEndsWell(t *testing.T) {
	executed, read := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		c := newClusterAt(t, rapid.IntRange(1, 5).Draw(t, "servers"), 0, drawSnapshots(t))
		c.chaos(t, 120)
		for id := 1; id <= c.n; id++ {
			if c.disks[id].held = false; c.disks[id].durable < len(c.disks[id].records) {
				c.sync(ServerID(id))
			}
		}
		c.wait(4000 * ms)
		c.request(ServerID(c.n), 9, 1, "last")
		c.wait(8000 * ms)
		c.mustAllHave(Seq(len(c.log)))
		if !slices.ContainsFunc(c.replies, func(r said) bool { return r.Client == 9 }) {
			t.Fatalf("the last update is not answered: %v", c.servers[1])
		}
		executed += len(c.log) - 1
		for _, r := range c.replies {
			if r.Read {
				read++
			}
		}
	})
	if executed == 0 || read == 0 {
		t.Error("chaos lets nothing be executed, or read: it tests nothing")
	}
}
