package live

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fauer4effect/paxos/protocol"
)

// A leader under load gives way: the heir leads the next of its views, no command fails
// anywhere, and nobody waited for a timeout.
func TestGiveWayUnderLoad(t *testing.T) {
	c := newTrio(t, nil)
	c.startAll()
	c.do(0, incr)
	leader := c.leader()
	before := c.servers[leader].Status().View
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var busy sync.WaitGroup
	for i := range 3 {
		for range 4 {
			busy.Go(func() {
				for ctx.Err() == nil {
					if _, err := c.servers[i].Do(context.Background(), incr.Encode()); err != nil {
						t.Errorf("a command at server %d: %v", i+1, err)
						return
					}
				}
			})
		}
	}
	time.Sleep(100 * time.Millisecond)
	heir, err := c.servers[leader].GiveWay(t.Context())
	st := c.servers[leader].Status()
	time.Sleep(100 * time.Millisecond)
	cancel()
	busy.Wait()
	if err != nil || heir == 0 || int(heir) == leader+1 || st.State != protocol.RegNonLeader || st.Leader != heir {
		t.Errorf("server %d leads, and gives way to %d, %v: %+v", leader+1, heir, err, st)
	}
	if n := c.servers[leader].Counts.handOvers.Load(); n != 1 {
		t.Errorf("%d hand-overs", n)
	}
	if want := before + 1; st.View != want && st.View != want+1 {
		t.Errorf("view %d follows view %d: there was an election more", st.View, before)
	}
	if heir, err := c.servers[leader].GiveWay(t.Context()); heir != 0 || err != nil {
		t.Errorf("one that does not lead gives way: %d, %v", heir, err)
	}
}

// Where the best heir does not take over the next one does.
func TestGiveWayToTheNext(t *testing.T) {
	c := newTrio(t, nil)
	c.startAll()
	c.do(0, incr)
	leader := c.leader()
	deaf := (leader + 1) % 3
	c.servers[deaf].Ignore(1 << (leader + 1)) // its own heartbeats are heard
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	heir, err := c.servers[leader].GiveWay(ctx)
	if err != nil || heir == 0 || int(heir) == leader+1 {
		t.Errorf("server %d gives way to %d, %v", leader+1, heir, err)
	}
}

// With nobody there a leader says so, and at once after a timeout's patience.
func TestGiveWayToNobody(t *testing.T) {
	c := newTrio(t, nil)
	c.startAll()
	c.do(0, incr)
	leader := c.leader()
	c.stop((leader + 1) % 3)
	c.stop((leader + 2) % 3)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if heir, err := c.servers[leader].GiveWay(ctx); heir != 0 || !errors.Is(err, ErrNoHeir) {
		t.Errorf("it gives way to %d, %v", heir, err)
	}
}

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

// While a server drains, a command under way gets its answer, whoever comes with a new one is
// told that nothing was executed, and the door is closed.
func TestDrain(t *testing.T) {
	c := newTrio(t, nil)
	c.startAll()
	c.do(0, incr)
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	clients := ServeClients(l, c.servers[0])
	defer clients.Close()
	busy, idle, quiet := connect(t, l.Addr().String()), connect(t, l.Addr().String()), connect(t, l.Addr().String())
	for _, s := range []*session{busy, idle, quiet} {
		if s.send("PING"); s.hears() != "+PONG" {
			t.Fatal("a client is not served")
		}
	}
	c.stop(1)
	c.stop(2) // without them no command has an answer
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
	c.start(1)
	c.start(2)
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
	c := newTrio(t, nil)
	c.startAll()
	c.do(0, incr)
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	clients := ServeClients(l, c.servers[0])
	defer clients.Close()
	s := connect(t, l.Addr().String())
	c.stop(1)
	c.stop(2)
	s.send("INCR n\r\nINCR n\r\nINCR n")
	for clients.gate.inside.Load() == 0 {
		time.Sleep(time.Millisecond)
	}
	clients.gate.shut.Store(true)
	c.start(1)
	c.start(2)
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

// Where the port is taken no store is made.
func TestPortTaken(t *testing.T) {
	c := newTrio(t, nil)
	taken, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: c.configs[0].Port})
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	if s, err := Start(c.configs[0]); err == nil {
		s.Close()
		t.Fatal("it starts")
	}
	if _, err := os.Stat(c.configs[0].Dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("its store: %v", err)
	}
}
