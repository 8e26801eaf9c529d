package plan

import (
	"fmt"
	"strings"

	"github.com/fauer4effect/paxos/sim/world"
)

// Kind is a kind of fault: the word for it in plans, scripts, tables and output.
type Kind string

// The kinds of fault. What there is to know of each stands in Kinds.
const (
	Crash     Kind = "crash"
	Rolling   Kind = "rolling"
	Pause     Kind = "pause"
	Slow      Kind = "slow"
	Shuffle   Kind = "shuffle"
	Clog      Kind = "clog"
	Backlog   Kind = "backlog"
	Cut       Kind = "cut"
	Partition Kind = "partition"
	Flap      Kind = "flap"
	Connect   Kind = "connect"
	Bridge    Kind = "bridge"
	Ring      Kind = "ring"
	Isolate   Kind = "isolate"
	Deaf      Kind = "deaf"
	Mute      Kind = "mute"
	Omit      Kind = "omit"
	Jump      Kind = "jump"
	Stall     Kind = "stall"
	FailSync  Kind = "fail-sync"
	Full      Kind = "full"
	Wipe      Kind = "wipe"
	Rot       Kind = "rot"
	Misread   Kind = "misread"
	Elect     Kind = "elect"
	HandOver  Kind = "hand-over"
	Drop      Kind = "drop"
	Delay     Kind = "delay"
)

// The ways in which crashes come about. Each is counted separately; plans say "crash" for all.
const (
	PowerCut       Kind = "power-cut"
	CrashOnSend    Kind = "crash-on-send"
	CrashOnArrival Kind = "crash-on-arrival"
	CrashOnSync    Kind = "crash-on-sync"
	CrashOnStart   Kind = "crash-on-start"
)

// KindRow is what there is to know of a kind of fault. What it does when it strikes is a function in
// sim/internal/engine (strike.go), how it is drawn one in sim/swarm (faults.go).
type KindRow struct {
	Kind  Kind
	Of    Kind   // the kind that plans say, where this is a way in which that one comes about
	Takes Fields // beside at_ns
	What  string // happens
	Count string // what one occurrence is
	// Closes says whether the fault closes the link between two servers; place says where in
	// Fault.Servers a server stands, from 1, 0 for nowhere. Nil: it closes none.
	Closes func(f *Fault, place []int, from, to int) bool
	// The swarm gives one plan in Odds such faults, of those with at least Least servers and with what Needs
	// says.
	Odds    int64
	Least   int
	Needs   string
	Example Fault // in a plan of four servers
}

// Fields says which fields of a Fault a kind uses.
type Fields struct {
	Servers, Leader, From, To, For, By, Kind bool
	On                                       bool // it waits for an event; At is of no use
	Back                                     bool // By may be below zero
}

// String lists the fields as plans name them.
func (f Fields) String() string {
	var names []string
	for _, n := range []struct {
		takes bool
		name  string
	}{
		{f.On, "on"},
		{f.Kind, "kind"},
		{f.Servers && f.Leader, "servers or leader"},
		{f.Servers && !f.Leader, "servers"},
		{f.From, "from"},
		{f.To, "to"},
		{f.For, "for_ns"},
		{f.By, "by_ns"},
	} {
		if n.takes {
			names = append(names, n.name)
		}
	}
	return strings.Join(names, ", ")
}

var (
	ofServers = Fields{Servers: true, For: true}
	orLeader  = Fields{Servers: true, Leader: true, For: true}
	orLeadBy  = Fields{Servers: true, Leader: true, For: true, By: true}
)

