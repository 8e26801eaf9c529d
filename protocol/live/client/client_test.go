package client_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"go.uber.org/goleak"

	"github.com/fauer4effect/paxos/protocol"
	"github.com/fauer4effect/paxos/protocol/kv"
	"github.com/fauer4effect/paxos/protocol/live"
	"github.com/fauer4effect/paxos/protocol/live/client"
	"github.com/fauer4effect/paxos/protocol/live/redis"
)

var ends []func() // of what examples started

func TestMain(m *testing.M) {
	status := m.Run()
	for _, end := range ends {
		end()
	}
	if err := goleak.Find(); err != nil && status == 0 {
		fmt.Fprintln(os.Stderr, err)
		status = 1
	}
	os.Exit(status)
}

// replica is a server and where its clients find it.
type replica struct {
	config  live.Config
	server  *live.Server
	clients *redis.Clients
	address string
}

// freePorts are the hosts of n servers, on ports that nobody has.
func freePorts(n int) (hosts live.Hosts, err error) {
	for range n {
		conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err != nil {
			return nil, err
		}
		defer conn.Close()
		hosts = append(hosts, live.Host{Name: "127.0.0.1", Port: conn.LocalAddr().(*net.UDPAddr).Port})
	}
	return hosts, nil
}

// cluster is n servers in this process, with stores in memory.
func cluster(n int) ([]*replica, error) {
	hosts, err := freePorts(n)
	if err != nil {
		return nil, err
	}
	all := make([]*replica, n)
	for i := range all {
		all[i] = &replica{address: "127.0.0.1:0", config: live.Config{
			Hosts: hosts, ID: protocol.ServerID(i + 1), Port: hosts[i].Port, Address: netip.MustParseAddr("127.0.0.1"),
			Dir: "store", FS: vfs.NewMem(), App: func() protocol.App { return kv.New() },
		}}
		if err := all[i].start(); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func (r *replica) start() error {
	l, err := net.Listen("tcp4", r.address)
	if err != nil {
		return err
	}
	if r.server, err = live.Start(r.config); err != nil {
		return errors.Join(err, l.Close())
	}
	r.address, r.clients = l.Addr().String(), redis.Serve(l, r.server)
	return nil
}

func (r *replica) stop() error {
	if r.server == nil {
		return nil
	}
	r.clients.Close()
	err := r.server.Close()
	r.server = nil
	return err
}

// exampleServer starts a cluster of one for an example.
func exampleServer() string {
	all, err := cluster(1)
	if err != nil {
		panic(err)
	}
	ends = append(ends, func() { _ = all[0].stop() })
	return all[0].address
}

func started(t *testing.T, n int) []*replica {
	t.Helper()
	all, err := cluster(n)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, r := range all {
			if err := r.stop(); err != nil {
				t.Error(err)
			}
		}
	})
	return all
}

