package live

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"go.uber.org/goleak"

	"github.com/fauer4effect/paxos/protocol"
	"github.com/fauer4effect/paxos/protocol/kv"
	"github.com/fauer4effect/paxos/protocol/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// trio is three servers in this process, on the loopback interface.
type trio struct {
	t       *testing.T
	configs []Config
	servers []*Server // nil: down
}

func newTrio(t *testing.T, change func(*Config)) *trio {
	t.Helper()
	c := &trio{t: t, configs: make([]Config, 3), servers: make([]*Server, 3)}
	var hosts Hosts
	for range 3 {
		conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		hosts = append(hosts, Host{"127.0.0.1", conn.LocalAddr().(*net.UDPAddr).Port})
	}
	for i := range c.configs {
		c.configs[i] = Config{
			Hosts: hosts, ID: protocol.ServerID(i + 1), Port: hosts[i].Port, Address: netip.MustParseAddr("127.0.0.1"),
			Dir: filepath.Join(t.TempDir(), "store"), App: func() protocol.App { return kv.New() },
		}
		if change != nil {
			change(&c.configs[i])
		}
	}
	t.Cleanup(func() {
		for i := range c.servers {
			c.stop(i)
		}
	})
	return c
}

func (c *trio) start(i int) *Server {
	c.t.Helper()
	s, err := Start(c.configs[i])
	if err != nil {
		c.t.Fatal(err)
	}
	c.servers[i] = s
	return s
}

func (c *trio) startAll() {
	c.t.Helper()
	for i := range c.servers {
		c.start(i)
	}
}

func (c *trio) stop(i int) {
	if s := c.servers[i]; s != nil {
		c.servers[i] = nil
		if err := s.Close(); err != nil {
			c.t.Error(err)
		}
	}
}

// do executes an operation at a server.
func (c *trio) do(i int, op kv.Op) kv.Result {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	text, err := c.servers[i].Do(ctx, op.Encode())
	if err != nil {
		c.t.Fatalf("%v at server %d: %v", op, i+1, err)
	}
	r, err := kv.DecodeResult(text)
	if err != nil {
		c.t.Fatal(err)
	}
	return r
}

var incr = kv.Op{Kind: kv.Incr, Key: "n"}

// Any server takes any command; what is executed survives the leader, and all servers.
func TestService(t *testing.T) {
	c := newTrio(t, nil)
	c.startAll()
	for i := range 30 {
		if r := c.do(i%3, incr); r.Number != int64(i+1) {
			t.Fatalf("increment %d gives %v", i+1, r)
		}
	}
	leader := int(c.servers[0].Status().Leader) - 1
	for leader < 0 {
		time.Sleep(10 * time.Millisecond)
		leader = int(c.servers[0].Status().Leader) - 1
	}
	c.stop(leader)
	if r := c.do((leader+1)%3, incr); r.Number != 31 {
		t.Fatalf("after the leader's end: %v", r)
	}
	c.start(leader)
	for i := range c.servers {
		c.stop(i)
	}
	c.startAll()
	if r := c.do(leader, incr); r.Number != 32 {
		t.Fatalf("after all restarted: %v", r)
	}
}

// A command that is in flight while leaders end, and come and go, is executed once: its own
// server lives, the leader does not.
func TestExactlyOnceOverFailover(t *testing.T) {
	c := newTrio(t, nil)
	c.startAll()
	c.do(0, incr)
	leader := c.leader()
	var busy sync.WaitGroup
	results := make([]map[int64]bool, 3)
	const each = 200
	for i := range 3 {
		if results[i] = map[int64]bool{}; i == leader {
			continue
		}
		s := c.servers[i]
		busy.Go(func() {
			for range each {
				text, err := s.Do(context.Background(), incr.Encode())
				if err != nil {
					t.Error(err)
					return
				}
				r, _ := kv.DecodeResult(text)
				results[i][r.Number] = true
			}
		})
	}
	time.Sleep(20 * time.Millisecond)
	c.stop(leader)
	time.Sleep(20 * time.Millisecond)
	c.start(leader)
	for range 6 {
		time.Sleep(30 * time.Millisecond)
		c.servers[time.Now().UnixNano()%3].Elect()
	}
	busy.Wait()
	seen := map[int64]bool{}
	for _, r := range results {
		for n := range r {
			seen[n] = true
		}
	}
	if len(seen) != 2*each {
		t.Errorf("%d different results of %d increments", len(seen), 2*each)
	}
	if r := c.do(leader, incr); r.Number != 2*each+2 {
		t.Errorf("the last increment gives %v, not %d", r, 2*each+2)
	}
	if view := c.servers[leader].Status().View; view < 2 {
		t.Errorf("view %d: the leader's end changed none", view)
	}
}

