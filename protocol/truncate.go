package protocol

// Truncation (X12): a slot is forgotten once every server has executed it and a durable snapshot
// of our own covers it. It goes from memory and from the disk. A server that is down holds that
// up, but only until the history outgrows its limit. Then our own durable snapshot decides alone.

// truncate forgets what it may. It is asked at each heartbeat and as snapshots become durable.
func (s *Server) truncate(out *Output) {
	point := s.durableSnapshot()
	if s.localARU-s.history.truncated <= Seq(s.settings.HistorySlots) {
		for id := ServerID(1); int(id) <= s.n; id++ {
			if id != s.id {
				point = min(point, s.reported[id]) // after a crash it may have less: a snapshot helps it
			}
		}
	}
	if point > s.history.truncated {
		s.history.truncate(point)
		out.event(Event{Kind: Truncated, Seq: point})
	}
	s.truncateDisk(out)
}

// durableSnapshot is the seq of the newest snapshot that survives a crash, zero for none.
func (s *Server) durableSnapshot() Seq {
	for i := len(s.snaps.marks) - 1; i >= 0; i-- {
		if m := s.snaps.marks[i]; m.pos <= s.durable {
			return m.seq
		}
	}
	return 0
}

// truncateDisk gives up the records below the newest durable snapshot that covers no more than
// what is truncated. The next life begins with that snapshot, and replays what follows it.
func (s *Server) truncateDisk(out *Output) {
	marks := s.snaps.marks
	n := 0
	for n < len(marks) && marks[n].pos <= s.durable && marks[n].seq <= s.history.truncated {
		n++
	}
	if n == 0 {
		return
	}
	if keep := marks[n-1].pos; keep > s.snaps.cut {
		s.snaps.cut, out.Truncate = keep, keep
		s.snaps.marks = append(marks[:0], marks[n-1:]...)
	}
}
