package testbed

import (
	"github.com/fauer4effect/paxos/sim/internal/engine"
	"github.com/fauer4effect/paxos/sim/internal/sweep"
	"github.com/fauer4effect/paxos/sim/plan"
	"github.com/fauer4effect/paxos/sim/swarm"
	"github.com/fauer4effect/paxos/sim/trace"
)

// What a protocol is run by, and what comes of it. Package plan has the parts of a Plan.
type (
	Plan         = plan.Plan
	SwarmOptions = swarm.Options
	SweepOptions = sweep.Options
	Summary      = sweep.Summary
	Report       = engine.Report
	Option       = engine.Option
	Story        = engine.Story
	Model        = engine.Model
)

// WithTrace writes every event of a run to w.
func WithTrace(w *trace.Writer) Option { return engine.WithTrace(w) }

// WithStory has a run collect its story.
func WithStory(s *Story) Option { return engine.WithStory(s) }
