package main

import (
	"bufio"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/fauer4effect/paxos/sim"
	"github.com/fauer4effect/paxos/sim/plan"
)

// A seed, its replay, the replay of its plan, traced or not: one run, one hash.
func TestOneRunManyWays(t *testing.T) {
	trace := filepath.Join(t.TempDir(), "events.jsonl")
	for _, seed := range []uint64{0, 5, 23} {
		text := strconv.FormatUint(seed, 10)
		want := decode[runJSON](t, paxos(t, "run", "--seed", text, "--json").wants(t, 0))
		if want.Verdict != "ok" || len(want.Hash) != 16 || want.Seed != seed || want.Events == 0 {
			t.Fatalf("%+v", want)
		}
		for _, args := range [][]string{
			{"replay", text, "--json"},
			{"replay", planFile(t, seed, nil), "--json"},
			{"run", "--seed", text, "--trace", trace, "--json"},
			{"replay", planFile(t, seed, nil), "--trace", trace, "--json"},
		} {
			got := decode[runJSON](t, paxos(t, args...).wants(t, 0))
			got.WallSeconds = want.WallSeconds
			if !reflect.DeepEqual(got, want) {
				t.Errorf("paxos %v\n%+v\nwant\n%+v", args, got, want)
			}
		}
	}
}

// --nodes and --for belong to the seed: the same flags draw the same plan, others another.
func TestReplayOfASeedTakesTheSweepsFlags(t *testing.T) {
	hash := func(args ...string) string {
		return decode[runJSON](t, paxos(t, append(args, "--json")...).wants(t, 0)).Hash
	}
	want := hash("run", "--seed", "7", "--nodes", "5", "--for", "900ms")
	if got := hash("replay", "7", "--nodes", "5", "--for", "900ms"); got != want {
		t.Errorf("hash %s, want %s", got, want)
	}
	if got := hash("replay", "7"); got == want {
		t.Error("--nodes and --for change nothing")
	}
}

// A plan whose bound nobody can meet: the clients must be answered within a nanosecond. Its
// replay breaks L1, ends with status 1 and says how to see it again.
func TestReplayOfAViolation(t *testing.T) {
	path := planFile(t, 5, impatient)
	r := paxos(t, "replay", path).wants(t, statusFailed)
	fits(t, "replay", r.stdout)
	if !strings.Contains(r.stdout, "\nL1 (answered) is violated\n") || !strings.Contains(r.stdout, " replay "+path+"\n") ||
		!strings.Contains(r.stdout, "but       the plan asks for what the rules do not promise: tail: ") {
		t.Error(r.stdout)
	}
	j := decode[runJSON](t, paxos(t, "replay", path, "--json").wants(t, statusFailed))
	if j.Verdict != "violation" || j.Property != "L1" || j.Detail == "" || j.Finding != "" {
		t.Errorf("%+v", j)
	}
}

// A plan that was kept for one thing and shows another says so.
func TestReplayComparesWithTheFinding(t *testing.T) {
	for _, c := range []struct {
		finding string
		change  func(*sim.Plan)
		status  int
		want    string
	}{
		{"S1: two batches", nil, 0, "it showed S1; now it shows no violation (then elsewhere, now "},
		{"S1: two batches", impatient, statusFailed, "it showed S1; now it shows L1 (then elsewhere, now "},
		{"L1: unanswered", impatient, statusFailed, ""},
		{"", nil, 0, ""},
	} {
		r := paxos(t, "replay", planFile(t, 5, func(p *sim.Plan) {
			p.Finding, p.Build = c.finding, "elsewhere"
			if c.change != nil {
				c.change(p)
			}
		})).wants(t, c.status)
		if c.want == "" && strings.Contains(r.stdout, "was kept") || !strings.Contains(oneSpaced(r.stdout), c.want) {
			t.Errorf("finding %q:\n%s", c.finding, r.stdout)
		}
		fits(t, "replay", r.stdout)
	}
}

// A plan that names an event which does not occur says so; it never passes silently.
func TestReplayNamesWhatNeverCame(t *testing.T) {
	path := planFile(t, 5, func(p *sim.Plan) {
		p.Faults = []plan.Fault{{Do: "drop", On: &plan.Name{Kind: "Accept", From: 1, N: 1_000_000}}, {Do: "crash", On: &plan.Name{Kind: "start", From: 1, N: 99}}}
	})
	r := paxos(t, "replay", path).wants(t, 0)
	fits(t, "replay", r.stdout)
	for _, want := range []string{"fault 1 did not trigger: it waits for the 1000000th Accept from server 1; there", "fault 2 did not trigger: it waits for the 99th start of server 1; there "} {
		if !strings.Contains(oneSpaced(r.stdout), want) {
			t.Errorf("no %q in\n%s", want, r.stdout)
		}
	}
	if j := decode[runJSON](t, paxos(t, "replay", path, "--json").wants(t, 0)); len(j.Missed) != 2 {
		t.Errorf("%+v", j)
	}
}