func dial(t *testing.T, addresses ...string) *client.Client {
	t.Helper()
	c, err := client.New(addresses...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func within(t *testing.T, limit time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	t.Cleanup(cancel)
	return ctx
}

func TestCommands(t *testing.T) {
	c := dial(t, started(t, 1)[0].address)
	ctx := within(t, 20*time.Second)
	if _, found, err := c.Get(ctx, "k"); found || err != nil {
		t.Errorf("%v, %v", found, err)
	}
	if err := c.Set(ctx, "k", "a\r\nb"); err != nil {
		t.Error(err)
	}
	if n, err := c.Append(ctx, "k", "\x00"); n != 5 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	if value, found, err := c.Get(ctx, "k"); value != "a\r\nb\x00" || !found || err != nil {
		t.Errorf("%q, %v, %v", value, found, err)
	}
	if n, err := c.Incr(ctx, "n"); n != 1 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	if n, err := c.Del(ctx, "k", "n", "none"); n != 2 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	var refused client.Error
	if _, err := c.Do(ctx, "NONSENSE"); !errors.As(err, &refused) || !strings.HasPrefix(string(refused), "ERR unknown command 'NONSENSE'") {
		t.Error(err)
	}
	if _, err := c.Do(ctx, "SET", "k", strings.Repeat("x", live.MaxOpBytes)); !errors.As(err, &refused) {
		t.Error(err)
	}
	var busy sync.WaitGroup
	for range 20 {
		busy.Go(func() {
			for range 20 {
				if _, err := c.Incr(ctx, "n"); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	busy.Wait()
	if n, err := c.Incr(ctx, "n"); n != 401 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	c.Close()
	if err := c.Set(ctx, "k", "v"); !errors.Is(err, client.ErrClosed) {
		t.Error(err)
	}
}

// What surely was not executed, and what only reads, is asked of the next server; a write that
// may have been executed is not.
func TestWhatIsAskedAgain(t *testing.T) {
	good := started(t, 1)[0].address
	const busy = "-BUSY too many commands are waiting; nothing was executed\r\n"
	for _, x := range []struct {
		name     string
		replies  []string // of the first server; nil: there is none
		read     bool
		want     error
		commands int64 // that the first server got
	}{
		{"nobody is there", nil, false, nil, 0},
		{"a write, the connection breaks", []string{""}, false, client.ErrUnknown, 1},
		{"a read, the connection breaks", []string{""}, true, nil, 1},
		{"a write, half a reply", []string{"+O", ""}, false, client.ErrUnknown, 1},
		{"a write, the server does not know", []string{"-UNKNOWN outcome unknown\r\n"}, false, client.ErrUnknown, 1},
		{"a read, the server does not know", []string{"-UNKNOWN outcome unknown\r\n"}, true, nil, 1},
		{"a write, the server is busy", []string{busy}, false, nil, 1},
		{"a write, the server stops", []string{"-STOPPING the server stops; nothing was executed\r\n"}, false, nil, 1},
	} {
		t.Run(x.name, func(t *testing.T) {
			first, got := nobody(t), &fake{replies: x.replies}
			if x.replies != nil {
				first = got.listen(t)
			}
			c := dial(t, first, good)
			ctx := within(t, 20*time.Second)
			var err error
			if x.read {
				_, _, err = c.Get(ctx, "k")
			} else {
				err = c.Set(ctx, "k", "v")
			}
			if !errors.Is(err, x.want) || got.commands.Load() != x.commands {
				t.Errorf("%v, want %v; the first server got %d commands", err, x.want, got.commands.Load())
			}
			if err := c.Set(ctx, "k", "v"); x.want == nil && err != nil {
				t.Errorf("and then: %v", err) // it keeps to the one that answers
			}
		})
	}
}

// Where no server takes a command the client says why, in a bounded number of tries.
func TestNobodyTakesIt(t *testing.T) {
	ctx := within(t, 20*time.Second)
	if err := dial(t, nobody(t), nobody(t)).Set(ctx, "k", "v"); !errors.Is(err, client.ErrUnreachable) {
		t.Error(err)
	}
	got := &fake{replies: []string{"-BUSY too many; nothing was executed\r\n"}}
	if err := dial(t, got.listen(t)).Set(ctx, "k", "v"); !errors.Is(err, client.ErrBusy) || got.commands.Load() != 3 {
		t.Errorf("%v after %d tries", err, got.commands.Load())
	}
	for _, addresses := range [][]string{nil, {"nonsense"}} {
		if _, err := client.New(addresses...); err == nil {
			t.Errorf("%q is an address", addresses)
		}
	}
}

// Of a pipeline that breaks, what was answered is known, and no more.
func TestPipelineThatBreaks(t *testing.T) {
	breaks := &fake{replies: []string{"+OK\r\n", "-BUSY too many; nothing was executed\r\n", ""}}
	set := client.Command{Name: "SET", Args: []any{"k", "v"}}
	replies, err := dial(t, breaks.listen(t)).Pipeline(within(t, 20*time.Second), set, set, set, set)
	if err != nil || len(replies) != 4 {
		t.Fatalf("%v, %v", replies, err)
	}
	for i, want := range []error{nil, client.ErrBusy, client.ErrUnknown, client.ErrUnknown} {
		if !errors.Is(replies[i].Err, want) {
			t.Errorf("reply %d: %v, want %v", i, replies[i].Err, want)
		}
	}
}

// A context that ends while a command waits ends it: at once, and truthfully.
func TestContext(t *testing.T) {
	l, err := net.Listen("tcp4", "127.0.0.1:0") // it takes all, and answers nothing
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c := dial(t, l.Addr().String())
	begun := time.Now()
	if err := c.Set(within(t, 100*time.Millisecond), "k", "v"); !errors.Is(err, client.ErrUnknown) || !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	if _, _, err := c.Get(within(t, 100*time.Millisecond), "k"); errors.Is(err, client.ErrUnknown) || !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := c.Set(ctx, "k", "v"); errors.Is(err, client.ErrUnknown) || !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if took := time.Since(begun); took > 5*time.Second {
		t.Errorf("it took %v", took)
	}
}

// Servers go and come back; a client that knows all of them goes on. No increment that was
// answered is lost, and none is executed that was said not to be.
func TestServersGoAndComeBack(t *testing.T) {
	all := started(t, 3)
	var addresses []string
	for _, r := range all {
		addresses = append(addresses, r.address)
	}
	c := dial(t, addresses...)
	ctx := within(t, 60*time.Second)
	answered, unknown := int64(0), int64(0)
	incr := func() {
		switch _, err := c.Incr(ctx, "n"); {
		case err == nil:
			answered++
		case errors.Is(err, client.ErrUnknown):
			unknown++
		default:
			t.Fatal(err)
		}
	}
	for _, r := range all {
		for range 20 {
			incr()
		}
		if err := r.stop(); err != nil {
			t.Fatal(err)
		}
		for range 20 {
			incr()
		}
		if err := r.start(); err != nil {
			t.Fatal(err)
		}
	}
	text, _, err := c.Get(ctx, "n")
	var n int64
	_, _ = fmt.Sscan(text, &n)
	if err != nil || n < answered || n > answered+unknown || answered < 100 {
		t.Errorf("%q, %v; %d were answered, %d have an unknown outcome", text, err, answered, unknown)
	}
}

// A connection that was idle is tried before a write is risked on it.
func TestIdleConnections(t *testing.T) {
	r := started(t, 1)[0]
	c := dial(t, r.address)
	ctx := within(t, 20*time.Second)
	if err := c.Set(ctx, "k", "1"); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(r.stop(), r.start()); err != nil {
		t.Fatal(err)
	}
	time.Sleep(1100 * time.Millisecond)
	if err := c.Set(ctx, "k", "2"); err != nil {
		t.Error(err)
	}
}

// A server that is cut off from the others answers no read; another one does.
func TestReadLeavesASilentServer(t *testing.T) {
	silent, good := &fake{}, &fake{replies: []string{"$1\r\nv\r\n"}}
	full := &fake{replies: []string{"-ERR max number of clients reached; nothing was executed\r\n", ""}}
	refused := &fake{replies: []string{"-REFUSED the others refuse this server's store; nothing was executed\r\n"}}
	c, err := client.New(refused.listen(t), full.listen(t), silent.listen(t), good.listen(t))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	begun := time.Now()
	if value, found, err := c.Get(t.Context(), "k"); value != "v" || !found || err != nil {
		t.Errorf("%q, %v, %v", value, found, err)
	}
	if took := time.Since(begun); took > 10*time.Second {
		t.Errorf("it took %v", took)
	}
	alone, err := client.New(silent.listen(t))
	if err != nil {
		t.Fatal(err)
	}
	defer alone.Close()
	within, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, _, err := alone.Get(within, "k"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a silent server alone: %v", err)
	}
}
