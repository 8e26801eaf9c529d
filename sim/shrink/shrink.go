package shrink

import (
	"fmt"
	"strings"

	"github.com/fauer4effect/paxos/sim/internal/build"
	"github.com/fauer4effect/paxos/sim/internal/engine"
	"github.com/fauer4effect/paxos/sim/plan"
	"github.com/fauer4effect/paxos/sim/world"
)

// Options bound a search. The zero value has the defaults.
type Options struct {
	Runs   int    // candidates run, at most; 0: 20,000
	Events uint64 // of all runs; 0: 300 million
	// Progress, if it is not nil, is told of every smaller plan.
	Progress func(Progress)
}

// Target is the system under test.
type Target struct {
	Run      func(*plan.Plan) *engine.Report
	Validate func(*plan.Plan) error
	// Timely says why a plan's calm asks for more liveness than the protocol promises, nil if it does
	// not. A smaller plan must not fail for that. Without this function no plan is refused.
	Timely func(*plan.Plan) error
}

// Progress is where a search stands.
type Progress struct {
	Pass string
	Runs int
	Size Size
}

// Size is how large a plan is.
type Size struct {
	Servers, Clients, Updates, Faults int
	Faulty                            world.Instant
}

// SizeOf is the size of a plan. Updates is 0 where the plan has no limit of them.
func SizeOf(p *plan.Plan) Size {
	return Size{p.Servers, p.Workload.Clients, p.Workload.Limit, len(p.Faults), p.Faulty}
}

func (s Size) String() string {
	of := func(n int, what string) string {
		if n == 1 {
			return "1 " + what
		}
		return fmt.Sprintf("%d %ss", n, what)
	}
	updates := of(s.Updates, "update")
	if s.Updates == 0 {
		updates = "any updates"
	}
	return fmt.Sprintf("%s, %s, %s, %s, %.3fs", of(s.Servers, "server"), of(s.Clients, "client"), updates, of(s.Faults, "fault"), float64(s.Faulty)/1e9)
}

// Result is what is left of a plan.
type Result struct {
	Plan   *plan.Plan
	Report *engine.Report // of Plan
	Runs   int            // that it took
	Spent  bool           // the budget ended the search: Plan may not be minimal
}

// Shrink makes a plan small that fails when it is run. It returns an error if it does not.
func Shrink(p *plan.Plan, t Target, o Options) (*Result, error) {
	if o.Runs == 0 {
		o.Runs = 20_000
	}
	if o.Events == 0 {
		o.Events = 300_000_000
	}
	s := &search{options: o, target: t, tried: map[string]bool{}}
	s.plan = p.Clone()
	s.plan.Finding, s.plan.Build = "", ""
	s.report = t.Run(s.plan)
	s.runs, s.events = 1, s.report.Events
	if s.report.OK() {
		return nil, fmt.Errorf("the plan does not fail: there is nothing to shrink")
	}
	if s.property = s.report.Violation.Property; s.property == "invariant" {
		s.signature = s.report.Violation.Signature()
	}
	s.timely = strings.HasPrefix(s.property, "L") && t.Timely != nil && t.Timely(s.plan) == nil
	s.all()
	s.plan.Build, s.plan.Finding = build.Name(), s.report.Violation.String()
	return &Result{Plan: s.plan, Report: s.report, Runs: s.runs, Spent: s.spent()}, nil
}

// search is one search: the smallest plan so far, and the gate that all candidates go through.
type search struct {
	options  Options
	target   Target
	property string
	// of an invariant: each panic is one, and a smaller plan must not fail by another
	signature string
	timely    bool // the plan's calm is fair to the protocol, and must stay so
	plan      *plan.Plan
	report    *engine.Report
	runs      int
	events    uint64
	tried     map[string]bool // plans, looked up only
	pass      string
}

func (s *search) spent() bool {
	return s.runs >= s.options.Runs || s.events >= s.options.Events
}

// accept takes a candidate in the plan's place if it fails the same property.
func (s *search) accept(c *plan.Plan) bool {
	if !s.fails(c) {
		return false
	}
	if s.options.Progress != nil {
		s.options.Progress(Progress{s.pass, s.runs, SizeOf(s.plan)})
	}
	return true
}

func (s *search) fails(c *plan.Plan) bool {
	if s.spent() || s.target.Validate(c) != nil || s.timely && s.target.Timely(c) != nil {
		return false
	}
	key := string(c.Encode())
	if s.tried[key] {
		return false
	}
	s.tried[key] = true
	r := s.target.Run(c)
	s.runs++
	s.events += r.Events
	if r.OK() || r.Violation.Property != s.property || s.signature != "" && r.Violation.Signature() != s.signature {
		return false
	}
	s.plan, s.report = c, r
	return true
}

// acceptSeeded is accept, with other seeds where the plan's own does not fail: what was taken
// away changed the draws.
func (s *search) acceptSeeded(c *plan.Plan, seeds int) bool {
	if s.accept(c) {
		return true
	}
	for i := range seeds {
		if s.spent() {
			return false
		}
		if s.accept(with(c, func(p *plan.Plan) { p.Seed = uint64(i + 1) })) {
			return true
		}
	}
	return false
}
