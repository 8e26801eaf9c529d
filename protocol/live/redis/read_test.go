package redis

import (
	"fmt"
	"net"
	"testing"
	"time"

	redigo "github.com/gomodule/redigo/redis"

	"github.com/fauer4effect/paxos/protocol"
	"github.com/fauer4effect/paxos/protocol/kv"
	"github.com/fauer4effect/paxos/protocol/live"
	"github.com/fauer4effect/paxos/protocol/live/trio"
)

// dial is a client of each server.
func dial(t *testing.T, servers []*live.Server) []redigo.Conn {
	t.Helper()
	var conns []redigo.Conn
	for _, s := range servers {
		l, err := net.Listen("tcp4", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		clients := Serve(l, s)
		t.Cleanup(clients.Close)
		conn, err := redigo.Dial("tcp", l.Addr().String(), redigo.DialReadTimeout(20*time.Second))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		conns = append(conns, conn)
	}
	return conns
}

// GET sees what was written last, at any server, and uses no slot of the log.
func TestGETTakesNoSlot(t *testing.T) {
	c := trio.New(t, func(cfg *live.Config) {
		cfg.Watch = func(_ *protocol.Input, out *protocol.Output) {
			for _, e := range out.Events {
				if e.Kind == protocol.Applied {
					if op, err := kv.Decode(opAt(out, e)); err == nil && op.Kind == kv.Get {
						t.Errorf("a GET is in the log, at seq %d", e.Seq)
					}
				}
			}
		}
	})
	c.StartAll()
	conns := dial(t, c.Servers)
	for i := range 30 {
		want := fmt.Sprint(i)
		if _, err := conns[i%3].Do("SET", "x", want); err != nil {
			t.Fatal(err)
		}
		for at := range conns {
			if got, err := redigo.String(conns[at].Do("GET", "x")); got != want || err != nil {
				t.Fatalf("after SET x %s server %d says %q, %v", want, at+1, got, err)
			}
		}
	}
	for _, s := range c.Servers {
		if s := s.Status(); s.ARU > 60 {
			t.Errorf("30 SETs and 90 GETs took %d slots at server %d", s.ARU, s.ID)
		}
	}
}

// opAt finds an applied operation among the step's executed batches.
func opAt(out *protocol.Output, applied protocol.Event) []byte {
	for _, e := range out.Events {
		if e.Kind == protocol.Executed && e.Seq == applied.Seq {
			for _, u := range e.Batch.Updates {
				if u.Client == applied.Client && u.Timestamp == applied.Timestamp {
					return u.Op
				}
			}
		}
	}
	return nil
}

// PAXOS HANDOVER moves the leadership where one wants it, while clients go on and none of their
// commands fails.
func TestHANDOVER(t *testing.T) {
	c := trio.New(t, nil)
	c.StartAll()
	conns := dial(t, c.Servers)
	if _, err := conns[0].Do("SET", "x", "0"); err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	stop := make(chan struct{})
	go func() {
		for {
			select {
			case <-stop:
				done <- nil
				return
			default:
			}
			if _, err := conns[2].Do("INCR", "x"); err != nil {
				done <- err
				return
			}
		}
	}()
	leader := c.Agreed()
	heir := leader%2 + 1
	if _, err := conns[heir-1].Do("PAXOS", "HANDOVER", leader); err == nil {
		t.Errorf("server %d, which does not lead, hands over", heir)
	}
	if _, err := conns[leader-1].Do("PAXOS", "HANDOVER", 4); err == nil {
		t.Error("there is no server 4")
	}
	begun := time.Now()
	if _, err := conns[leader-1].Do("PAXOS", "HANDOVER", heir); err != nil {
		t.Fatal(err)
	}
	for c.Agreed() != heir {
		if time.Since(begun) > 10*time.Second {
			t.Fatalf("server %d leads still", c.Agreed())
		}
		time.Sleep(5 * time.Millisecond)
	}
	close(stop)
	if err := <-done; err != nil {
		t.Errorf("a command failed: %v", err)
	}
}
