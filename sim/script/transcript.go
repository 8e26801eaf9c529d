package script

import (
	"fmt"
	"strings"

	"github.com/fauer4effect/paxos/sim/world"
)

// transcript is the story as told: one line an event that a person would mention. It is
// deterministic, and what one pastes into a bug report.
type transcript struct{ strings.Builder }

func (t *transcript) line(at world.Instant, text string) {
	fmt.Fprintf(t, "%8.3fs  %s\n", float64(at)/float64(second), text)
}

// say adds a line of the script's own doing.
func (st *Story) say(format string, args ...any) {
	st.transcript.line(st.Stage.Now(), fmt.Sprintf(format, args...))
}

// Say adds what the stage tells.
func (st *Story) Say(at world.Instant, text string) {
	if !st.quiet {
		st.transcript.line(at, text)
	}
}

// List is numbers in words: "1 2 5", or "none".
func List(ids []int) string {
	if len(ids) == 0 {
		return "none"
	}
	return strings.Trim(fmt.Sprint(ids), "[]")
}
