package cluster

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// `paxos cluster` prints a line to paste, and pasting it works: redis-cli speaks to a live
// cluster. Ctrl-C ends the servers too, and the folder goes with them.
func TestRedisCLI(t *testing.T) {
	needs(t, installed("redis-cli"))
	tmp := t.TempDir()
	c := exec.Command(program(t), "cluster")
	c.Env = append(os.Environ(), "TMPDIR="+tmp)
	stdout, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	c.Stderr = os.Stderr
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	stuck := time.AfterFunc(time.Minute, func() { _ = c.Process.Kill() })
	defer stuck.Stop()
	var paste, status []string
	pids := 0
	for s := bufio.NewScanner(stdout); s.Scan(); {
		if strings.Contains(s.Text(), "  pid ") {
			pids++
		}
		if words := strings.Fields(s.Text()); len(words) > 0 && words[0] == "redis-cli" {
			paste = words
		}
		if words := strings.Fields(s.Text()); len(words) > 4 && words[len(words)-4] == "status" {
			status = words[len(words)-4:]
		}
		if strings.HasPrefix(s.Text(), "Ctrl-C") {
			break
		}
	}
	if pids != 3 || len(paste) == 0 {
		t.Fatalf("%d servers are named, and the line to paste is %q", pids, paste)
	}
	port := paste[2]
	for _, x := range []struct {
		line []string
		want string
	}{
		{paste[1:], "OK"},
		{[]string{"-p", port, "GET", "greeting"}, "hello"},
		{[]string{"-p", port, "INCR", "n"}, "1"},
		{[]string{"-p", port, "APPEND", "greeting", ", world"}, "12"},
		{[]string{"-p", port, "DEL", "greeting", "n"}, "2"},
		{[]string{"-p", port, "GET", "greeting"}, ""},
		{[]string{"-p", port, "PING"}, "PONG"},
		{[]string{"-p", port, "SET", "x", "a b\tc"}, "OK"},
		{[]string{"-p", port, "GET", "x"}, "a b\tc"},
		{[]string{"-p", port, "INCR", "x"}, "ERR value is not an integer or out of range"},
	} {
		out, err := exec.Command("redis-cli", x.line...).CombinedOutput()
		if got := strings.TrimSpace(string(out)); err != nil || got != x.want {
			t.Errorf("redis-cli %s: %q, %v; want %q", strings.Join(x.line, " "), got, err, x.want)
		}
	}
	// The line of status asks all three, and all answer.
	if out, err := exec.Command(program(t), status...).CombinedOutput(); err != nil || strings.Count(string(out), "Reg") != 3 {
		t.Errorf("paxos %s: %v\n%s", strings.Join(status, " "), err, out)
	}
	if err := c.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	_ = c.Wait()
	if status := c.ProcessState.ExitCode(); status != 130 {
		t.Errorf("interrupted, it ends with status %d", status)
	}
	if left, _ := filepath.Glob(filepath.Join(tmp, "*")); len(left) > 0 {
		t.Errorf("it leaves %v behind", left)
	}
}

// A short trial, whole: faults, load, verdict, the recordings on request, and the same
// recordings replayed by the command for it.
func TestChaosInShort(t *testing.T) {
	if testing.Short() {
		t.Skip("some seconds of faults")
	}
	dir := filepath.Join(t.TempDir(), "trial")
	out, err := exec.Command(program(t), "cluster", "--chaos", "--check", "--for", "6s", "--no-namespaces", "--data", dir).CombinedOutput()
	text := string(out)
	// Six seconds may see too few faults to count; nothing else may be found.
	if lines := strings.Count(text, " is violated: "); lines > strings.Count(text, "idle is violated: ") {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, want := range []string{"links are cut by a filter in the servers", " answered in ", "compared", "recorded lives replayed"} {
		if !strings.Contains(text, want) {
			t.Errorf("it does not say %q:\n%s", want, text)
		}
	}
	for _, name := range []string{"server-1.tape.jsonl", "server-2.tape.jsonl", "server-3.tape.jsonl"} {
		again, err := exec.Command(program(t), "replay", "--recorded", filepath.Join(dir, name)).CombinedOutput()
		if err != nil || !strings.HasPrefix(string(again), "ok: ") {
			t.Errorf("replay of %s: %v\n%s", name, err, again)
		}
	}
	again, err := exec.Command(program(t), "check", filepath.Join(dir, "history.jsonl")).CombinedOutput()
	if err != nil || !strings.Contains(string(again), "ok") {
		t.Errorf("check of the history: %v\n%s", err, again)
	}
}
