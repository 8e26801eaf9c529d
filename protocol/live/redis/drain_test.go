package redis

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/fauer4effect/paxos/protocol/kv"
	"github.com/fauer4effect/paxos/protocol/live/trio"
)

// session is a client's connection.
type session struct {
	t  *testing.T
	c  net.Conn
	in *bufio.Reader
}

func connect(t *testing.T, address string) *session {
	t.Helper()
	c, err := net.Dial("tcp4", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return &session{t, c, bufio.NewReader(c)}
}

func (s *session) send(line string) {
	s.t.Helper()
	if _, err := fmt.Fprint(s.c, line+"\r\n"); err != nil {
		s.t.Fatal(err)
	}
}

// hears returns the next line, "" at the end.
func (s *session) hears() string {
	_ = s.c.SetReadDeadline(time.Now().Add(20 * time.Second))
	line, err := s.in.ReadString('\n')
	if err != nil && line == "" {
		return ""
	}
	return strings.TrimSpace(line)
}

// While a server drains, a command under way gets its answer. A new command is refused, in words
// that say that nothing was executed. New connections are not accepted.
func TestDrain(t *testing.T) {
	c := trio.New(t, nil)
	c.StartAll()
	c.Do(0, kv.Op{Kind: kv.Incr, Key: "n"})
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	clients := Serve(l, c.Servers[0])
	defer clients.Close()
	busy, idle, quiet := connect(t, l.Addr().String()), connect(t, l.Addr().String()), connect(t, l.Addr().String())
	for _, s := range []*session{busy, idle, quiet} {
		if s.send("PING"); s.hears() != "+PONG" {
			t.Fatal("a client is not served")
		}
	}
	c.Stop(1)
	c.Stop(2) // without them no command has an answer
	busy.send("INCR n")
	for clients.gate.inside.Load() == 0 {
		time.Sleep(time.Millisecond)
	}
	clients.RefuseClients()
	if idle.send("PING"); idle.hears() != "+PONG" {
		t.Error("with the door closed an old client is not served")
	}
	if conn, err := net.Dial("tcp4", l.Addr().String()); err == nil {
		conn.Close()
		t.Error("with the door closed a new client is let in")
	}
	short, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if left := clients.Drain(short); left != 1 {
		t.Errorf("without a majority %d clients wait", left)
	}
	if idle.send("INCR n"); idle.hears() != "-STOPPING the server stops; nothing was executed" || idle.hears() != "" {
		t.Error("a new command is not refused, or its connection goes on")
	}
	c.Start(1)
	c.Start(2)
	if left := clients.Drain(t.Context()); left != 0 {
		t.Errorf("with a majority %d clients wait", left)
	}
	clients.Close()
	if got := busy.hears(); got != ":2" {
		t.Errorf("the command under way is answered %q", got)
	}
	if got := busy.hears(); got != "" {
		t.Errorf("and then %q", got)
	}
	if got := quiet.hears(); got != "" {
		t.Errorf("one that asked nothing hears %q", got)
	}
}

// Commands that come in one go with the one under way all get their words.
func TestDrainAPipeline(t *testing.T) {
	c := trio.New(t, nil)
	c.StartAll()
	c.Do(0, kv.Op{Kind: kv.Incr, Key: "n"})
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	clients := Serve(l, c.Servers[0])
	defer clients.Close()
	s := connect(t, l.Addr().String())
	c.Stop(1)
	c.Stop(2)
	s.send("INCR n\r\nINCR n\r\nINCR n")
	for clients.gate.inside.Load() == 0 {
		time.Sleep(time.Millisecond)
	}
	clients.gate.shut.Store(true)
	c.Start(1)
	c.Start(2)
	if left := clients.Drain(t.Context()); left != 0 {
		t.Fatalf("%d clients wait", left)
	}
	clients.Close()
	var got []string
	for line := s.hears(); line != ""; line = s.hears() {
		got = append(got, line)
	}
	const refusal = "-STOPPING the server stops; nothing was executed"
	executed, refused := 0, 0
	for i, line := range got {
		switch {
		case line == fmt.Sprintf(":%d", i+2) && refused == 0:
			executed++
		case line == refusal:
			refused++
		}
	}
	if executed < 1 || executed+refused != 3 {
		t.Errorf("three commands in one go hear %q", got)
	}
}
