package main

import (
	"strings"
	"sync"
	"testing"

	"github.com/fauer4effect/paxos/sim/plan"
	"github.com/fauer4effect/paxos/sim/shrink"
	"github.com/fauer4effect/paxos/sim/testbed"
)

// TestRaft finds nothing in 300 seeds. The long run is go test -run '^TestRaft$' -seeds=10000.
func TestRaft(t *testing.T) { testbed.Test(t, Protocol(Bugs{})) }

// TestBugs plants each bug, finds it within 20 seeds, and shrinks what it found.
func TestBugs(t *testing.T) {
	for _, bug := range []struct {
		name string
		Bugs
	}{
		{"messages sent before the log is saved", Bugs{SendBeforeSave: true}},
		{"the log never synced", Bugs{NeverSync: true}},
		{"entries applied before they commit", Bugs{ApplyBeforeCommit: true}},
		{"the hard state never written", Bugs{NoHardState: true}},
		{"a snapshot labelled one index off", Bugs{SnapshotOneOff: true}},
	} {
		t.Run(bug.name, func(t *testing.T) {
			t.Parallel()
			p := Protocol(bug.Bugs)
			found, seeds := find(p, 0, 20)
			if found == nil {
				t.Fatal("not found within 20 seeds")
			}
			small, err := testbed.Shrink(p, found.Plan, nil)
			if err != nil {
				t.Fatal(err)
			}
			// A search from one finding ends where no single removal fails, and the result may be
			// large. So one would look at the smallest of a few findings.
			for from := found.Plan.Seed + 1; !isSmall(small.Plan) && from < found.Plan.Seed+20; {
				other, tried := find(p, from, 20)
				if other == nil {
					break
				}
				from += tried
				if small, err = testbed.Shrink(p, other.Plan, nil); err != nil {
					t.Fatal(err)
				}
				found, seeds = other, other.Plan.Seed+1
			}
			if small.Report.Violation.Property != found.Violation.Property {
				t.Errorf("seed %d breaks %s, its shrunk plan %s", found.Plan.Seed, found.Violation.Property, small.Report.Violation.Property)
			}
			if !isSmall(small.Plan) {
				t.Errorf("shrunk to no less than %v", shrink.SizeOf(small.Plan))
			}
			t.Logf("found by seed %d, the %d. tried: %v\n%v\nshrunk to %v in %d runs:\n%s", found.Plan.Seed, seeds, found.Violation,
				shrink.SizeOf(found.Plan), shrink.SizeOf(small.Plan), small.Runs, strings.Join(testbed.Tell(p, small.Plan), "\n"))
		})
	}
}

func isSmall(p *plan.Plan) bool {
	s := shrink.SizeOf(p)
	return s.Servers <= 3 && s.Faults <= 5 && s.Updates <= 3
}

// find runs seeds from … from+n−1 until one fails, and says how many it took.
func find(p *testbed.Protocol, from, n uint64) (*testbed.Report, uint64) {
	for i := range n {
		if r := p.Run(p.Swarm(from+i, testbed.SwarmOptions{})); !r.OK() {
			return r, i + 1
		}
	}
	return nil, n
}

// TestSameHash runs plans twice, at the same time, one of them watched. A run is a function of
// its plan, although raft would draw its timeouts from the system.
func TestSameHash(t *testing.T) {
	p := Protocol(Bugs{})
	for seed := range uint64(20) {
		plan := p.Swarm(seed, testbed.SwarmOptions{})
		var reports [2]*testbed.Report
		var wg sync.WaitGroup
		wg.Go(func() { reports[0] = p.Run(plan) })
		wg.Go(func() { reports[1] = p.Run(plan.Clone(), testbed.WithStory(new(testbed.Story))) })
		wg.Wait()
		if a, b := reports[0], reports[1]; a.Hash != b.Hash || a.Messages != b.Messages {
			t.Errorf("seed %d: hash %x after %d messages, and %x after %d", seed, a.Hash, a.Messages, b.Hash, b.Messages)
		}
	}
}
