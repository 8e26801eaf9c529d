//go:build !simonly

package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/fauer4effect/paxos/protocol/live"
	"github.com/fauer4effect/paxos/protocol/live/metrics"
	"github.com/fauer4effect/paxos/protocol/live/redis"
	"github.com/fauer4effect/paxos/sim/testbed/cli"
)

// How long a server that is told to end (SIGTERM) takes for it at most.
const (
	giveWayLimit = time.Second     // to hand its leadership over
	drainLimit   = 5 * time.Second // to answer the commands under way

	unformedLimit = 50 * time.Millisecond // to tell clients, where there is no cluster yet
)

// service is a server that runs, with all who use it.
type service struct {
	server  *live.Server
	clients *redis.Clients   // nil: none are served
	metrics *metrics.Metrics // nil: nobody asks
	tell    *narrator
}

// drain brings the server to where it can end without anybody noticing. It is no longer ready, takes
// no new clients, gives way to another leader, and answers what it was asked.
func (s *service) drain() error {
	s.tell.event(slog.LevelInfo, "draining", "told to end: no new clients")
	if s.metrics != nil {
		s.metrics.Drain()
	}
	if s.clients != nil {
		s.clients.RefuseClients()
	}
	if !s.server.Status().Formed { // what was asked never began, and there is nothing to hand over
		err := s.server.Close()
		time.Sleep(unformedLimit)
		return err
	}
	within, cancel := context.WithTimeout(context.Background(), giveWayLimit)
	heir, err := s.server.GiveWay(within)
	cancel()
	switch {
	case errors.Is(err, live.ErrNoHeir) && len(s.server.Hosts()) == 1: // of course
	case err != nil:
		s.tell.event(slog.LevelWarn, "not handed over", fmt.Sprintf("no other server takes over: %v", err), slog.Any("error", err))
	case heir != 0:
		s.tell.event(slog.LevelInfo, "handed over", fmt.Sprintf("server %d leads now", heir), slog.Int("leader", int(heir)))
	}
	if s.clients == nil {
		return nil
	}
	within, cancel = context.WithTimeout(context.Background(), drainLimit)
	defer cancel()
	if left := s.clients.Drain(within); left > 0 {
		return &failure{status: statusFailed, line: fmt.Sprintf("told to end: after %v %s had no answer, and the outcome of what they asked is unknown",
			drainLimit, cli.Plural(uint64(left), "client"))}
	}
	return nil
}

// close ends the server, and returns what ended it if it ended by itself.
func (s *service) close() error {
	if s.clients != nil {
		s.clients.Close()
	}
	return s.server.Close()
}
