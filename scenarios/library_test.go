package scenarios_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fauer4effect/paxos/scenarios"
	"github.com/fauer4effect/paxos/sim/mutants"
	"github.com/fauer4effect/paxos/sim/script"
)

var updateFlag = flag.Bool("update", false, "rewrite what `cmp` compares with, and docs/SCENARIOS.md")

func library(t *testing.T) []*script.Script {
	t.Helper()
	scripts, err := scenarios.Library()
	if err != nil {
		t.Fatal(err)
	}
	return scripts
}

// Every story of the library holds, under each of its seeds.
func TestLibrary(t *testing.T) {
	for _, s := range library(t) {
		t.Run(strings.TrimSuffix(s.Name, ".txtar"), func(t *testing.T) {
			o, err := s.Run(t.Context(), *updateFlag)
			switch {
			case err != nil:
				t.Fatalf("%v\nunder seed %d\n%s\n%s", err, o.Seed, o.Transcript, o.Servers)
			case o.Seeds != s.Seeds:
				t.Errorf("told under %d seeds of %d", o.Seeds, s.Seeds)
			case len(o.NeverCame) > 0:
				t.Errorf("%s", strings.Join(o.NeverCame, "\n"))
			case o.Updated != nil:
				if err := os.WriteFile(s.Name, o.Updated, 0o644); err != nil {
					t.Fatal(err)
				}
				t.Logf("%s rewritten", s.Name)
			}
		})
	}
}

// failsOn is the last line of what a script opens with.
var failsOn = regexp.MustCompile(` Fails on: ([a-z0-9-]+(?:, [a-z0-9-]+)*)\.$`)

// mutantsOf names the mutants under which a script says that it fails.
func mutantsOf(t *testing.T, s *script.Script) []string {
	t.Helper()
	found := failsOn.FindStringSubmatch(s.About)
	if found == nil {
		t.Fatalf("%s: its opening does not end in `# Fails on: MUTANT.`: %s", s.Name, s.About)
	}
	return strings.Split(found[1], ", ")
}

// A script says in sentences what it shows, fits a screen, and ends in what must hold.
func TestLibraryIsReadable(t *testing.T) {
	scripts := library(t)
	covered := map[string]bool{}
	for _, s := range scripts {
		text, err := os.ReadFile(s.Name)
		if err != nil {
			t.Fatal(err)
		}
		script, _, _ := strings.Cut(string(text), "\n-- ")
		if n := strings.Count(script, "\n") + 1; n > 40 {
			t.Errorf("%s: %d lines do not fit a screen", s.Name, n)
		}
		if n := strings.Count(s.About, ". "); n < 2 {
			t.Errorf("%s opens with %d sentences before `Fails on`, want two or three: %s", s.Name, n, s.About)
		}
		if first := s.FirstSentence(); len(first) < 30 || len(first) > 140 {
			t.Errorf("%s: --list shows its first sentence; %d characters: %s", s.Name, len(first), first)
		}
		if !strings.Contains(script, "\ncheck ") {
			t.Errorf("%s checks nothing", s.Name)
		}
		if !strings.Contains(script, "\nexpect ") {
			t.Errorf("%s does not expect its event to have occurred", s.Name)
		}
		if strings.HasPrefix(s.Name, "paper/") && !regexp.MustCompile(`^paper/x\d+-`).MatchString(s.Name) {
			t.Errorf("%s: a script of paper/ is named after its rule: x7-…", s.Name)
		}
		for _, m := range mutantsOf(t, s) {
			covered[m] = true
		}
	}
	if len(scripts) < 16 || len(covered) < 14 {
		t.Errorf("%d scripts fail on %d mutants, want 16 and 14", len(scripts), len(covered))
	}
}

// No script is idle: each fails on the mutant that it names. What it expects can tell a
// broken machine from a sound one.
func TestNoScriptIsIdle(t *testing.T) {
	scripts := library(t)
	var proved int
	all := needMutants(t)
	for _, s := range scripts {
		for _, name := range mutantsOf(t, s) {
			if !slices.ContainsFunc(all, func(m mutants.Mutant) bool { return m.Name == name }) {
				t.Errorf("%s: no mutant %s", s.Name, name)
			}
		}
	}
	for _, m := range all {
		for _, s := range scripts {
			if slices.Contains(mutantsOf(t, s), m.Name) {
				proved++
				if status, output := tellBy(t, m, s.Name); status != 1 || !strings.Contains(output, "FAIL  "+s.Name+":") {
					t.Errorf("%s ends with status %d under mutant %s, want 1:\n%s", s.Name, status, m.Name, output)
				}
			}
		}
	}
	t.Logf("%d failures, as foretold", proved)
}

