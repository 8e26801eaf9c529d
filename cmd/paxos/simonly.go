//go:build simonly

package main

import (
	"github.com/spf13/cobra"
)

// A program that only simulates builds in a third of the time. The build is most of the time that a
// hunt for a mutant takes (sim/mutants).

func addLive(*cobra.Command) {}

func replayRecorded(*cobra.Command, string) error {
	return usage("", "--recorded: this program was built without live servers")
}
