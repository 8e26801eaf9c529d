package redis

import (
	"testing"
	"time"

	redigo "github.com/gomodule/redigo/redis"

	"github.com/fauer4effect/paxos/protocol/live/trio"
)

// A pipeline may be under way while the leader ends, and others follow. It is executed once, in
// order and as a whole, since its own server lives.
func TestPipelineOverFailover(t *testing.T) {
	c := trio.New(t, nil)
	c.StartAll()
	conns := dial(t, c.Servers)
	leader := c.Agreed() - 1
	at := (leader + 1) % 3
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for range 3 {
			time.Sleep(100 * time.Millisecond)
			c.Servers[at].Elect()
			time.Sleep(100 * time.Millisecond)
			c.Servers[(at+1)%3].Elect()
		}
	}()
	const pipelines, each = 60, 16
	last := int64(0)
	for i := range pipelines {
		if i == pipelines/4 {
			c.Stop(leader)
		}
		for range each {
			if err := conns[at].Send("INCR", "n"); err != nil {
				t.Fatal(err)
			}
		}
		if err := conns[at].Flush(); err != nil {
			t.Fatal(err)
		}
		for range each {
			n, err := redigo.Int64(conns[at].Receive())
			if n != last+1 || err != nil {
				t.Fatalf("pipeline %d: after %d came %d, %v", i, last, n, err)
			}
			last = n
		}
		time.Sleep(10 * time.Millisecond)
	}
	<-ended
	if view := c.Servers[at].Status().View; view < 2 {
		t.Errorf("view %d: the leader's end changed none", view)
	}
}