// needMutants skips a test where no mutant can be built.
func needMutants(t *testing.T) []mutants.Mutant {
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

// binaries are the mutants that were built; TestMain removes them.
var binaries struct {
	sync.Mutex
	dir      string
	together mutants.Together
	alone    map[string]string // by name
}

func TestMain(m *testing.M) {
	flag.Parse()
	status := m.Run()
	if binaries.dir != "" {
		_ = os.RemoveAll(binaries.dir)
	}
	os.Exit(status)
}

// binaryOf builds the binary that holds a mutant, once.
func binaryOf(t *testing.T, m mutants.Mutant) string {
	t.Helper()
	binaries.Lock()
	defer binaries.Unlock()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	var err error
	if binaries.dir == "" {
		binaries.alone = map[string]string{}
		if binaries.dir, err = os.MkdirTemp("", "paxos-scenarios-"); err != nil {
			t.Fatal(err)
		}
	}
	if binaries.together.Binary == "" {
		if binaries.together, err = mutants.BuildTogether(ctx, "..", binaries.dir, needMutants(t)); err != nil {
			t.Fatal(err)
		}
	}
	if slices.ContainsFunc(binaries.together.Holds, func(held mutants.Mutant) bool { return held.Name == m.Name }) {
		return binaries.together.Binary
	}
	if binaries.alone[m.Name] == "" {
		if binaries.alone[m.Name], _, err = m.Build(ctx, "..", binaries.dir); err != nil {
			t.Fatal(err)
		}
	}
	return binaries.alone[m.Name]
}

// tellBy lets a mutant tell the story of a file.
func tellBy(t *testing.T, m mutants.Mutant, file string) (status int, output string) {
	t.Helper()
	cmd := m.Command(t.Context(), binaryOf(t, m), "scenario", file)
	text, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), string(text)
}

// The same script told twice is the same story: transcript, hash and orderings.
func TestAScriptIsDeterministic(t *testing.T) {
	for _, s := range library(t) {
		text, err := os.ReadFile(s.Name)
		if err != nil {
			t.Fatal(err)
		}
		var told [2]script.Outcome
		for i := range told {
			again, err := scenarios.Parse(s.Name, text)
			if err != nil {
				t.Fatal(err)
			}
			again.Seeds = min(again.Seeds, 3)
			o, err := again.Run(t.Context(), false)
			if err != nil {
				t.Fatal(err)
			}
			told[i] = *o
		}
		if a, b := fmt.Sprintf("%+v", told[0]), fmt.Sprintf("%+v", told[1]); a != b {
			t.Errorf("%s is told in two ways:\n%s\n%s", s.Name, a, b)
		}
	}
}

// -update rewrites what cmp compares with, and nothing else; a script that is as it should
// be is left alone.
func TestUpdate(t *testing.T) {
	const stale = "# About. A test.\ncluster 3 seed 4\nuntil leader\ncmp transcript a.txt\n" +
		"put a x 1\ncmp transcript b.txt\n-- a.txt --\nold\n-- other --\nkept\n-- b.txt --\n"
	s := parse(t, stale)
	if _, err := s.Run(t.Context(), false); err == nil || !strings.HasPrefix(err.Error(), "s.txtar:4: cmp transcript a.txt: ") {
		t.Fatalf("the stale script: error %v", err)
	}
	o, err := s.Run(t.Context(), true)
	if err != nil {
		t.Fatal(err)
	}
	fresh := string(o.Updated)
	for _, want := range []string{stale[:strings.Index(stale, "-- a.txt")], "-- a.txt --\n   0.000s  server", "-- other --\nkept\n", "-- b.txt --\n   0.000s  server"} {
		if !strings.Contains(fresh, want) {
			t.Errorf("rewritten, the script lacks %q:\n%s", want, fresh)
		}
	}
	if !strings.HasSuffix(fresh, o.Transcript) || strings.Contains(fresh, "old") {
		t.Errorf("rewritten, the script does not hold the transcript:\n%s", fresh)
	}
	if o, err = parse(t, fresh).Run(t.Context(), true); err != nil || o.Updated != nil {
		t.Errorf("rewritten, the script is not as it should be: %v\n%s", err, o.Updated)
	}
	if _, err = parse(t, fresh).Run(t.Context(), false); err != nil {
		t.Error(err)
	}
}

// `seeds` tells the story under that many seeds, up to the first that fails, and says which that
// is. Under that seed alone the story fails in the same way.
func TestSeeds(t *testing.T) {
	const script = "# About. A test.\ncluster 5 seed %d\nseeds %d\ndelay 1ms..20ms\nuntil leader\nput a x 1\n%s\n"
	o, err := parse(t, fmt.Sprintf(script, 100, 40, "expect ordered 1")).Run(t.Context(), false)
	if err != nil || o.Seeds != 40 || o.Seed != 139 {
		t.Fatalf("%d seeds, the last %d, error %v; want 40, 139 and none", o.Seeds, o.Seed, err)
	}
	first := ""
	for seed := range uint64(40) {
		o, err := parse(t, fmt.Sprintf(script, 100+seed, 1, "expect ordered 1")).Run(t.Context(), false)
		if err != nil {
			t.Fatal(err)
		}
		if first == "" {
			first = o.Transcript
		}
	}
	if o.Transcript != first {
		t.Errorf("of several seeds the first is told, not\n%s", o.Transcript)
	}
	// Whether server 3 is among the first to execute the slot is left to the delays.
	const fails = "expect executed 3 1"
	o, err = parse(t, fmt.Sprintf(script, 100, 40, fails)).Run(t.Context(), false)
	if err == nil || o.Seeds < 2 || o.Seeds == 40 || o.Seed != 100+o.Seeds-1 {
		t.Fatalf("%d seeds, the last %d, error %v; want one in the middle to fail", o.Seeds, o.Seed, err)
	}
	alone, same := parse(t, fmt.Sprintf(script, o.Seed, 1, fails)).Run(t.Context(), false)
	if same == nil || same.Error() != err.Error() || alone.Transcript != o.Transcript || alone.Hash != o.Hash {
		t.Errorf("alone, seed %d ends in %v, with the others in %v:\n%s\n%s", o.Seed, same, err, alone.Transcript, o.Transcript)
	}
}

func parse(t *testing.T, text string) *script.Script {
	t.Helper()
	s, err := scenarios.Parse("s.txtar", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return s
}
