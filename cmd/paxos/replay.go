package main

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/spf13/cobra"

	"github.com/fauer4effect/paxos/sim"
	"github.com/fauer4effect/paxos/sim/testbed/cli"
)

func replayCommand() *cobra.Command {
	var swarm swarmFlags
	var watch watchFlags
	var recorded string
	var story bool
	c := &cobra.Command{
		Use:   "replay PLAN.json|SEED [flags]",
		Short: "run a plan that a sweep kept, or a seed, again",
		Long: `Replay runs a plan again: the same plan is the same run, event for event.

A number is a seed; anything else is a file. A file holds the plan itself. A seed
draws the same plan only with the same --nodes and --for as in the sweep, and only
until a later version changes how plans are drawn.

With --recorded the file is what paxos serve --record wrote: all inputs of a live
server. The machine gets them again, and must give every output again, byte for
byte.`,
		Example: `$ paxos replay 42                           # what a sweep ran as seed 42
$ paxos replay 42 --nodes 5                 # as it was with sweep --nodes 5
$ paxos replay 42 --trace events.jsonl
$ paxos replay testdata/plans/rest-into-the-calm.json  # (in a checkout)`,
		ValidArgsFunction: completePlans,
		Args: func(_ *cobra.Command, args []string) error {
			if recorded != "" && len(args) > 0 {
				return usage("", "--recorded %s replays that file, and no plan or seed", cli.Quote(recorded))
			}
			if recorded == "" && len(args) != 1 {
				return usage("for example: paxos replay 42; a sweep keeps the plans that fail in ./"+defaultOut,
					"it takes one plan or seed, not %d", len(args))
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			if recorded != "" {
				if swarm != (swarmFlags{}) || watch != (watchFlags{}) || story {
					return usage("", "--recorded goes with no other flag")
				}
				return replayRecorded(c, recorded)
			}
			s, err := replaySubject(args[0], swarm)
			if err != nil {
				return err
			}
			if story {
				return watch.tell(c, s)
			}
			return watch.run(c, s)
		},
	}
	f := c.Flags()
	f.SortFlags = false
	f.BoolVar(&story, "story", false, "tell in at most ten lines how the run came to its violation")
	swarm.register(f)
	watch.register(f)
	flag(f, &recorded, "--recorded FILE", "", "replay what paxos serve --record wrote", parsePath)
	return c
}

// tell prints the story of a run that fails, and says of any other that it does not.
func (o *watchFlags) tell(c *cobra.Command, s subject) error {
	if o.json {
		return usage("", "--story goes without --json")
	}
	var story sim.Story
	r, err := o.execute(c.Context(), s, sim.WithStory(&story))
	if err != nil {
		return err
	}
	w := c.OutOrStdout()
	if r.OK() {
		printVerdict(w, s, r) // why a plan that was kept no longer shows what it did
		return nil
	}
	printStory(w, "", storyText(s.plan, &story, r))
	return errFailed
}

// counted is plural of a word that takes no s.
func counted(n int, one, more string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, more)
}

// replaySubject finds the plan that an argument means.
func replaySubject(arg string, swarm swarmFlags) (subject, error) {
	if arg != "" && strings.Trim(arg, "0123456789") == "" {
		seed, err := parseSeed(arg)
		if err != nil {
			return subject{}, usage("", "%s: %v", arg, err)
		}
		return subject{plan: sim.Swarm(seed, swarm.options()), replay: seedCommand(seed, swarm)}, nil
	}
	if swarm != (swarmFlags{}) {
		return subject{}, usage("leave it out, or give a seed", "%s: a plan of a file decides this itself",
			strings.TrimSpace(swarm.given()))
	}
	return fileSubject(arg)
}

// fileSubject is the plan of a file.
func fileSubject(arg string) (subject, error) {
	plan, err := sim.LoadPlan(arg)
	var unread *fs.PathError
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return subject{}, usage("a sweep keeps plans in ./"+defaultOut+"; a seed consists of digits", "plan %s: no such file", cli.Quote(arg))
	case errors.As(err, &unread):
		return subject{}, usage("", "plan %s: %v", cli.Quote(arg), unread.Err)
	case err != nil:
		return subject{}, usage("", "%v", err)
	}
	return subject{plan: plan, file: arg, replay: fmt.Sprintf("%s replay %s", self(), cli.Quote(arg))}, nil
}

// seedCommand replays a seed.
func seedCommand(seed uint64, swarm swarmFlags) string {
	return fmt.Sprintf("%s replay %d%s", self(), seed, swarm.given())
}

// afterAll says in one line that a plan no longer shows what it was kept for, and in another that the
// build changed since. Both are "" if the plan does show it.
func afterAll(r *sim.Report) (line, builds string) {
	was, is := property(r.Plan.Finding), ""
	if !r.OK() {
		is = r.Violation.Property
	}
	if was == "" || was == is {
		return "", ""
	}
	if is == "" {
		is = "no violation"
	}
	if r.Plan.Build != "" && r.Plan.Build != sim.Build() {
		builds = "(then " + r.Plan.Build + ", now " + sim.Build() + ")"
	}
	return fmt.Sprintf("the plan was kept because it showed %s; now it shows %s", was, is), builds
}
