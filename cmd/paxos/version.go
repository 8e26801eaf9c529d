package main

import (
	"fmt"
	"io"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/fauer4effect/paxos/sim"
)

func versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "which build this is",
		Long: `Version prints the version of the module, the revision that the program was built
from, the version of Go, and the platform. Where the revision is not known, it
prints a hash of the executable instead. Plans carry the same.`,
		Args: noArgs,
		Run:  func(c *cobra.Command, _ []string) { printVersion(c.OutOrStdout()) },
	}
}

// addVersionFlag makes paxos --version what paxos version is.
func addVersionFlag(root *cobra.Command) {
	version := root.Flags().Bool("version", false, "which build this is")
	run := root.RunE
	root.RunE = func(c *cobra.Command, args []string) error {
		if *version {
			printVersion(c.OutOrStdout())
			return nil
		}
		return run(c, args)
	}
}

func printVersion(w io.Writer) {
	fmt.Fprintf(w, "paxos %s\n%s\n%s %s/%s\n",
		moduleVersion(), sim.Build(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
}

func moduleVersion() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}
