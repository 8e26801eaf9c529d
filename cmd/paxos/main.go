// Paxos sweeps a deterministic simulation of Paxos for broken promises, replays what it found,
// and runs the same servers live.
//
//	paxos sweep              # thousands of seeds: each a cluster, its clients, its faults
//	paxos run --seed 17      # one of them, in a screen
//	paxos replay FILE        # a plan that a sweep left behind, or a seed
//	paxos scenario FILE      # a scripted story of faults
//	paxos check HISTORY      # a recorded history: is it linearizable?
//	paxos serve -p PORT -h HOSTFILE   # one live server; without "serve", as the seed had it
//	paxos cluster            # a live cluster on this machine; --chaos --check breaks it
//	paxos break              # planted bugs, and the sweep that catches them
//	paxos status ADDR        # where a live cluster stands
//	paxos version
//
// Exit status: 0 all is well; 1 a property was violated or a check failed; 2 wrong usage or
// bad input, with one line on stderr that says what and where; 130 interrupted. A server that
// SIGTERM tells to end, and that leaves nothing open, ends with 0.
//
// This package only reads flags and writes text and JSON; package sim does the work.
package main

import (
	"context"
	"io"
	"os"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/fauer4effect/paxos/sim"
	"github.com/fauer4effect/paxos/sim/testbed/cli"
)

func main() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(sim.GCPercent) // docs/BENCHMARKS.md
	}
	os.Exit(run(signalled(), os.Args[1:], os.Stdout, os.Stderr))
}

// run is the program but for the process around it. It returns the exit status.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	out := &cli.Output{Writer: stdout}
	root := rootCommand()
	root.SetArgs(append([]string{}, args...)) // nil would mean os.Args
	root.SetOut(out)
	root.SetErr(stderr)
	cmd, err := root.ExecuteContextC(ctx)
	if first := out.Err(); first != nil {
		err = usage("", "standard output: %v", first)
	}
	return exitStatus(cmd, err, stderr)
}

func rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "paxos",
		Short: "a testbed in which Paxos meets every fault that a seed can draw",
		Long: `Paxos runs complete Paxos clusters, clients and faults included, in a simulated
world in which a seed decides everything, and checks every step of every run. It
runs the same servers live, too: paxos -p PORT -h HOSTFILE [-t] is short for
paxos serve with --insecure, on all interfaces.`,
		Example: `$ paxos sweep                               # thousands of seeds
$ paxos replay failures/seed-17/plan.json   # what it found, again
$ paxos run --seed 17 --trace events.jsonl  # all that happens in one of them
$ paxos break                               # see a planted bug caught`,
		SilenceErrors:              true,
		SilenceUsage:               true,
		SuggestionsMinimumDistance: 2,
		Args:                       noCommand,
		RunE:                       func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	root.PersistentFlags().Bool("help", false, "show this") // -h is kept for the host file
	root.SetHelpFunc(showHelp)
	root.SetFlagErrorFunc(flagError)
	root.SetHelpCommand(helpCommand())
	root.AddCommand(sweepCommand(), runCommand(), replayCommand(), shrinkCommand(), scenarioCommand(), checkCommand())
	addLive(root)
	root.AddCommand(breakCommand(), versionCommand())
	root.InitDefaultCompletionCmd()
	for _, c := range root.Commands() {
		if c.Name() == "completion" {
			c.Args, c.RunE = noCommand, func(*cobra.Command, []string) error {
				return usage("", "for which shell? bash, fish, powershell or zsh")
			}
		}
	}
	return root
}
