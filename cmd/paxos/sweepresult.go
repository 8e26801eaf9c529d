package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/fauer4effect/paxos/sim"
	"github.com/fauer4effect/paxos/sim/plan"
	"github.com/fauer4effect/paxos/sim/testbed/cli"
)

// shownFailures are printed in full; the others are in the folder.
const shownFailures = 10

// sweepResult is what came of a sweep, with what it was asked for.
type sweepResult struct {
	*sim.Summary
	asked       uint64 // seeds
	budget      time.Duration
	swarm       swarmFlags
	out         string
	plans       map[uint64]string // path by seed that failed
	groups      []failureGroup    // by signature, in order of the first seed
	idle        []plan.Effect     // kinds of fault that never took effect, where that matters
	interrupted bool
}

// ok says whether the sweep may end with status 0. One that ran nothing may not.
func (r *sweepResult) ok() bool {
	return len(r.Failures) == 0 && len(r.idle) == 0 && r.Seeds > 0
}

// sweepJSON is the object that `sweep --json` prints. Its fields are a contract.
type sweepJSON struct {
	Seeds           uint64            `json:"seeds"` // that were run
	Failed          int               `json:"failed"`
	Unknown         uint64            `json:"unknown"`
	Events          uint64            `json:"events"`
	Messages        uint64            `json:"messages"`
	EventsPerSecond float64           `json:"events_per_second"`
	SimSeconds      float64           `json:"sim_seconds"`
	WallSeconds     float64           `json:"wall_seconds"`
	Effects         map[string]uint64 `json:"effects"`
	Failures        []failureJSON     `json:"failures"` // by seed

	Updates      uint64            `json:"updates"`
	ViewsChanged uint64            `json:"views_changed"` // runs in which the view changed
	Planned      map[string]uint64 `json:"planned"`       // plans that contain the kind of fault
	Idle         []string          `json:"idle"`          // effects that the sweep should have shown and did not
	Stopped      string            `json:"stopped"`       // interrupted, budget or ""
}

type failureJSON struct {
	Seed     uint64 `json:"seed"`
	Property string `json:"property"`
	Plan     string `json:"plan"`
}

func (r *sweepResult) json() sweepJSON {
	j := sweepJSON{
		Seeds: r.Seeds, Failed: len(r.Failures), Unknown: r.Unknown, Events: r.Events, Messages: r.Messages,
		EventsPerSecond: cli.PerSecond(r.Events, r.Wall), SimSeconds: time.Duration(r.End).Seconds(),
		WallSeconds: r.Wall.Seconds(), Effects: make(map[string]uint64), Failures: []failureJSON{},
		Updates: r.Updates, ViewsChanged: r.Changed, Planned: make(map[string]uint64),
		Idle: []string{}, Stopped: r.stopped(),
	}
	for _, e := range sim.Effects().All() {
		j.Effects[sim.Effects()[e].Name] = r.Effects[e]
		if e.IsFault() {
			j.Planned[sim.Effects()[e].Name] = r.Planned[e]
		}
	}
	for _, e := range r.idle {
		j.Idle = append(j.Idle, sim.Effects()[e].Name)
	}
	for _, f := range r.Failures {
		j.Failures = append(j.Failures, failureJSON{f.Plan.Seed, f.Violation.Property, r.plans[f.Plan.Seed]})
	}
	return j
}

func (r *sweepResult) stopped() string {
	switch {
	case r.interrupted:
		return "interrupted"
	case r.Stopped:
		return "budget"
	}
	return ""
}

// print writes the totals, the table, the failures and, last, the verdict.
func (r *sweepResult) print(w io.Writer) {
	cli.Wrapped(w, "", fmt.Sprintf("%s, %s simulated, %s events/s, %s messages/s, %s updates",
		cli.Plural(r.Seeds, "seed"), time.Duration(r.End).Round(time.Second),
		cli.Rough(cli.PerSecond(r.Events, r.Wall)), cli.Rough(cli.PerSecond(r.Messages, r.Wall)), cli.Rough(float64(r.Updates))))
	fmt.Fprintf(w, "%s on the clock; the view changed in %s\n\n", cli.Brief(r.Wall), cli.Plural(r.Changed, "run"))
	cli.FaultTable(w, sim.Effects(), &r.Effects, &r.Planned)
	fmt.Fprintln(w)
	cli.EffectTable(w, sim.Effects(), &r.Effects)
	fmt.Fprintln(w)
	r.printGroups(w)
	r.printVerdict(w)
}

func (r *sweepResult) printVerdict(w io.Writer) {
	switch r.stopped() {
	case "interrupted":
		fmt.Fprintf(w, "interrupted after %d of %s\n", r.Seeds, cli.Plural(r.asked, "run"))
	case "budget":
		fmt.Fprintf(w, "stopped early, after %d of %s: the budget of %v is used up\n", r.Seeds, cli.Plural(r.asked, "run"), r.budget)
	}
	if len(r.idle) > 0 {
		var names []string
		for _, e := range r.idle {
			names = append(names, sim.Effects()[e].Name)
		}
		cli.Wrapped(w, "", "never happened, though a sweep of more than 500 seeds must show it: "+strings.Join(names, ", "))
	}
	switch {
	case r.Seeds == 0:
		fmt.Fprintln(w, "nothing was run")
	case len(r.Failures) > 0:
		cli.Wrapped(w, "", fmt.Sprintf("%d of %s failed: %s", len(r.Failures), cli.Plural(r.Seeds, "run"), r.byProperty()))
	case len(r.idle) > 0:
		fmt.Fprintf(w, "failed, although all properties held in %s\n", cli.Plural(r.Seeds, "run"))
	default:
		fmt.Fprintf(w, "nothing found: all properties held in %s\n", cli.Plural(r.Seeds, "run"))
	}
}

// byProperty is `L1 2 times, S5 once`, in order of the first seed.
func (r *sweepResult) byProperty() string {
	times := make(map[string]uint64)
	var order, parts []string
	for _, f := range r.Failures {
		if times[f.Violation.Property]++; times[f.Violation.Property] == 1 {
			order = append(order, f.Violation.Property)
		}
	}
	for _, name := range order {
		parts = append(parts, name+" in "+cli.Plural(times[name], "run"))
	}
	return strings.Join(parts, ", ")
}

// instant is a virtual time.
func instant(at int64) string { return fmt.Sprintf("%.6fs", time.Duration(at).Seconds()) }
