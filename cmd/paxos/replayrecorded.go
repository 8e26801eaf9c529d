//go:build !simonly

package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/fauer4effect/paxos/protocol"
	"github.com/fauer4effect/paxos/protocol/kv"
	"github.com/fauer4effect/paxos/protocol/live"
)

// replayRecorded feeds a live server's inputs to the pure machine again.
func replayRecorded(w io.Writer, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return usage("", "--recorded %s: %v", quote(path), cause(err))
	}
	defer f.Close()
	done, err := live.Replay(f, func() protocol.App { return kv.New() }, live.Visitor{})
	var differs *live.Difference
	switch {
	case errors.As(err, &differs):
		fmt.Fprintf(w, "%s: %v\n", path, differs)
		return errFailed
	case err != nil:
		return usage("paxos serve --record writes such files", "--recorded %s: %v", quote(path), cause(err))
	}
	fmt.Fprintf(w, "ok: %s, %s: every output is reproduced byte for byte (%s, %s, %s)\n",
		counted(done.Lives, "life", "lives"), plural(done.Steps, "step"),
		plural(done.Records, "record"), plural(done.Messages, "message"), counted(int(done.Replies), "reply", "replies"))
	return nil
}
