package swarm

import (
	"bytes"
	"slices"
	"testing"

	"github.com/fauer4effect/paxos/sim/plan"
	"github.com/fauer4effect/paxos/sim/world"
)

// anything is a protocol of which nothing is known but what plans may ask for.
var anything = Target{
	System: plan.System{
		Name: "anything", Kinds: []string{"none", "Word"}, MinServers: 1, MaxServers: plan.MaxServers,
		Can: plan.Features{Elect: true, HandOver: true, Formation: true, Wire: true, Log: true, Reads: true, Hosts: true},
	},
	Messages: []Message{{Name: "Word", OnSend: 1, OnArrival: 1, Named: 1, Omitted: 1}},
	Bounds: func(p *plan.Plan) (settle, answer world.Instant) {
		return p.SettleWithin(world.Second), p.AnswerWithin(world.Second)
	},
	Validate: func(*plan.Plan) error { return nil },
}

// flood is a kind of fault that nobody knows yet.
const flood plan.Kind = "flood"

// A new kind of fault re-rolls nothing. In every plan the other faults, and all else, are as they
// were, wherever in the table its row is.
func TestANewKindRerollsNothing(t *testing.T) {
	draws[flood] = func(s *swarm, d *world.Dice) {
		s.each(d, 3, func(at world.Instant) { s.add(plan.Fault{At: at, Do: flood, Servers: s.some(d, 1), For: spell(d)}) })
	}
	defer delete(draws, flood)
	row := plan.KindRow{Kind: flood, Odds: 2, Least: 2}
	flooded := 0
	for seed := range uint64(300) {
		at := int(seed) % (len(plan.Kinds) + 1)
		s := &swarm{plan: &plan.Plan{Version: plan.Version, Seed: seed, Protocol: anything.Name}, target: anything, pace: Ordinary, rows: slices.Insert(slices.Clone(plan.Kinds[:]), at, row)}
		s.draw(Options{})
		before := len(s.plan.Faults)
		s.plan.Faults = slices.DeleteFunc(s.plan.Faults, func(f plan.Fault) bool { return f.Do == flood })
		if before > len(s.plan.Faults) {
			flooded++
		}
		if want := Draw(seed, anything, Options{}); !bytes.Equal(s.plan.Encode(), want.Encode()) {
			t.Fatalf("seed %d: with one kind of fault more, the others are\n%s\nand were\n%s", seed, s.plan.Encode(), want.Encode())
		}
	}
	if flooded < 60 {
		t.Errorf("%d of 300 plans have the new kind", flooded)
	}
}

// Every kind of fault is drawn by somebody.
func TestEveryKindIsDrawn(t *testing.T) {
	for _, row := range plan.Kinds {
		if (draws[row.Kind] != nil) == slices.Contains(later[:], row.Kind) {
			t.Errorf("%s is drawn by nobody, or twice", row.Kind)
		}
	}
	if len(draws)+len(later) != len(plan.Kinds) {
		t.Errorf("%d kinds are drawn, and there are %d", len(draws)+len(later), len(plan.Kinds))
	}
}
