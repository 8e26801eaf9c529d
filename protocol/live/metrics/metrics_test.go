package metrics

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.uber.org/goleak"

	"github.com/fauer4effect/paxos/protocol"
	"github.com/fauer4effect/paxos/protocol/kv"
	"github.com/fauer4effect/paxos/protocol/live"
	"github.com/fauer4effect/paxos/protocol/live/redis"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// served is metrics on a port of the loopback interface.
func served(t *testing.T) (*Metrics, string) {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	m := New()
	m.Serve(l)
	t.Cleanup(m.Close)
	return m, "http://" + l.Addr().String()
}

// started is one server of a cluster of that many, of which the others are never there.
func started(t *testing.T, m *Metrics, servers int) *live.Server {
	t.Helper()
	var hosts live.Hosts
	for range servers {
		conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		hosts = append(hosts, live.Host{Name: "127.0.0.1", Port: conn.LocalAddr().(*net.UDPAddr).Port})
		if len(hosts) == 1 {
			conn.Close()
		}
	}
	s, err := live.Start(live.Config{
		Hosts: hosts, ID: 1, Port: hosts[0].Port, Address: netip.MustParseAddr("127.0.0.1"),
		Dir: filepath.Join(t.TempDir(), "store"), App: func() protocol.App { return kv.New() }, Meter: m,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func get(t *testing.T, url string) (status int, body string) {
	t.Helper()
	r, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	text, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return r.StatusCode, string(text)
}

// wants waits until an answer is as wanted.
func wants(t *testing.T, url string, status int, contains string) {
	t.Helper()
	var got int
	var body string
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if got, body = get(t, url); got == status && strings.Contains(body, contains) {
			return
		}
	}
	t.Errorf("%s: %d %q, want %d %q", url, got, body, status, contains)
}

// A server's life as a probe sees it: it starts, is ready, is to end, and has ended.
func TestHealthAndReadiness(t *testing.T) {
	m, url := served(t)
	wants(t, url+"/healthz", 503, "it starts")
	wants(t, url+"/readyz", 503, "it starts")
	s := started(t, m, 1)
	m.Watch(s, nil)
	wants(t, url+"/healthz", 200, "ok\n")
	wants(t, url+"/readyz", 200, "ok\n")
	m.Drain()
	wants(t, url+"/healthz", 200, "ok\n")
	wants(t, url+"/readyz", 503, "shutting down")
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	wants(t, url+"/healthz", 503, "the server has ended")
}

// A server whose peers are away lives, and is not ready.
func TestNotFormed(t *testing.T) {
	m, url := served(t)
	m.Watch(started(t, m, 3), nil)
	wants(t, url+"/healthz", 200, "ok\n")
	wants(t, url+"/readyz", 503, "the cluster is not formed")
	if text := scrape(t, url); !strings.Contains(text, "\npaxos_formed 0\n") || !strings.Contains(text, "\npaxos_ready 0\n") {
		t.Errorf("it is shown otherwise:\n%s", text)
	}
}

// A loop that has not turned for longer than its limit is told of, and none before.
func TestTurnLimit(t *testing.T) {
	if err := turning(turnLimit); err != nil {
		t.Error(err)
	}
	if err := turning(turnLimit + time.Millisecond); err == nil || err.Error() != "the server's loop has not turned for 5.001s" {
		t.Errorf("beyond the limit: %v", err)
	}
}

// A server that hears too few others is not ready, whatever it believes of its leader.
func TestMajority(t *testing.T) {
	peer := func(silent time.Duration) live.Peer { return live.Peer{Silent: silent} }
	for _, c := range []struct {
		servers int
		peers   []live.Peer
		want    string
	}{
		{1, nil, ""},
		{3, nil, "no majority: it hears 1 of 3 servers, itself included"},
		{3, []live.Peer{peer(peerSilence), peer(0)}, ""},
		{3, []live.Peer{peer(peerSilence), peer(time.Hour)}, "no majority: it hears 1 of 3 servers, itself included"},
		{4, []live.Peer{peer(0)}, "no majority: it hears 2 of 4 servers, itself included"},
		{5, []live.Peer{peer(0), peer(peerSilence - 1)}, ""},
	} {
		err := majority(&live.Status{Peers: c.peers}, c.servers)
		if got := fmt.Sprint(err); got != c.want && (err != nil || c.want != "") {
			t.Errorf("%d servers, %v: %s", c.servers, c.peers, got)
		}
	}
}

func scrape(t *testing.T, url string) string {
	t.Helper()
	status, text := get(t, url+"/metrics")
	if status != 200 {
		t.Fatalf("/metrics: %d %s", status, text)
	}
	return text
}

// What a server does is in its metrics; their names are as Prometheus wants them; no label has
// more values than are listed here.
func TestMetrics(t *testing.T) {
	m, url := served(t)
	s := started(t, m, 1)
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	clients := redis.Serve(l, s)
	defer clients.Close()
	m.Watch(s, clients)
	wants(t, url+"/readyz", 200, "ok")
	const commands = 7
	for range commands {
		if _, err := s.Do(t.Context(), (kv.Op{Kind: kv.Incr, Key: "n"}).Encode()); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Do(t.Context(), make([]byte, live.MaxOpBytes+1)); err == nil {
		t.Fatal("an oversized command is executed")
	}
	conn, err := net.Dial("tcp4", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	time.Sleep(50 * time.Millisecond) // more than one turn of the loop
	text := scrape(t, url)
	for _, want := range []string{
		"paxos_up 1", "paxos_ready 1", "paxos_formed 1", "paxos_leading 1", "paxos_leader 1", "paxos_view 1", "paxos_life 1",
		`paxos_state{state="RegLeader"} 1`, `paxos_state{state="LeaderElection"} 0`,
		`paxos_commands_total{outcome="answered"} 7`, `paxos_commands_total{outcome="refused"} 1`, `paxos_commands_total{outcome="busy"} 0`,
		"paxos_command_duration_seconds_count 7", "paxos_client_connections 1", "paxos_views_led_total 1", "paxos_waiting_commands 0", "paxos_open_sessions 1",
	} {
		if !strings.Contains(text, "\n"+want+"\n") {
			t.Errorf("no line %q in\n%s", want, text)
		}
	}
	for _, want := range []string{
		"paxos_aru [1-9]", "paxos_syncs_total [1-9]", "paxos_sync_duration_seconds_count [1-9]", "paxos_store_bytes [1-9]",
		"paxos_status_age_seconds 0", "go_goroutines [1-9]", "process_resident_memory_bytes [1-9]", `paxos_server_info{cluster="[0-9a-f]{16}",server="1",store="[0-9a-f]{16}"} 1`,
	} {
		if !regexp.MustCompile(`(?m)^` + want).MatchString(text) {
			t.Errorf("no line %s in\n%s", want, text)
		}
	}
	operate, err := os.ReadFile("../../../docs/OPERATE.md")
	if err != nil {
		t.Fatal(err)
	}
	shown := text // and what is shown where there is something to show
	for _, d := range []*prometheus.Desc{peerHeard, peerARU, refused, dropped} {
		shown += d.String()
	}
	for _, name := range regexp.MustCompile(`\bpaxos_[a-z_]+[a-z]`).FindAllString(string(operate), -1) {
		if !strings.Contains(shown, name) {
			t.Errorf("docs/OPERATE.md speaks of %s, and nothing shows it", name)
		}
	}
	problems, err := testutil.GatherAndLint(m.registry)
	if err != nil {
		t.Error(err)
	}
	for _, p := range problems {
		if strings.HasPrefix(p.Metric, "paxos_") {
			t.Errorf("%s: %s", p.Metric, p.Text)
		}
	}
}

// Each count of a server's has a name and a meaning here.
func TestEveryCountIsKnown(t *testing.T) {
	(&live.Counts{}).Each(func(name string, _ uint64) {
		if counted[name].help == "" {
			t.Errorf("count %q is not listed", name)
		}
	})
}

// While strangers hold as many connections as they may, and say nothing, the server serves its
// clients. The strangers are cut off, and then others are answered again.
func TestStrangersHoldConnections(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes as long as a request may")
	}
	m, url := served(t)
	s := started(t, m, 1)
	m.Watch(s, nil)
	wants(t, url+"/readyz", 200, "ok")
	var held []net.Conn
	for range maxConnections + 8 {
		conn, err := net.Dial("tcp4", strings.TrimPrefix(url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		held = append(held, conn)
	}
	begun := time.Now()
	for range 10 {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		if _, err := s.Do(ctx, (kv.Op{Kind: kv.Incr, Key: "n"}).Encode()); err != nil {
			t.Errorf("a command meanwhile: %v", err)
		}
		cancel()
	}
	if status, _ := get(t, url+"/healthz"); status != 200 {
		t.Errorf("/healthz: %d", status)
	}
	if took := time.Since(begun); took < requestLimit/2 || took > 4*requestLimit {
		t.Errorf("answered after %v: the limit was not reached, or does not help", took)
	}
	_ = held[0].SetReadDeadline(time.Now().Add(time.Second))
	if _, err := io.ReadAll(held[0]); err != nil {
		t.Errorf("a silent connection is not closed: %v", err)
	}
}

// Profiles are there, and outlast what other answers may take.
func TestProfiles(t *testing.T) {
	_, url := served(t)
	wants(t, url+"/debug/pprof/", 200, "goroutine")
	wants(t, url+"/debug/pprof/goroutine?debug=1", 200, "goroutine profile")
	wants(t, url+"/debug/pprof/profile?seconds=121", 400, "a profile takes at most 2m0s")
	wants(t, url+"/nothing", 404, "")
	if testing.Short() {
		return
	}
	if status, body := get(t, fmt.Sprintf("%s/debug/pprof/trace?seconds=%d", url, int(requestLimit.Seconds())+1)); status != 200 || len(body) < 100 {
		t.Errorf("a trace that takes longer than other answers may: %d, %d bytes", status, len(body))
	}
}

// What a command pays for being measured.
func BenchmarkCommand(b *testing.B) {
	m := New()
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			begun := time.Now()
			m.Command(time.Since(begun) + 300*time.Microsecond)
		}
	})
}
