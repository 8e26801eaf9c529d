package protocol

import "fmt"

// Recovery (PSB, figure 14): a server comes back with what its disk held, in LeaderElection.
// It waits to be let into the view that the others work in (X21). The original repository had
// no recovery.

// recover loads the records in order and executes the contiguous ordered prefix.
func (s *Server) recover(stable Stable) error {
	if first := &stable.Records[0]; first.Kind == RecordSnapshot && first.Position > 0 {
		s.position = first.Position - 1 // what stood before it is truncated
	}
	for i := range stable.Records {
		r := &stable.Records[i]
		if r.Position != s.position+1 {
			return fmt.Errorf("record %d: position %d follows %d", i, r.Position, s.position)
		}
		if r.Seq > s.localARU+reachSlots && r.Kind != RecordSnapshot { // nobody wrote that, and room for it would take all memory
			return fmt.Errorf("record %d: seq %d, but no more than 1…%d are ordered", i, r.Seq, s.localARU)
		}
		s.position = r.Position
		if err := s.load(r); err != nil {
			return fmt.Errorf("record %d: %w", i, err)
		}
	}
	s.durable = s.position
	s.disks.roster.Formed = s.disks.pos > 0 && s.position > 1
	s.snaps.cut = stable.Records[0].Position
	s.plan(s.localARU)
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
	case r.Kind == RecordSnapshot:
		return s.loadSnapshot(r)
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

// loadSnapshot takes over a snapshot, and what its record says of the slots above. A snapshot
// that was taken here adds nothing to the records before it. One that a peer sent does.
func (s *Server) loadSnapshot(r *Record) error {
	switch {
	case r.Checkpoint == nil || r.Checkpoint.Snapshot == nil || r.Checkpoint.Snapshot.Seq != r.Seq:
		return fmt.Errorf("a snapshot of seq %d without its body", r.Seq)
	case r.View < s.lastInstalled:
		return fmt.Errorf("a snapshot of view %d after view %d", r.View, s.lastInstalled)
	case r.Roster != nil && s.disks.pos == 0:
		if err := s.loadRoster(r); err != nil {
			return err
		}
	}
	if r.View > s.lastInstalled {
		s.lastInstalled, s.installedPos = r.View, r.Position
	}
	if r.Seq > s.localARU {
		if err := s.adopt(r.Checkpoint.Snapshot); err != nil {
			return err
		}
	}
	for _, e := range r.Checkpoint.Open {
		if e.Batch == nil || e.Seq > s.localARU+reachSlots {
			return fmt.Errorf("a snapshot of seq %d with seq %d above it, batch %v", r.Seq, e.Seq, e.Batch)
		}
		if e.Seq > s.localARU && e.View > 0 {
			s.loadAccepted(&Record{Position: r.Position, View: e.View, Seq: e.Seq, Batch: e.Batch})
		}
		if e.Seq > s.localARU && e.Ordered {
			s.loadOrdered(&Record{Seq: e.Seq, Batch: e.Batch})
		}
	}
	s.snaps.latest = r.Checkpoint.Snapshot
	s.snaps.marks = append(s.snaps.marks, snapshotMark{r.Seq, r.Position})
	s.executeRecovered()
	return nil
}

// loadAccepted takes over an acceptance. Of several for one seq the last counts, which is that
// of the highest view.
func (s *Server) loadAccepted(r *Record) {
	s.top = max(s.top, r.Seq)
	if r.Seq <= s.localARU {
		if e := s.history.settled(r.Seq); e != nil && e.batch.hash == r.Batch.hash {
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

// loadOrdered settles a slot on its ordered record. A record without a batch speaks of the
// accepted proposal, if that is of the record's view or a later one. Else the proposal is not
// here, and the slot is learnt from a peer.
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

// executeRecovered rebuilds the application. It emits nothing: the former life has said and
// answered all of it, or a client will ask again.
func (s *Server) executeRecovered() {
	var silent Output
	for s.executeNext(&silent) {
		silent.Reset()
	}
}
