package sim_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/fauer4effect/paxos/sim"
	"github.com/fauer4effect/paxos/sim/plan"
)

const from = 7_000_000 // its first seed, so that no other test runs the same ones

// A sweep is its runs, however many go on at once. Each seed is run once, with the hash that it
// has alone, and the summary is their sum. Shards share the seeds among them.
func TestSweepIsItsRuns(t *testing.T) {
	const seeds = 40
	alone := map[uint64]*sim.Report{}
	for seed := uint64(from); seed < from+seeds; seed++ {
		alone[seed] = sim.Run(sim.Swarm(seed, sim.SwarmOptions{}))
	}
	for _, shards := range []uint64{1, 3} {
		seen := map[uint64]int{}
		var total sim.Summary
		for shard := range shards {
			o := sim.SweepOptions{From: from, Seeds: seeds, Jobs: 4, Shard: shard, Shards: shards}
			var calls sync.Mutex
			o.Done = func(r *sim.Report) {
				if !calls.TryLock() {
					t.Error("Done is called twice at a time")
					return
				}
				defer calls.Unlock()
				seed := r.Plan.Seed
				if seen[seed]++; alone[seed] == nil || r.Hash != alone[seed].Hash {
					t.Errorf("seed %d has another hash in a sweep than alone, or is none of its seeds", seed)
				}
			}
			s := sim.Sweep(t.Context(), o)
			if s.Stopped || s.Seeds != o.Total() || len(s.Failures) > 0 {
				t.Errorf("shard %d of %d: %d seeds of %d, stopped %v, failures %v", shard, shards, s.Seeds, o.Total(), s.Stopped, s.Failures)
			}
			total.Seeds, total.Events, total.Messages = total.Seeds+s.Seeds, total.Events+s.Events, total.Messages+s.Messages
			total.Updates, total.End = total.Updates+s.Updates, total.End+s.End
			for e, n := range s.Effects {
				total.Effects[e] += n
			}
		}
		var want sim.Summary
		for _, r := range alone {
			want.Seeds, want.Events, want.Messages = want.Seeds+1, want.Events+r.Events, want.Messages+r.Messages
			want.Updates, want.End = want.Updates+r.Updates, want.End+r.End
			for e, n := range r.Effects {
				want.Effects[e] += n
			}
		}
		if fmt.Sprint(total) != fmt.Sprint(want) || len(seen) != seeds {
			t.Errorf("in %d shards the sweep of %d seeds sums up to\n%+v, its runs to\n%+v", shards, len(seen), total, want)
		}
	}
}

// Between two runs a sweep can be stopped; what was run by then is told.
func TestSweepStops(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	runs := uint64(0)
	s := sim.Sweep(ctx, sim.SweepOptions{From: from, Seeds: 10_000, Jobs: 2, Done: func(*sim.Report) {
		if runs++; runs == 5 {
			cancel()
		}
	}})
	if !s.Stopped || s.Seeds != runs || runs < 5 || runs > 5+2 {
		t.Errorf("stopped %v after %d seeds, of which %d are told", s.Stopped, s.Seeds, runs)
	}
	if s := sim.Sweep(t.Context(), sim.SweepOptions{From: from, Seeds: 10_000, Budget: 1}); !s.Stopped || s.Seeds > 0 {
		t.Errorf("with a budget of 1ns: stopped %v after %d seeds", s.Stopped, s.Seeds)
	}
}

// What a large sweep must show: it is idle without any one of these, and without a fault that its plans
// contain.
func TestIdle(t *testing.T) {
	sweep := func(seeds uint64, planned uint64, without plan.Effect) []plan.Effect {
		s := sim.Summary{Seeds: seeds, Roomy: seeds / 2, Table: sim.Effects()}
		for _, e := range sim.Effects().All() {
			s.Effects[e], s.Planned[e] = 1, planned
		}
		s.Effects[without] = 0
		return s.Idle()
	}
	seen := 0
	for _, e := range sim.Effects().All() {
		var want []plan.Effect
		if sim.Effects()[e].Shown == plan.Always || sim.Effects()[e].Shown == plan.Rarely {
			want = []plan.Effect{e}
			seen++
		}
		if got := sweep(10_000, 0, e); !slices.Equal(got, want) {
			t.Errorf("a sweep without %v, which no plan contains: idle are %v, want %v", e, got, want)
		}
		if got := sweep(10_000, 1, e); !slices.Equal(got, []plan.Effect{e}) {
			t.Errorf("a sweep without %v, which plans contain: idle are %v", e, got)
		}
		if got := sweep(500, 1, e); got != nil {
			t.Errorf("a small sweep without %v: idle are %v", e, got)
		}
	}
	if seen < 28 {
		t.Errorf("a large sweep must show %d effects only, whatever its plans contain", seen)
	}
}
