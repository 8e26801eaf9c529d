// Paxos runs Paxos clusters in a simulated world, checks every step, and replays what it found. It runs the
// same servers live.
//
//	paxos sweep              # thousands of seeds: each a cluster, its clients, its faults
//	paxos run --seed 42      # one of them, in a screen
//	paxos replay PLAN|SEED   # a plan that a sweep kept, or a seed, again
//	paxos shrink PLAN        # what of a failing plan the failure needs
//	paxos scenario FILE      # a scripted story of faults
//	paxos break              # planted bugs, and the sweep that catches them
//	paxos check HISTORY      # a recorded history: is it linearizable?
//	paxos cluster            # a live cluster on this machine; --chaos --check breaks it
//	paxos serve -p PORT -h HOSTFILE   # one live server
//	paxos status ADDR        # where a live cluster stands
//	paxos version
//
// paxos -p PORT -h HOSTFILE [-t] is the form of the original repository: a live server.
//
// Exit status:
//
//   - 0: all is well. A server that SIGTERM ends, and that leaves nothing open, ends so, too.
//   - 1: a property was violated, or a check failed.
//   - 2: wrong usage or bad input. One line on stderr says what and where.
//   - 130: interrupted.
//
// This package only reads flags and writes text and JSON. Package sim does the work.
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
	cli.FitTerminal(os.Stdout)
	os.Exit(run(signalled(), os.Args[1:], os.Stdout, os.Stderr))
}

// run is the program without the process around it. It returns the exit status.
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
		Long: `Paxos runs whole Paxos clusters, clients and faults included, in a simulated
world. A seed decides everything, every step is checked, and what fails is kept
as a plan that replays. The same servers run live, too.`,
		Example: `$ paxos sweep --seeds 500                    # 500 clusters under faults
$ paxos run --seed 42                        # one of them, in a screen
$ paxos scenario partitions/minority-leader  # a scripted partition
$ paxos break c-half-is-enough               # a planted bug (in a checkout)
$ paxos cluster                              # live servers, for redis-cli`,
		SilenceErrors:              true,
		SilenceUsage:               true,
		SuggestionsMinimumDistance: 2,
		Args:                       noCommand,
		RunE:                       func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	root.PersistentFlags().Bool("help", false, "show this") // -h with a value is the host file
	root.SetHelpFunc(showHelp)
	root.SetFlagErrorFunc(flagError)
	root.SetHelpCommand(helpCommand())
	cobra.EnableCommandSorting = false // help has them in the order in which one meets them
	root.AddCommand(sweepCommand(), runCommand(), replayCommand(), shrinkCommand(), scenarioCommand(), breakCommand(), checkCommand())
	addLive(root)
	root.AddCommand(versionCommand())
	addVersionFlag(root)
	root.InitDefaultCompletionCmd()
	for _, c := range root.Commands() {
		if c.Name() == "completion" {
			c.Short = "completion of commands, names and flags, for a shell"
			c.Args, c.RunE = noCommand, func(*cobra.Command, []string) error {
				return usage("", "for which shell? bash, fish, powershell or zsh")
			}
		}
	}
	completeFlags(root)
	return root
}
