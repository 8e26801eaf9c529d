package live

import (
	"errors"
	"time"

	"github.com/fauer4effect/paxos/protocol"
)

// Meter is told how long things took. Its methods are called from many goroutines, on the way
// of every command: they may not block.
type Meter interface {
	Command(took time.Duration) // from when it was handed to the server until its answer
	Sync(took time.Duration)    // of one batch of records
}

// note counts what happened. A new leader shows in Status at once.
func (s *Server) note(events []protocol.Event) {
	changed := false
	for i := range events {
		switch events[i].Kind {
		case protocol.Attempted:
			s.counts.attempts.Add(1)
			changed = true
		case protocol.Installed:
			s.counts.views.Add(1)
			changed = true
		case protocol.Prepared:
			s.counts.reigns.Add(1)
			changed = true
		case protocol.HandedOver:
			s.counts.handOvers.Add(1)
		case protocol.Formed:
			s.refused = false
			s.calls.each(func(c *call) { s.again = append(s.again, c) }) // the machine took none before
			changed = true
		case protocol.Refused:
			if events[i].Servers&(1<<s.cfg.ID) != 0 {
				s.refused = true
				s.calls.each(func(c *call) { s.calls.end(c, answer{err: ErrRefused}) }) // the machine took none
			}
		case protocol.Returned:
			changed = true
		case protocol.CatchUp:
			s.counts.catchUps.Add(1)
		case protocol.SnapshotTaken:
			s.counts.snapshotsTaken.Add(1)
		case protocol.SnapshotInstalled:
			s.counts.snapshotsInstalled.Add(1)
		case protocol.Truncated:
			s.truncated = events[i].Seq
		}
	}
	if changed {
		s.publish()
	}
}

// command counts how a command ended.
func (c *Counts) command(err error) {
	switch {
	case err == nil:
		c.commands.Add(1)
	case errors.Is(err, ErrUnknown):
		c.unknown.Add(1)
	case errors.Is(err, ErrBusy):
		c.busy.Add(1)
	default:
		c.refused.Add(1)
	}
}

// StoreBytes is what the store takes on disk.
func (s *Server) StoreBytes() (int64, error) { return s.store.Bytes() }

// Hosts are the servers of the cluster.
func (s *Server) Hosts() Hosts { return s.cfg.Hosts }

// Counts is what the server has done so far.
func (s *Server) Counts() *Counts { return &s.counts }
