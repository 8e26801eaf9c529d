package check

import (
	"testing"

	"github.com/fauer4effect/paxos/protocol"
	"github.com/fauer4effect/paxos/protocol/kv"
	"github.com/fauer4effect/paxos/sim/finding"
)

// Each thing that a disk may not forget is found missing, by its property, and what may go goes.
func TestTruncation(t *testing.T) {
	first := protocol.Record{
		Kind: protocol.RecordSnapshot, Position: 9, View: 3, Seq: 20,
		Checkpoint: &protocol.Checkpoint{Open: protocol.DataList{{Seq: 22, View: 3}, {Seq: 23, Ordered: true}}},
	}
	accepted := func(view protocol.View, seq protocol.Seq) *protocol.Record {
		return &protocol.Record{Kind: protocol.RecordAccepted, View: view, Seq: seq}
	}
	for name, tt := range map[string]struct {
		do   func(c *Checker)
		want string
	}{
		"a slot that is covered":       {func(c *Checker) { c.Forgotten(1, 2, accepted(3, 20), &first) }, ""},
		"one that is repeated":         {func(c *Checker) { c.Forgotten(1, 2, accepted(2, 22), &first) }, ""},
		"one whose outcome is":         {func(c *Checker) { c.Forgotten(1, 2, accepted(9, 23), &first) }, ""},
		"one that is not":              {func(c *Checker) { c.Forgotten(1, 2, accepted(3, 21), &first) }, "S5"},
		"one of a later view":          {func(c *Checker) { c.Forgotten(1, 2, accepted(4, 22), &first) }, "S5"},
		"a promise that is repeated":   {func(c *Checker) { c.Forgotten(1, 2, &protocol.Record{Kind: protocol.RecordInstalled, View: 3}, &first) }, ""},
		"one that is not repeated":     {func(c *Checker) { c.Forgotten(1, 2, &protocol.Record{Kind: protocol.RecordInstalled, View: 4}, &first) }, "S6"},
		"the roster":                   {func(c *Checker) { c.Forgotten(1, 2, &protocol.Record{Kind: protocol.RecordFormed}, &first) }, "S6"},
		"a disk that begins so":        {func(c *Checker) { c.Truncating(1, 2, &first, true) }, ""},
		"a snapshot not durable":       {func(c *Checker) { c.Truncating(1, 2, &first, false) }, "S5"},
		"no snapshot at the beginning": {func(c *Checker) { c.Truncating(1, 2, accepted(3, 21), true) }, "S5"},
		"more than is covered": {func(c *Checker) {
			c.Durable(1, 2, &first)
			c.Event(1, 2, &protocol.Event{Kind: protocol.Truncated, Seq: 21})
		}, "S5"},
		"what another's covers": {func(c *Checker) {
			c.Durable(1, 1, &first)
			c.Event(1, 2, &protocol.Event{Kind: protocol.Truncated, Seq: 20})
		}, "S5"},
		"what is covered": {func(c *Checker) {
			c.Durable(1, 2, &first)
			c.Event(1, 2, &protocol.Event{Kind: protocol.Truncated, Seq: 20})
		}, ""},
		"a life below the snapshot": {func(c *Checker) {
			c.Durable(1, 2, &first)
			c.Recovered(1, 2, 0, c.Log.State(0))
		}, "S5"},
	} {
		c := New(3, Calm{}, kv.New())
		tt.do(c)
		if got := propertyOf(c.Violation()); got != tt.want {
			t.Errorf("%s: %v, want %q", name, c.Violation(), tt.want)
		}
	}
}

func propertyOf(v *finding.Violation) string {
	if v == nil {
		return ""
	}
	return v.Property
}
