package redis

import (
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	redigo "github.com/gomodule/redigo/redis"

	"github.com/fauer4effect/paxos/protocol/live/resp"
)

// A client that does not read its replies is cut off, and counted; one that reads slowly is not.
func TestClientThatDoesNotRead(t *testing.T) {
	s := newUnderstudy(t, nothing)
	s.put("k", strings.Repeat("v", 1<<20))
	const patience = 300 * time.Millisecond
	clients, address := listening(t, s, patience)
	deaf, slow, other := dialRaw(t, address), dialRaw(t, address), dialRaw(t, address)
	const asked = 60 // more than the kernel keeps
	go func() {
		for range asked {
			_, _ = io.WriteString(deaf.conn, "GET k\n")
			_, _ = io.WriteString(slow.conn, "GET k\n")
		}
	}()
	var taken atomic.Int64
	go func() {
		buf := make([]byte, 64<<10)
		for {
			n, err := slow.in.Read(buf)
			taken.Add(int64(n))
			if err != nil {
				return
			}
			time.Sleep(time.Millisecond)
		}
	}()
	begun := time.Now()
	for cutOff(s) == 0 {
		other.send("PING\n")
		other.expect("PING", "+PONG\r\n")
		if time.Since(begun) > 20*time.Second {
			t.Fatal("a client that reads nothing is served for ever")
		}
		time.Sleep(5 * time.Millisecond)
	}
	if time.Since(begun) < patience {
		t.Errorf("cut off after %v", time.Since(begun))
	}
	for taken.Load() < asked<<20 {
		if time.Since(begun) > 20*time.Second {
			t.Fatalf("one that reads slowly got %d bytes", taken.Load())
		}
		time.Sleep(5 * time.Millisecond)
	}
	if n := cutOff(s); n != 1 || clients.open.Load() != 2 {
		t.Errorf("%d are cut off, %d are there", n, clients.open.Load())
	}
}

// cutOff is how many clients of a server were cut off.
func cutOff(s Server) (found uint64) {
	s.Counts().Each(func(name string, n uint64) {
		if name == "clients cut off" {
			found = n
		}
	})
	return found
}

// Garbage, claims of any length, connections that stop in the middle or are half closed: the
// others are served, and memory stays bounded.
func TestGarbageFromClients(t *testing.T) {
	clients, address := listening(t, solo(t), replyPatience)
	other := dialRaw(t, address)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	all := []string{
		"*1000000000\r\n", "*1000000000\r\n$3\r\nSET\r\n", "*1\r\n$999999999999\r\n", "*1\r\n$9223372036854775807\r\n",
		"*2\r\n$3\r\nGET\r\n$536870912\r\n" + strings.Repeat("x", 100_000), "*-5\r\n", "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$-9\r\n",
		"$-100\r\n", "$9223372036854775807 x\r\n", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", "POST / HTTP/1.1\r\n\r\nSET k garbage\r\n",
		"\x16\x03\x01\x02\x00\x01\x00\x01\xfc", strings.Repeat("\x00\xff", 5000), strings.Repeat("*1048576\r\n", 20), "\"", "SET 'k\r\n",
		"*1048576\r\n" + strings.Repeat("$0\r\n\r\n", 30_000),
	}
	for round := range 3 {
		for i, text := range all {
			c := dialRaw(t, address)
			go func() { _, _ = io.WriteString(c.conn, text) }()
			if (round+i)%2 == 0 {
				time.Sleep(time.Millisecond)
				_ = c.conn.CloseWrite()
			}
			other.send("INCR n\n")
			other.expect(text, fmt.Sprintf(":%d\r\n", round*len(all)+i+1))
		}
	}
	// One that is half closed still gets its replies.
	half := dialRaw(t, address)
	half.send("INCR n\nGET n\n*2\r\n$3\r\nGET\r\n$1\r\nn")
	_ = half.conn.CloseWrite()
	if text, err := io.ReadAll(half.in); string(text) != ":52\r\n$2\r\n52\r\n" || err != nil {
		t.Errorf("%q, %v", text, err)
	}
	other.send("GET k\n")
	other.expect("GET k", null) // nobody's garbage was a command
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 100<<20 {
		t.Errorf("%d MB more", grown>>20)
	}
	if kept := clients.buffered.Load(); kept > maxBufferedBytes {
		t.Errorf("%d bytes are kept", kept)
	}
}

