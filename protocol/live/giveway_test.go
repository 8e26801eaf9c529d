package live_test

import (
	"context"
	"errors"
	"net"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/fauer4effect/paxos/protocol"
	"github.com/fauer4effect/paxos/protocol/live"
	"github.com/fauer4effect/paxos/protocol/live/trio"
)

// A leader under load gives way: the heir leads the next of its views, no command fails
// anywhere, and nobody waited for a timeout.
func TestGiveWayUnderLoad(t *testing.T) {
	c := trio.New(t, nil)
	c.StartAll()
	c.Do(0, incr)
	leader := c.Leader()
	before := c.Servers[leader].Status().View
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var busy sync.WaitGroup
	for i := range 3 {
		for range 4 {
			busy.Go(func() {
				for ctx.Err() == nil {
					if _, err := c.Servers[i].Do(context.Background(), incr.Encode()); err != nil {
						t.Errorf("a command at server %d: %v", i+1, err)
						return
					}
				}
			})
		}
	}
	time.Sleep(100 * time.Millisecond)
	heir, err := c.Servers[leader].GiveWay(t.Context())
	st := c.Servers[leader].Status()
	time.Sleep(100 * time.Millisecond)
	cancel()
	busy.Wait()
	if err != nil || heir == 0 || int(heir) == leader+1 || st.State != protocol.RegNonLeader || st.Leader != heir {
		t.Errorf("server %d leads, and gives way to %d, %v: %+v", leader+1, heir, err, st)
	}
	if n := count(c.Servers[leader], "hand-overs"); n != 1 {
		t.Errorf("%d hand-overs", n)
	}
	if want := before + 1; st.View != want && st.View != want+1 {
		t.Errorf("view %d follows view %d: there was an election more", st.View, before)
	}
	if heir, err := c.Servers[leader].GiveWay(t.Context()); heir != 0 || err != nil {
		t.Errorf("one that does not lead gives way: %d, %v", heir, err)
	}
}

// Where the best heir does not take over the next one does.
func TestGiveWayToTheNext(t *testing.T) {
	c := trio.New(t, nil)
	c.StartAll()
	c.Do(0, incr)
	leader := c.Leader()
	deaf := (leader + 1) % 3
	c.Servers[deaf].Ignore(1 << (leader + 1)) // its own heartbeats are heard
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	heir, err := c.Servers[leader].GiveWay(ctx)
	if err != nil || heir == 0 || int(heir) == leader+1 {
		t.Errorf("server %d gives way to %d, %v", leader+1, heir, err)
	}
}

// With nobody there a leader says so, and at once after a timeout's patience.
func TestGiveWayToNobody(t *testing.T) {
	c := trio.New(t, nil)
	c.StartAll()
	c.Do(0, incr)
	leader := c.Leader()
	c.Stop((leader + 1) % 3)
	c.Stop((leader + 2) % 3)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if heir, err := c.Servers[leader].GiveWay(ctx); heir != 0 || !errors.Is(err, live.ErrNoHeir) {
		t.Errorf("it gives way to %d, %v", heir, err)
	}
}

// Where the port is taken no store is made.
func TestPortTaken(t *testing.T) {
	c := trio.New(t, nil)
	taken, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: c.Configs[0].Port})
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	if s, err := live.Start(c.Configs[0]); err == nil {
		s.Close()
		t.Fatal("it starts")
	}
	if _, err := os.Stat(c.Configs[0].Dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("its store: %v", err)
	}
}
