package cluster

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"
)

// Fault is a kind of thing that goes wrong.
type Fault int

// The faults.
const (
	KillLeader Fault = iota
	KillAny
	KillMajority
	KillAll
	StopLeader
	StopAny
	CutOneWay
	CutTwoWay
	Isolate
	HandOver // no fault, and yet a change of leaders under load
	numFaults
)

// kinds says of each fault what it is called, and how many cards of it are in a deck.
var kinds = [numFaults]struct {
	name  string
	cards int
}{
	KillLeader:   {"leader killed", 6},
	KillAny:      {"server killed", 1},
	KillMajority: {"majority killed at once", 3},
	KillAll:      {"all killed at once", 2},
	StopLeader:   {"leader stopped", 2},
	StopAny:      {"server stopped", 1},
	CutOneWay:    {"link cut one way", 1},
	CutTwoWay:    {"link cut both ways", 2},
	Isolate:      {"server cut off", 2},
	HandOver:     {"leadership handed over", 2},
}

func (f Fault) String() string { return kinds[f].name }

// chaos makes faults, one after the other, each for a while, with a while between them.
type chaos struct {
	cluster *Cluster
	deck    []Fault // shuffled: so a minute sees each kind, in proportion
	counts  [numFaults]int
	leaders int // leaders that were killed, alone or with others
	say     func(format string, args ...any)
}

// run breaks the cluster until ctx ends; the last fault is undone.
func (c *chaos) run(ctx context.Context) error {
	for ctx.Err() == nil {
		wait(ctx, between(300*time.Millisecond, 900*time.Millisecond))
		if ctx.Err() != nil {
			return nil
		}
		if err := c.strike(ctx, c.draw()); err != nil {
			return err
		}
		if err := c.cluster.Surprise(); err != nil {
			return err
		}
	}
	return nil
}

func between(lo, hi time.Duration) time.Duration {
	return lo + time.Duration(rand.Int64N(int64(hi-lo)))
}

// draw takes a fault from the deck, and shuffles a new one when it is used up.
func (c *chaos) draw() Fault {
	if len(c.deck) == 0 {
		for f, kind := range kinds {
			for range kind.cards {
				c.deck = append(c.deck, Fault(f))
			}
		}
		rand.Shuffle(len(c.deck), func(i, j int) { c.deck[i], c.deck[j] = c.deck[j], c.deck[i] })
	}
	f := c.deck[0]
	c.deck = c.deck[1:]
	return f
}

// strike makes one fault, waits, and undoes it.
func (c *chaos) strike(ctx context.Context, f Fault) error {
	n := c.cluster.cfg.Nodes
	some := 1 + rand.IntN(n)
	if f == KillLeader || f == StopLeader || f == HandOver {
		var err error
		if some, err = c.cluster.AwaitLeader(ctx); err != nil {
			return c.cluster.Surprise() // the time is over, or a server has ended
		}
	}
	c.counts[f]++
	switch f {
	case KillLeader, KillAny:
		return c.kill(ctx, f, some)
	case KillMajority:
		return c.killMajority(ctx)
	case KillAll:
		return c.kill(ctx, f, everyone(n)...)
	case StopLeader, StopAny:
		c.say("%v: %d", f, some)
		c.cluster.Pause(some)
		wait(ctx, between(200*time.Millisecond, 1200*time.Millisecond))
		c.cluster.Resume(some)
		return nil
	case HandOver:
		c.handOver(some, some%n+1)
		return nil
	}
	c.cut(ctx, f, some)
	return nil
}

// everyone is the servers 1…n.
func everyone(n int) []int {
	ids := make([]int, n)
	for i := range ids {
		ids[i] = i + 1
	}
	return ids
}

// killMajority kills a bare majority. Every other time the rest is cut off from it a little before.
// Then nobody else knows what the majority agrees on last.
func (c *chaos) killMajority(ctx context.Context) error {
	n := c.cluster.cfg.Nodes
	ids := everyone(n)
	rand.Shuffle(n, func(i, j int) { ids[i], ids[j] = ids[j], ids[i] })
	killed, rest := ids[:n/2+1], ids[n/2+1:]
	if rand.IntN(2) == 0 {
		c.links(killed, rest, c.cluster.Cut)
		defer c.links(killed, rest, c.cluster.Heal)
		wait(ctx, between(20*time.Millisecond, 200*time.Millisecond))
	}
	return c.kill(ctx, KillMajority, killed...)
}

// links calls do for each direction between two sets of servers.
func (c *chaos) links(some, others []int, do func(from, to int)) {
	for _, a := range some {
		for _, b := range others {
			do(a, b)
			do(b, a)
		}
	}
}

// kill ends the lives of servers, all before any begins another.
func (c *chaos) kill(ctx context.Context, f Fault, ids ...int) error {
	slices.Sort(ids)
	leader := c.cluster.Leader()
	if slices.Contains(ids, leader) {
		c.leaders++
	}
	c.say("%v: %v%s", f, ids, among(ids, leader))
	var all sync.WaitGroup
	for _, id := range ids {
		all.Go(func() { c.cluster.Kill(id) })
	}
	all.Wait()
	wait(ctx, between(50*time.Millisecond, 1000*time.Millisecond))
	for _, id := range ids {
		if err := c.cluster.Start(id); err != nil {
			return err
		}
	}
	return nil
}

// among says whether the leader is one of several.
func among(ids []int, leader int) string {
	if len(ids) > 1 && slices.Contains(ids, leader) {
		return fmt.Sprintf(", leader %d among them", leader)
	}
	return ""
}

// handOver has a leader give way, unless it leads no more.
func (c *chaos) handOver(from, to int) {
	if err := c.cluster.HandOver(from, to); err != nil {
		c.counts[HandOver]--
		return
	}
	c.say("%v: from %d to %d", HandOver, from, to)
}

// cut closes links for a while.
func (c *chaos) cut(ctx context.Context, f Fault, some int) {
	n := c.cluster.cfg.Nodes
	if n == 1 {
		return
	}
	other := some%n + 1
	var links [][2]int
	switch f {
	case CutOneWay:
		links = [][2]int{{some, other}}
	case CutTwoWay:
		links = [][2]int{{some, other}, {other, some}}
	case Isolate:
		others := slices.DeleteFunc(everyone(n), func(id int) bool { return id == some })
		c.links([]int{some}, others, func(from, to int) { links = append(links, [2]int{from, to}) })
	}
	c.say("%v: %s", f, arrows(links))
	for _, l := range links {
		c.cluster.Cut(l[0], l[1])
	}
	wait(ctx, between(200*time.Millisecond, 1500*time.Millisecond))
	for _, l := range links {
		c.cluster.Heal(l[0], l[1])
	}
}

func arrows(links [][2]int) string {
	text := ""
	for i, l := range links {
		if i > 0 {
			text += " "
		}
		text += fmt.Sprintf("%d->%d", l[0], l[1])
	}
	return text
}
