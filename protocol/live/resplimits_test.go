package live

import (
	"fmt"
	"io"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fauer4effect/paxos/protocol/kv"
	"github.com/fauer4effect/paxos/protocol/live/resp"
)

// A client that does not read its replies is cut off, and counted; one that reads slowly is not.
func TestClientThatDoesNotRead(t *testing.T) {
	s, _, store := understudy(t, nothing)
	store.Apply(kv.Op{Kind: kv.Put, Key: "k", Value: strings.Repeat("v", 1<<20)}.Encode())
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
	for s.Counts.cutOff.Load() == 0 {
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
	if n := s.Counts.cutOff.Load(); n != 1 || clients.open.Load() != 2 {
		t.Errorf("%d are cut off, %d are there", n, clients.open.Load())
	}
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
	s, _, _ := understudy(t, nothing)
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
	s, all, _ := understudy(t, nothing)
	_, address := listening(t, s, replyPatience)
	for _, text := range []string{"POST / HTTP/1.1\r\nSET k v\r\n", "host: x\r\nSET k v\r\n"} {
		c := dialRaw(t, address)
		c.send(text)
		reply, _ := io.ReadAll(c.in)
		if string(reply) != "-ERR this is no web server\r\n" || len(*all) > 0 {
			t.Errorf("%q: %q, and %v is executed", text, reply, *all)
		}
	}
}

// What all clients together do not read has a bound: one that goes past it is cut off at once.
func TestUnreadRepliesAreBounded(t *testing.T) {
	s, _, store := understudy(t, nothing)
	store.Apply(kv.Op{Kind: kv.Put, Key: "k", Value: strings.Repeat("v", 1<<20)}.Encode())
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
	for begun := time.Now(); s.Counts.cutOff.Load() == 0; time.Sleep(5 * time.Millisecond) {
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
