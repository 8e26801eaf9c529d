package live_test

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
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"go.uber.org/goleak"

	"github.com/fauer4effect/paxos/protocol"
	"github.com/fauer4effect/paxos/protocol/kv"
	"github.com/fauer4effect/paxos/protocol/live"
	"github.com/fauer4effect/paxos/protocol/live/trio"
	"github.com/fauer4effect/paxos/protocol/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var incr = kv.Op{Kind: kv.Incr, Key: "n"}

// count is one of a server's counts.
func count(s *live.Server, name string) (found uint64) {
	s.Counts().Each(func(each string, n uint64) {
		if each == name {
			found = n
		}
	})
	return found
}

// Any server takes any command; what is executed survives the leader, and all servers.
func TestService(t *testing.T) {
	c := trio.New(t, nil)
	c.StartAll()
	for i := range 30 {
		if r := c.Do(i%3, incr); r.Number != int64(i+1) {
			t.Fatalf("increment %d gives %v", i+1, r)
		}
	}
	leader := int(c.Servers[0].Status().Leader) - 1
	for leader < 0 {
		time.Sleep(10 * time.Millisecond)
		leader = int(c.Servers[0].Status().Leader) - 1
	}
	c.Stop(leader)
	if r := c.Do((leader+1)%3, incr); r.Number != 31 {
		t.Fatalf("after the leader's end: %v", r)
	}
	c.Start(leader)
	for i := range c.Servers {
		c.Stop(i)
	}
	c.StartAll()
	if r := c.Do(leader, incr); r.Number != 32 {
		t.Fatalf("after all restarted: %v", r)
	}
}

