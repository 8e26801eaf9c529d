package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fauer4effect/paxos/protocol"
	"github.com/fauer4effect/paxos/protocol/kv"
	"github.com/fauer4effect/paxos/protocol/live"
)

// running is a server that runs in this process.
type running struct {
	t              *testing.T
	stdout, stderr lockedBuffer
	end            context.CancelCauseFunc // as a signal does
	status         chan int
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

func serving(t *testing.T, args string) *running {
	t.Helper()
	ctx, end := context.WithCancelCause(t.Context())
	r := &running{t: t, end: end, status: make(chan int, 1)}
	go func() { r.status <- run(ctx, strings.Fields(args), &r.stdout, &r.stderr) }()
	t.Cleanup(func() { r.ends(nil) })
	return r
}

// ends tells the server to end, and returns how it did; -1 where it had before.
func (r *running) ends(why error) int {
	r.end(why)
	if r.status == nil {
		return -1
	}
	defer func() { r.status = nil }()
	select {
	case status := <-r.status:
		return status
	case <-time.After(20 * time.Second):
		r.t.Fatal("it does not end")
		return 0
	}
}

// awaits waits until an address answers as wanted.
func awaits(t *testing.T, url, want string) {
	t.Helper()
	var got string
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if r, err := http.Get(url); err == nil {
			text, _ := io.ReadAll(r.Body)
			r.Body.Close()
			if got = fmt.Sprintf("%d %s", r.StatusCode, text); strings.Contains(got, want) {
				return
			}
		}
	}
	t.Fatalf("%s answers %q, not %q", url, got, want)
}

// freePort is a TCP port that nobody uses now.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// A server whose output nobody reads goes on, and ends well; and it says which port it was given.
func TestServeIntoAFullDisk(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip(err)
	}
	defer full.Close()
	port, hosts := hostFile(t)
	address := freePort(t)
	ctx, end := context.WithCancelCause(t.Context())
	status := make(chan int, 1)
	var stderr lockedBuffer
	go func() {
		status <- run(ctx, strings.Fields(fmt.Sprintf("serve -p %d -h %s --data %s --metrics %s", port, hosts, filepath.Join(t.TempDir(), "store"), address)), full, &stderr)
	}()
	awaits(t, "http://"+address+"/readyz", "200 ok")
	if end(errTerminated); <-status != 0 {
		t.Errorf("it does not end with status 0: %s", &stderr)
	}
}

func TestPortThatWasFound(t *testing.T) {
	port, hosts := hostFile(t)
	r := serving(t, fmt.Sprintf("serve -p %d -h %s --data %s --client localhost:0", port, hosts, filepath.Join(t.TempDir(), "store")))
	found := regexp.MustCompile(`Redis clients on localhost:[1-9][0-9]*\n`)
	for deadline := time.Now().Add(10 * time.Second); !found.MatchString(r.stdout.String()); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("it says: %s", &r.stdout)
		}
	}
}

// A server that logs writes records to standard error, each with its server, from its start to
// its end. It writes nothing to standard output. Told to end, it ends with status 0.
func TestServeLogs(t *testing.T) {
	port, hosts := hostFile(t)
	address := freePort(t)
	r := serving(t, fmt.Sprintf("serve -p %d -h %s --data %s --log json --metrics %s", port, hosts, filepath.Join(t.TempDir(), "store"), address))
	awaits(t, "http://"+address+"/readyz", "200 ok")
	awaits(t, "http://"+address+"/metrics", "\npaxos_leading 1\n")
	if status := r.ends(errTerminated); status != 0 {
		t.Errorf("it ends with status %d: %s", status, &r.stderr)
	}
	if out := r.stdout.String(); out != "" {
		t.Errorf("standard output: %s", out)
	}
	seen := map[string]map[string]any{}
	for line := range strings.Lines(r.stderr.String()) {
		var record map[string]any
		if err := json.Unmarshal([]byte(line), &record); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		if record["server"] != 1.0 || record["time"] == nil || record["level"] == nil {
			t.Errorf("a record says too little: %s", line)
		}
		seen[fmt.Sprint(record["msg"])] = record
	}
	for _, want := range []string{"started", "formed", "election", "view installed", "leading", "draining", "stopped"} {
		if seen[want] == nil {
			t.Errorf("no record %q in\n%s", want, &r.stderr)
		}
	}
	if seen["leading"]["view"] != 1.0 || seen["view installed"]["leader"] != 1.0 || seen["started"]["servers"] != 1.0 {
		t.Errorf("records without their attributes:\n%s", &r.stderr)
	}
}

