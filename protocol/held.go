package protocol

// Held is how much a server keeps of each thing that could grow with load or with time. Whoever
// runs a server may hold it against the bounds, each of which is a constant or a setting.
type Held struct {
	Open     int     // slots above LocalARU up to the highest that is known: at most MaxOpenSlots
	Pending  int     // updates: at most QueueLimit for each server of the cluster
	Queued   int     // updates in a leader's queue: at most twice as many, and one
	Reads    int     // that wait, for this server's clients and for others: at most MaxReads a server
	Fetched  int     // bytes of a snapshot that is on its way: at most MaxSnapshotBytes
	Ahead    int     // parts of it that came early: at most fetchParts
	Executed Seq     // slots that are executed and not truncated
	Behind   Seq     // slots that the newest durable snapshot does not cover
	Tombs    int     // clients whose session has ended and whose last timestamp is known
	Marks    int     // snapshots whose records the disk still has
	PinAge   Instant // how long ago the snapshot that is pinned was asked for; 0: none is
	ReadAge  Instant // how long ago the read that waits the longest was asked for
}

// MaxOpenSlots is how far ahead of its own log a server looks at what others say.
const MaxOpenSlots = reachSlots

// PinTimeouts is how many Timeouts a snapshot stays pinned after it was asked for last.
const PinTimeouts = pinTimeouts

// MaxReads is how many reads a server has waiting for the clients of one server.
const MaxReads = maxReads

// Held counts what the server keeps.
func (s *Server) Held() Held {
	oldest := s.now
	for i := range s.reads {
		oldest = min(oldest, s.reads[i].since)
	}
	var pinned Instant
	if s.snaps.pinned != nil {
		pinned = s.now - s.snaps.usedAt
	}
	return Held{
		PinAge:   pinned,
		Tombs:    len(s.tombs),
		Marks:    len(s.snaps.marks),
		ReadAge:  s.now - oldest,
		Open:     int(max(s.top, s.localARU) - s.localARU),
		Pending:  s.pendings,
		Queued:   len(s.queue) - s.queueHead,
		Reads:    len(s.reads),
		Fetched:  len(s.snaps.fetch.got),
		Ahead:    len(s.snaps.fetch.ahead),
		Executed: s.localARU - s.history.truncated,
		Behind:   s.localARU - s.durableSnapshot(),
	}
}

// Exceeds says which bound is exceeded by a server of n with these settings, "" for none.
func (h Held) Exceeds(n int, set Settings) string {
	for _, b := range []struct {
		what     string
		is, most int
	}{
		{"slots above those executed", h.Open, MaxOpenSlots},
		{"updates pending", h.Pending, n * set.QueueLimit},
		{"updates in the queue", h.Queued, queueRoom(n, set)},
		{"reads", h.Reads, n * maxReads},
		{"bytes of a snapshot on its way", h.Fetched, MaxSnapshotBytes},
		{"parts that came early", h.Ahead, fetchParts},
	} {
		if b.is > b.most {
			return b.what
		}
	}
	return ""
}

// queueRoom is how many entries a leader's queue may have. Clients that give up leave entries behind
// that nobody wants.
func queueRoom(n int, set Settings) int { return 2*n*set.QueueLimit + 1 }
