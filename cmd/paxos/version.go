package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/fauer4effect/paxos/sim"
)

func versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "which build this is",
		Long: `Version prints the version of the module, the revision that the program was
built from (a hash of the executable, where that is not known: plans carry the
same), the version of Go, and what it was built for.`,
		Args: noArgs,
		Run: func(c *cobra.Command, _ []string) {
			fmt.Fprintf(c.OutOrStdout(), "paxos %s\n%s\n%s %s/%s\n",
				moduleVersion(), sim.Build(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
		},
	}
}

func moduleVersion() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}
