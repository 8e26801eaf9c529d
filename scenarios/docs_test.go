package scenarios_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/fauer4effect/paxos/scenarios"
)

const (
	docsPath   = "../docs/SCENARIOS.md"
	docsMarker = "<!-- reference: made from the command table; go test ./scenarios -update -->\n"
	docsEnd    = "<!-- end -->\n"
)

// The reference in docs/SCENARIOS.md is that of the command table.
func TestTheReferenceIsCurrent(t *testing.T) {
	text := readDocs(t)
	before, rest, found := strings.Cut(text, docsMarker)
	old, after, ended := strings.Cut(rest, docsEnd)
	if !found || !ended {
		t.Fatalf("%s has no reference between %s and %s", docsPath, docsMarker, docsEnd)
	}
	if fresh := "\n" + scenarios.Reference() + "\n"; fresh != old {
		updateDocs(t, before+docsMarker+fresh+docsEnd+after, "its reference is not that of the command table")
	}
}

// Every script in docs/SCENARIOS.md is one, and every command in it prints what stands below
// it. A script is a block ```txtar FILE, a session a block ```console.
func TestTheDocsAreReal(t *testing.T) {
	text := readDocs(t)
	blocks := regexp.MustCompile("(?s)```(txtar|console)([^\n]*)\n(.*?)```\n").FindAllStringSubmatchIndex(text, -1)
	shell := newShell(t)
	var fresh strings.Builder
	at, scripts := 0, 0
	for _, b := range blocks {
		kind, file, body := text[b[2]:b[3]], strings.TrimSpace(text[b[4]:b[5]]), text[b[6]:b[7]]
		fresh.WriteString(text[at:b[6]])
		at = b[7]
		switch kind {
		case "txtar":
			scripts++
			if _, err := scenarios.Parse(file, []byte(body)); err != nil && !strings.HasPrefix(file, "bad") {
				t.Errorf("%s: %v", docsPath, err)
			}
			shell.write(file, body)
		case "console":
			body = shell.session(body)
		}
		fresh.WriteString(body)
	}
	fresh.WriteString(text[at:])
	if scripts < 3 {
		t.Errorf("%s has %d scripts, want 3 at least", docsPath, scripts)
	}
	if shell.binary != "" && fresh.String() != text {
		updateDocs(t, fresh.String(), "a command in it prints something else now")
	}
}

func readDocs(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(docsPath)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// updateDocs rewrites the page with -update, and complains without.
func updateDocs(t *testing.T, fresh, wrong string) {
	t.Helper()
	if *updateFlag {
		if err := os.WriteFile(docsPath, []byte(fresh), 0o644); err != nil {
			t.Fatal(err)
		}
		t.Logf("%s rewritten", docsPath)
		return
	}
	old, now := strings.Split(readDocs(t), "\n"), strings.Split(fresh, "\n")
	i := 0
	for i < len(old) && i < len(now) && old[i] == now[i] {
		i++
	}
	t.Errorf("%s:%d: %s; go test ./scenarios -update rewrites it:\n-%s\n+%s", docsPath, i+1, wrong,
		strings.Join(old[i:min(i+3, len(old))], "\n-"), strings.Join(now[i:min(i+3, len(now))], "\n+"))
}

// shell runs the few forms of command that the page shows, in a folder of its own.
type shell struct {
	t      *testing.T
	dir    string
	binary string // "": none can be built, and sessions are not run
}

func newShell(t *testing.T) *shell {
	s := &shell{t: t, dir: t.TempDir()}
	if _, err := exec.LookPath("go"); err != nil || runtime.GOOS == "js" || testing.Short() {
		return s
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	s.binary = filepath.Join(t.TempDir(), "paxos")
	build := exec.CommandContext(ctx, "go", "build", "-buildvcs=false", "-o", s.binary, "../cmd/paxos")
	build.Env = append(build.Environ(), "CGO_ENABLED=0")
	if text, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, text)
	}
	return s
}

func (s *shell) write(file, text string) {
	if err := os.WriteFile(filepath.Join(s.dir, file), []byte(text), 0o644); err != nil {
		s.t.Fatal(err)
	}
}

// session is a console block with the output that its commands have now.
func (s *shell) session(old string) string {
	var b strings.Builder
	for line := range strings.Lines(old) {
		if command, ok := strings.CutPrefix(line, "$ "); ok {
			b.WriteString(line + s.run(strings.TrimSpace(command)))
		}
	}
	return b.String()
}

// run runs `paxos …`, with `> FILE`, `| head -n N` or `; echo $?` behind it, or `cat FILE`.
func (s *shell) run(command string) string {
	if s.binary == "" {
		return ""
	}
	command, echo := strings.CutSuffix(command, "; echo $?")
	command, filter, _ := strings.Cut(command, " | ")
	command, into, _ := strings.Cut(command, " > ")
	args := strings.Fields(command)
	if args[0] == "paxos" {
		args[0] = s.binary
	} else if args[0] != "cat" {
		s.t.Fatalf("%s: the test cannot run %q", docsPath, command)
	}
	cmd := exec.CommandContext(s.t.Context(), args[0], args[1:]...)
	cmd.Dir = s.dir
	text, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		s.t.Fatal(err)
	}
	output := string(text)
	if n, ok := strings.CutPrefix(filter, "head -n "); ok {
		output = head(output, n)
	}
	if into != "" {
		s.write(into, output)
		output = ""
	}
	if echo {
		output += fmt.Sprintln(cmd.ProcessState.ExitCode())
	}
	return output
}

func head(text, n string) string {
	lines, err := strconv.Atoi(n)
	if err != nil {
		return err.Error()
	}
	all := slices.Collect(strings.Lines(text))
	return strings.Join(all[:min(lines, len(all))], "")
}
