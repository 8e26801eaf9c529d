package main

import (
	"context"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fauer4effect/paxos/sim"
	"github.com/fauer4effect/paxos/sim/finding"
	"github.com/fauer4effect/paxos/sim/testbed/cli"
)

// The totals of a sweep are the sums of its runs: each seed run alone tells the same.
func TestSweepAddsUpItsRuns(t *testing.T) {
	t.Chdir(t.TempDir())
	sweep := decode[sweepJSON](t, paxos(t, "sweep", "--seeds", "12", "--from", "30", "--json").wants(t, 0))
	var sum sweepJSON
	var simulated float64
	for seed := 30; seed < 42; seed++ {
		one := decode[runJSON](t, paxos(t, "run", "--seed", strconv.Itoa(seed), "--json").wants(t, 0))
		sum.Events += one.Events
		sum.Messages += one.Messages
		sum.Updates += one.Updates
		simulated += one.SimSeconds
	}
	if sweep.Seeds != 12 || sweep.Failed != 0 || sweep.Failures == nil || sweep.Stopped != "" {
		t.Errorf("%+v", sweep)
	}
	if sweep.Events != sum.Events || sweep.Messages != sum.Messages || sweep.Updates != sum.Updates {
		t.Errorf("the sweep counts %+v\nits runs %+v", sweep, sum)
	}
	if d := sweep.SimSeconds - simulated; d > 1e-3 || d < -1e-3 {
		t.Errorf("%v s simulated, its runs %v", sweep.SimSeconds, simulated)
	}
	if rate := float64(sweep.Events) / sweep.WallSeconds; rate < sweep.EventsPerSecond*0.99 || rate > sweep.EventsPerSecond*1.01 {
		t.Errorf("%v events/s, want %v", sweep.EventsPerSecond, rate)
	}
	if len(sweep.Effects) != len(sim.Effects().All()) || sweep.Effects["timeout"] == 0 {
		t.Errorf("effects: %v", sweep.Effects)
	}
}

// Shards cover each seed once: their counts add up to those of the whole.
func TestShardsCoverTheSeeds(t *testing.T) {
	t.Chdir(t.TempDir())
	whole := decode[sweepJSON](t, paxos(t, "sweep", "--seeds", "20", "--json").wants(t, 0))
	sum := sweepJSON{Effects: map[string]uint64{}, Planned: map[string]uint64{}}
	for _, shard := range []string{"1/3", "2/3", "3/3"} {
		part := decode[sweepJSON](t, paxos(t, "sweep", "--seeds", "20", "--shard", shard, "--json").wants(t, 0))
		sum.Seeds += part.Seeds
		sum.Events += part.Events
		sum.Updates += part.Updates
		for key, n := range part.Effects {
			sum.Effects[key] += n
		}
		for key, n := range part.Planned {
			sum.Planned[key] += n
		}
	}
	if whole.Seeds != 20 || sum.Seeds != 20 || sum.Events != whole.Events || sum.Updates != whole.Updates {
		t.Errorf("shards: %+v\nwhole: %+v", sum, whole)
	}
	if !maps.Equal(sum.Effects, whole.Effects) || !maps.Equal(sum.Planned, whole.Planned) {
		t.Error(cmp.Diff(whole, sum))
	}
}

// The keys are a contract: scripts read them.
func TestSweepJSONHasItsFields(t *testing.T) {
	t.Chdir(t.TempDir())
	object := decode[map[string]any](t, paxos(t, "sweep", "--seeds", "3", "--json").wants(t, 0))
	for _, key := range []string{
		"seeds", "failed", "unknown", "events", "messages", "events_per_second",
		"sim_seconds", "wall_seconds", "effects", "failures",
	} {
		if object[key] == nil {
			t.Errorf("no %s in %v", key, object)
		}
	}
}

// A folder that the sweep made is gone when nothing failed; one that was there stays.
func TestEmptyOutIsRemoved(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.Mkdir("mine", 0o755); err != nil {
		t.Fatal(err)
	}
	for _, out := range []string{"failures", "mine", "mine/a/b", "./new/../other/"} {
		paxos(t, "sweep", "--seeds", "2", "--out", out).wants(t, 0)
	}
	left, err := filepath.Glob("*")
	if err != nil || !slices.Equal(left, []string{"mine"}) {
		t.Errorf("left: %v, %v", left, err)
	}
	if left, _ := os.ReadDir("mine"); len(left) > 0 {
		t.Errorf("left in mine: %v", left)
	}
}

