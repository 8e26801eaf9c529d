package cluster

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// chaosUntil starts a trial, waits for the line that holds the given text, and does what is
// to be done then. It returns the exit status and what was printed after that line.
func chaosUntil(t *testing.T, line string, then func(c *exec.Cmd, stdout io.Closer), flags ...string) (int, string) {
	t.Helper()
	tmp := t.TempDir()
	c := exec.Command(program(t), append([]string{"cluster", "--chaos", "--check", "--for", "60s"}, flags...)...)
	c.Env = append(os.Environ(), "TMPDIR="+tmp)
	stdout, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	stuck := time.AfterFunc(30*time.Second, func() { _ = c.Process.Kill() })
	defer stuck.Stop()
	in := bufio.NewScanner(stdout)
	for in.Scan() && !strings.Contains(in.Text(), line) {
	}
	then(c, stdout)
	rest := ""
	for in.Scan() {
		rest += in.Text() + "\n"
	}
	_ = c.Wait() // its status is looked at
	if left, _ := filepath.Glob(filepath.Join(tmp, "*")); len(left) > 0 {
		t.Errorf("it leaves %v behind", left)
	}
	if out, err := exec.Command("ip", "netns", "list").Output(); err == nil && strings.Contains(string(out), fmt.Sprintf("paxos-%d-", c.Process.Pid)) {
		t.Errorf("it leaves network namespaces behind:\n%s", out)
	}
	return c.ProcessState.ExitCode(), rest
}

// Whoever reads may leave, as head does: the trial ends, and nothing of it stays.
func TestReaderLeaves(t *testing.T) {
	if status, _ := chaosUntil(t, "links are cut", func(_ *exec.Cmd, stdout io.Closer) { stdout.Close() }); status != 2 {
		t.Errorf("it ends with status %d", status)
	}
}

// A trial that is interrupted says what it has seen, and calls nothing ok.
func TestInterruptedTrial(t *testing.T) {
	ends := []syscall.Signal{syscall.SIGINT}
	if !signal.Ignored(syscall.SIGHUP) { // nohup go test, which what the test starts inherits
		ends = append(ends, syscall.SIGHUP)
	}
	for _, signal := range ends {
		status, rest := chaosUntil(t, "12 clients begin", func(c *exec.Cmd, _ io.Closer) {
			time.Sleep(700 * time.Millisecond)
			if err := c.Process.Signal(signal); err != nil {
				t.Error(err)
			}
		}, "--no-namespaces")
		if status != 130 || !strings.Contains(rest, " answered in ") || strings.Contains(rest, "ok:") {
			t.Errorf("%v: it ends with status %d, and prints\n%s", signal, status, rest)
		}
	}
}

// What a killed trial left behind is removed by the next one.
func TestSweepOfNamespaces(t *testing.T) {
	needs(t, CanNamespaces())
	dead := exec.Command("true")
	if err := dead.Run(); err != nil {
		t.Fatal(err)
	}
	alive := fmt.Sprintf("paxos-%d-7", os.Getpid())
	left := fmt.Sprintf("paxos-%d-7", dead.Process.Pid)
	for _, name := range []string{alive, left} {
		if err := ip("netns", "add", name); err != nil {
			t.Fatal(err)
		}
	}
	defer func() { _ = ip("netns", "delete", left) }() // where it fails
	if err := sweepNamespaces(); err != nil {
		t.Error(err)
	}
	if err := ip("netns", "delete", left); err == nil {
		t.Errorf("%s is still there", left)
	}
	if err := ip("netns", "delete", alive); err != nil {
		t.Errorf("%s is gone: %v", alive, err)
	}
}

// The files of a folder that are not the cluster's stay as they are.
func TestFilesOfOthers(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	read := func(name string) string {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	write("hosts", "127.0.0.1 localhost\n")
	write("key", "my own")
	cfg := Config{Dir: dir, Nodes: 3}
	first, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	known := read(hostsName)
	second, err := New(cfg)
	if err != nil || first.nodes[2].port != second.nodes[2].port || read(hostsName) != known {
		t.Errorf("a second cluster in the folder: %v, %q after %q", err, read(hostsName), known)
	}
	if read("hosts") != "127.0.0.1 localhost\n" || read("key") != "my own" {
		t.Error("somebody's files are overwritten")
	}
	for text, want := range map[string]string{
		"alpha:1\nbeta:2\ngamma:3\n":             "host 1 is alpha:1: a cluster on this machine has 127.0.0.1 and a port there",
		"127.0.0.1:1\n127.0.0.1:2\n127.0.0.1\n":  "host 3 is 127.0.0.1: a cluster on this machine",
		"127.0.0.1:1\n127.0.0.1:2\n":             "it is of a cluster of 2 servers, not 3",
		"127.0.0.1:1\n127.0.0.1:2\n10.77.0.3:3 ": "host 3 is 10.77.0.3:3: a cluster on this machine",
	} {
		write(hostsName, text)
		if _, err := New(cfg); err == nil || !strings.Contains(err.Error(), want) || read(hostsName) != text {
			t.Errorf("%q: %v, and then %q", text, err, read(hostsName))
		}
	}
}

// A trial that saw too little is a finding, however short it was, and without chaos, too.
func TestIdleTrials(t *testing.T) {
	for _, c := range []struct {
		trial  Trial
		report Report
		idle   int
	}{
		{Trial{For: time.Millisecond}, Report{Answered: 12}, 1},
		{Trial{For: time.Millisecond}, Report{Answered: leastEver}, 0},
		{Trial{For: time.Minute}, Report{Answered: leastOperations - 1}, 1},
		{Trial{For: time.Minute}, Report{Answered: leastOperations}, 0},
		{Trial{For: time.Minute, Chaos: true}, Report{Answered: leastOperations}, 1},
		{Trial{For: time.Minute, Chaos: true}, Report{Answered: leastOperations, Leaders: leastLeaders}, 0},
		{Trial{For: time.Minute, Chaos: true}, Report{}, 2},
	} {
		c.trial.demand(&c.report)
		if len(c.report.Findings) != c.idle {
			t.Errorf("%+v: %v", c.trial, c.report.Findings)
		}
	}
}
