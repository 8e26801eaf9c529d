package testbed

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/fauer4effect/paxos/sim/internal/engine"
	"github.com/fauer4effect/paxos/sim/internal/sweep"
	"github.com/fauer4effect/paxos/sim/plan"
	"github.com/fauer4effect/paxos/sim/shrink"
	"github.com/fauer4effect/paxos/sim/swarm"
	"github.com/fauer4effect/paxos/sim/testbed/cli"
)

var (
	seedFlag  = flag.Int64("seed", -1, "testbed.Test: run this seed alone")
	seedsFlag = flag.Uint64("seeds", 300, "testbed.Test: how many seeds to run")
)

// Test sweeps a protocol in a test, -seeds seeds of it, or -seed alone. A failure is shrunk. Its
// story and the command that replays it are in the test's output, and its plan is in a file that go
// test -artifacts keeps. Some seeds are run twice, to see that a run is a function of its plan. A
// sweep in which no client was answered fails: it tested nothing.
func Test(t *testing.T, p *Protocol) {
	t.Helper()
	switch {
	case *seedFlag < -1 || *seedFlag >= seeds:
		t.Fatalf("-seed=%d is not below 2^53 (-1: -seeds of them)", *seedFlag)
	case *seedsFlag < 1 || *seedsFlag > seeds:
		t.Fatalf("-seeds=%d tests nothing, or is over 2^53", *seedsFlag)
	case *seedFlag >= 0:
		report(t, p, p.Run(p.Swarm(uint64(*seedFlag), swarm.Options{})))
		return
	}
	s, err := sweepTwice(t.Context(), p, sweep.Options{Seeds: *seedsFlag})
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Failures) > 0 {
		t.Logf("%d of %d seeds fail; the first:", len(s.Failures), s.Seeds)
		report(t, p, s.Failures[0])
	}
	if why := vain(s); why != "" {
		t.Fatal(why)
	}
}

func report(t *testing.T, p *Protocol, r *engine.Report) {
	t.Helper()
	if err := repeats(p, r); err != nil {
		t.Fatal(err)
	}
	if r.OK() {
		return
	}
	small, err := Shrink(p, r.Plan, nil)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.ArtifactDir(), fmt.Sprintf("seed-%d.json", r.Plan.Seed))
	if err := os.WriteFile(path, small.Plan.Encode(), 0o644); err != nil {
		t.Fatal(err)
	}
	t.Fatalf("seed %d: %v\nshrunk to %v:\n%s\nreplay: go test -run '^%s$' -seed=%d\nplan, kept by go test -artifacts in %s:\n%s", r.Plan.Seed, r.Violation,
		shrink.SizeOf(small.Plan), strings.Join(Tell(p, small.Plan), "\n"), t.Name(), r.Plan.Seed, path, small.Plan.Encode())
}

// A sweep runs its first few seeds twice, and of the others one in this many.
const (
	runTwice = 3
	oneIn    = 50
)

// sweepTwice is Protocol.Sweep, and runs some seeds again. An error says that one did not repeat itself.
func sweepTwice(ctx context.Context, p *Protocol, o sweep.Options) (*sweep.Summary, error) {
	var again []*engine.Report
	o.Done = func(r *engine.Report) {
		if at := r.Plan.Seed - o.From; at < runTwice || at%oneIn == 0 {
			again = append(again, r)
		}
	}
	s := p.Sweep(ctx, o)
	slices.SortFunc(again, func(a, b *engine.Report) int { return cmp.Compare(a.Plan.Seed, b.Plan.Seed) })
	for _, r := range again {
		if ctx.Err() != nil {
			break
		}
		if err := repeats(p, r); err != nil {
			return s, err
		}
	}
	return s, nil
}

// repeats runs the plan of a report again. An error says that something else came of it.
func repeats(p *Protocol, r *engine.Report) error {
	if again := p.Run(r.Plan); again.Hash != r.Hash {
		return fmt.Errorf("seed %d: two runs of one plan differ (%s, %s): the machine is not a function of its inputs. "+
			"It may not use the clock, goroutines, math/rand, or the order of maps",
			r.Plan.Seed, engine.HashString(r.Hash), engine.HashString(again.Hash))
	}
	return nil
}

// vain says why a sweep tested nothing, or nothing of a kind of fault; empty where it did.
func vain(s *sweep.Summary) string {
	if s.Seeds > 0 && s.Unknown == s.Seeds {
		return fmt.Sprintf("porcupine could not decide %s: nothing was judged (a Model's Hash makes it faster)", cli.Plural(s.Seeds, "seed"))
	}
	if s.Seeds > 0 && s.Updates == 0 && !s.Stopped {
		return fmt.Sprintf("no operation of %s was answered: nothing was tested", cli.Plural(s.Seeds, "seed"))
	}
	var names []string
	for _, e := range s.Idle() {
		names = append(names, s.Table[e].Name)
	}
	if len(names) == 0 {
		return ""
	}
	return fmt.Sprintf("faults that never took effect in %s, so that nothing of them was tested: %s", cli.Plural(s.Seeds, "seed"), strings.Join(names, ", "))
}

// Shrink makes a failing plan of the protocol small. It takes away drawn settings first, since nothing
// later would make them smaller.
func Shrink(p *Protocol, failing *plan.Plan, progress func(shrink.Progress)) (*shrink.Result, error) {
	if r := p.Run(failing); !r.OK() && len(failing.Settings) > 0 {
		bare := failing.Clone()
		bare.Settings = nil
		// By signature: a machine that can't do without settings must not pass for the bug.
		if b := p.Run(bare); !b.OK() && b.Violation.Signature() == r.Violation.Signature() {
			failing = bare
		}
	}
	target := shrink.Target{Run: func(c *plan.Plan) *engine.Report { return p.Run(c) }, Validate: p.Validate}
	return shrink.Shrink(failing, target, shrink.Options{Progress: progress})
}

// Tell tells a failing plan of the protocol, a line for each decisive event.
func Tell(p *Protocol, failing *plan.Plan) []string {
	var s engine.Story
	r := p.Run(failing, engine.WithStory(&s))
	if r.OK() {
		return []string{"the plan does not fail"}
	}
	return append([]string{headline(failing)}, s.Lines(r.Violation)...)
}

// headline names the faults of a plan that has few, as shrunk ones do.
func headline(p *plan.Plan) string {
	if len(p.Faults) > 5 || p.Workload.Limit == 0 {
		return shrink.SizeOf(p).String()
	}
	return engine.Headline(p)
}
