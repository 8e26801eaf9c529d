package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const (
	goodScript = "# A leader is elected. That is all.\ncluster 3\nuntil leader 1\n"
	badStory   = "# Nobody leads at once. The script is wrong about that.\ncluster 3\nuntil leader 1\nexpect leader 2\n"
)

func TestScenario(t *testing.T) {
	good := file(t, "good.txtar", goodScript)
	bad := file(t, "bad.txtar", badStory)
	folder := filepath.Dir(file(t, "one.txtar", goodScript))
	empty := t.TempDir()
	for _, c := range []struct {
		args   string
		status int
		want   string
	}{
		{good, 0, "server 1 leads view 1"},
		{good, 0, "ok    " + good},
		{folder, 0, "ok    " + folder},
		{"basics/first-update", 0, "ok    basics/first-update.txtar"},
		{"basics/first-update.txtar", 0, "ok    basics/first-update.txtar"},
		{bad, 1, "FAIL  " + bad + ":4: expect leader 2: expected server 2 to lead; server 1 leads view 1"},
		{bad, 1, "server  state         view"},
		{good + " " + bad, 1, "1 of 2 scripts failed"},
		{"--list", 0, "basics/first-update"},
		{"--list " + good, 2, "--list takes no argument"},
		{"", 2, "which script? (paxos scenario --list"},
		{"nope", 2, "nope: no such file, folder or script"},
		{empty, 2, empty + ": no .txtar file in it"},
		{file(t, "x.txtar", "# A typo. It is told.\ncluster 3\nuntill leader 1\n"), 2, `x.txtar:3: unknown step "untill"; did you mean until?`},
		{file(t, "y.txtar", "# No such server. It is told.\ncluster 5\ncrash 9\n"), 2, "y.txtar:3: crash: no server 9: they are 1 to 5"},
		{good + " " + file(t, "z.txtar", "# Nothing runs if one is wrong. It is told.\nfoo\n"), 2, "z.txtar:2: unknown step"},
	} {
		r := paxos(t, append([]string{"scenario"}, strings.Fields(c.args)...)...)
		if r.status != c.status || !strings.Contains(r.stdout+r.stderr, c.want) {
			t.Errorf("scenario %s: status %d, want %d; want %q in\n%s%s", c.args, r.status, c.status, c.want, r.stdout, r.stderr)
		}
		if r.status == 2 && (r.stdout != "" || strings.Count(r.stderr, "\n") != 1) {
			t.Errorf("scenario %s: not one line: %q, %q", c.args, r.stdout, r.stderr)
		}
	}
}

// --update rewrites the transcript in the script's file, and then it holds.
func TestScenarioUpdate(t *testing.T) {
	path := file(t, "s.txtar", goodScript+"cmp transcript want.txt\n-- want.txt --\nstale\n")
	if r := paxos(t, "scenario", path); r.status != 1 || !strings.Contains(r.stdout, `expected line 1 of the transcript to be "stale"`) {
		t.Fatalf("a stale transcript: status %d\n%s", r.status, r.stdout)
	}
	if r := paxos(t, "scenario", "--update", path); r.status != 0 || !strings.Contains(r.stdout, "rewritten") {
		t.Fatalf("--update: status %d\n%s%s", r.status, r.stdout, r.stderr)
	}
	if r := paxos(t, "scenario", path); r.status != 0 {
		t.Fatalf("after --update: status %d\n%s", r.status, r.stdout)
	}
	if text, err := os.ReadFile(path); err != nil || !strings.Contains(string(text), "server 1 leads view 1, votes of") {
		t.Errorf("the file: %v\n%s", err, text)
	}
}

// A random run, written down and run as a script.
func TestRunAsScenario(t *testing.T) {
	script := paxos(t, "run", "--seed", "17", "--as-scenario")
	if script.status != 0 {
		t.Fatalf("status %d: %s", script.status, script.stderr)
	}
	r := paxos(t, "scenario", file(t, "17.txtar", script.stdout))
	if r.status != 0 || !strings.Contains(r.stdout, "ok    ") {
		t.Errorf("status %d\n%s%s", r.status, r.stdout, r.stderr)
	}
}
