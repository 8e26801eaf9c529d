package main

import (
	"context"
	"errors"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/fauer4effect/paxos/sim"
	"github.com/fauer4effect/paxos/sim/script"
	"github.com/fauer4effect/paxos/sim/testbed/cli"
	"github.com/fauer4effect/paxos/sim/trace"
)

func runCommand() *cobra.Command {
	var seed uint64
	var swarm swarmFlags
	var watch watchFlags
	var asScenario bool
	c := &cobra.Command{
		Use:   "run --seed S [flags]",
		Short: "run one seed and say what happened",
		Long: `Run draws the plan of one seed and runs it. It prints in a screen what the plan
was, what happened, and whether all properties held. The same seed is the same
run, event for event, on every machine: the hash says so.`,
		Example: `$ paxos run --seed 42
$ paxos run --seed 42 --nodes 5 --trace events.jsonl
$ grep '"fault"' events.jsonl`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if !c.Flags().Changed("seed") {
				return usage("for example: paxos run --seed 42", "--seed is missing")
			}
			if asScenario {
				if watch.json || watch.trace != "" {
					return usage("it runs nothing", "--as-scenario goes with neither --json nor --trace")
				}
				_, err := c.OutOrStdout().Write(script.FromPlan(sim.Swarm(seed, swarm.options())))
				return err
			}
			return watch.run(c, subject{plan: sim.Swarm(seed, swarm.options()), replay: seedCommand(seed, swarm)})
		},
	}
	f := c.Flags()
	f.SortFlags = false
	flag(f, &seed, "--seed S", "", "the seed; required", parseSeed)
	swarm.register(f)
	watch.register(f)
	f.BoolVar(&asScenario, "as-scenario", false, "write the seed's plan down as a script instead of running it")
	return c
}

// subject is what is run under watch.
type subject struct {
	plan   *sim.Plan
	file   string // it came from; "": from its seed
	replay string // the command that runs it again
}

// run runs a plan and prints what came of it.
func (o *watchFlags) run(c *cobra.Command, s subject) error {
	start := time.Now()
	report, err := o.execute(c.Context(), s)
	if err != nil {
		return err
	}
	wall := time.Since(start)
	if o.json {
		cli.PrintJSON(c.OutOrStdout(), newRunJSON(report, wall))
	} else {
		printRun(c.OutOrStdout(), s, report, wall)
	}
	if !report.OK() {
		return errFailed
	}
	return nil
}

// execute runs the plan, with a trace where one is wanted.
func (o *watchFlags) execute(ctx context.Context, s subject, options ...sim.Option) (*sim.Report, error) {
	finish := func() error { return nil }
	if o.trace != "" {
		f, err := openTrace(o.trace, s.file)
		if err != nil {
			return nil, usage("", "--trace %s: %v", cli.Quote(o.trace), err)
		}
		t := trace.New(f)
		options = append(options, sim.WithTrace(t))
		finish = func() error {
			err := t.Close()
			if closed := f.Close(); err == nil {
				err = closed
			}
			return err
		}
	}
	report, err := unlessInterrupted(ctx, "the run", func() *sim.Report { return sim.Run(s.plan, options...) })
	if err != nil {
		return nil, err
	}
	if err := finish(); err != nil {
		return nil, usage("the trace is not complete", "--trace %s: %v", cli.Quote(o.trace), err)
	}
	return report, nil
}

// openTrace opens the file of a trace before anything runs, and not over the plan. It only writes: one
// who could read a pipe would never hear that its reader is gone.
func openTrace(path, plan string) (io.WriteCloser, error) {
	if plan != "" && sameFile(path, plan) {
		return nil, errors.New("that is the plan")
	}
	return os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o666)
}

// runJSON is the object that `run --json` and `replay --json` print. Its fields are a
// contract.
type runJSON struct {
	Seed        uint64  `json:"seed"`
	Hash        string  `json:"hash"`
	Verdict     string  `json:"verdict"`
	Property    string  `json:"property"` // "" where all held
	Detail      string  `json:"detail"`
	Events      uint64  `json:"events"`
	Messages    uint64  `json:"messages"`
	Updates     uint64  `json:"updates"`
	Views       uint64  `json:"views"`
	SimSeconds  float64 `json:"sim_seconds"`
	WallSeconds float64 `json:"wall_seconds"`
	Finding     string  `json:"finding,omitempty"` // what the plan says that it showed
	Missed      []int   `json:"missed,omitempty"`  // faults, from 1, whose event did not occur
}

func newRunJSON(r *sim.Report, wall time.Duration) runJSON {
	j := runJSON{
		Seed: r.Plan.Seed, Hash: sim.HashString(r.Hash), Verdict: r.Verdict(),
		Events: r.Events, Messages: r.Messages, Updates: r.Updates, Views: r.Views,
		SimSeconds: time.Duration(r.End).Seconds(), WallSeconds: wall.Seconds(), Finding: r.Plan.Finding,
	}
	for _, m := range r.Missed {
		j.Missed = append(j.Missed, m.Fault)
	}
	if !r.OK() {
		j.Property, j.Detail = r.Violation.Property, r.Violation.Detail
	}
	return j
}
