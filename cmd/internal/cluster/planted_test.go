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

var mutantsFlag = flag.String("mutants", "some", "TestPlantedDriverBugs: all, or some: none of them, since each takes a minute")

const root = "../../.."

// Each planted bug of the live driver is found by a minute of chaos, as a property that its
// patch expects. A chaos that finds nothing proves nothing.
func TestPlantedDriverBugs(t *testing.T) {
	if *mutantsFlag != "all" {
		t.Skip("a minute each: go test ./cmd/internal/cluster -run TestPlantedDriverBugs -mutants=all")
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
			ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
			defer cancel()
			c := exec.CommandContext(ctx, binary, "cluster", "--chaos", "--check", "--for", "60s")
			c.Env = append(os.Environ(), "TMPDIR="+t.TempDir())
			c.Cancel = func() error { return c.Process.Signal(os.Interrupt) } // so that it ends its servers
			out, _ := c.CombinedOutput()                                      // its status is 1
			for _, property := range m.Expect {
				if at := strings.Index(string(out), "\n"+property+" broken: "); at >= 0 {
					line, _, _ := strings.Cut(string(out)[at+1:], "\n")
					t.Logf("after %v: %s", time.Since(begun).Round(time.Second), line)
					return
				}
			}
			t.Errorf("none of %v is reported:\n%s", m.Expect, out)
		})
	}
}
