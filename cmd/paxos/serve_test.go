package main

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fauer4effect/paxos/cmd/internal/cluster"
	"github.com/fauer4effect/paxos/protocol/live"
)

// stuck is a pipe that nobody reads, once it is full.
type stuck struct {
	mu    sync.Mutex
	room  int
	text  bytes.Buffer
	never chan struct{}
}

func (s *stuck) Write(b []byte) (int, error) {
	s.mu.Lock()
	full := s.text.Len() >= s.room
	if !full {
		s.text.Write(b)
	}
	s.mu.Unlock()
	if full {
		<-s.never
	}
	return len(b), nil
}

// hostFile is of one server, on a port of its own.
func hostFile(t *testing.T) (port int, path string) {
	t.Helper()
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	port = conn.LocalAddr().(*net.UDPAddr).Port
	return port, file(t, "hosts", fmt.Sprintf("127.0.0.1:%d\n", port))
}

// A server whose standard output blocks still ends when it is told to.
func TestServeWhileNobodyReads(t *testing.T) {
	for _, room := range []int{0, 100, 500} {
		t.Run(fmt.Sprint(room), func(t *testing.T) {
			t.Parallel()
			port, hosts := hostFile(t)
			out := &stuck{room: room, never: make(chan struct{})}
			defer close(out.never)
			ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
			defer cancel()
			ended := make(chan int, 1)
			var stderr bytes.Buffer
			args := fmt.Sprintf("serve -p %d -h %s -t --data %s", port, hosts, filepath.Join(t.TempDir(), "store"))
			go func() { ended <- run(ctx, strings.Fields(args), out, &stderr) }()
			select {
			case status := <-ended:
				if status != statusInterrupted {
					t.Errorf("status %d: %s", status, &stderr)
				}
			case <-time.After(10 * time.Second):
				t.Fatal("it does not end")
			}
		})
	}
}

// Lines that were lost are told of, and where.
func TestLostLinesAreTold(t *testing.T) {
	var out bytes.Buffer
	n := newNarrator(&out, nil, &live.Config{}, true)
	for i := range cap(n.told) + 2 {
		n.say("line %d", i)
	}
	n.begin(nil, telling{line: "hello"})
	close(n.ended)
	<-n.printed
	if text := out.String(); !strings.HasPrefix(text, "hello\n(2 lines not printed: nobody read them in time)\nline 0\n") || strings.Count(text, "\n") != cap(n.told)+2 {
		t.Errorf("%.200s… %d lines", text, strings.Count(text, "\n"))
	}
}

// What a trial found is printed also where nobody asked for a check; one that was cut short
// is not called ok.
func TestFindingsAreAlwaysPrinted(t *testing.T) {
	found := &cluster.Report{Findings: []*cluster.Finding{{Property: "invariant", Detail: "server 2 ended by itself"}}}
	for _, c := range []struct {
		check, judged bool
		report        *cluster.Report
		want, not     string
	}{
		{false, true, found, "invariant is violated: server 2 ended by itself", "ok:"},
		{true, true, found, "invariant is violated: server 2 ended by itself", "ok:"},
		{true, true, &cluster.Report{}, "ok: linearizable", "broken"},
		{true, false, &cluster.Report{Answered: 7}, "7 operations answered", "ok:"},
		{false, true, &cluster.Report{}, "0 operations answered", "ok:"},
	} {
		var out bytes.Buffer
		(&clusterFlags{check: c.check}).report(&out, c.report, c.judged)
		if text := out.String(); !strings.Contains(text, c.want) || strings.Contains(text, c.not) {
			t.Errorf("check %v, judged %v: %s", c.check, c.judged, text)
		}
	}
}
