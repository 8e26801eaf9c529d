package testbed_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/fauer4effect/paxos/sim/plan"
	"github.com/fauer4effect/paxos/sim/testbed"
	"github.com/fauer4effect/paxos/sim/world"
)

// helpless fails at the first request.
type helpless struct{ env *testbed.Env }

func (helpless) Receive(int, any) {}
func (h helpless) Request(r testbed.Request) {
	h.env.Fail("help", "client %d asks for something", r.Client)
}
func (helpless) Synced(uint64)           {}
func (helpless) Wake()                   {}
func (helpless) Deadline() world.Instant { return world.Never }
func (helpless) Leads() bool             { return false }

// Failures come in the order of their seeds, in whatever order they were found.
func TestSweepSortsItsFailures(t *testing.T) {
	o := testbed.SweepOptions{From: 1000, Seeds: 30, Jobs: 4}
	p := &testbed.Protocol{Name: "helpless", Kinds: []string{"Word"}, Start: func(env *testbed.Env, _ []any) (testbed.Machine, error) { return helpless{env}, nil }}
	s := p.Sweep(t.Context(), o)
	var failed []uint64
	for _, r := range s.Failures {
		if failed = append(failed, r.Plan.Seed); r.Violation.Property != "help" {
			t.Errorf("seed %d: %v", r.Plan.Seed, r.Violation)
		}
	}
	if uint64(len(failed)) != s.Seeds || !slices.IsSorted(failed) {
		t.Errorf("of %d seeds these fail, in this order: %v", s.Seeds, failed)
	}
}

// The names of a protocol's kinds must tell them apart, and from what plans name otherwise.
func TestKindsHaveNames(t *testing.T) {
	for _, kinds := range [][]string{{"A", ""}, {"A", "B", "A"}, {"none"}, {"sync"}, {"A", "start"}, {}} {
		p := &testbed.Protocol{Name: "p", Kinds: kinds, Start: func(*testbed.Env, []any) (testbed.Machine, error) { return nil, nil }}
		if err := p.Validate(&plan.Plan{}); err == nil || !strings.Contains(err.Error(), `protocol "p"`) {
			t.Errorf("kinds %q: %v", kinds, err)
		}
		func() {
			defer func() {
				if r := recover(); r == nil {
					t.Errorf("kinds %q are swept", kinds)
				}
			}()
			p.Sweep(t.Context(), testbed.SweepOptions{Seeds: 1})
		}()
	}
}