// A command that is in flight while leaders end, and come and go, is executed once: its own
// server lives, the leader does not.
func TestExactlyOnceOverFailover(t *testing.T) {
	c := trio.New(t, nil)
	c.StartAll()
	c.Do(0, incr)
	leader := c.Leader()
	var busy sync.WaitGroup
	results := make([]map[int64]bool, 3)
	const each = 200
	for i := range 3 {
		if results[i] = map[int64]bool{}; i == leader {
			continue
		}
		s := c.Servers[i]
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
	c.Stop(leader)
	time.Sleep(20 * time.Millisecond)
	c.Start(leader)
	for range 6 {
		time.Sleep(30 * time.Millisecond)
		c.Servers[time.Now().UnixNano()%3].Elect()
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
	if r := c.Do(leader, incr); r.Number != 2*each+2 {
		t.Errorf("the last increment gives %v, not %d", r, 2*each+2)
	}
	if view := c.Servers[leader].Status().View; view < 2 {
		t.Errorf("view %d: the leader's end changed none", view)
	}
}

// While datagrams of every bad kind come as fast as they can be sent, clients are served. Each
// datagram is counted by the reason of its refusal.
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
	c := trio.New(t, func(cfg *live.Config) { cfg.Key = key })
	c.StartAll()
	c.Do(0, incr)
	own := c.Configs[0].Hosts.Cluster()
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
		conn, err := net.Dial("udp4", net.JoinHostPort("127.0.0.1", fmt.Sprint(c.Configs[0].Port)))
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
		c.Do(0, incr)
		served++
	}
	busy.Wait()
	time.Sleep(100 * time.Millisecond)
	refused := c.Servers[0].Status().Refused
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

// Hundreds of clients write large values at once. A server refuses what it cannot hold, and
// executes what it took, in bounded memory. Then it goes on serving.
func TestFloodOfLargeValues(t *testing.T) {
	if testing.Short() {
		t.Skip("the race detector, which runs the short tests, takes minutes over it")
	}
	c := trio.New(t, nil)
	c.StartAll()
	c.Do(0, incr)
	view := c.Servers[0].Status().View
	value := strings.Repeat("x", 60_000)
	var busy sync.WaitGroup
	var done, refused atomic.Int64
	for i := range 300 {
		s := c.Servers[i%3]
		busy.Go(func() {
			_, err := s.Do(t.Context(), kv.Op{Kind: kv.Put, Key: fmt.Sprint(i), Value: value}.Encode())
			switch {
			case err == nil:
				done.Add(1)
			case errors.Is(err, live.ErrBusy):
				refused.Add(1)
			default:
				t.Error(err)
			}
		})
	}
	var highest uint64
	ended := make(chan struct{})
	go func() { busy.Wait(); close(ended) }()
	for watching := true; watching; {
		select {
		case <-ended:
			watching = false
		case <-time.After(20 * time.Millisecond):
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			highest = max(highest, m.HeapInuse)
		}
	}
	if done.Load() < 60 || refused.Load() == 0 {
		t.Errorf("of 300 writes %d are done and %d refused", done.Load(), refused.Load())
	}
	if highest > 400<<20 {
		t.Errorf("three servers and their clients take %d MB", highest>>20)
	}
	if r := c.Do(1, incr); r.Number != 2 {
		t.Errorf("after the flood: %v", r)
	}
	t.Logf("%d done, %d refused, %d MB of heap, view %d to %d", done.Load(), refused.Load(), highest>>20, view, c.Servers[0].Status().View)
}

// A server tells what its peers said last; the heir is the one that is furthest, of those that
// were heard lately.
func TestPeersAreTold(t *testing.T) {
	c := trio.New(t, nil)
	c.StartAll()
	for range 3 {
		c.Do(0, incr)
	}
	leader := c.Agreed()
	st := c.Servers[leader-1].Status()
	for begun := time.Now(); len(st.Peers) < 2 || st.Peers[0].ARU < st.ARU || st.Peers[1].ARU < st.ARU; {
		if time.Since(begun) > 10*time.Second {
			t.Fatalf("%+v", st)
		}
		time.Sleep(5 * time.Millisecond)
		st = c.Servers[leader-1].Status()
	}
	for _, p := range st.Peers {
		if p.State != protocol.RegNonLeader || p.View != st.View || int(p.ID) == leader || p.Silent > 5*time.Second {
			t.Errorf("%+v", p)
		}
	}
	other := leader%3 + 1
	c.Stop(other - 1)
	for begun := time.Now(); int(st.Heir()) != 6-leader-other; {
		if time.Since(begun) > 10*time.Second {
			t.Fatalf("server %d is to inherit: %+v", st.Heir(), st)
		}
		time.Sleep(20 * time.Millisecond)
		st = c.Servers[leader-1].Status()
	}
}

// Servers whose keys or host files differ do not talk, and say why.
func TestStrangers(t *testing.T) {
	for name, change := range map[string]func(*live.Config){
		"not made with our key": func(cfg *live.Config) {
			if cfg.ID == 3 {
				cfg.Key = []byte("another key")
			} else {
				cfg.Key = []byte("the key")
			}
		},
		"another cluster": func(cfg *live.Config) {
			if cfg.ID == 3 {
				cfg.Hosts = append(append(live.Hosts{}, cfg.Hosts...), live.Host{"elsewhere.invalid", 1})
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := trio.New(t, change)
			c.StartAll()
			for deadline := time.Now().Add(5 * time.Second); c.Servers[0].Status().Refused[name] == 0; {
				if time.Now().After(deadline) {
					t.Fatalf("nothing refused: %v", c.Servers[0].Status().Refused)
				}
				time.Sleep(10 * time.Millisecond)
			}
			if c.Servers[0].Status().Formed {
				t.Error("the cluster formed without its third server")
			}
		})
	}
}

// An emptied disk never takes part again, and the others go on.
func TestEmptiedStore(t *testing.T) {
	c := trio.New(t, nil)
	c.StartAll()
	c.Do(0, incr)
	c.Stop(1)
	if err := os.RemoveAll(c.Configs[1].Dir); err != nil {
		t.Fatal(err)
	}
	told := make(chan struct{}, 1)
	c.Configs[1].Watch = func(_ *protocol.Input, out *protocol.Output) {
		for _, e := range out.Events {
			if e.Kind == protocol.Refused {
				select {
				case told <- struct{}{}:
				default:
				}
			}
		}
	}
	c.Start(1)
	select {
	case <-told:
	case <-time.After(5 * time.Second):
		t.Error("the server with the emptied disk is not told that it is refused")
	}
	if r := c.Do(0, incr); r.Number != 2 {
		t.Errorf("the others: %v", r)
	}
	for _, do := range []func(context.Context, []byte) ([]byte, error){c.Servers[1].Do, c.Servers[1].Read} {
		if _, err := do(t.Context(), kv.Op{Kind: kv.Get, Key: "n"}.Encode()); !errors.Is(err, live.ErrRefused) {
			t.Errorf("the emptied disk's clients: %v", err)
		}
	}
	if st := c.Servers[1].Status(); st.Formed || st.View != 0 {
		t.Errorf("the emptied disk takes part: %+v", st)
	}
}

// A disk that fails ends the server, with an error that says so, and nothing is tried again.
func TestFailedDisk(t *testing.T) {
	broken := errors.New("the disk is gone")
	var mu sync.Mutex
	on := false
	c := trio.New(t, func(cfg *live.Config) {
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
	c.StartAll()
	c.Do(0, incr)
	mu.Lock()
	on = true
	mu.Unlock()
	c.Do(0, incr)
	s := c.Servers[1]
	c.Servers[1] = nil
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
	c.Do(2, incr) // the two others go on
}

// What a server records replays byte for byte, over several lives, torn lines included; and a
// recording that was tampered with does not.
func TestTape(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tape.jsonl")
	c := trio.New(t, nil)
	record := func() {
		tape, err := live.OpenTape(path)
		if err != nil {
			t.Fatal(err)
		}
		c.Configs[0].Tape = tape
		c.Start(0)
	}
	record()
	c.Start(1)
	c.Start(2)
	for i := range 20 {
		c.Do(i%3, incr)
	}
	c.Stop(0)
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(`{"at_ns":12,"in":{"m`); err != nil { // what a kill leaves
		t.Fatal(err)
	}
	f.Close()
	record()
	c.Do(0, incr)
	c.Stop(0)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	replay := func(text []byte) (live.Replayed, error) {
		return live.Replay(bytes.NewReader(text), func() protocol.App { return kv.New() }, live.Visitor{})
	}
	done, err := replay(text)
	if err != nil || done.Lives != 2 || done.Steps < 60 || done.Replies == 0 {
		t.Fatalf("%+v, %v", done, err)
	}
	if _, err := replay(text[:len(text)-5]); err != nil {
		t.Errorf("with a torn line: %v", err)
	}
	var differs *live.Difference
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
