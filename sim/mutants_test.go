package sim_test

import (
	"context"
	"errors"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fauer4effect/paxos/sim/mutants"
)

var (
	mutantsFlag = flag.String("mutants", "some", "TestMutants: all, some (the first 15), or those whose names begin with one of these, between commas")
	bugsFlag    = flag.Bool("bugs", false, "TestBugs: measure all mutants, and write docs/BUGS.md")
)

const (
	someMutants = 15
	huntsAtOnce = 2 // go build links on one core, and the sweep that follows leaves gaps
)

// Every planted bug is caught, by a property that its patch expects. A simulator that finds
// nothing proves nothing.
func TestMutants(t *testing.T) {
	all := loadMutants(t)
	switch *mutantsFlag {
	case "all":
	case "some":
		t.Logf("%d of %d mutants; -mutants=all hunts them all", someMutants, len(all))
		all = all[:min(someMutants, len(all))]
	default:
		wanted := strings.Split(*mutantsFlag, ",")
		for _, prefix := range wanted {
			if !slices.ContainsFunc(all, func(m mutants.Mutant) bool { return strings.HasPrefix(m.Name, prefix) }) {
				t.Fatalf("no mutant's name begins with %q", prefix)
			}
		}
		all = slices.DeleteFunc(all, func(m mutants.Mutant) bool {
			return !slices.ContainsFunc(wanted, func(prefix string) bool { return strings.HasPrefix(m.Name, prefix) })
		})
	}
	together, err := mutants.BuildTogether(t.Context(), "..", t.TempDir(), all)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d mutants share a binary, built in %v; %d are built alone",
		len(together.Holds), together.Took.Round(time.Second/10), len(together.Alone))
	alone := together.Alone
	if len(together.Holds) > 0 { // one more, hunted in both, shows that a shared binary is no other
		alone = append(alone, together.Holds[0])
	}
	rows := make([]mutants.Row, len(together.Holds)+len(alone))
	next := make(chan int)
	var hunters sync.WaitGroup
	for range huntsAtOnce {
		hunters.Go(func() {
			for i := range next {
				if shared := len(together.Holds); i < shared {
					rows[i] = hunt(t, together.Holds[i], together.Binary)
				} else {
					rows[i] = buildAndHunt(t, alone[i-shared])
				}
			}
		})
	}
	for i := range rows {
		next <- i
	}
	close(next)
	hunters.Wait()
	var table strings.Builder
	mutants.Table(&table, rows)
	t.Logf("\n%s", table.String())
	if len(together.Holds) > 0 {
		shared, own := rows[0].Catch, rows[len(rows)-1].Catch
		if shared.Seed != own.Seed || shared.Property != own.Property {
			t.Errorf("mutant %s is caught by %s at seed %d in the binary it shares, and by %s at seed %d in its own",
				rows[0].Mutant.Name, shared.Property, shared.Seed, own.Property, own.Seed)
		}
	}
}

// loadMutants reads the mutants, where they can be built.
func loadMutants(t *testing.T) []mutants.Mutant {
	t.Helper()
	if testing.Short() {
		t.Skip("builds mutants: not with -short")
	}
	if _, err := exec.LookPath("go"); err != nil || runtime.GOOS == "js" {
		t.Skip("needs the go tool to build the mutants")
	}
	all, err := mutants.Load("..")
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// buildAndHunt is a hunt in a binary that holds nothing but m.
func buildAndHunt(t *testing.T, m mutants.Mutant) mutants.Row {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	binary, took, err := m.Build(ctx, "..", t.TempDir())
	if err != nil {
		t.Error(err)
		return mutants.Row{Mutant: m}
	}
	row := hunt(t, m, binary)
	row.Build = took
	_ = os.Remove(binary)
	return row
}

// hunt sweeps until m is caught: one swarm for all, from seed 0. It is called by several
// goroutines.
func hunt(t *testing.T, m mutants.Mutant, binary string) mutants.Row {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	row := mutants.Row{Mutant: m}
	first := 8 // most fall at once
	if strings.HasPrefix(m.Expect[0], "idle:") {
		first = 512 // a sweep of fewer need not show every effect
	}
	var err error
	row.Catch, err = m.Hunt(ctx, binary, mutants.HuntOptions{First: first, Out: filepath.Join(t.TempDir(), "failures")})
	switch {
	case err != nil:
		t.Error(err)
	case !row.Catch.Found:
		t.Errorf("mutant %s: not caught within %d seeds (panics only: %v)", m.Name, row.Catch.SeedsNeeded, row.Catch.ByPanicOnly)
	case !m.Expects(row.Catch.Property):
		t.Errorf("mutant %s: caught by %s, where its patch expects %v", m.Name, row.Catch.Property, m.Expect)
	}
	return row
}

// With -bugs, all mutants are measured, two at a time, on seeds that nothing was tuned for, and
// docs/BUGS.md is written anew. Times are processor times.
func TestBugs(t *testing.T) {
	if !*bugsFlag {
		t.Skip("takes most of an hour, and writes docs/BUGS.md: go test ./sim -run TestBugs -bugs -v -timeout 120m")
	}
	all := loadMutants(t)
	bugs := make([]mutants.Bug, len(all))
	next := make(chan int)
	var hunters sync.WaitGroup
	for range huntsAtOnce {
		hunters.Go(func() {
			for i := range next {
				bug, err := measure(t, all[i])
				if err != nil {
					t.Errorf("%s: %v", all[i].Name, err)
					continue
				}
				if problem := bug.Problem(); problem != "" {
					t.Error(problem)
				}
				bugs[i] = bug
				t.Logf("%s: %v", all[i].Name, mutants.MediansOf([]mutants.Bug{bug}))
			}
		})
	}
	for i := range all {
		next <- i
	}
	close(next)
	hunters.Wait()
	if t.Failed() && slices.ContainsFunc(bugs, func(b mutants.Bug) bool { return b.Mutant.Name == "" }) {
		return // not all could be measured
	}
	t.Log(mutants.MediansOf(bugs))
	const place = "../docs/BUGS.md"
	before, err := os.ReadFile(place)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	var page strings.Builder
	mutants.WriteBugs(&page, bugs)
	if i := strings.Index(string(before), mutants.ByHand); i >= 0 {
		page.WriteString(string(before)[i:])
	}
	if err := os.WriteFile(place, []byte(page.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}

func measure(t *testing.T, m mutants.Mutant) (mutants.Bug, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 15*time.Minute)
	defer cancel()
	dir, err := os.MkdirTemp("", "paxos-bugs-") // not t.TempDir: it stays to the test's end
	if err != nil {
		return mutants.Bug{}, err
	}
	defer os.RemoveAll(dir)
	return m.Measure(ctx, "..", dir)
}
