package paxos

import (
	"fmt"

	"github.com/fauer4effect/paxos/protocol"
	"github.com/fauer4effect/paxos/sim/internal/engine"
	"github.com/fauer4effect/paxos/sim/internal/words"
	"github.com/fauer4effect/paxos/sim/plan"
	"github.com/fauer4effect/paxos/sim/world"
)

// eventRow is what becomes of an event of the machine, beside what the checkers make of it.
type eventRow struct {
	counts plan.Effect // whenever it occurs; 0: it does not count, or not always (event)
	tell   func(l *engine.Line, n world.Node, e *protocol.Event)
}

// events has a row for each kind of event.
var events = [protocol.NumEvents]eventRow{
	protocol.Attempted:    {0, untold},
	protocol.Preinstalled: {0, untold},
	protocol.Installed: {0, func(l *engine.Line, n world.Node, e *protocol.Event) {
		l.Kind, l.Text = engine.Held, fmt.Sprintf("server %d promises view %d", n, e.View)
	}},
	protocol.Prepared: {0, func(l *engine.Line, n world.Node, e *protocol.Event) {
		l.Text = fmt.Sprintf("server %d leads view %d", n, e.View)
	}},
	protocol.Returned: {returns, untold},
	protocol.Proposed: {0, func(l *engine.Line, n world.Node, e *protocol.Event) {
		l.Text = fmt.Sprintf("server %d proposes %v for seq %d in view %d", n, e.Batch, e.Seq, e.View)
	}},
	protocol.Accepted: {0, func(l *engine.Line, n world.Node, e *protocol.Event) {
		l.Kind, l.Text = engine.Held, fmt.Sprintf("server %d accepts it for seq %d in view %d", n, e.Seq, e.View)
	}},
	protocol.Ordered: {0, func(l *engine.Line, n world.Node, e *protocol.Event) {
		l.Text = fmt.Sprintf("server %d orders %v at seq %d in view %d", n, e.Batch, e.Seq, e.View)
	}},
	protocol.Learned: {0, func(l *engine.Line, n world.Node, e *protocol.Event) {
		l.Kind, l.Text = engine.Held, fmt.Sprintf("server %d learns that %v is ordered at seq %d", n, e.Batch, e.Seq)
	}},
	protocol.Applied:           {0, untold},
	protocol.Filtered:          {filtered, untold},
	protocol.Opened:            {opened, untold},
	protocol.Expired:           {expiries, untold},
	protocol.Lapsed:            {0, untold},
	protocol.Executed:          {0, untold},
	protocol.CatchUp:           {catchUps, untold},
	protocol.Formed:            {formed, untold},
	protocol.Refused:           {refused, untold},
	protocol.SnapshotTaken:     {snapshots, untold},
	protocol.SnapshotInstalled: {snapshotInstalls, untold},
	protocol.Truncated:         {0, untold},
	protocol.RoundConfirmed: {0, func(l *engine.Line, n world.Node, e *protocol.Event) {
		l.Seq, l.Text = 0, fmt.Sprintf("server %d finishes a read round of view %d, for %s", n, e.View, words.Count(int(e.Timestamp), "read"))
	}},
	protocol.ReadAnswered: {reads, func(l *engine.Line, n world.Node, e *protocol.Event) {
		l.Client = uint32(e.Client)
		l.Text = fmt.Sprintf("server %d answers client %d's read %d from the state after seq %d", n, e.Client, e.Timestamp, e.Seq)
	}},
	protocol.HandedOver: {plan.HandOver.Effect(), func(l *engine.Line, n world.Node, e *protocol.Event) {
		l.Text = fmt.Sprintf("server %d has given way to another, in view %d", n, e.View)
	}},
	protocol.Overtook:      {overtook, untold},
	protocol.Starved:       {starved, untold},
	protocol.Forgotten:     {forgotten, untold},
	protocol.ReadConfirmed: {0, untold},
}

func untold(*engine.Line, world.Node, *protocol.Event) {}