// What -t adds stays on standard output; the log has the rest.
func TestTrialAndLog(t *testing.T) {
	port, hosts := hostFile(t)
	r := serving(t, fmt.Sprintf("serve -p %d -h %s -t --data %s --log text", port, hosts, filepath.Join(t.TempDir(), "store")))
	for deadline := time.Now().Add(10 * time.Second); !strings.Contains(r.stdout.String(), "answered: put"); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("the trial is not told:\n%s\n%s", &r.stdout, &r.stderr)
		}
	}
	if status := r.ends(nil); status != statusInterrupted {
		t.Errorf("interrupted, it ends with status %d", status)
	}
	if out := r.stdout.String(); strings.Contains(out, "election:") || !strings.Contains(out, "ordered: seq 2 in view 1\n") {
		t.Errorf("standard output:\n%s", out)
	}
	if log := r.stderr.String(); !strings.Contains(log, `level=INFO msg="view installed" server=1 view=1 leader=1`) || !strings.Contains(log, "msg=stopped server=1 why=interrupted") {
		t.Errorf("the log:\n%s", log)
	}
}

// A server that fails says so as its log's last record, and with its status.
func TestStoppedIsLogged(t *testing.T) {
	var out, log bytes.Buffer
	n := newNarrator(&out, logFormat("text").handler(&log), &live.Config{ID: 3}, false)
	n.begin(nil, telling{line: "hello"})
	err := n.stopped(&failure{status: statusFailed, line: "the store: disk gone"})
	n.end()
	var f *failure
	if !errors.As(err, &f) || f.status != statusFailed || f.line != "" {
		t.Errorf("it ends with %+v", err)
	}
	if !strings.Contains(log.String(), `level=ERROR msg=stopped server=3 error="the store: disk gone"`) {
		t.Errorf("the log:\n%s", &log)
	}
}

// A server that is told to end while a command can't be answered ends all the same, after its
// limit, and says what it leaves.
func TestDrainLimit(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes the limit's seconds")
	}
	port, _ := hostFile(t)
	other, _ := hostFile(t)
	text := fmt.Sprintf("127.0.0.1:%d\n127.0.0.1:%d\n", port, other)
	client := freePort(t)
	r := serving(t, fmt.Sprintf("serve -p %d --id 1 -h %s --data %s --client %s", port, file(t, "hosts", text), filepath.Join(t.TempDir(), "store"), client))
	hosts, err := live.ReadHosts(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	second, err := live.Start(live.Config{
		Hosts: hosts, ID: 2, Port: other, Dir: filepath.Join(t.TempDir(), "store"), App: func() protocol.App { return kv.New() },
	})
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	for deadline := time.Now().Add(10 * time.Second); !strings.Contains(r.stdout.String(), "the cluster is formed"); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal(r.stdout.String())
		}
	}
	second.Close() // a majority of two is both
	conn, err := net.Dial("tcp4", client)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprint(conn, "INCR n\r\n")
	time.Sleep(200 * time.Millisecond)
	begun := time.Now()
	status := r.ends(errTerminated)
	if took := time.Since(begun); took < drainLimit || took > drainLimit+giveWayLimit+5*time.Second {
		t.Errorf("it takes %v", took)
	}
	if want := "told to end: after 5s 1 client had no answer"; status != statusFailed || !strings.Contains(r.stderr.String(), want) {
		t.Errorf("status %d: %s", status, &r.stderr)
	}
}

// Where an address is taken nothing else is touched: no store is made.
func TestTakenAddresses(t *testing.T) {
	taken, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	port, hosts := hostFile(t)
	udp, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer udp.Close()
	busy := udp.LocalAddr().(*net.UDPAddr).Port
	busyHosts := file(t, "busy-hosts", fmt.Sprintf("127.0.0.1:%d\n", busy))
	for _, c := range []struct{ args, want string }{
		{fmt.Sprintf("serve -p %d -h %s --client %s", port, hosts, taken.Addr()), fmt.Sprintf("--client %s: bind: address already in use", taken.Addr())},
		{fmt.Sprintf("serve -p %d -h %s --metrics %s", port, hosts, taken.Addr()), fmt.Sprintf("--metrics %s: bind: address already in use", taken.Addr())},
		{fmt.Sprintf("serve -p %d -h %s --client sock/x --metrics %s", port, hosts, taken.Addr()), "--client sock/x: bind: no such file"},
		{fmt.Sprintf("serve -p %d -h %s --metrics 192.0.2.1:80", port, hosts), "--metrics 192.0.2.1:80: bind: cannot assign requested address"},
		{fmt.Sprintf("serve -p %d -h %s --record tape", busy, busyHosts), fmt.Sprintf("UDP port %d: bind: address already in use", busy)},
	} {
		t.Chdir(t.TempDir())
		r := paxos(t, strings.Fields(c.args)...).wants(t, statusUsage)
		if !strings.Contains(r.stderr, c.want) || strings.Count(r.stderr, "\n") != 1 {
			t.Errorf("%s: %s", c.args, r.stderr)
		}
		if left, _ := os.ReadDir("."); len(left) > 0 {
			t.Errorf("%s: it left %s behind", c.args, left[0].Name())
		}
	}
}
