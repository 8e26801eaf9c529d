package metrics

import (
	"errors"
	"fmt"
	"time"

	"github.com/fauer4effect/paxos/protocol"
)

// turnLimit is how long ago the server's loop may have published where it stands, which it does
// every 20 ms: beyond it the loop hangs. A store that hangs does not stop it.
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

// Ready says what keeps the server from serving commands. A leader that lost its majority does
// not know it while it is idle, and is ready.
func (m *Metrics) Ready() error {
	if err := m.Healthy(); err != nil {
		return err
	}
	if m.draining.Load() {
		return errors.New("it ends: no new clients, please")
	}
	switch st := m.watched.Load().server.Status(); {
	case !st.Formed:
		return errors.New("the cluster is not formed, or this server's store is not the one that it was formed with: the log says which")
	case st.State == protocol.RegLeader || st.Leader != 0 && st.Leader != st.ID:
		return nil
	case st.State == protocol.Preparing:
		return fmt.Errorf("it is about to lead view %d", st.View)
	default:
		return errors.New("no leader is known: an election is under way")
	}
}
