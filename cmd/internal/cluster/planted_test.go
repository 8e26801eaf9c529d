package cluster

import (
	"context"
	"flag"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/fauer4effect/paxos/sim/mutants"
)

var mutantsFlag = flag.String("mutants", "some", "TestPlantedDriverBugs: all, or some: none of them, since each takes minutes")

const root = "../../.."

// chances is how many minutes of chaos a planted bug has to show itself. No two minutes are
// alike, and now and then a power cut takes nothing.
const chances = 3

// Each planted bug of the live driver is found by a minute of chaos, as a property that its
// patch expects. A chaos that finds nothing proves nothing.
func TestPlantedDriverBugs(t *testing.T) {
	if *mutantsFlag != "all" {
		t.Skip("a minute each, or more: go test ./cmd/internal/cluster -run TestPlantedDriverBugs -mutants=all")
	}
	all, err := mutants.LoadLive(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range all {
		t.Run(m.Name, func(t *testing.T) {
			binary, _, err := m.Build(t.Context(), root, t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			begun := time.Now()
			var out string
			for minute := range chances {
				out = chaosOf(t, binary)
				for _, property := range m.Expect {
					if _, found, ok := strings.Cut(out, "\n"+property+" is violated: "); ok {
						line, _, _ := strings.Cut(found, "\n")
						t.Logf("in minute %d, after %v: %s is violated: %s", minute+1, time.Since(begun).Round(time.Second), property, line)
						return
					}
				}
			}
			t.Errorf("none of %v is reported in %d minutes, the last of which was:\n%s", m.Expect, chances, out)
		})
	}
}

// chaosOf is what the binary says of a minute of chaos.
func chaosOf(t *testing.T, binary string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	c := exec.CommandContext(ctx, binary, "cluster", "--chaos", "--check", "--for", "60s")
	c.Env = append(os.Environ(), "TMPDIR="+t.TempDir())
	c.Cancel = func() error { return c.Process.Signal(os.Interrupt) } // so that it ends its servers
	out, _ := c.CombinedOutput()                                      // its status is 1
	return string(out)
}