// The memory for commands that are not complete has a bound, which is reached; what is given
// back others may have.
func TestBufferedBytesAreLimited(t *testing.T) {
	s := newUnderstudy(t, nothing)
	clients, address := listening(t, s, replyPatience)
	clients.buffered.Add(maxBufferedBytes - 3*resp.SmallBuffer) // as if others had it
	large := encoded("SET", "k", strings.Repeat("x", 2*resp.SmallBuffer))
	holds := dialRaw(t, address)
	holds.send(large[:len(large)-10])
	for clients.buffered.Load() != maxBufferedBytes {
		time.Sleep(time.Millisecond)
	}
	c := dialRaw(t, address)
	c.send(large + "PING\n")
	c.expect("no room", fmt.Sprintf("-BUSY %v; nothing was executed\r\n+PONG\r\n", errNoRoom))
	holds.send(large[len(large)-10:])
	holds.expect("the command", "+OK\r\n")
	holds.send("PING\n")
	holds.expect("PING", "+PONG\r\n") // and its buffer is small again
	c.send(large)
	c.expect("room", "+OK\r\n")
	clients.buffered.Add(3*resp.SmallBuffer - maxBufferedBytes)
	holds.conn.Close()
	c.conn.Close()
	for begun := time.Now(); clients.open.Load() > 0 || clients.buffered.Load() != 0; time.Sleep(time.Millisecond) {
		if time.Since(begun) > 5*time.Second {
			t.Fatalf("%d bytes are never given back", clients.buffered.Load())
		}
	}
}

// What a web page makes a browser send is not taken for commands.
func TestNoWebServer(t *testing.T) {
	s := newUnderstudy(t, nothing)
	_, address := listening(t, s, replyPatience)
	for _, text := range []string{"POST / HTTP/1.1\r\nSET k v\r\n", "host: x\r\nSET k v\r\n"} {
		c := dialRaw(t, address)
		c.send(text)
		reply, _ := io.ReadAll(c.in)
		if string(reply) != "-ERR this is not a web server\r\n" || len(s.asked()) > 0 {
			t.Errorf("%q: %q, and %v is executed", text, reply, s.asked())
		}
	}
}

// What all clients together do not read has a bound: one that goes past it is cut off at once.
func TestUnreadRepliesAreBounded(t *testing.T) {
	s := newUnderstudy(t, nothing)
	s.put("k", strings.Repeat("v", 1<<20))
	clients, address := listening(t, s, time.Minute)
	clients.unread.Add(maxUnreadBytes - 3<<19) // others': there is room for one of two
	for range 2 {
		deaf := dialRaw(t, address)
		go func() {
			for range 60 { // more than the kernel keeps
				_, _ = io.WriteString(deaf.conn, "GET k\n")
			}
		}()
	}
	for begun := time.Now(); cutOff(s) == 0; time.Sleep(5 * time.Millisecond) {
		if time.Since(begun) > 20*time.Second {
			t.Fatal("nobody is cut off")
		}
	}
	other := dialRaw(t, address)
	other.send("PING\n")
	other.expect("PING", "+PONG\r\n")
	if open := clients.open.Load(); open < 2 {
		t.Errorf("%d clients are there", open)
	}
	clients.Close()
	if left := clients.unread.Load(); left != maxUnreadBytes-3<<19 {
		t.Errorf("%d bytes are not given back", left-(maxUnreadBytes-3<<19))
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

// A listener that fails as fast as it is asked does not make anybody spin.
func TestAcceptFailsWithoutEnd(t *testing.T) {
	below, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := &brokenListener{Listener: below, closed: make(chan struct{})}
	clients := Serve(l, nil)
	time.Sleep(300 * time.Millisecond)
	clients.Close()
	if n := l.calls.Load(); n < 2 || n > 20 {
		t.Errorf("Accept was called %d times in 300 ms", n)
	}
}

// There is room for so many clients, and no more; one that leaves makes room.
func TestClientsAreLimited(t *testing.T) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	clients := Serve(l, nil)
	defer clients.Close()
	clients.open.Add(clients.limit - 1) // as if they were there
	ping := func() error {
		conn, err := redigo.Dial("tcp", l.Addr().String(), redigo.DialReadTimeout(5*time.Second))
		if err != nil {
			return err
		}
		defer conn.Close()
		_, err = conn.Do("PING")
		if err != nil || clients.open.Load() != clients.limit {
			return errors.Join(err, fmt.Errorf("%d are open", clients.open.Load()))
		}
		_, err = redigo.Dial("tcp", l.Addr().String(), redigo.DialReadTimeout(5*time.Second), redigo.DialClientName("x"))
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
