package live_test

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/fauer4effect/paxos/protocol"
	"github.com/fauer4effect/paxos/protocol/live"
	"github.com/fauer4effect/paxos/protocol/live/trio"
)

// A session that rests is forgotten by all servers, and the next command opens another.
func TestASessionRests(t *testing.T) {
	var gone [3]atomic.Int32
	c := trio.New(t, func(cfg *live.Config) {
		cfg.Settings.SessionIdle = protocol.Instant(100 * time.Millisecond)
		expired := &gone[cfg.ID-1]
		cfg.Watch = func(_ *protocol.Input, out *protocol.Output) {
			for i := range out.Events {
				if out.Events[i].Kind == protocol.Expired {
					expired.Add(1)
				}
			}
		}
	})
	c.StartAll()
	for i := range int32(3) {
		if r := c.Do(1, incr); r.Number != int64(i+1) {
			t.Fatalf("increment %d gives %v", i+1, r)
		}
		for deadline := time.Now().Add(10 * time.Second); gone[0].Load() <= i || gone[1].Load() <= i || gone[2].Load() <= i; {
			if time.Now().After(deadline) {
				t.Fatalf("after increment %d and 10s of rest %d, %d and %d sessions are gone", i+1, gone[0].Load(), gone[1].Load(), gone[2].Load())
			}
			time.Sleep(5 * time.Millisecond)
		}
	}
	if opened := c.Servers[1].Status().Sessions; opened != 1 {
		t.Errorf("one command at a time uses %d sessions", opened)
	}
}