func oneSpaced(text string) string { return strings.Join(strings.Fields(text), " ") }

// A trace is JSON, a line each, and never takes the place of the plan it is of.
func TestTrace(t *testing.T) {
	path := filepath.Join(t.TempDir(), "events.jsonl")
	paxos(t, "run", "--seed", "3", "--trace", path).wants(t, 0)
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines := 0
	for s := bufio.NewScanner(f); s.Scan(); lines++ {
		if !json.Valid(s.Bytes()) {
			t.Fatalf("line %d: %s", lines+1, s.Text())
		}
	}
	if lines < 100 {
		t.Errorf("%d lines", lines)
	}
	plan := planFile(t, 3, nil)
	r := paxos(t, "replay", plan, "--trace", plan).wants(t, statusUsage)
	if _, err := sim.LoadPlan(plan); err != nil || !strings.Contains(r.stderr, "that is the plan") {
		t.Error(err, r.stderr)
	}
	if _, err := os.Stat("/dev/full"); err == nil {
		r := paxos(t, "run", "--seed", "3", "--trace", "/dev/full").wants(t, statusUsage)
		if r.stdout != "" || !strings.Contains(r.stderr, "the trace is not complete") {
			t.Errorf("%+v", r)
		}
	}
}

// What takes long and can't be stopped in the middle ends as soon as it is interrupted, and changes
// nothing.
func TestInterruptedRun(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	dir := t.TempDir()
	history := filepath.Join(dir, "history.jsonl")
	if err := os.WriteFile(history, []byte(`{"client":1,"op":"get","key":"x","call_ns":0}`), 0o644); err != nil {
		t.Fatal(err)
	}
	small := filepath.Join(dir, "small.json")
	for _, args := range [][]string{
		{"run", "--seed", "1"},
		{"replay", "1", "--json"},
		{"replay", "--recorded", history},
		{"check", history},
		{"check", history, "--html", small},
		{"shrink", planFile(t, 3, nil), "--output", small},
	} {
		r := paxosUntil(t, ctx, args...).wants(t, statusInterrupted)
		if r.stdout != "" || !strings.Contains(r.stderr, "interrupted") {
			t.Errorf("%v: %+v", args, r)
		}
	}
	if _, err := os.Stat(small); err == nil {
		t.Error("what was interrupted leaves a file")
	}
}

// A pipe whose reader is gone ends a run that writes its trace there.
func TestTraceToAClosedPipe(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "pipe")
	if out, err := exec.Command("mkfifo", pipe).CombinedOutput(); err != nil {
		t.Skipf("mkfifo: %v %s", err, out)
	}
	go func() {
		f, err := os.Open(pipe)
		if err == nil {
			_, _ = f.Read(make([]byte, 1))
			f.Close()
		}
	}()
	r := paxos(t, "run", "--seed", "3", "--trace", pipe).wants(t, statusUsage)
	if !strings.Contains(r.stderr, "the trace is not complete") {
		t.Errorf("%+v", r)
	}
}

// Files without an end are read no further than a plan, a script or a line of a history may be long.
func TestEndlessFiles(t *testing.T) {
	if _, err := os.Stat("/dev/zero"); err != nil {
		t.Skip(err)
	}
	for _, args := range [][]string{
		{"replay", "/dev/zero"},
		{"shrink", "/dev/zero"},
		{"scenario", "/dev/zero"},
		{"check", "/dev/zero"},
		{"check", "/dev/zero", "--format", "jepsen"},
		{"replay", "--recorded", "/dev/zero"},
	} {
		r := paxos(t, args...).wants(t, statusUsage)
		if strings.Count(r.stderr, "\n") != 1 || len(r.stderr) > 200 {
			t.Errorf("%v: %.300q", args, r.stderr)
		}
	}
}

// A story is what a kept failure's folder has; where all properties hold there is none.
func TestReplayTellsTheStory(t *testing.T) {
	path := planFile(t, 5, func(p *sim.Plan) { p.Tail.Settle, p.Tail.Answer, p.Faults, p.Tail.Clients = 1, 1, nil, nil })
	r := paxos(t, "replay", path, "--story").wants(t, statusFailed)
	fits(t, "replay --story", r.stdout)
	lines := strings.Split(strings.TrimSpace(r.stdout), "\n")
	if !strings.HasPrefix(lines[0], "3 servers, 7 clients") || !strings.Contains(oneSpaced(r.stdout), "ms L1 (answered) is violated: client ") {
		t.Errorf("the story is\n%s", r.stdout)
	}
	if r := paxos(t, "replay", "5", "--story").wants(t, 0); !strings.HasSuffix(r.stdout, "nothing found: all properties held\n") {
		t.Error(r.stdout)
	}
	for _, flag := range []string{"--json", "--recorded=" + path} {
		if r := paxos(t, "replay", path, "--story", flag).wants(t, statusUsage); strings.Count(r.stderr, "\n") != 1 {
			t.Errorf("--story %s: %s", flag, r.stderr)
		}
	}
}
