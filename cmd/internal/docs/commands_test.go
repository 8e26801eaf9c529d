//go:build unix

package docs

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

var (
	pagesToRun = flag.String("pages", "", "run the commands of these pages, by commas (README.md,docs/LIVE.md), or of all: all")
	update     = flag.Bool("update", false, "write what the commands print into the pages")
)

// pageLimit is the longest that the commands of one page may take together.
const pageLimit = 20 * time.Minute

// A command of a page, and what stands below it.
type command struct {
	text   []string // without the prompts
	output []string
	from   int // the line of the first line of output; output replaces len(output) lines there
}

// commandsOf reads the blocks ```console of a page: lines that begin with "$ " are commands, those behind "> "
// go on with them, as does a line behind a backslash or inside a here document; the rest is output.
func commandsOf(lines []string) []command {
	var all []command
	in, open, until := false, false, ""
	for i, line := range lines {
		switch {
		case !in:
			in, open, until = strings.TrimSpace(line) == "```console", false, ""
		case until != "": // a here document
			c := &all[len(all)-1]
			line = strings.TrimPrefix(line, "> ")
			c.text, c.from = append(c.text, line), i+1
			if line == until {
				until = ""
			}
		case strings.TrimSpace(line) == "```":
			in = false
		case strings.HasPrefix(line, "$ "), open && strings.HasPrefix(line, "> "), open && strings.HasSuffix(lines[i-1], `\`):
			if strings.HasPrefix(line, "$ ") {
				all = append(all, command{})
				line = line[2:]
			}
			c := &all[len(all)-1]
			c.text, c.from = append(c.text, strings.TrimPrefix(line, "> ")), i+1
			open = true
			if m := hereDocument.FindStringSubmatch(line); m != nil {
				until = m[1]
			}
		case len(all) > 0:
			c := &all[len(all)-1]
			c.output = append(c.output, line)
			open = false
		}
	}
	return all
}

var hereDocument = regexp.MustCompile(`<<'?([A-Z]+)'?`)

// anyLines stands for lines of output that a page leaves out.
const anyLines = "…"

// masks hide what differs from run to run, and from machine to machine.
var masks = []*regexp.Regexp{
	regexp.MustCompile(`(Benchmark\S+) [\d.]+ \S+/s [\d.]+`),
	regexp.MustCompile(`[\d.]+[kMG]?( (?:events|messages|operations|executions)/s)`),
	regexp.MustCompile(`\d+(/s;)`),
	regexp.MustCompile(`(?:\d[\d.]*(?:ms|µs|ns|h|m|s))+( on the clock)`),
	regexp.MustCompile(`(built in )\S+:`),
	regexp.MustCompile(`(, in |seeds? in |in \d+ seeds?, |after )(?:\d[\d.]*(?:ms|µs|ns|h|m|s))+`),
	regexp.MustCompile(`(pid )\d+ *`),
	regexp.MustCompile(`(heard by \d, )\d+(?:ms|s)`),
	regexp.MustCompile(`(cluster )[0-9a-f]{16}`),
	regexp.MustCompile(`/tmp/[^\s:,]+`),
	regexp.MustCompile(`(\[\d+\] )\d+`), // a job of the shell
	regexp.MustCompile(`(differ )\([0-9a-f]{16}, [0-9a-f]{16}\)`),
	regexp.MustCompile(`(time=)\S+`),
	regexp.MustCompile(`(_seconds\{[^}]*\} )[\d.e-]+`),
	regexp.MustCompile(`^(\d +Reg\w+ +\d+ +\S+ +)\d+`), // how far the log goes, in a table of status
}

func masked(line string) string {
	for _, m := range masks {
		line = m.ReplaceAllString(line, "$1#")
	}
	return strings.TrimRight(strings.Join(strings.Fields(line), " "), " ")
}

// fits says whether what a command printed is what the page says.
func fits(want, got []string) bool {
	if len(want) == 0 {
		return len(got) == 0
	}
	if strings.TrimSpace(want[0]) == anyLines {
		for i := range len(got) + 1 {
			if fits(want[1:], got[i:]) {
				return true
			}
		}
		return false
	}
	return len(got) > 0 && masked(want[0]) == masked(got[0]) && fits(want[1:], got[1:])
}

var digits = regexp.MustCompile(`\d+`)

// refreshed is what a command printed, with lines left out where the page leaves them out: those that differ in
// numbers only stay. It is all of it where that cannot be.
func refreshed(want, got []string) []string {
	if !slices.ContainsFunc(want, func(line string) bool { return strings.TrimSpace(line) == anyLines }) {
		return got
	}
	shape := func(line string) string { return digits.ReplaceAllString(masked(line), "#") }
	var lines []string
	at := 0
	for _, line := range want {
		if strings.TrimSpace(line) == anyLines {
			lines = append(lines, line)
			continue
		}
		i := slices.IndexFunc(got[at:], func(other string) bool { return shape(other) == shape(line) })
		if i < 0 {
			return got
		}
		lines = append(lines, got[at+i])
		at += i + 1
	}
	if !fits(lines, got) {
		return got
	}
	return lines
}

func TestRefreshed(t *testing.T) {
	split := func(s string) []string { return strings.Split(s, "|") }
	for _, c := range []struct{ want, got, refreshed string }{
		{"a 1|…|c 3|…", "a 2|b 1|c 4|d", "a 2|…|c 4|…"},
		{"a 1|b 2", "a 2|b 3", "a 2|b 3"},
		{"a 1|…|c 3", "a 2|b 1", "a 2|b 1"},
		{"…|b 1", "a|b 2|c", "a|b 2|c"},
	} {
		if got := strings.Join(refreshed(split(c.want), split(c.got)), "|"); got != c.refreshed {
			t.Errorf("%s and %s: %s, want %s", c.want, c.got, got, c.refreshed)
		}
	}
}

func TestFits(t *testing.T) {
	for _, c := range []struct {
		want, got string
		fits      bool
	}{
		{"a\nb", "a\nb", true},
		{"a\nb", "a", false},
		{"a", "a\nb", false},
		{"a\n…\nd", "a\nb\nc\nd", true},
		{"a\n…\nd", "a\nd", true},
		{"a\n…\nd", "a\nb\nc", false},
		{"…", "x\ny", true},
		{"4 seeds, 1h2m simulated, 1.5M events/s, 3k messages/s", "4 seeds, 1h2m simulated, 12k events/s, 1.9M messages/s", true},
		{"4 seeds, 1h2m simulated", "4 seeds, 1h3m simulated", false},
		{"built in 6.34s: failures/x", "built in 2.1s: failures/x", true},
		{"in 7s simulated, 26.6ms on the clock:", "in 8s simulated, 1m2.6s on the clock:", false},
		{"in 7s simulated, 26.6ms on the clock:", "in 7s simulated, 1m2.6s on the clock:", true},
		{"hash d89e70becdea0685", "hash d89e70becdea0686", false},
		{"caught by S6 at seed 3, in 4 seeds, 299ms", "caught by S6 at seed 3, in 4 seeds, 1.2s", true},
		{"caught by S6 at seed 3, in 4 seeds, 299ms", "caught by S6 at seed 3, in 5 seeds, 299ms", false},
		{"BenchmarkWorld-2 581865 messages/s 78998 updates/s", "BenchmarkWorld-4 199 messages/s 27 updates/s", false},
		{"BenchmarkWorld-2 581865 messages/s 78998 updates/s", "BenchmarkWorld-2 199 messages/s 27 updates/s", true},
	} {
		if got := fits(strings.Split(c.want, "\n"), strings.Split(c.got, "\n")); got != c.fits {
			t.Errorf("%q and %q: %v", c.want, c.got, got)
		}
	}
}

func TestCommandsOf(t *testing.T) {
	page := strings.Split("text\n```console\n$ a b\nout\n$ c \\\n  d\n$ e <<'EOF'\n$ no\nEOF\nmore\n```\n$ none\n```sh\n$ f\n```", "\n")
	got := commandsOf(page)
	want := []command{{[]string{"a b"}, []string{"out"}, 3}, {[]string{`c \`, "  d"}, nil, 6}, {[]string{"e <<'EOF'", "$ no", "EOF"}, []string{"more"}, 9}}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%v\nwant %v", got, want)
	}
}

// TestCommands runs the commands of pages, each page in a fresh clone and one shell, and compares what they
// print with what the page shows.
func TestCommands(t *testing.T) {
	if *pagesToRun == "" {
		t.Skip("-pages=README.md runs the commands of a page, -pages=all those of all")
	}
	bin := program(t)
	names := strings.Split(*pagesToRun, ",")
	if *pagesToRun == "all" {
		names = pagesWithCommands(t)
	}
	for _, name := range names {
		t.Run(name, func(t *testing.T) { runPage(t, name, bin) })
	}
}

// pagesWithCommands are those whose commands this test runs. docs/SCENARIOS.md has a test of its own.
func pagesWithCommands(t *testing.T) []string {
	var names []string
	for _, p := range append([]string{"README.md"}, globbed(t, "docs/*.md")...) {
		text, err := os.ReadFile(filepath.Join(root, p))
		if err != nil {
			t.Fatal(err)
		}
		if p != "docs/SCENARIOS.md" && len(commandsOf(strings.Split(string(text), "\n"))) > 0 {
			names = append(names, p)
		}
	}
	return names
}

func globbed(t *testing.T, pattern string) []string {
	all, err := filepath.Glob(filepath.Join(root, pattern))
	if err != nil || len(all) == 0 {
		t.Fatal(pattern, err)
	}
	for i := range all {
		all[i], _ = filepath.Rel(root, all[i])
	}
	return all
}

func runPage(t *testing.T, name, bin string) {
	path := filepath.Join(root, name)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(text), "\n")
	commands := commandsOf(lines)
	if len(commands) == 0 {
		t.Fatal("it has no commands")
	}
	outputs := shell(t, clone(t), bin, commands)
	shift := 0
	for i, c := range commands {
		got := outputs[i]
		if fits(c.output, got) {
			continue
		}
		if !*update {
			t.Errorf("%s:%d: $ %s\nprints\n%s\nthe page has\n%s", name, c.from, strings.Join(c.text, "\n"), strings.Join(got, "\n"), strings.Join(c.output, "\n"))
			continue
		}
		got = refreshed(c.output, got)
		at := c.from + shift
		lines = slices.Replace(lines, at, at+len(c.output), got...)
		shift += len(got) - len(c.output)
	}
	if *update {
		if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// shell runs the commands in one shell, and returns what each printed.
func shell(t *testing.T, dir, bin string, commands []command) [][]string {
	const mark = "\x1e" // no command prints it
	var script strings.Builder
	for i, c := range commands {
		fmt.Fprintf(&script, "printf '%s%d\\n'\n%s\n", mark, i, strings.Join(c.text, "\n"))
	}
	fmt.Fprintf(&script, "printf '%s%d\\n'\n", mark, len(commands))
	ctx, cancel := context.WithTimeout(t.Context(), pageLimit)
	defer cancel()
	sh := exec.CommandContext(ctx, "bash", "-c", script.String())
	sh.Dir = dir
	sh.Env = append(os.Environ(), "PATH="+filepath.Dir(bin)+string(filepath.ListSeparator)+os.Getenv("PATH"), "COLUMNS=80", "TMPDIR="+t.TempDir())
	var out bytes.Buffer
	sh.Stdout, sh.Stderr = &out, &out
	sh.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	sh.Cancel = func() error { return syscall.Kill(-sh.Process.Pid, syscall.SIGKILL) }
	sh.WaitDelay = 5 * time.Second
	if err := sh.Run(); err != nil && ctx.Err() != nil {
		t.Fatalf("over %v:\n%s", pageLimit, &out)
	}
	_ = syscall.Kill(-sh.Process.Pid, syscall.SIGTERM) // what a page has left running
	outputs := make([][]string, len(commands))
	for _, part := range strings.Split(out.String(), mark)[1:] {
		number, printed, _ := strings.Cut(part, "\n")
		i, err := strconv.Atoi(number)
		if err != nil || i > len(commands) {
			t.Fatalf("the shell's output is cut at %q", part)
		}
		if printed = strings.TrimRight(printed, "\n"); i < len(commands) && printed != "" {
			outputs[i] = strings.Split(printed, "\n")
		}
	}
	return outputs
}

// clone copies what git would commit now into a folder of its own.
func clone(t *testing.T) string {
	t.Helper()
	list := exec.Command("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	list.Dir = root
	names, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "paxos")
	for name := range strings.SplitSeq(strings.TrimRight(string(names), "\x00"), "\x00") {
		from, err := os.Open(filepath.Join(root, name))
		if os.IsNotExist(err) {
			continue // deleted, and not yet committed
		}
		if err != nil {
			t.Fatal(err)
		}
		to := filepath.Join(dir, name)
		info, err := from.Stat()
		if err == nil {
			err = os.MkdirAll(filepath.Dir(to), 0o777)
		}
		if err != nil {
			t.Fatal(err)
		}
		w, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY, info.Mode())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(w, from); err != nil {
			t.Fatal(err)
		}
		from.Close()
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	// A repository, for the commands that ask git.
	git := exec.Command("bash", "-c", "git init -q && git add -A && git -c user.name=x -c user.email=x@example.org commit -qm clone")
	git.Dir = dir
	if out, err := git.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return dir
}

// program builds the one that pages call paxos.
func program(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "paxos")
	build := exec.Command("go", "build", "-o", path, "./cmd/paxos")
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return path
}
