//go:build simonly

package main

import (
	"github.com/spf13/cobra"
)

// A program that only simulates takes a third of the time to build, which is most of the time
// that a hunt for a mutant takes (sim/mutants).

func addLive(*cobra.Command) {}

func replayRecorded(*cobra.Command, string) error {
	return usage("", "--recorded: this program was built without live servers")
}
