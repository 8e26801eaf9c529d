package testbed_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/fauer4effect/paxos/sim/paxos"
	"github.com/fauer4effect/paxos/sim/swarm"
	"github.com/fauer4effect/paxos/sim/testbed"
	"github.com/fauer4effect/paxos/sim/world"
)

// run is a command of a protocol's program.
func run(p *testbed.Protocol, args ...string) (status int, stdout, stderr string) {
	var out, errs bytes.Buffer
	status = testbed.Run(context.Background(), p, args, &out, &errs)
	return status, out.String(), errs.String()
}

// TestPrimary is how a protocol's own test looks: it finds nothing.
func TestPrimary(t *testing.T) { testbed.Test(t, primary(false)) }

func TestNothingFound(t *testing.T) {
	status, out, errs := run(primary(false), "sweep", "-seeds", "100", "-out", t.TempDir())
	if status != 0 || errs != "" || !strings.HasSuffix(out, "nothing found\n") {
		t.Errorf("status %d, output %q, errors %q", status, out, errs)
	}
}

// TestHastyPrimary finds the bug, and follows what was found through all commands.
func TestHastyPrimary(t *testing.T) {
	dir := t.TempDir()
	p := primary(true)
	status, out, errs := run(p, "sweep", "-seeds", "20", "-out", dir, "-shrink")
	found := regexp.MustCompile(`(?m)^replay: .* replay (.*shrunk\.json)$`).FindStringSubmatch(out)
	if status != 1 || errs != "" || found == nil {
		t.Fatalf("status %d, output %q, errors %q", status, out, errs)
	}
	shrunk := found[1]
	full := filepath.Join(filepath.Dir(shrunk), "plan.json")

	story, err := os.ReadFile(filepath.Join(filepath.Dir(shrunk), "story.txt"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"server", "server 1 crashes and loses", "S8 (reply) is violated"} {
		if !strings.Contains(string(story), want) {
			t.Errorf("the story does not say %q:\n%s", want, story)
		}
	}

	status, first, _ := run(p, "replay", shrunk)
	_, second, _ := run(p, "replay", "-trace", filepath.Join(dir, "trace.jsonl"), shrunk)
	if status != 1 || first != second || !strings.Contains(first, string(story)) {
		t.Errorf("replay: status %d\n%s\nand with a trace\n%s", status, first, second)
	}
	if trace, err := os.ReadFile(filepath.Join(dir, "trace.jsonl")); err != nil || !bytes.Contains(trace, []byte(`"crash"`)) {
		t.Errorf("trace: %v\n%s", err, trace)
	}

	again := filepath.Join(dir, "again.json")
	status, out, _ = run(p, "shrink", full, "-o", again)
	if status != 1 || !strings.Contains(out, "\nto   1 server, ") {
		t.Errorf("shrink: status %d\n%s", status, out)
	}
	if a, b := read(t, shrunk), read(t, again); a != b {
		t.Errorf("shrinking twice gives different plans:\n%s\n%s", a, b)
	}

	refused(t, primary(false), `it is a plan for protocol "hasty-primary", not for "primary"`, "replay", shrunk)
	refused(t, primary(false), `shrink: 3: the plan does not fail`, "shrink", "3")
	// What paxos replay reads a plan with.
	if _, err := paxos.LoadPlan(shrunk); err == nil || !strings.Contains(err.Error(), `it is a plan for protocol "hasty-primary"`) {
		t.Errorf("our own program reads it: %v", err)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// refused wants status 2, and one line that says why.
func refused(t *testing.T, p *testbed.Protocol, why string, args ...string) {
	t.Helper()
	status, out, errs := run(p, args...)
	if status != 2 || out != "" || strings.Count(errs, "\n") != 1 || !strings.Contains(errs, why) {
		t.Errorf("%v: status %d, output %q, errors %q, want 2 and %q", args, status, out, errs, why)
	}
}

func TestBadInput(t *testing.T) {
	p := primary(false)
	ours := filepath.Join(t.TempDir(), "ours.json")
	if err := os.WriteFile(ours, paxos.Swarm(1, swarm.Options{}).Encode(), 0o644); err != nil {
		t.Fatal(err)
	}
	broken := filepath.Join(t.TempDir(), "broken.json")
	if err := os.WriteFile(broken, []byte(`{"version": 1,`), 0o644); err != nil {
		t.Fatal(err)
	}
	for why, args := range map[string][]string{ // the order does not matter
		`dance: unknown command`:                            {"dance"},
		`sweep: unexpected argument "17"`:                   {"sweep", "17"},
		`flag provided but not defined: -speed`:             {"sweep", "-speed", "9"},
		`sweep: -nodes 99 is not within`:                    {"sweep", "-nodes", "99"},
		`all are below 2^53`:                                {"sweep", "-from", "9007199254740991", "-seeds", "2"},
		`replay: a plan or a seed is missing`:               {"replay"},
		`replay: unexpected argument "18"`:                  {"replay", "17", "18"},
		`replay: -nodes -1 is not within`:                   {"replay", "17", "-nodes", "-1"},
		`plan nowhere.json: no such file or directory`:      {"replay", "nowhere.json"},
		`broken.json: it ends in the middle`:                {"shrink", broken},
		`it is a plan for our own Paxos, not for "primary"`: {"replay", ours},
		`shrink: 5: the plan does not fail`:                 {"shrink", "5"},
	} {
		refused(t, p, why, args...)
	}
	if status, _, errs := run(p); status != 2 || !strings.HasPrefix(errs, "usage:\n") {
		t.Errorf("no command: status %d, errors %q", status, errs)
	}
	if status, out, _ := run(p, "help"); status != 0 || !strings.HasPrefix(out, "usage:\n") {
		t.Errorf("help: status %d, output %q", status, out)
	}
}

// A protocol that is not one is refused in a line, whatever is asked of it.
func TestNoProtocol(t *testing.T) {
	p := *primary(false)
	p.Kinds = append(slices.Clone(p.Kinds), "sync")
	for _, args := range [][]string{{"sweep", "-seeds", "3"}, {"replay", "plan.json"}, {}} {
		status, out, errs := run(&p, args...)
		if status != 2 || out != "" || strings.Count(errs, "\n") != 1 || !strings.Contains(errs, `"sync"`) {
			t.Errorf("%v: status %d, output %q, errors %q", args, status, out, errs)
		}
	}
}

func TestInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	var out, errs bytes.Buffer
	if status := testbed.Run(ctx, primary(false), []string{"sweep"}, &out, &errs); status != 130 {
		t.Errorf("status %d, output %q, errors %q", status, &out, &errs)
	}
}

// TestLiveness asks the primary for what it does not promise: that others serve while it is down.
func TestLiveness(t *testing.T) {
	p := primary(false)
	p.Settle, p.Answer = world.Instant(2e9), world.Instant(1e9)
	status, out, _ := run(p, "sweep", "-seeds", "50", "-out", t.TempDir())
	if status != 1 || !strings.Contains(out, "L1 (answered) is violated: client") {
		t.Errorf("status %d:\n%s", status, out)
	}
}

func TestModel(t *testing.T) {
	if status, out, _ := run(counting(false), "sweep", "-seeds", "50", "-out", t.TempDir()); status != 0 {
		t.Errorf("status %d:\n%s", status, out)
	}
	if status, out, _ := run(counting(true), "sweep", "-seeds", "5", "-out", t.TempDir()); status != 1 || !strings.Contains(out, "S8 (reply) is violated") {
		t.Errorf("forgetful: status %d:\n%s", status, out)
	}
}

// TestSettings draws them into the plan, and from there into the machine; shrinking tries to do
// without.
func TestSettings(t *testing.T) {
	type settings struct {
		Limit int `json:"limit"`
	}
	p := primary(false)
	p.Settings = func(d *world.Dice) any { return settings{int(d.Int(1, 9))} }
	start := p.Start
	p.Start = func(env *testbed.Env, records []any) (testbed.Machine, error) {
		var s settings
		if err := env.Settings(&s); err != nil {
			return nil, err
		}
		if env.ID() == 2 && s.Limit != 7 {
			env.Fail("limit", "the limit is %d", s.Limit)
		}
		return start(env, records)
	}
	plan := p.Swarm(1, swarm.Options{Servers: 5})
	var drawn settings
	if err := plan.DecodeSettings(&drawn); err != nil || drawn.Limit < 1 || drawn.Limit > 9 {
		t.Fatalf("%+v, %v", drawn, err)
	}
	plan.Settings = []byte(`{"limit": 3}`)
	small, err := testbed.Shrink(p, plan, nil)
	if err != nil || len(small.Plan.Settings) > 0 || small.Report.Violation.Property != "limit" {
		t.Errorf("%v, %+v", err, small)
	}
	plan.Settings = []byte(`{"limit": 7}`)
	if r := p.Run(plan); !r.OK() {
		t.Errorf("%v", r.Violation)
	}
}
