package testbed

import (
	"github.com/fauer4effect/paxos/sim/internal/engine"
	"github.com/fauer4effect/paxos/sim/internal/sweep"
	"github.com/fauer4effect/paxos/sim/plan"
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

// Summary is what came of a sweep. It counts Seeds, Messages and Updates. It has the Effects, and in how many
// plans each was Planned, and the reports of the Failures by seed.
type Summary = sweep.Summary

// Report is what came of a run: its Plan, the Hash of everything that happened, the Violation (nil for none),
// and counts. OK says whether all properties held.
type Report = engine.Report

// Option changes how a run is watched, never what happens.
type Option = engine.Option

// Story collects what happens in a run with what it came of. Lines tells a violation by the few events that
// led to it. The zero value is ready, for one run: see WithStory.
type Story = engine.Story

// Model is a sequential object: what clients ask of it, and what they may be answered. It has two fields.
//
//	// Operation draws an operation on the object of that name. unique is a text that no other operation of
//	// the run gets.
//	Operation func(draw uint64, object, unique string) []byte
//	// Porcupine judges the history of one object. Inputs are operations ([]byte), outputs results ([]byte;
//	// nil: the client got none, and it may have happened or not).
//	Porcupine porcupine.Model
type Model = engine.Model

// WithTrace writes every event of a run to w.
func WithTrace(w *trace.Writer) Option { return engine.WithTrace(w) }

// WithStory has a run collect its story.
func WithStory(s *Story) Option { return engine.WithStory(s) }
