package main

import (
	"context"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/fauer4effect/paxos/sim"
	"github.com/fauer4effect/paxos/sim/testbed/cli"
)

const (
	defaultSeeds = "4000" // about 15 s on two cores
	defaultOut   = "failures"
	// From this many runs on, a kind of fault that was planned and never took effect is no
	// accident.
	idleMattersAbove = 500
)

// sweepFlags are what a sweep is asked for.
type sweepFlags struct {
	seeds, from uint64
	swarm       swarmFlags
	budget      time.Duration
	jobs        int
	shard       shard
	out         string
	shrink      bool
	json        bool
}

func sweepCommand() *cobra.Command {
	var o sweepFlags
	c := &cobra.Command{
		Use:   "sweep [flags]",
		Short: "run thousands of seeds and keep what fails",
		Long: `Sweep runs one simulated cluster for each seed, with the faults that the seed
draws, and checks every step. Each failure gets a folder below --out: plan,
report, story, trace and history (docs/FAILURES.md). With --shrink the plan is
made small first. Failures that look alike are told as one: many seeds, few bugs.

The tables show what happened (docs/SWEEP.md). A fault counts where it took
effect. A sweep of more than 500 seeds also fails if a planned kind of fault
never took effect: a passing sweep that exercised nothing is worse than a failing
one.`,
		Example: `$ paxos sweep --seeds 200 --nodes 5
$ paxos sweep --budget 10m --seeds 1000000 --from 5000
$ paxos sweep --shard 1/3 & paxos sweep --shard 2/3 & paxos sweep --shard 3/3`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return o.run(c.Context(), c.OutOrStdout(), c.ErrOrStderr())
		},
	}
	f := c.Flags()
	f.SortFlags = false
	flag(f, &o.seeds, "--seeds N", defaultSeeds, "how many seeds", parseSeeds)
	flag(f, &o.from, "--from S", "", "the first seed (default 0)", parseSeed)
	o.swarm.register(f)
	flag(f, &o.budget, "--budget DUR", "", "begin no further run after this time on the clock, such as 5m", parseBudget)
	flag(f, &o.jobs, "--jobs J", "", "runs at once (default: as many as there are processors)", parseJobs)
	flag(f, &o.shard, "--shard i/n", "", "only this part of the seeds: 1/3, 2/3 or 3/3", parseShard)
	flag(f, &o.out, "--out DIR", defaultOut, "where the plans of seeds that fail are kept", parsePath)
	f.BoolVar(&o.shrink, "shrink", false, "make each plan that fails small, and tell its story")
	f.BoolVar(&o.json, "json", false, "print one JSON object instead of text")
	return c
}

// check refuses flags that are fine by themselves, but not together.
func (o *sweepFlags) check() error {
	switch {
	case o.from+o.seeds > seedLimit:
		return usage("", "--from %d and --seeds %d: seeds stay below 2^53", o.from, o.seeds)
	case o.shard.of > o.seeds:
		return usage("", "--shard %d/%d: %s cannot be split into %d shards", o.shard.number, o.shard.of, cli.Plural(o.seeds, "seed"), o.shard.of)
	}
	return nil
}

func (o *sweepFlags) options() sim.SweepOptions {
	s := sim.SweepOptions{From: o.from, Seeds: o.seeds, Swarm: o.swarm.options(), Jobs: o.jobs, Budget: o.budget}
	if o.shard.of > 0 {
		s.Shard, s.Shards = o.shard.number-1, o.shard.of
	}
	return s
}

func (o *sweepFlags) run(ctx context.Context, stdout, stderr io.Writer) error {
	if err := o.check(); err != nil {
		return err
	}
	folder, err := openPlanFolder(o.out)
	if err != nil {
		return usage("it must be a folder that can be written to", "--out %s: %v", cli.Quote(o.out), err)
	}
	r, err := o.sweep(ctx, folder, stderr)
	if err == nil {
		err = r.explain(ctx, stderr, o.shrink)
	}
	folder.close() // before a word is printed: a closed pipe (`| head`) would end us there
	if err != nil {
		return usage("the sweep was stopped", "--out %s: %v", cli.Quote(o.out), err)
	}
	if o.json {
		cli.PrintJSON(stdout, r.json())
	} else {
		r.print(stdout)
	}
	switch {
	case r.interrupted:
		return errInterrupted
	case !r.ok():
		return errFailed
	}
	return nil
}

// sweep does the work, and keeps the plan of each seed that fails as soon as it is known.
func (o *sweepFlags) sweep(ctx context.Context, folder *planFolder, stderr io.Writer) (*sweepResult, error) {
	options := o.options()
	r := &sweepResult{asked: options.Total(), budget: o.budget, swarm: o.swarm, out: o.out, plans: make(map[uint64]string)}
	bar := newProgress(stderr, options.Total())
	defer bar.stop()
	ctx2, cancel := context.WithCancel(ctx)
	defer cancel()
	var broken error
	options.Done = func(report *sim.Report) {
		bar.done(report.OK())
		if report.OK() || broken != nil {
			return
		}
		path, err := folder.keep(report)
		r.plans[report.Plan.Seed] = path
		if err != nil {
			broken = err
			cancel() // a finding that cannot be kept is as good as lost
		}
	}
	r.Summary = sim.Sweep(ctx2, options)
	r.interrupted = r.Stopped && ctx.Err() != nil
	if r.Seeds > idleMattersAbove {
		r.idle = r.Idle()
	}
	return r, broken
}
