package protocol

import "fmt"

// Recovery: a server comes back with what its disk held, in LeaderElection, and waits to
// be let into the view that the others work in (X21). The seed lacked it.

// recover loads the records in order and executes the contiguous ordered prefix.
func (s *Server) recover(stable Stable) error {
	for i := range stable.Records {
		r := &stable.Records[i]
		if r.Position != s.position+1 {
			return fmt.Errorf("record %d: position %d follows %d", i, r.Position, s.position)
		}
		if r.Seq > s.localARU+reachSlots { // nobody wrote that, and room for it would take all memory
			return fmt.Errorf("record %d: seq %d, but no more than 1…%d are ordered", i, r.Seq, s.localARU)
		}
		s.position = r.Position
		if err := s.load(r); err != nil {
			return fmt.Errorf("record %d: %w", i, err)
		}
	}
	s.durable = s.position
	s.disks.roster.Formed = s.disks.pos > 0 && s.position > s.disks.pos
	s.setAttempted(s.lastInstalled)
	return nil
}

// load takes over what one record says.
func (s *Server) load(r *Record) error {
	switch {
	case r.Kind == RecordInstalled && r.View > s.lastInstalled:
		s.lastInstalled, s.installedPos = r.View, r.Position
	case r.Kind == RecordInstalled:
		return fmt.Errorf("view %d is installed after view %d", r.View, s.lastInstalled)
	case r.Kind == RecordAccepted && r.Batch != nil && r.View > 0 && r.Seq > 0:
		s.loadAccepted(r)
	case r.Kind == RecordAccepted:
		return fmt.Errorf("an acceptance of view %d, seq %d, batch %v", r.View, r.Seq, r.Batch)
	case r.Kind == RecordFormed:
		return s.loadRoster(r)
	case r.Kind != RecordOrdered:
		return fmt.Errorf("unknown kind %d", r.Kind)
	case r.Seq == 0:
		return fmt.Errorf("seq 0 is ordered")
	case r.Seq > s.localARU:
		s.loadOrdered(r)
		s.executeRecovered()
	}
	return nil
}

// loadAccepted takes over an acceptance: per seq the one of the highest view, which is the
// last, stands.
func (s *Server) loadAccepted(r *Record) {
	s.top = max(s.top, r.Seq)
	if r.Seq <= s.localARU {
		if e := s.history.settled(r.Seq); e.batch.hash == r.Batch.hash {
			e.view, e.pos = r.View, r.Position
		}
		return
	}
	sl := s.history.at(r.Seq)
	if !sl.ordered || sl.batch.hash == r.Batch.hash {
		sl.view, sl.batch, sl.pos = r.View, r.Batch, r.Position
		sl.accepts[s.id] = r.View // X6: it is durable
	}
}

// loadOrdered settles a slot on its ordered record. One without a batch speaks of the
// accepted proposal, if that is of its view or a later one; else the proposal was lost and
// the slot is learnt anew.
func (s *Server) loadOrdered(r *Record) {
	sl := s.history.at(r.Seq)
	switch {
	case sl.ordered:
	case r.Batch != nil:
		if sl.view > 0 && sl.batch.hash != r.Batch.hash {
			sl.view, sl.pos = 0, 0
		}
		sl.ordered, sl.batch = true, r.Batch
		s.top = max(s.top, r.Seq)
	case sl.view > 0 && sl.view >= r.View:
		sl.ordered = true
	}
}

// executeRecovered rebuilds the application. It is silent: the former life has said and
// answered all of it, or a client will ask again.
func (s *Server) executeRecovered() {
	var silent Output
	for s.executeNext(&silent) {
		silent.Reset()
	}
}
