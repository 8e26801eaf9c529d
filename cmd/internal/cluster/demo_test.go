package cluster

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// The original's own form on three hosts, each a network namespace with names of its own: `paxos
// -p 55555 -h hosts -t`. The servers find their lines by their addresses, form a cluster and
// elect server 1. It issues an update, and all print what happens.
func TestTheOriginalForm(t *testing.T) {
	needs(t, CanNamespaces())
	paxos := program(t)
	net, err := newNamespaces(3)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := net.close(); err != nil {
			t.Error(err)
		}
	}()
	dir := t.TempDir()
	names := []string{"alpha", "beta", "gamma"}
	hosts := filepath.Join(dir, "hosts")
	if err := os.WriteFile(hosts, []byte("# the original's example\n"+strings.Join(names, "\n")+"\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	var etc strings.Builder // what the names mean, in each namespace
	for i, name := range names {
		fmt.Fprintf(&etc, "%s %s\n", net.host(i+1), name)
	}
	servers := make([]*exec.Cmd, 3)
	outputs := make([]*lockedBuffer, 3)
	for i := range servers {
		id := i + 1
		own := filepath.Join("/etc/netns", net.of(id))
		if err := os.MkdirAll(own, 0o777); err != nil {
			t.Fatal(err)
		}
		defer os.Remove("/etc/netns") // where nobody else's are there
		defer os.RemoveAll(own)
		if err := os.WriteFile(filepath.Join(own, "hosts"), []byte(etc.String()), 0o666); err != nil {
			t.Fatal(err)
		}
		servers[i] = net.command(id, paxos, []string{"-p", "55555", "-h", hosts, "-t"})
		servers[i].Dir = t.TempDir()
		outputs[i] = &lockedBuffer{}
		servers[i].Stdout, servers[i].Stderr = outputs[i], outputs[i]
		if err := servers[i].Start(); err != nil {
			t.Fatal(err)
		}
	}
	wants := func(id int) []string {
		lines := []string{
			fmt.Sprintf("server %d of 3, cluster ", id),
			"UDP port 55555 on all interfaces",
			"traffic is not authenticated: anyone who reaches the port can forge it",
			"the cluster is formed",
			"election: view 1 is installed",
			"executed: seq 1, a session for client 16777217",
			"ordered: seq 2 in view 1",
			`executed: seq 2, put "greeting" "hello from server 1"`,
		}
		if id == 1 {
			return append(lines, "election: this server leads view 1", "Proposal(view 1, seq 1, client 16777217's opening", "goes to all",
				"Accept(view 1, seq 1) from server ", `answered: put "greeting" "hello from server 1": done`)
		}
		return append(lines, "Proposal(view 1, seq 1, client 16777217's opening", "from server 1", "Accept(view 1, seq 1) goes to all",
			fmt.Sprintf("Accept(view 1, seq 1) from server %d", 5-id))
	}
	missing := func() (what string) {
		for i, out := range outputs {
			for _, want := range wants(i + 1) {
				if text := out.String(); !strings.Contains(text, want) {
					what += fmt.Sprintf("server %d does not print %q:\n%s\n", i+1, want, text)
				}
			}
		}
		return what
	}
	for deadline := time.Now().Add(20 * time.Second); missing() != "" && time.Now().Before(deadline); {
		time.Sleep(50 * time.Millisecond)
	}
	for i, s := range servers {
		if err := s.Process.Signal(syscall.SIGINT); err != nil {
			t.Errorf("server %d: %v", i+1, err)
		}
		_ = s.Wait() // its status says it
		if status := s.ProcessState.ExitCode(); status != 130 {
			t.Errorf("server %d is interrupted and ends with status %d", i+1, status)
		}
		if _, err := os.Stat(filepath.Join(s.Dir, fmt.Sprintf("paxos-data-%d", i+1))); err != nil {
			t.Errorf("server %d's store: %v", i+1, err)
		}
	}
	if what := missing(); what != "" {
		t.Error(what)
	}
	t.Logf("server 1 prints:\n%s", outputs[0])
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
