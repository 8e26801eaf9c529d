package main

import (
	"fmt"
	"strings"

	"github.com/fauer4effect/paxos/sim/testbed/cli"
	"github.com/spf13/cobra"
)

// showHelp writes a command's help: what it is for, its flags and, last, where the eye
// stays, a session that works.
func showHelp(c *cobra.Command, _ []string) {
	w := c.OutOrStdout()
	c.InitDefaultHelpFlag() // or --help itself would be missing from `paxos help COMMAND`
	about := c.Long
	if about == "" {
		about = c.Short
	}
	fmt.Fprintf(w, "%s\n\nUsage:\n", strings.TrimSpace(about))
	if c.HasAvailableSubCommands() {
		for _, sub := range c.Commands() {
			if sub.IsAvailableCommand() {
				fmt.Fprintf(w, "  %-18s %s\n", c.CommandPath()+" "+sub.Name(), sub.Short)
			}
		}
		fmt.Fprintf(w, "\n%s COMMAND --help shows the flags of a command.\n", c.CommandPath())
	} else {
		fmt.Fprintf(w, "  %s\n", c.UseLine())
	}
	if flags := c.Flags().FlagUsagesWrapped(cli.Columns); c.HasParent() && flags != "" {
		fmt.Fprintf(w, "\nFlags:\n%s", flags)
	}
	if c.Example != "" {
		fmt.Fprintf(w, "\nFor example:\n  %s\n", strings.ReplaceAll(c.Example, "\n", "\n  "))
	}
}

// helpCommand is `paxos help COMMAND`. Unlike cobra's, it refuses a command that is not there.
func helpCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND]",
		Short: "what a command does, and its flags",
		RunE: func(c *cobra.Command, args []string) error {
			about, rest, err := c.Root().Find(args)
			if err != nil || len(rest) > 0 {
				return usage("paxos help lists the commands", "no command %q", strings.Join(args, " "))
			}
			showHelp(about, nil)
			return nil
		},
	}
}
