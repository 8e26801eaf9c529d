package sim_test

import (
	"context"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/fauer4effect/paxos/sim/mutants"
)

var mutantsFlag = flag.String("mutants", "some", "TestMutants: all, or some: as many as fit a minute")

// Every planted bug is caught, by a property that its patch expects. A simulator that finds
// nothing proves nothing.
func TestMutants(t *testing.T) {
	if testing.Short() {
		t.Skip("builds a binary per mutant: not with -short")
	}
	if _, err := exec.LookPath("go"); err != nil || runtime.GOOS == "js" {
		t.Skip("needs the go tool to build the mutants")
	}
	all, err := mutants.Load("..")
	if err != nil {
		t.Fatal(err)
	}
	var rows []mutants.Row
	start := time.Now()
	for _, m := range all {
		if *mutantsFlag != "all" && time.Since(start) > 45*time.Second {
			t.Logf("%d of %d mutants in a minute; -mutants=all hunts them all", len(rows), len(all))
			break
		}
		rows = append(rows, hunt(t, m))
	}
	var table strings.Builder
	mutants.Table(&table, rows)
	t.Logf("\n%s", table.String())
}

// hunt builds one mutant and sweeps until it is caught: one swarm for all, from seed 0.
func hunt(t *testing.T, m mutants.Mutant) mutants.Row {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	row := mutants.Row{Mutant: m}
	dir := t.TempDir()
	binary, took, err := m.Build(ctx, "..", dir)
	if err != nil {
		t.Error(err)
		return row
	}
	row.Build = took
	row.Catch, err = m.Hunt(ctx, binary, mutants.HuntOptions{Out: filepath.Join(dir, "failures")})
	switch {
	case err != nil:
		t.Error(err)
	case !row.Catch.Found:
		t.Errorf("mutant %s: not caught within %d seeds (panics only: %v)", m.Name, row.Catch.SeedsNeeded, row.Catch.ByPanicOnly)
	case !m.Expects(row.Catch.Property):
		t.Errorf("mutant %s: caught by %s, where its patch expects %v", m.Name, row.Catch.Property, m.Expect)
	}
	_ = os.Remove(binary) // twenty of them take a gigabyte
	return row
}
