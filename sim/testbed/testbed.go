// Package testbed makes a program and a test of a protocol of one's own (sim.Protocol): its
// own sweep, replay and shrink.
//
//	func main() { testbed.Main(proto) }                       // sweep, replay, shrink
//	func TestProtocol(t *testing.T) { testbed.Test(t, proto) } // go test -seed=17
//
// docs/YOUR-PROTOCOL.md walks through it.
package testbed

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fauer4effect/paxos/sim"
	"github.com/fauer4effect/paxos/sim/shrink"
)

var (
	seedFlag  = flag.Int64("seed", -1, "testbed.Test: run this seed alone")
	seedsFlag = flag.Uint64("seeds", 300, "testbed.Test: run so many seeds")
)

// Test sweeps a protocol in a test, -seeds seeds of it, or -seed alone. A failure is shrunk;
// its story and the command that replays it are in the test's output, and its plan is in a file that
// go test -artifacts keeps. Some seeds are run twice, to see that a run is a function of its plan;
// and a sweep in which nobody was answered fails: it tested nothing.
func Test(t *testing.T, p *sim.Protocol) {
	t.Helper()
	if *seedFlag >= 0 {
		report(t, p, p.Run(sim.Swarm(uint64(*seedFlag), sim.SwarmOptions{Protocol: p})))
		return
	}
	o := sim.SweepOptions{Seeds: *seedsFlag, Swarm: sim.SwarmOptions{Protocol: p}}
	s := sim.Sweep(t.Context(), o)
	if err := repeatable(p, &o); err != nil {
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

func report(t *testing.T, p *sim.Protocol, r *sim.Report) {
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
		shrink.SizeOf(small.Plan), strings.Join(Story(p, small.Plan), "\n"), t.Name(), r.Plan.Seed, path, small.Plan.Encode())
}

// runTwice is how many seeds of a sweep are run again.
const runTwice = 3

// repeatable runs the first seeds of a sweep twice.
func repeatable(p *sim.Protocol, o *sim.SweepOptions) error {
	for seed := o.From; seed < o.From+min(o.Seeds, runTwice); seed++ {
		if err := repeats(p, p.Run(sim.Swarm(seed, o.Swarm))); err != nil {
			return err
		}
	}
	return nil
}

// repeats runs the plan of a report again. An error says that something else came of it.
func repeats(p *sim.Protocol, r *sim.Report) error {
	if again := p.Run(r.Plan); again.Hash != r.Hash {
		return fmt.Errorf("seed %d: two runs of one plan differ (%s, %s): the machine is not a function of its inputs. "+
			"It may not use the clock, goroutines, math/rand, or the order of maps",
			r.Plan.Seed, sim.HashString(r.Hash), sim.HashString(again.Hash))
	}
	return nil
}

// vain says why a sweep tested nothing, or nothing of a kind of fault; empty where it did.
func vain(s *sim.Summary) string {
	if s.Seeds > 0 && s.Updates == 0 && !s.Stopped {
		return fmt.Sprintf("no operation of %s was answered: nothing was tested", seedsOf(s.Seeds))
	}
	var names []string
	for _, e := range s.Idle() {
		names = append(names, e.String())
	}
	if len(names) == 0 {
		return ""
	}
	return fmt.Sprintf("faults that never took effect in %s, so that nothing of them was tested: %s", seedsOf(s.Seeds), strings.Join(names, ", "))
}

// Shrink makes a failing plan of the protocol small. What it gets rid of first are drawn
// settings, which nothing later would make smaller.
func Shrink(p *sim.Protocol, plan *sim.Plan, progress func(shrink.Progress)) (*shrink.Result, error) {
	if r := p.Run(plan); !r.OK() && len(plan.Settings) > 0 {
		bare := plan.Clone()
		bare.Settings = nil
		// By signature: a machine that can't do without settings must not pass for the bug.
		if b := p.Run(bare); !b.OK() && b.Violation.Signature() == r.Violation.Signature() {
			plan = bare
		}
	}
	return shrink.Shrink(plan, func(c *sim.Plan) *sim.Report { return p.Run(c) }, p.Validate, shrink.Options{Progress: progress})
}

// Story tells a failing plan of the protocol, a line for each decisive event.
func Story(p *sim.Protocol, plan *sim.Plan) []string {
	var s sim.Story
	r := p.Run(plan, sim.WithStory(&s))
	if r.OK() {
		return []string{"the plan does not fail"}
	}
	return append([]string{headline(plan)}, s.Lines(r.Violation)...)
}

// headline names the faults of a plan that has few, as shrunk ones do.
func headline(plan *sim.Plan) string {
	if len(plan.Faults) > 5 || plan.Workload.Limit == 0 {
		return shrink.SizeOf(plan).String()
	}
	return sim.Headline(plan)
}