func TestInterruptPrintsWhatItHas(t *testing.T) {
	t.Chdir(t.TempDir())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r := paxosUntil(t, ctx, "sweep", "--seeds", "50").wants(t, statusInterrupted)
	if !strings.Contains(r.stdout, "interrupted after 0 of 50 runs\nnothing was run\n") || !strings.Contains(r.stdout, "view-change") {
		t.Error(r.stdout)
	}
	ctx, cancel = context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	j := decode[sweepJSON](t, paxosUntil(t, ctx, "sweep", "--seeds", "1000000", "--json").wants(t, statusInterrupted))
	if j.Stopped != "interrupted" || j.Seeds == 0 || j.Seeds == 1_000_000 {
		t.Errorf("%+v", j)
	}
	if left, _ := os.ReadDir("."); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

// A budget that is used up is no failure, unless it left no time for a single run.
func TestBudgetStopsTheSweep(t *testing.T) {
	t.Chdir(t.TempDir())
	r := paxos(t, "sweep", "--seeds", "1000000", "--budget", "200ms").wants(t, 0)
	if !strings.Contains(r.stdout, " of 1000000 runs: the budget of 200ms is used up\n") {
		t.Error(r.stdout)
	}
	r = paxos(t, "sweep", "--seeds", "1000000", "--budget", "1ns").wants(t, statusFailed)
	if !strings.HasSuffix(r.stdout, "\nnothing was run\n") {
		t.Error(r.stdout)
	}
}

// failed makes a report of a seed that failed.
func failed(seed uint64, property string) *sim.Report {
	return &sim.Report{
		Plan: sim.Swarm(seed, sim.SwarmOptions{Servers: 5}),
		Violation: &finding.Violation{
			Property: property, At: 1_500_000_000,
			Detail: "server 2 orders another batch than server 1 at seq 12, " + strings.Repeat("and so on, ", 12) + "and that is all",
		},
	}
}

// A plan that is kept says what wrote it and what it showed. The report's own plan does not
// change. Nothing but the plan and its report is left in the folder.
func TestFailingPlanIsKept(t *testing.T) {
	t.Chdir(t.TempDir())
	folder, err := openPlanFolder("out/deep")
	if err != nil {
		t.Fatal(err)
	}
	os.RemoveAll("out") // as another sweep may, that had made it
	report := failed(17, "S1")
	path, err := folder.keep(report)
	if err != nil || path != filepath.Join("out", "deep", "seed-17", "plan.json") {
		t.Fatal(path, err)
	}
	folder.close()
	plan, err := sim.LoadPlan(path)
	if err != nil {
		t.Fatal(err)
	}
	if plan.Build != sim.Build() || plan.Finding != "S1: "+report.Violation.Detail || report.Plan.Finding != "" {
		t.Errorf("build %q, finding %q", plan.Build, plan.Finding)
	}
	if left, _ := os.ReadDir("out/deep/seed-17"); len(left) != 2 || left[1].Name() != cli.ReportName {
		t.Errorf("left: %v", left)
	}
	text, err := os.ReadFile(filepath.Join("out", "deep", "seed-17", cli.ReportName))
	if err != nil || !strings.Contains(string(text), `"property":"S1"`) {
		t.Errorf("its report: %s, %v", text, err)
	}
}

// Failures are shown by kind, each with its seeds, its story and the commands that go on from
// there; what follows is the verdict.
func TestFailuresAreShown(t *testing.T) {
	if testing.Short() {
		t.Skip("shrinks four plans")
	}
	t.Chdir(t.TempDir())
	r := &sweepResult{Summary: &sim.Summary{Seeds: 40, Wall: time.Second}, asked: 40, out: "my failures", plans: map[uint64]string{}}
	folder, err := openPlanFolder("my failures")
	if err != nil {
		t.Fatal(err)
	}
	for seed := uint64(1); len(r.Failures) < 4; seed++ {
		report := sim.Run(sim.Swarm(seed, sim.SwarmOptions{Servers: 3, Lies: true}))
		if report.OK() {
			continue
		}
		if r.plans[seed], err = folder.keep(report); err != nil {
			t.Fatal(err)
		}
		r.Failures = append(r.Failures, report)
	}
	if err := r.explain(t.Context(), io.Discard, true); err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	r.print(&b)
	text := b.String()
	fits(t, "sweep", text)
	first := r.groups[0]
	for _, want := range []string{
		" seeds ", " shrunk ", " story", "plan      " + first.path, " replay 'my failures/seed-", "\n4 of 40 runs failed: ",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	for _, f := range r.Failures {
		dir := filepath.Dir(r.plans[f.Plan.Seed])
		for _, name := range []string{"plan.json", "shrunk.json", "report.json", "story.txt", "trace.jsonl", "history.jsonl"} {
			if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Size() == 0 {
				t.Errorf("%s/%s: %v", dir, name, err)
			}
		}
		story, _ := os.ReadFile(filepath.Join(dir, "story.txt"))
		lines := strings.Split(strings.TrimSpace(string(story)), "\n")
		if len(lines) > 12 || !strings.Contains(lines[len(lines)-1], " is violated: ") {
			t.Errorf("%s tells in %d lines:\n%s", dir, len(lines), story)
		}
	}
	if j := r.json(); j.Failed != 4 || j.Failures[3].Plan != r.plans[r.Failures[3].Plan.Seed] || r.ok() {
		t.Errorf("%+v", j)
	}
}

// A kind of fault that was planned and never took effect fails the sweep, and is named.
func TestIdleFaultsFailTheSweep(t *testing.T) {
	all := sim.Effects().All()
	r := &sweepResult{Summary: &sim.Summary{Table: sim.Effects(), Seeds: 501, Wall: time.Second}, asked: 501, idle: all[:12]}
	var b strings.Builder
	r.print(&b)
	fits(t, "sweep", b.String())
	if r.ok() || !strings.Contains(b.String(), "never happened") || !strings.Contains(oneSpaced(b.String()), sim.Effects()[all[0]].Name+", "+sim.Effects()[all[1]].Name) ||
		!strings.HasSuffix(b.String(), "\nfailed, although all properties held in 501 runs\n") {
		t.Error(b.String())
	}
}

// However large the counts grow, the table keeps its columns.
func TestTableFitsTheColumns(t *testing.T) {
	s := &sim.Summary{Table: sim.Effects(), Seeds: 10_000_000, Events: 1 << 50, Messages: 1 << 49, Updates: 1 << 45, Wall: 1e15, End: 9e18}
	for _, e := range sim.Effects().All() {
		s.Effects[e], s.Planned[e] = 1<<40, 9_999_999
	}
	var b strings.Builder
	(&sweepResult{Summary: s, asked: s.Seeds}).print(&b)
	fits(t, "sweep", b.String())
}
