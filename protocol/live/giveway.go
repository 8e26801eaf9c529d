package live

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/fauer4effect/paxos/protocol"
)

// A server that ends in good order gives way before it is closed. A program that serves clients with
// it accepts no new ones before that, and drains the others after it.

const giveWayLook = 5 * time.Millisecond // how often it is looked at who leads

// ErrNoHeir says that no other server was heard of lately, or takes over.
var ErrNoHeir = errors.New("no other server can take over")

// GiveWay has the server, if it leads, hand its leadership over to the best other one. It waits
// until that one leads: so the clients of other servers need not wait for a timeout. It returns
// the new leader, or zero if this server did not lead. In an election it waits for the end,
// since this server might win.
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

// yields waits until the server no longer leads the view. It also ends where the server must
// have given the hand-over up, which happens after half a Timeout.
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
	case <-time.After(giveWayLook):
		return nil
	case <-s.stop:
		return ErrStopped
	case <-ctx.Done():
		return ctx.Err()
	}
}
