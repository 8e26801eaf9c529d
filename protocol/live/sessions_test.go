package live

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/fauer4effect/paxos/protocol"
)

// A session that rests is forgotten by all servers, and the next command opens another.
func TestASessionRests(t *testing.T) {
	var gone [3]atomic.Int32
	c := newTrio(t, func(cfg *Config) {
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
	c.startAll()
	for i := range int32(3) {
		if r := c.do(1, incr); r.Number != int64(i+1) {
			t.Fatalf("increment %d gives %v", i+1, r)
		}
		for deadline := time.Now().Add(10 * time.Second); gone[0].Load() <= i || gone[1].Load() <= i || gone[2].Load() <= i; {
			if time.Now().After(deadline) {
				t.Fatalf("after increment %d and 10s of rest %d, %d and %d sessions are gone", i+1, gone[0].Load(), gone[1].Load(), gone[2].Load())
			}
			time.Sleep(5 * time.Millisecond)
		}
	}
	if opened := c.servers[1].Status().Sessions; opened != 1 {
		t.Errorf("one command at a time uses %d sessions", opened)
	}
}
