package live

import (
	"errors"
	"fmt"
	"math"
	"net"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/gomodule/redigo/redis"
	"golang.org/x/net/ipv4"

	"github.com/fauer4effect/paxos/protocol"
	"github.com/fauer4effect/paxos/protocol/kv"
	"github.com/fauer4effect/paxos/protocol/wire"
)

// Hundreds of clients that write large values at once: what a server cannot hold it refuses,
// what it took it executes, in bounded memory; and it serves on.
func TestFloodOfLargeValues(t *testing.T) {
	if testing.Short() {
		t.Skip("the race detector, which runs the short tests, takes minutes over it")
	}
	c := newTrio(t, nil)
	c.startAll()
	c.do(0, incr)
	view := c.servers[0].Status().View
	value := strings.Repeat("x", 60_000)
	var busy sync.WaitGroup
	var done, refused atomic.Int64
	for i := range 300 {
		s := c.servers[i%3]
		busy.Go(func() {
			_, err := s.Do(t.Context(), kv.Op{Kind: kv.Put, Key: fmt.Sprint(i), Value: value}.Encode())
			switch {
			case err == nil:
				done.Add(1)
			case errors.Is(err, ErrBusy):
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
	if r := c.do(1, incr); r.Number != 2 {
		t.Errorf("after the flood: %v", r)
	}
	t.Logf("%d done, %d refused, %d MB of heap, view %d to %d", done.Load(), refused.Load(), highest>>20, view, c.servers[0].Status().View)
}

// What waits for the socket is bounded by its bytes, and clients' updates may not take all.
func TestOutboxIsBoundedByBytes(t *testing.T) {
	s := newSender(&socket{peers: make([]atomic.Pointer[net.UDPAddr], 4)}, 1, &Counts{})
	large := protocol.NewBatch(protocol.Update{Client: 1, Op: make([]byte, 60_000)})
	update := protocol.Outgoing{Message: protocol.Message{Kind: protocol.ClientUpdate, Batch: large}}
	proposal := protocol.Outgoing{Message: protocol.Message{Kind: protocol.Proposal, Batch: large}}
	for range 1000 {
		s.send([]protocol.Outgoing{update})
	}
	updates := len(s.outbox)
	for range 1000 {
		s.send([]protocol.Outgoing{proposal})
	}
	if updates == 0 || updates*2*60_000 > maxRelayBytes || len(s.outbox) < 2*updates || len(s.outbox)*2*60_000 > maxOutboxBytes {
		t.Errorf("%d updates and %d other messages wait", updates, len(s.outbox)-updates)
	}
	if lost := s.counts.unsendable.Load(); lost != uint64(2000-len(s.outbox)) {
		t.Errorf("%d messages are counted as lost, and %d were taken", lost, len(s.outbox))
	}
}

// brokenListener fails until it is closed, as one without file descriptors does.
type brokenListener struct {
	net.Listener
	calls  atomic.Int64
	closed chan struct{}
	once   sync.Once
}

func (l *brokenListener) Accept() (net.Conn, error) {
	l.calls.Add(1)
	select {
	case <-l.closed:
		return nil, net.ErrClosed
	default:
		return nil, &net.OpError{Op: "accept", Err: syscall.EMFILE}
	}
}

func (l *brokenListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return l.Listener.Close()
}

// Errors that come as fast as they are asked for do not make anybody spin.
func TestErrorsWithoutEnd(t *testing.T) {
	below, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := &brokenListener{Listener: below, closed: make(chan struct{})}
	clients := ServeClients(l, nil)
	done := make(chan struct{})
	conn := &brokenPackets{done: done}
	s := &socket{conn: conn, done: done}
	var reader sync.WaitGroup
	reader.Go(func() {
		if err := s.read(nil); err != nil {
			t.Error(err)
		}
	})
	time.Sleep(300 * time.Millisecond)
	close(done)
	reader.Wait()
	clients.Close()
	if a, r := l.calls.Load(), conn.calls.Load(); a < 2 || a > 20 || r < 2 || r > 20 {
		t.Errorf("Accept was called %d times in 300 ms, ReadBatch %d times", a, r)
	}
}

type brokenPackets struct {
	calls atomic.Int64
	done  chan struct{}
}

func (b *brokenPackets) ReadBatch([]ipv4.Message, int) (int, error) {
	b.calls.Add(1)
	select {
	case <-b.done:
		return 0, net.ErrClosed
	default:
		return 0, syscall.ENOBUFS
	}
}

func (b *brokenPackets) WriteBatch(ms []ipv4.Message, _ int) (int, error) {
	return min(len(ms), int(b.calls.Add(1))), nil
}

// A large message is written in pieces, and a short write is taken up where it ended.
func TestWriteInPieces(t *testing.T) {
	encoder, err := wire.NewEncoder(wire.Identity{Cluster: 1, Server: 1, Life: 1}, 0, nil)
	if err != nil {
		t.Fatal(err)
	}
	s := &socket{conn: &brokenPackets{}, encoder: encoder, counts: &Counts{}, peers: make([]atomic.Pointer[net.UDPAddr], 3)}
	s.peers[2].Store(&net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1})
	large := protocol.NewBatch(protocol.Update{Client: 1, Op: make([]byte, 60_000)})
	s.write(1, []protocol.Outgoing{
		{Message: protocol.Message{Kind: protocol.Proposal, Batch: large}},
		{Message: protocol.Message{Kind: protocol.Proposal, Batch: large}},
		{To: 2, Message: protocol.Message{Kind: protocol.Accept}},
	})
	if sent := s.counts.datagramsOut.Load(); sent < 90 || s.counts.unsendable.Load() > 0 {
		t.Errorf("%d datagrams are sent", sent)
	}
}

// There is room for so many clients, and no more; one that leaves makes room.
func TestClientsAreLimited(t *testing.T) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	clients := ServeClients(l, nil)
	defer clients.Close()
	clients.open.Add(clients.limit - 1) // as if they were there
	ping := func() error {
		conn, err := redis.Dial("tcp", l.Addr().String(), redis.DialReadTimeout(5*time.Second))
		if err != nil {
			return err
		}
		defer conn.Close()
		_, err = conn.Do("PING")
		if err != nil || clients.open.Load() != clients.limit {
			return errors.Join(err, fmt.Errorf("%d are open", clients.open.Load()))
		}
		_, err = redis.Dial("tcp", l.Addr().String(), redis.DialReadTimeout(5*time.Second), redis.DialClientName("x"))
		if err == nil || !strings.Contains(err.Error(), "max number of clients reached") {
			return fmt.Errorf("one too many: %v", err)
		}
		return nil
	}
	if err := ping(); err != nil {
		t.Error(err)
	}
	for deadline := time.Now().Add(5 * time.Second); clients.open.Load() >= clients.limit; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the one that left makes no room")
		}
	}
	if err := ping(); err != nil {
		t.Error(err)
	}
	clients.open.Add(1 - clients.limit)
}

// Where descriptors are few, clients leave the server what it needs of them.
func TestClientLimit(t *testing.T) {
	for descriptors, want := range map[uint64]int64{
		0: maxClients, 1: 1, 64: 16, 192: 48, 256: 64, 1024: 1024 - ownDescriptors, 1 << 20: maxClients, math.MaxUint64: maxClients,
	} {
		if got := clientLimit(descriptors); got != want {
			t.Errorf("%d descriptors: %d clients, not %d", descriptors, got, want)
		}
	}
}
