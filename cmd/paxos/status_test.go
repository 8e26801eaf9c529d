package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/fauer4effect/paxos/protocol"
	"github.com/fauer4effect/paxos/protocol/kv"
	"github.com/fauer4effect/paxos/protocol/live"
	"github.com/fauer4effect/paxos/protocol/live/redis"
)

// clusterOf is servers in this process; each with the address of its clients.
func clusterOf(t *testing.T, n int, network string) (addresses []string) {
	t.Helper()
	ports := make([]string, n)
	for i := range ports {
		port, _ := hostFile(t)
		ports[i] = fmt.Sprintf("127.0.0.1:%d", port)
	}
	hosts, err := live.ReadHosts(strings.NewReader(strings.Join(ports, "\n")))
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		s, err := live.Start(live.Config{
			Hosts: hosts, ID: protocol.ServerID(i + 1), Port: hosts[i].Port,
			Dir: filepath.Join(t.TempDir(), "store"), App: func() protocol.App { return kv.New() },
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		at := "127.0.0.1:0"
		if network == "unix" {
			at = filepath.Join(t.TempDir(), "s")
		}
		l, err := net.Listen(network, at)
		if err != nil {
			t.Fatal(err)
		}
		clients := redis.Serve(l, s)
		t.Cleanup(clients.Close)
		addresses = append(addresses, l.Addr().String())
	}
	return addresses
}

// One server is enough to see all; those that are asked say more.
func TestStatus(t *testing.T) {
	at := clusterOf(t, 3, "tcp4")
	var text string
	heard := regexp.MustCompile(`^cluster [0-9a-f]{16}, 3 servers
server +state +view +leader +aru +hash +life +formed +from
1 +Reg(L|NonL)eader +\d+ +[1-3] +0 +0{16} +1 +yes +` + regexp.QuoteMeta(at[0]) + `
2 +Reg(L|NonL)eader +\d+ +- +0 +- +- +- +heard by 1, \d+ms ago
3 +Reg(L|NonL)eader +\d+ +- +0 +- +- +- +heard by 1, \d+ms ago
$`)
	for begun := time.Now(); !heard.MatchString(text); time.Sleep(20 * time.Millisecond) {
		if text = paxos(t, "status", at[0]).wants(t, 0).stdout; time.Since(begun) > 20*time.Second {
			t.Fatal(text)
		}
	}
	text = paxos(t, "status", at[2], at[0], at[1]).wants(t, 0).stdout
	if strings.Count(text, " yes    127.0.0.1:") != 3 || strings.Contains(text, "heard by") {
		t.Error(text)
	}
	var object struct {
		Cluster string
		Servers []standing
	}
	out := paxos(t, "status", "--json", at[1], nobodyAt(t)) // what it has, and what is missing
	if err := json.Unmarshal([]byte(out.stdout), &object); err != nil || len(object.Servers) != 3 || out.status != 1 {
		t.Fatalf("%+v, %v", out, err)
	}
	if s := object.Servers; s[0].HeardBy != 2 || s[1].Address != at[1] || !*s[1].Formed || s[1].Leader == 0 || s[2].Server != 3 {
		t.Errorf("%+v", object)
	}
}

func TestStatusOfAUnixSocket(t *testing.T) {
	at := clusterOf(t, 1, "unix")[0]
	if r := paxos(t, "status", at); r.status != 0 || !strings.Contains(r.stdout, at) {
		t.Errorf("%+v", r)
	}
}

func nobodyAt(t *testing.T) string {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// answering is a server that answers something, or nothing at all.
func answering(t *testing.T, text string) string {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			t.Cleanup(func() { conn.Close() })
			_, _ = io.WriteString(conn, text)
		}
	}()
	return l.Addr().String()
}

// What may be wrong with an address is one line each.
func TestStatusSaysWhatIsWrong(t *testing.T) {
	one, other := clusterOf(t, 1, "tcp4")[0], clusterOf(t, 1, "tcp4")[0]
	for _, c := range []struct {
		args   []string
		status int
		want   string
	}{
		{nil, 2, "no ADDR"},
		{[]string{"nonsense"}, 2, "nonsense: an ADDR is host:port"},
		{[]string{"localhost:99999"}, 2, "localhost:99999: invalid port"},
		{[]string{"no.such.host.invalid:6379"}, 2, "no.such.host.invalid:6379: "},
		{[]string{nobodyAt(t)}, 1, ": connection refused"},
		{[]string{"/no/such/socket"}, 1, "/no/such/socket: no such file or directory"},
		{[]string{answering(t, "-ERR unknown command 'PAXOS'\r\n")}, 2, "not a server of this program"},
		{[]string{answering(t, "SSH-2.0-OpenSSH\r\n")}, 2, "not a server of this program"},
		{[]string{answering(t, "$5\r\nhello\r\n")}, 2, "not a server of this program"},
		{[]string{answering(t, "")}, 1, ": no answer within 3s"},
		{[]string{one, other}, 2, ": it is of cluster "},
	} {
		r := paxos(t, append([]string{"status"}, c.args...)...)
		if r.status != c.status || !strings.Contains(r.stderr, c.want) || strings.Count(r.stderr, "\n") != 1 {
			t.Errorf("%q: status %d, %q; want %d, %q", c.args, r.status, r.stderr, c.status, c.want)
		}
	}
}
