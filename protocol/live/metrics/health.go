package metrics

import (
	"errors"
	"fmt"
	"time"

	"github.com/fauer4effect/paxos/protocol"
	"github.com/fauer4effect/paxos/protocol/live"
)

// turnLimit is how old the status may be that the server's loop publishes every 20 ms. If it is
// older, the loop hangs. A store that hangs does not stop the loop.
const turnLimit = 5 * time.Second

var errStarting = errors.New("it starts: the store is being read")

// Healthy says what keeps the server from being alive: its loop does not turn. Where nothing
// else helps, it is time to end the process.
func (m *Metrics) Healthy() error {
	w := m.watched.Load()
	if w == nil {
		return errStarting
	}
	select {
	case <-w.server.Done():
		return errors.New("the server has ended")
	default:
	}
	return turning(time.Since(w.server.Status().At))
}

func turning(age time.Duration) error {
	if age > turnLimit {
		return fmt.Errorf("the server's loop has not turned for %v", age.Round(time.Millisecond))
	}
	return nil
}

// peerSilence is how long a peer may be silent until it counts as away. A peer speaks every 50 ms.
const peerSilence = 2 * time.Second

// Ready says what keeps the server from serving commands. A leader that has lost its majority
// need not know it while it is idle. So the peers that are heard count too.
func (m *Metrics) Ready() error {
	if err := m.Healthy(); err != nil {
		return err
	}
	if m.draining.Load() {
		return errors.New("shutting down: not accepting new clients")
	}
	w := m.watched.Load()
	switch st := w.server.Status(); {
	case !st.Formed:
		return errors.New("the cluster is not formed, or this server's store is not the one that it was formed with: the log says which")
	case st.State == protocol.RegLeader || st.Leader != 0 && st.Leader != st.ID:
		return majority(&st, len(w.server.Hosts()))
	case st.State == protocol.Preparing:
		return fmt.Errorf("it is about to lead view %d", st.View)
	default:
		return errors.New("no leader is known: an election is under way")
	}
}

// majority says whether fewer than a majority of all servers are there.
func majority(st *live.Status, servers int) error {
	there := 1
	for _, p := range st.Peers {
		if p.Silent < peerSilence {
			there++
		}
	}
	if 2*there <= servers {
		return fmt.Errorf("no majority: it hears %d of %d servers, itself included", there, servers)
	}
	return nil
}