// Kinds has a row for each kind of fault, in the order in which they are shown.
var Kinds = [...]KindRow{
	{
		Kind: Crash, Takes: orLeader, Odds: 2, Least: 1,
		What:    "they lose what is not durable, and restart after for_ns (0: with the tail). With on, and no servers: the server at which the event occurs",
		Count:   "server crashed",
		Example: Fault{At: 300 * world.Millisecond, Do: Crash, Servers: []int{2}, For: 200 * world.Millisecond},
	},
	{
		Kind: PowerCut, Of: Crash, Odds: 5, Least: 1,
		What:    "a crash of more than half of the servers",
		Count:   "most of the servers crashed at once",
		Example: Fault{At: 300 * world.Millisecond, Do: Crash, Servers: []int{1, 2, 3}, For: 200 * world.Millisecond},
	},
	{
		Kind: CrashOnSend, Of: Crash, Odds: 3, Least: 2,
		What:    "a crash right after the named message left its sender",
		Count:   "crash right after a message left",
		Example: Fault{Do: Crash, On: &Name{Kind: "Accept", From: 2, N: 3, Unsynced: true}, For: 200 * world.Millisecond},
	},
	{
		Kind: CrashOnArrival, Of: Crash, Odds: 6, Least: 1,
		What:    "a crash right after the named message arrived at its receiver",
		Count:   "crash right after a message arrived",
		Example: Fault{Do: Crash, On: &Name{Kind: "Accept", To: 2, N: 3, Arrives: true}, For: 200 * world.Millisecond},
	},
	{
		Kind: CrashOnSync, Of: Crash, Odds: 8, Least: 1,
		What:    "a crash right after a server's n-th sync",
		Count:   "crash right after a sync",
		Example: Fault{Do: Crash, On: &Name{Kind: OnSync, From: 2, N: 3}, For: 200 * world.Millisecond},
	},
	{
		Kind: CrashOnStart, Of: Crash, Odds: 8, Least: 1,
		What:    "a crash as a server's n-th life has begun",
		Count:   "crash right after a start",
		Example: Fault{Do: Crash, On: &Name{Kind: OnStart, From: 2, N: 2}, For: 200 * world.Millisecond},
	},
	{
		Kind: Rolling, Takes: Fields{Servers: true, For: true, By: true}, Odds: 6, Least: 2,
		What:    "one after the other, by_ns apart, they crash and restart after for_ns",
		Count:   "server restarted, one after the other",
		Example: Fault{At: 300 * world.Millisecond, Do: Rolling, Servers: []int{3, 1, 2}, For: 100 * world.Millisecond, By: 150 * world.Millisecond},
	},
	{
		Kind: Pause, Takes: orLeader, Odds: 4, Least: 1,
		What:    "they stand still, and go on with what they knew",
		Count:   "server stood still, then went on",
		Example: Fault{At: 300 * world.Millisecond, Do: Pause, Leader: true, For: world.Second},
	},
	{
		Kind: Slow, Takes: orLeadBy, Odds: 6, Least: 2,
		What:    "every message from or to them takes by_ns longer",
		Count:   "useful message from or to a slow server",
		Example: Fault{At: 300 * world.Millisecond, Do: Slow, Servers: []int{2}, For: world.Second, By: 20 * world.Millisecond},
	},
	{
		Kind: Shuffle, Takes: orLeadBy, Odds: 5, Least: 2,
		What:    "every message from or to them takes up to by_ns longer, drawn for each",
		Count:   "useful message through a burst of reordering",
		Example: Fault{At: 300 * world.Millisecond, Do: Shuffle, Servers: []int{2}, For: world.Second, By: 20 * world.Millisecond},
	},
	{
		Kind: Clog, Takes: orLeader, Odds: 5, Least: 2,
		What:    "their links hold everything back, then let it go at once",
		Count:   "useful message held back by a clogged link",
		Closes:  func(_ *Fault, place []int, from, to int) bool { return place[from] > 0 || place[to] > 0 },
		Example: Fault{At: 300 * world.Millisecond, Do: Clog, Servers: []int{1, 2}, For: 200 * world.Millisecond},
	},
	{
		Kind: Backlog, Takes: orLeader, Odds: 2, Least: 3,
		What:    "what is sent to them is held back, then arrives at once",
		Count:   "useful message held back on its way to a server",
		Closes:  func(_ *Fault, place []int, _, to int) bool { return place[to] > 0 },
		Example: Fault{At: 300 * world.Millisecond, Do: Backlog, Leader: true, For: 400 * world.Millisecond},
	},
	{
		Kind: Cut, Takes: Fields{From: true, To: true, For: true}, Odds: 3, Least: 2,
		What:    "no message from one server to another",
		Count:   "useful message lost to a one-way cut",
		Closes:  func(f *Fault, _ []int, from, to int) bool { return from == f.From && to == f.To },
		Example: Fault{At: 300 * world.Millisecond, Do: Cut, From: 1, To: 3, For: 200 * world.Millisecond},
	},
	{
		Kind: Partition, Takes: ofServers, Odds: 3, Least: 2,
		What:    "these on one side, the others on the other",
		Count:   "useful message lost between two sides",
		Closes:  apart,
		Example: Fault{At: 300 * world.Millisecond, Do: Partition, Servers: []int{1}, For: 200 * world.Millisecond},
	},
	{
		Kind: Flap, Takes: Fields{Servers: true, For: true, By: true}, Odds: 7, Least: 2,
		What:    "a partition that opens and closes every by_ns",
		Count:   "useful message lost to a flapping partition",
		Closes:  apart,
		Example: Fault{At: 300 * world.Millisecond, Do: Flap, Servers: []int{1}, For: world.Second, By: 50 * world.Millisecond},
	},
	{
		Kind: Connect, Takes: ofServers, Odds: 3, Least: 3,
		What:    "only these hear each other; every other link is cut",
		Count:   "useful message lost outside the servers that are connected",
		Closes:  func(_ *Fault, place []int, from, to int) bool { return place[from] == 0 || place[to] == 0 },
		Example: Fault{At: 300 * world.Millisecond, Do: Connect, Servers: []int{2, 3}, For: 200 * world.Millisecond},
	},
	{
		Kind: Bridge, Takes: Fields{Servers: true, From: true, For: true}, Odds: 7, Least: 3,
		What:  "these on one side, the others on the other; from hears both",
		Count: "useful message lost: one server hears both",
		Closes: func(f *Fault, place []int, from, to int) bool {
			return apart(f, place, from, to) && from != f.From && to != f.From
		},
		Example: Fault{At: 300 * world.Millisecond, Do: Bridge, From: 2, Servers: []int{1}, For: 200 * world.Millisecond},
	},
	{
		Kind: Ring, Takes: ofServers, Odds: 8, Least: 4,
		What:  "each hears only its neighbours in this circle",
		Count: "useful message lost: only neighbours hear",
		Closes: func(f *Fault, place []int, from, to int) bool {
			steps := place[from] - place[to]
			once, around := 1, len(f.Servers)-1
			return place[from] > 0 && place[to] > 0 && steps*steps != once && steps*steps != around*around
		},
		Example: Fault{At: 300 * world.Millisecond, Do: Ring, Servers: []int{2, 1, 3, 4}, For: 200 * world.Millisecond},
	},
	{
		Kind: Isolate, Takes: orLeader, Odds: 4, Least: 2,
		What:    "each of them is cut off",
		Count:   "useful message lost: server cut off",
		Closes:  func(_ *Fault, place []int, from, to int) bool { return place[from] > 0 || place[to] > 0 },
		Example: Fault{At: 300 * world.Millisecond, Do: Isolate, Servers: []int{1}, For: 200 * world.Millisecond},
	},
	{
		Kind: Deaf, Takes: orLeader, Odds: 5, Least: 2,
		What:    "each of them hears no server",
		Count:   "useful message lost to a deaf server",
		Closes:  func(_ *Fault, place []int, _, to int) bool { return place[to] > 0 },
		Example: Fault{At: 300 * world.Millisecond, Do: Deaf, Leader: true, For: 400 * world.Millisecond},
	},
	{
		Kind: Mute, Takes: orLeader, Odds: 5, Least: 2,
		What:    "no server hears any of them",
		Count:   "useful message lost from a mute server",
		Closes:  func(_ *Fault, place []int, from, _ int) bool { return place[from] > 0 },
		Example: Fault{At: 300 * world.Millisecond, Do: Mute, Leader: true, For: 400 * world.Millisecond},
	},
	{
		Kind: Omit, Takes: Fields{Servers: true, Leader: true, For: true, Kind: true}, Odds: 4, Least: 2,
		What:    "none of them hears a message of this kind",
		Count:   "useful message lost: its kind is omitted",
		Example: Fault{At: 300 * world.Millisecond, Do: Omit, Kind: "Accept", Servers: []int{1, 2}, For: 400 * world.Millisecond},
	},
	{
		Kind: Jump, Takes: Fields{Servers: true, Leader: true, By: true, Back: true}, Odds: 7, Least: 1,
		What:    "their clocks jump; back where by_ns is below zero",
		Count:   "clock jumped",
		Example: Fault{At: 300 * world.Millisecond, Do: Jump, Servers: []int{2}, By: -50 * world.Millisecond},
	},
	{
		Kind: Stall, Takes: orLeader, Odds: 6, Least: 1,
		What:    "no sync of theirs ends",
		Count:   "sync held up",
		Example: Fault{At: 300 * world.Millisecond, Do: Stall, Servers: []int{2}, For: 400 * world.Millisecond},
	},
	{
		Kind: FailSync, Takes: orLeader, Odds: 7, Least: 1,
		What:    "their next sync fails: they end, and restart after for_ns",
		Count:   "sync failed, and the server ended",
		Example: Fault{At: 300 * world.Millisecond, Do: FailSync, Servers: []int{2}, For: 200 * world.Millisecond},
	},
	{
		Kind: Full, Takes: orLeader, Odds: 8, Least: 1,
		What:    "their disks take no more: at the next sync they end, and restart when there is room",
		Count:   "disk full, and the server ended",
		Example: Fault{At: 300 * world.Millisecond, Do: Full, Servers: []int{2}, For: 400 * world.Millisecond},
	},
	{
		Kind: Wipe, Takes: ofServers, Odds: 2, Least: 3, Needs: "formation",
		What:    "like crash, and their disks come back empty; with formation only, outside the tail's core",
		Count:   "server came back with an emptied disk",
		Example: Fault{At: 300 * world.Millisecond, Do: Wipe, Servers: []int{3}, For: 200 * world.Millisecond},
	},
	{
		Kind: Rot, Takes: ofServers, Odds: 2, Least: 3, Needs: "disk.log",
		What:    "like crash, and a bit of what their disks hold is flipped; with disk.log only, outside the tail's core",
		Count:   "damaged log noticed, and refused",
		Example: Fault{At: 300 * world.Millisecond, Do: Rot, Servers: []int{3}, For: 200 * world.Millisecond},
	},
	{
		Kind: Misread, Takes: ofServers, Odds: 2, Least: 3, Needs: "disk.log",
		What:    "like rot, but a record is read in place of another",
		Count:   "misplaced record noticed, and refused",
		Example: Fault{At: 300 * world.Millisecond, Do: Misread, Servers: []int{3}, For: 200 * world.Millisecond},
	},
	{
		Kind: Elect, Takes: Fields{Servers: true}, Odds: 3, Least: 2,
		What:    "they start an election unprovoked",
		Count:   "election started unprovoked",
		Example: Fault{At: 300 * world.Millisecond, Do: Elect, Servers: []int{2, 3}},
	},
	{
		Kind: HandOver, Takes: Fields{To: true}, Odds: 4, Least: 2,
		What:    "whoever leads gives way to this server, as planned",
		Count:   "leader gave way to another as planned",
		Example: Fault{At: 300 * world.Millisecond, Do: HandOver, To: 3},
	},
	{
		Kind: Drop, Takes: Fields{On: true}, Odds: 5, Least: 2,
		What:    "the named message is lost",
		Count:   "named message lost",
		Example: Fault{Do: Drop, On: &Name{Kind: "Proposal", From: 1, To: 3, N: 2}},
	},
	{
		Kind: Delay, Takes: Fields{On: true, For: true}, Odds: 5, Least: 2,
		What:    "the named message takes this much longer",
		Count:   "named message arrived late, still useful",
		Example: Fault{Do: Delay, On: &Name{Kind: "Accept", From: 2, To: 1, N: 4}, For: 300 * world.Millisecond},
	},
}

// apart says whether just one of two servers is among the fault's.
func apart(_ *Fault, place []int, from, to int) bool { return place[from] > 0 != (place[to] > 0) }

// rowOf has the rows by kind. It is looked up only.
var rowOf = func() map[Kind]int {
	rows := map[Kind]int{}
	for i, row := range Kinds {
		rows[row.Kind] = i
	}
	return rows
}()

// Row is the kind's row in Kinds.
func (k Kind) Row() (row KindRow, known bool) {
	i, known := rowOf[k]
	if known {
		row = Kinds[i]
	}
	return row, known
}

// Effect is how the kind counts. It panics where there is no such kind.
func (k Kind) Effect() Effect {
	i, known := rowOf[k]
	if !known {
		panic(fmt.Sprintf("plan: no kind of fault %q", string(k)))
	}
	return firstKind + Effect(i)
}
