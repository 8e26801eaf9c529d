package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/fauer4effect/paxos/sim"
	"github.com/fauer4effect/paxos/sim/shrink"
	"github.com/fauer4effect/paxos/sim/testbed/cli"
)

func shrinkCommand() *cobra.Command {
	var out string
	c := &cobra.Command{
		Use:   "shrink PLAN.json [flags]",
		Short: "make a failing plan small",
		Long: `Shrink takes faults, servers, clients, updates, laws and time out of a plan, as
long as the same property fails. It ends when removing any one thing makes the
failure go away. The search is the same each time: it counts runs, not seconds.`,
		Example: `$ paxos break c-half-is-enough   # leaves a program and a plan that fails
$ cd failures/c-half-is-enough
$ ./paxos-c-half-is-enough shrink seed-0/plan.json
$ ./paxos-c-half-is-enough replay seed-0/shrunk.json`,
		ValidArgsFunction: completePlans,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usage("a sweep keeps the plans that fail in ./"+defaultOut, "it takes one plan, not %d", len(args))
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			s, err := fileSubject(args[0])
			if err != nil {
				return err
			}
			return shrinkPlan(c, s, out)
		},
	}
	shortFlag(c.Flags(), &out, "o", "--output FILE", "where the small plan goes (default: beside the plan, shrunk.json for plan.json, else NAME-shrunk.json)", parsePath)
	return c
}

// shrunkPath is where a plan's small one goes.
func shrunkPath(plan string) string {
	dir, name := filepath.Split(plan)
	if name = strings.TrimSuffix(name, ".json"); name == "plan" {
		return dir + "shrunk.json"
	}
	return dir + name + "-shrunk.json"
}

func shrinkPlan(c *cobra.Command, s subject, out string) error {
	stdout := c.OutOrStdout()
	if out == "" {
		out = shrunkPath(s.file)
	}
	if sameFile(out, s.file) {
		return usage("", "--output %s: that is the plan", cli.Quote(out))
	}
	note, done := shrinkProgress(c.ErrOrStderr())
	var wrong error
	r, err := unlessInterrupted(c.Context(), "the search", func() (r *shrink.Result) {
		r, wrong = sim.Shrink(s.plan, shrink.Options{Progress: note})
		return r
	})
	done()
	switch {
	case err != nil:
		return err
	case wrong != nil:
		return usage("paxos replay says what it shows", "plan %s: %v", cli.Quote(s.file), wrong)
	}
	if err := cli.WriteWhole(out, r.Plan.Encode()); err != nil {
		return usage("", "--output %s: %v", cli.Quote(out), cause(err))
	}
	v := r.Report.Violation
	fmt.Fprintf(stdout, "%s is violated, after %s:\n", v.Named(), cli.Plural(uint64(r.Runs), "run"))
	fmt.Fprintf(stdout, "  from      %v\n  to        %v\n", shrink.SizeOf(s.plan), shrink.SizeOf(r.Plan))
	cli.Labelled(stdout, "detail", v.Detail)
	fmt.Fprintf(stdout, "  %-9s %s\n  %-9s %s replay %s\n", "plan", out, "replay", self(), cli.Quote(out))
	if r.Spent {
		fmt.Fprintln(stdout, "the search ran out of runs: shrink the result again")
	}
	return nil
}

// shrinkProgress tells of a search on a terminal, in one line that is written over.
func shrinkProgress(stderr io.Writer) (func(shrink.Progress), func()) {
	f, ok := stderr.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return nil, func() {}
	}
	return func(p shrink.Progress) {
			text := fmt.Sprintf("%d runs: %v (%s)", p.Runs, p.Size, p.Pass)
			fmt.Fprintf(f, "\r%-*.*s", cli.Columns-1, cli.Columns-1, text)
		}, func() {
			fmt.Fprintf(f, "\r%-*s\r", cli.Columns-1, "")
		}
}