// leader waits until a server leads, and returns its place.
func (c *trio) leader() int {
	for {
		for i, s := range c.servers {
			if s != nil && s.Status().State == protocol.RegLeader {
				return i
			}
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// While datagrams of every bad kind come as fast as they can be sent, clients are served, and
// each datagram is counted by why it was refused.
func TestFlood(t *testing.T) {
	t.Run("with a key", func(t *testing.T) {
		flood(t, []byte("sixteen bytes or more"), "truncated", "oversized", "malformed", "not made with our key", "another cluster", "unknown sender", wire.EarlierLife)
	})
	t.Run("without", func(t *testing.T) {
		flood(t, nil, "truncated", "oversized", "malformed", "bad checksum", "another format or version", "another cluster", "unknown sender", wire.EarlierLife)
	})
}

// damagedIn is the datagram with one byte flipped.
func damagedIn(datagram []byte, at int) []byte {
	d := bytes.Clone(datagram)
	d[min(at, len(d)-1)] ^= 1
	return d
}

// garbage has format, checksum and tag right, and nothing else.
func garbage(format, key []byte) []byte {
	body := []byte("no MessagePack at all")
	d := binary.BigEndian.AppendUint32(bytes.Clone(format), crc32.Checksum(body, crc32.MakeTable(crc32.Castagnoli)))
	d = append(d, body...)
	if len(key) > 0 {
		mac := hmac.New(sha256.New, key)
		mac.Write(d)
		d = mac.Sum(d)[:len(d)+16]
	}
	return d
}

func flood(t *testing.T, key []byte, reasons ...string) {
	c := newTrio(t, func(cfg *Config) { cfg.Key = key })
	c.startAll()
	c.do(0, incr)
	own := c.configs[0].Hosts.Cluster()
	m := protocol.Message{Kind: protocol.Accept, View: 1, Seq: 1}
	sealed := func(id wire.Identity, key []byte) []byte {
		e, err := wire.NewEncoder(id, 0, key)
		if err != nil {
			t.Fatal(err)
		}
		d, err := e.Encode(&m)
		if err != nil {
			t.Fatal(err)
		}
		return bytes.Clone(d[0])
	}
	good := sealed(wire.Identity{Cluster: own, Server: 2, Life: 1}, key)
	bad := [][]byte{
		{},
		{1, 2, 3},
		[]byte("GET / HTTP/1.1\r\n\r\n, from somebody who took us for somebody else"), good[:len(good)-1], good[:len(good)/2],
		make([]byte, 1400), make([]byte, 60_000),
		damagedIn(good, 5),  // the checksum
		damagedIn(good, 60), // what it covers
		garbage(good[:4], key),
		sealed(wire.Identity{Cluster: own, Server: 2, Life: 9}, nil),                   // no key
		sealed(wire.Identity{Cluster: own, Server: 2, Life: 9}, []byte("another key")), // another's
		sealed(wire.Identity{Cluster: own + 1, Server: 2, Life: 9}, key),               // foreign
		sealed(wire.Identity{Cluster: own, Server: 9, Life: 9}, key),                   // nobody
		sealed(wire.Identity{Cluster: own, Server: 2, Life: 0}, key),                   // of an earlier life
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	var busy sync.WaitGroup
	busy.Go(func() {
		conn, err := net.Dial("udp4", net.JoinHostPort("127.0.0.1", fmt.Sprint(c.configs[0].Port)))
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		for ctx.Err() == nil {
			for _, d := range bad {
				_, _ = conn.Write(d)
			}
		}
	})
	served := 0
	for ctx.Err() == nil {
		c.do(0, incr)
		served++
	}
	busy.Wait()
	time.Sleep(100 * time.Millisecond)
	refused := c.servers[0].Status().Refused
	for _, why := range reasons {
		if refused[why] == 0 {
			t.Errorf("no datagram was refused as %q: %v", why, refused)
		}
	}
	if served < 20 {
		t.Errorf("only %d commands were served", served)
	}
	t.Logf("%d commands served, refused: %v", served, refused)
}

// Servers whose keys or host files differ do not talk, and say why.
func TestStrangers(t *testing.T) {
	for name, change := range map[string]func(*Config){
		"not made with our key": func(cfg *Config) {
			if cfg.ID == 3 {
				cfg.Key = []byte("another key")
			} else {
				cfg.Key = []byte("the key")
			}
		},
		"another cluster": func(cfg *Config) {
			if cfg.ID == 3 {
				cfg.Hosts = append(append(Hosts{}, cfg.Hosts...), Host{"elsewhere.invalid", 1})
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := newTrio(t, change)
			c.startAll()
			for deadline := time.Now().Add(5 * time.Second); c.servers[0].Status().Refused[name] == 0; {
				if time.Now().After(deadline) {
					t.Fatalf("nothing refused: %v", c.servers[0].Status().Refused)
				}
				time.Sleep(10 * time.Millisecond)
			}
			if c.servers[0].Status().Formed {
				t.Error("the cluster formed without its third server")
			}
		})
	}
}

// An emptied disk never takes part again, and the others go on.
func TestEmptiedStore(t *testing.T) {
	c := newTrio(t, nil)
	c.startAll()
	c.do(0, incr)
	c.stop(1)
	if err := os.RemoveAll(c.configs[1].Dir); err != nil {
		t.Fatal(err)
	}
	told := make(chan struct{}, 1)
	c.configs[1].Watch = func(_ *protocol.Input, out *protocol.Output) {
		for _, e := range out.Events {
			if e.Kind == protocol.Refused {
				notify(told)
			}
		}
	}
	c.start(1)
	select {
	case <-told:
	case <-time.After(5 * time.Second):
		t.Error("the server with the emptied disk is not told that it is refused")
	}
	if r := c.do(0, incr); r.Number != 2 {
		t.Errorf("the others: %v", r)
	}
	for _, do := range []func(context.Context, []byte) ([]byte, error){c.servers[1].Do, c.servers[1].Read} {
		if _, err := do(t.Context(), kv.Op{Kind: kv.Get, Key: "n"}.Encode()); !errors.Is(err, ErrRefused) {
			t.Errorf("the emptied disk's clients: %v", err)
		}
	}
	if st := c.servers[1].Status(); st.Formed || st.View != 0 {
		t.Errorf("the emptied disk takes part: %+v", st)
	}
}

// A disk that fails ends the server, with an error that says so, and nothing is tried again.
func TestFailedDisk(t *testing.T) {
	broken := errors.New("the disk is gone")
	var mu sync.Mutex
	on := false
	c := newTrio(t, func(cfg *Config) {
		if cfg.ID == 2 {
			cfg.FS = errorfs.Wrap(vfs.Default, errorfs.InjectorFunc(func(op errorfs.Op) error {
				mu.Lock()
				defer mu.Unlock()
				if on && op.Kind == errorfs.OpFileSyncData {
					return broken
				}
				return nil
			}))
		}
	})
	c.startAll()
	c.do(0, incr)
	mu.Lock()
	on = true
	mu.Unlock()
	c.do(0, incr)
	s := c.servers[1]
	c.servers[1] = nil
	select {
	case <-s.Done():
	case <-time.After(10 * time.Second):
		t.Error("the server goes on")
	}
	if err := s.Close(); err == nil || !strings.Contains(err.Error(), broken.Error()) {
		t.Errorf("it ended with %v", err)
	}
	if _, err := s.Do(t.Context(), incr.Encode()); err == nil {
		t.Error("it takes commands")
	}
	c.do(2, incr) // the two others go on
}

// What a server records replays byte for byte, over several lives, torn lines included; and a
// recording that was tampered with does not.
func TestTape(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tape.jsonl")
	c := newTrio(t, nil)
	record := func() {
		tape, err := OpenTape(path)
		if err != nil {
			t.Fatal(err)
		}
		c.configs[0].Tape = tape
		c.start(0)
	}
	record()
	c.start(1)
	c.start(2)
	for i := range 20 {
		c.do(i%3, incr)
	}
	c.stop(0)
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(`{"at_ns":12,"in":{"m`); err != nil { // what a kill leaves
		t.Fatal(err)
	}
	f.Close()
	record()
	c.do(0, incr)
	c.stop(0)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	replay := func(text []byte) (Replayed, error) {
		return Replay(bytes.NewReader(text), func() protocol.App { return kv.New() }, Visitor{})
	}
	done, err := replay(text)
	if err != nil || done.Lives != 2 || done.Steps < 60 || done.Replies == 0 {
		t.Fatalf("%+v, %v", done, err)
	}
	if _, err := replay(text[:len(text)-5]); err != nil {
		t.Errorf("with a torn line: %v", err)
	}
	var differs *Difference
	at := bytes.Index(text, []byte(`"rep":[{"c":`))
	forged := append(append(bytes.Clone(text[:at]), []byte(`"rep":[{"c":9`)...), text[at+len(`"rep":[{"c":`):]...)
	if _, err := replay(forged); !errors.As(err, &differs) {
		t.Errorf("a forged reply: %v", err)
	}
	for _, bad := range []string{"", "{}\n", "nonsense\n", `{"in":{"k":1}}` + "\n", `{"life":{"number":1}}` + "\n"} {
		if _, err := replay([]byte(bad)); err == nil {
			t.Errorf("%q replays", bad)
		}
	}
	if !json.Valid(text[:bytes.IndexByte(text, '\n')]) {
		t.Error("a line is no JSON")
	}
}

func TestHosts(t *testing.T) {
	hosts, err := ReadHosts(strings.NewReader("# three\nalpha\n beta:7001 # the second\n\n10.0.0.3:7\n"))
	if err != nil || len(hosts) != 3 || hosts[1] != (Host{"beta", 7001}) || hosts[0] != (Host{"alpha", 0}) {
		t.Fatalf("%v, %v", hosts, err)
	}
	same, _ := ReadHosts(strings.NewReader("\ufeffalpha\nbeta:7001\n10.0.0.3:7"))
	other, _ := ReadHosts(strings.NewReader("beta:7001\nalpha\n10.0.0.3:7"))
	if hosts.Cluster() != same.Cluster() || hosts.Cluster() == other.Cluster() {
		t.Error("the cluster's id is not that of the lines in order, comments aside")
	}
	for text, want := range map[string]string{
		"":                               "it names no host",
		"# nobody\n":                     "it names no host",
		"a b\n":                          `line 1: "a b": one host a line`,
		"a\na:x\n":                       `line 2: "a:x": port "x": it is a number from 1 to 65535`,
		"a:0\n":                          `line 1: "a:0": port "0"`,
		":7\n":                           `line 1: ":7": a host is a name`,
		"[::1]:7\n":                      `line 1: "[::1]:7": a host is a name or an IPv4 address`,
		"a\n\na\n":                       "line 3: a stands in line 1 already",
		"1\n2\n3\n4\n5\n6\n7\n8\n9\n10":  "line 10: a cluster has 1 to 9 servers",
		"a\x00\n":                        `line 1: "a\x00": no host has such characters`,
		"\xff\xfea\n":                    `line 1: "\xff\xfea": no host has such characters`,
		"a\n\ufeffb\n":                   "line 2: ",
		strings.Repeat("#", maxHostFile): "more than 65536 bytes",
	} {
		if _, err := ReadHosts(strings.NewReader(text)); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%.20q: %v, want %s", text, err, want)
		}
	}
	local := Hosts{{"127.0.0.1", 7001}, {"127.0.0.1", 7002}, {"192.0.2.1", 0}}
	if id, err := local.Own(7002); id != 2 || err != nil {
		t.Errorf("port 7002 is line %d, %v", id, err)
	}
	for _, c := range []struct {
		hosts Hosts
		want  string
	}{
		{local, "line 1 is this machine, but its port is 7001, not 9"},
		{Hosts{{"192.0.2.1", 0}}, "no line of the host file is this machine"},
		{Hosts{{"127.0.0.1", 0}, {"127.0.0.2", 0}}, "lines 1 and 2 are this machine"},
	} {
		if _, err := c.hosts.Own(9); err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%v: %v, want %s", c.hosts, err, c.want)
		}
	}
}

// Whatever a host file holds, it is hosts or an error of one line.
func FuzzHosts(f *testing.F) {
	f.Add("alpha\nbeta:7001 # the second\n")
	f.Fuzz(func(t *testing.T, text string) {
		hosts, err := ReadHosts(strings.NewReader(text))
		switch {
		case err == nil && (len(hosts) == 0 || len(hosts) > protocol.MaxServers):
			t.Errorf("%d hosts", len(hosts))
		case err != nil && strings.Contains(err.Error(), "\n"):
			t.Errorf("an error of several lines: %q", err)
		}
	})
}

// Whatever a recording holds, it replays or is an error.
func FuzzReplay(f *testing.F) {
	path := filepath.Join(f.TempDir(), "tape")
	tape, err := OpenTape(path)
	if err != nil {
		f.Fatal(err)
	}
	cfg := protocol.Config{ID: 1, Servers: 1, Store: 5}
	m, err := protocol.New(cfg, 0, kv.New(), protocol.Stable{})
	if err != nil {
		f.Fatal(err)
	}
	if err := tape.begin(cfg, protocol.Stable{}, 1); err != nil {
		f.Fatal(err)
	}
	for i := range 6 {
		var out protocol.Output
		in := protocol.Input{Kind: protocol.Timer}
		if i%2 == 1 {
			in = protocol.Input{Kind: protocol.Durable, UpTo: protocol.Position(i/2 + 1)}
		}
		m.Step(protocol.Instant(i)*1e8, in, &out)
		tape.write(protocol.Instant(i)*1e8, &in, &out)
	}
	if err := tape.end(); err != nil {
		f.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	if done, err := Replay(bytes.NewReader(text), func() protocol.App { return kv.New() }, Visitor{}); err != nil || done.Steps != 6 {
		f.Fatalf("the seed itself: %+v, %v", done, err)
	}
	f.Add(text)
	f.Fuzz(func(t *testing.T, text []byte) {
		_, _ = Replay(bytes.NewReader(text), func() protocol.App { return kv.New() }, Visitor{})
	})
}
