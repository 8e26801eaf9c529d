package paxos

import (
	"testing"

	"github.com/fauer4effect/paxos/protocol"
)

// Every kind of message and of event has its row, and every effect: none is forgotten silently.
func TestTablesAreWhole(t *testing.T) {
	for k := range uses {
		if uses[k] == nil {
			t.Errorf("nothing says when a %v is of use", protocol.Kind(k))
		}
	}
	for k := range events {
		if k > 0 && events[k].tell == nil {
			t.Errorf("nothing says what becomes of the event %v", protocol.EventKind(k))
		}
	}
	if len(Effects) != int(endOfEffects) {
		t.Errorf("%d effects are declared, and %d have a row", endOfEffects, len(Effects))
	}
	for _, e := range Effects.All() {
		if Effects[e].Name == "" || Effects[e].Meaning == "" || Effects[e].Shown == 0 || Effects.Find(Effects[e].Name) != e {
			t.Errorf("effect %d is %+v", e, Effects[e])
		}
	}
}
