package live

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/fauer4effect/paxos/protocol"
)

// A server that ends in good order calls these, one after the other: RefuseClients, GiveWay,
// Drain, Close. No command fails then that another server has, nor one that is under way here.

const (
	drainLook = 5 * time.Millisecond // how often the steps of an end are looked at
	// lingering is how long Drain waits for commands that cross with the end: they are refused
	// in words, not by a connection that closes.
	lingering = 50 * time.Millisecond
)

// ErrNoHeir says that no other server was heard of lately, or takes over.
var ErrNoHeir = errors.New("no other server can take over")

// GiveWay has the server, if it leads, hand its leadership over to the best other one, and
// waits until that one leads: the clients of others need not wait for a timeout. It returns
// the new leader, zero where this server did not lead. A server in an election waits for its
// end, as it might win.
func (s *Server) GiveWay(ctx context.Context) (protocol.ServerID, error) {
	led := false
	var tried []protocol.ServerID
	patience := time.Now().Add(s.timeout()) // within which a server that lives is heard
	for {
		switch st := s.Status(); {
		case !st.Formed:
			return 0, nil
		case st.State == protocol.RegNonLeader:
			if !led {
				return 0, nil
			}
			return st.Leader, nil
		case st.State == protocol.RegLeader:
			heir := st.Heir(tried...)
			switch {
			case heir != 0:
				led, tried = true, append(tried, heir)
				s.HandOver(heir)
				if err := s.yields(ctx, st.View); err != nil {
					return 0, fmt.Errorf("server %d does not take over: %w", heir, err)
				}
			case len(tried) > 0 || len(s.cfg.Hosts) == 1 || time.Now().After(patience):
				return 0, ErrNoHeir
			default: // it leads since a moment ago
				if err := s.pause(ctx); err != nil {
					return 0, err
				}
			}
		default:
			if err := s.pause(ctx); err != nil {
				return 0, fmt.Errorf("no leader: %w", err)
			}
		}
	}
}

// yields waits until the server leads the view no more, or must have given up to hand it over,
// which it does after half a Timeout.
func (s *Server) yields(ctx context.Context, view protocol.View) error {
	given := time.Now().Add(s.timeout()/2 + 2*publishEvery)
	for time.Now().Before(given) {
		if st := s.Status(); st.State != protocol.RegLeader || st.View != view {
			return nil
		}
		if err := s.pause(ctx); err != nil {
			return err
		}
	}
	return nil
}

// timeout is the one after which others suspect a leader.
func (s *Server) timeout() time.Duration {
	return time.Duration(s.cfg.Settings.WithDefaults().Timeout)
}

// pause lets some time pass, unless ctx or the server ends.
func (s *Server) pause(ctx context.Context) error {
	select {
	case <-time.After(drainLook):
		return nil
	case <-s.stop:
		return ErrStopped
	case <-ctx.Done():
		return ctx.Err()
	}
}

// RefuseClients closes the door to new connections. Those that are open are served on.
func (c *Clients) RefuseClients() { _ = c.listener.Close() }

// Drain refuses new commands, in words that say that nothing was executed, and returns when
// those under way have their answers, or the server or ctx ends: then it says how many clients
// are without, and Close leaves the outcome of what they asked unknown.
func (c *Clients) Drain(ctx context.Context) (left int) {
	c.gate.shut.Store(true)
	look := time.NewTicker(drainLook)
	defer look.Stop()
	for c.gate.inside.Load() > 0 {
		select {
		case <-look.C:
		case <-c.server.stop:
			return int(c.gate.inside.Load())
		case <-ctx.Done():
			return int(c.gate.inside.Load())
		}
	}
	time.Sleep(lingering)
	return 0
}

// gate counts the connections whose commands are under way, replies included, and says to those
// that come once it is shut that they are late.
type gate struct {
	inside atomic.Int64
	shut   atomic.Bool
}

// enter begins to answer what has come; false where it came late, and is to be refused.
func (g *gate) enter() bool {
	g.inside.Add(1) // first: Drain sees either it, or none that follows
	return !g.shut.Load()
}

// leave ends what enter began.
func (g *gate) leave() { g.inside.Add(-1) }
