package engine

import (
	"testing"

	"github.com/fauer4effect/paxos/sim/plan"
)

// Each kind of fault that a plan may name does something when it strikes, and no other does.
func TestEveryKindStrikes(t *testing.T) {
	named := 0
	for _, row := range plan.Kinds {
		if row.Of == "" {
			named++
			if strikes[row.Kind] == nil {
				t.Errorf("%s does nothing", row.Kind)
			}
		}
	}
	if len(strikes) != named {
		t.Errorf("%d kinds strike, of %d that plans may name", len(strikes), named)
	}
}
