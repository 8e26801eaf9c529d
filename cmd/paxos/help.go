package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/fauer4effect/paxos/sim/testbed/cli"
)

// showHelp writes a command's help. The program's own begins with a session that works, since that is the
// first screen; a command's ends with one, where the eye stays.
func showHelp(c *cobra.Command, _ []string) {
	w := c.OutOrStdout()
	c.InitDefaultHelpFlag() // or --help itself would be missing from `paxos help COMMAND`
	about := c.Long
	if about == "" {
		about = c.Short
	}
	paragraphs(w, about)
	if c.HasAvailableSubCommands() {
		showExample(w, c)
		fmt.Fprint(w, "\nCommands:\n")
		for _, sub := range c.Commands() {
			if sub.IsAvailableCommand() {
				fmt.Fprintf(w, "  %-18s %s\n", c.CommandPath()+" "+sub.Name(), sub.Short)
			}
		}
		fmt.Fprintf(w, "\n%s COMMAND --help shows the flags of a command.\n", c.CommandPath())
		return
	}
	fmt.Fprintf(w, "\nUsage:\n  %s\n", c.UseLine())
	if flags := c.Flags().FlagUsagesWrapped(cli.Columns); c.HasParent() && flags != "" {
		fmt.Fprintf(w, "\nFlags:\n%s", flags)
	}
	showExample(w, c)
}

func showExample(w io.Writer, c *cobra.Command) {
	if c.Example != "" {
		fmt.Fprintf(w, "\nFor example:\n  %s\n", strings.ReplaceAll(c.Example, "\n", "\n  "))
	}
}

// paragraphs fills text to the columns. Lines that are indented stay as they are.
func paragraphs(w io.Writer, text string) {
	for i, block := range strings.Split(strings.TrimSpace(text), "\n\n") {
		if i > 0 {
			fmt.Fprintln(w)
		}
		var open []string
		end := func() {
			if len(open) > 0 {
				cli.Wrapped(w, "", strings.Join(open, " "))
			}
			open = nil
		}
		for _, line := range strings.Split(block, "\n") {
			if strings.HasPrefix(line, " ") {
				end()
				fmt.Fprintln(w, line)
				continue
			}
			open = append(open, line)
		}
		end()
	}
}

// helpCommand is `paxos help COMMAND`. Unlike cobra's, it refuses a command that is not there.
func helpCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND]",
		Short: "what a command does, and its flags",
		ValidArgsFunction: func(c *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
			var names []cobra.Completion
			for _, sub := range c.Root().Commands() {
				if len(args) == 0 && sub.IsAvailableCommand() {
					names = append(names, cobra.CompletionWithDesc(sub.Name(), sub.Short))
				}
			}
			return names, cobra.ShellCompDirectiveNoFileComp
		},
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
