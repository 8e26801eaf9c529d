package sim

import (
	"context"
	"io"

	"github.com/fauer4effect/paxos/sim/internal/build"
	"github.com/fauer4effect/paxos/sim/internal/engine"
	"github.com/fauer4effect/paxos/sim/internal/sweep"
	"github.com/fauer4effect/paxos/sim/paxos"
	"github.com/fauer4effect/paxos/sim/plan"
	"github.com/fauer4effect/paxos/sim/shrink"
	"github.com/fauer4effect/paxos/sim/swarm"
	"github.com/fauer4effect/paxos/sim/trace"
)

// Plan is everything that decides a run. Package plan has its fields.
type Plan = plan.Plan

// SwarmOptions fix what a seed would draw otherwise: Servers, Faulty (how long faults may happen), Lies.
// The zero value fixes nothing.
type SwarmOptions = swarm.Options

// SweepOptions say which seeds to sweep: Seeds of them, From one on. Beside that: Swarm, Jobs (runs at
// once), Shard of Shards, Budget (wall time), Done (called after each run).
type SweepOptions = sweep.Options

// Summary is what came of a sweep. It counts Seeds, Events, Messages and Updates. It has the Effects, and in how
// many plans each was Planned, and the reports of the Failures by seed. Idle names what the sweep should have
// shown and did not.
type Summary = sweep.Summary

// Report is what came of a run: its Plan, the Hash of everything that happened, the Violation (nil for none).
// It has counts (Events, Messages, Updates, Views, Effects), and History if it was asked for. OK says whether
// all properties held.
type Report = engine.Report

// Missed is a fault of the plan whose event did not occur. It has the number of the Fault, from 1, and how many
// events of the kind were Seen.
type Missed = engine.Missed

// Option changes how a run is watched, never what happens.
type Option = engine.Option

// Story collects what happens in a run with what it came of. Lines tells a violation by the few events that
// led to it. The zero value is ready, for one run: see WithStory.
type Story = engine.Story

// The verdicts of a run.
const (
	VerdictOK        = engine.VerdictOK
	VerdictViolation = engine.VerdictViolation
)

// GCPercent is what a program that runs plans should set (debug.SetGCPercent). Runs are short and
// small: for some 15 MB a sweep gains a tenth to a third.
const GCPercent = 400

// ReadPlan reads a plan of our machine and refuses what it does not understand.
func ReadPlan(r io.Reader) (*Plan, error) { return paxos.ReadPlan(r) }

// LoadPlan reads a plan of our machine from a file.
func LoadPlan(path string) (*Plan, error) { return paxos.LoadPlan(path) }

// Validate says what is wrong with a plan of our machine, if anything, and where.
func Validate(p *Plan) error { return paxos.Validate(p) }

// Timely says why the plan's calm is not fair to our machine, nil if it is.
func Timely(p *Plan) error { return paxos.Timely(p) }

// Swarm draws the plan of a seed.
func Swarm(seed uint64, o SwarmOptions) *Plan { return paxos.Swarm(seed, o) }

// Run executes a plan, which must be valid. It is single-threaded and a function of the
// plan alone.
func Run(p *Plan, options ...Option) *Report { return paxos.Run(p, options...) }

// WithTrace writes every event of the run to w.
func WithTrace(w *trace.Writer) Option { return engine.WithTrace(w) }

// WithHistory keeps the clients' history for Report.History.
func WithHistory() Option { return engine.WithHistory() }

// WithStory has the run collect its story.
func WithStory(s *Story) Option { return engine.WithStory(s) }

// Sweep draws and runs the plan of each seed, many at once. It ends early, between runs,
// when the context does.
func Sweep(ctx context.Context, o SweepOptions) *Summary {
	run := func(p *Plan) *Report { return paxos.Run(p) }
	return sweep.Run(ctx, sweep.Subject{Target: paxos.Target, Run: run, Effects: paxos.Effects, Strict: true}, o)
}

// Shrink makes a plan small that fails when it is run. It returns an error if it does not.
func Shrink(p *Plan, o shrink.Options) (*shrink.Result, error) {
	run := func(p *Plan) *Report { return paxos.Run(p) }
	return shrink.Shrink(p, shrink.Target{Run: run, Validate: paxos.Validate, Timely: paxos.Timely}, o)
}

// Effects are those that runs of our machine count.
func Effects() plan.EffectTable { return paxos.Effects }

// Headline is the setting of a story: cluster, clients, faults.
func Headline(p *Plan) string { return engine.Headline(p) }

// Build names the program that runs: the revision it was built from, or, where that is not
// known, a hash of the executable.
func Build() string { return build.Name() }

// HashString is how hashes are written: 16 hex digits, since readers of JSON lose digits of
// large numbers.
func HashString(h uint64) string { return engine.HashString(h) }
