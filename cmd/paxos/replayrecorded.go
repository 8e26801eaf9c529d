//go:build !simonly

package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/fauer4effect/paxos/protocol"
	"github.com/fauer4effect/paxos/protocol/kv"
	"github.com/fauer4effect/paxos/protocol/live"
	"github.com/fauer4effect/paxos/sim/testbed/cli"
)

// replayRecorded feeds a live server's inputs to the pure machine again.
func replayRecorded(c *cobra.Command, path string) error {
	w := c.OutOrStdout()
	f, err := os.Open(path)
	if err != nil {
		return usage("", "--recorded %s: %v", cli.Quote(path), cause(err))
	}
	defer f.Close()
	var done live.Replayed
	wrong, err := unlessInterrupted(c.Context(), "the replay", func() (err error) {
		done, err = live.Replay(f, func() protocol.App { return kv.New() }, live.Visitor{})
		return err
	})
	if err != nil {
		return err
	}
	var differs *live.Difference
	switch {
	case errors.As(wrong, &differs):
		fmt.Fprintf(w, "%s: %v\n", path, differs)
		return errFailed
	case wrong != nil:
		return usage("paxos serve --record writes such files", "--recorded %s: %v", cli.Quote(path), cause(wrong))
	}
	fmt.Fprintf(w, "ok: %s, %s: every output is reproduced byte for byte (%s, %s, %s)\n",
		counted(done.Lives, "life", "lives"), cli.Plural(done.Steps, "step"),
		cli.Plural(done.Records, "record"), cli.Plural(done.Messages, "message"), counted(int(done.Replies), "reply", "replies"))
	return nil
}
