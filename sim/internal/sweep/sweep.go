package sweep

import (
	"cmp"
	"context"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fauer4effect/paxos/sim/finding"
	"github.com/fauer4effect/paxos/sim/internal/engine"
	"github.com/fauer4effect/paxos/sim/plan"
	"github.com/fauer4effect/paxos/sim/swarm"
	"github.com/fauer4effect/paxos/sim/world"
)

// Options say which seeds to sweep. Seeds From … From+Seeds−1 are taken, or every
// Shards-th of them, from the Shard-th on.
type Options struct {
	From   uint64
	Seeds  uint64
	Swarm  swarm.Options
	Jobs   int           // runs at once; 0: as many as there are processors
	Shard  uint64        // 0 … Shards−1
	Shards uint64        // 0: one
	Budget time.Duration // wall time after which no further run begins; 0: none
	// Done is called after each run, one call at a time, in no particular order.
	Done func(*engine.Report)
}

// Subject is what is swept: a protocol.
type Subject struct {
	Target  swarm.Target
	Run     func(*plan.Plan) *engine.Report
	Effects plan.EffectTable
	// Strict has a large sweep fail without what the table says that it must show.
	Strict bool
}

// Summary is what came of a sweep.
type Summary struct {
	Seeds    uint64
	Unknown  uint64 // runs with a key that porcupine could not decide
	Events   uint64
	Messages uint64
	Updates  uint64
	Changed  uint64 // runs in which the view changed
	End      world.Instant
	Wall     time.Duration
	Effects  plan.Effects
	Planned  plan.Effects     // plans that contain the kind of fault
	Roomy    uint64           // plans with at least three servers, in which anything can happen; 0 where nothing must
	Failures []*engine.Report // by seed
	Stopped  bool             // by the context or the budget, before all seeds were run
	Table    plan.EffectTable
}

// Idle is what the sweep should have seen and did not: kinds of fault that plans contained but
// that never took effect. For a large sweep its table names more that it must show. (A passing
// sweep that exercised nothing is worse than a failing one.)
func (s *Summary) Idle() []plan.Effect {
	if s.Seeds <= idleSeeds {
		return nil
	}
	var idle []plan.Effect
	for _, e := range s.Table.All() {
		due := s.Planned[e] > 0
		switch s.Table[e].Shown {
		case plan.Always:
			due = s.Roomy > idleSeeds/2
		case plan.Rarely:
			due = s.Roomy > 4*idleSeeds
		}
		if due && s.Effects[e] == 0 {
			idle = append(idle, e)
		}
	}
	return idle
}

// idleSeeds is how many seeds may pass without an effect before that is suspicious.
const idleSeeds = 500

// Run draws and runs the plan of each seed, many at once. It ends early, between runs,
// when the context does.
func Run(ctx context.Context, subject Subject, o Options) *Summary {
	subject.Target.Demand(o.Swarm) // here, and not on a goroutine of the sweep's
	start := time.Now()
	s := &Summary{Table: subject.Effects}
	var mu sync.Mutex
	var next atomic.Uint64
	var wg sync.WaitGroup
	jobs := o.Jobs
	if jobs <= 0 {
		jobs = runtime.GOMAXPROCS(0)
	}
	for range jobs {
		wg.Go(func() {
			for {
				seed, ok := o.seed(next.Add(1) - 1)
				if !ok {
					return
				}
				if ctx.Err() != nil || o.Budget > 0 && time.Since(start) >= o.Budget {
					mu.Lock()
					s.Stopped = true
					mu.Unlock()
					return
				}
				report := subject.run(seed, o.Swarm)
				mu.Lock()
				s.add(report, subject.Strict)
				if o.Done != nil {
					o.Done(report)
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	slices.SortFunc(s.Failures, func(a, b *engine.Report) int { return cmp.Compare(a.Plan.Seed, b.Plan.Seed) })
	s.Wall = time.Since(start)
	return s
}

// run draws and runs the plan of a seed. Whatever panics, in drawing, running or reporting, is a finding of that
// seed, and the sweep goes on.
func (s *Subject) run(seed uint64, o swarm.Options) (report *engine.Report) {
	p := &plan.Plan{Version: plan.Version, Seed: seed, Protocol: s.Target.Name}
	defer func() {
		if thrown := recover(); thrown != nil {
			detail, stack := engine.Panicked(thrown, nil)
			report = &engine.Report{Plan: p, Violation: &finding.Violation{Property: "invariant", Detail: detail, Stack: stack}}
		}
	}()
	p = swarm.Draw(seed, s.Target, o)
	return s.Run(p)
}

// seed is the i-th seed of the sweep.
func (o *Options) seed(i uint64) (uint64, bool) {
	if o.Shards > 1 {
		i = i*o.Shards + o.Shard
	}
	return o.From + i, i < o.Seeds
}

// Total is how many seeds the sweep takes.
func (o *Options) Total() uint64 {
	if o.Shards > 1 {
		return (o.Seeds + o.Shards - 1 - o.Shard) / o.Shards
	}
	return o.Seeds
}

func (s *Summary) add(r *engine.Report, strict bool) {
	s.Seeds++
	s.Events += r.Events
	s.Messages += r.Messages
	s.Updates += r.Updates
	s.End += r.End
	if r.Views > 1 {
		s.Changed++
	}
	if r.Effects[engine.Undecided] > 0 {
		s.Unknown++
	}
	if strict && r.Plan.Servers >= 3 {
		s.Roomy++
	}
	for e, times := range r.Effects {
		s.Effects[e] += times
	}
	for e, has := range r.Plan.Planned() {
		if has && !r.Moot[e] {
			s.Planned[e]++
		}
	}
	if !r.OK() {
		s.Failures = append(s.Failures, r)
	}
}
