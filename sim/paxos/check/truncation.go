package check

import "github.com/fauer4effect/paxos/protocol"

// Truncation is the part of S5 and S6 that speaks of forgetting (X12). A disk that forgets begins
// with a snapshot from then on. It may give up only what the snapshot says too: slots that it
// covers, and acceptances and promises that it repeats. Then what the disk once held of a slot
// still counts, as the acceptance or as the snapshot that the slot led to. So the other checks need
// not ask what is left of it.
//
// A machine may forget only what a durable snapshot of its own covers, and a server that
// comes back has no less.
type Truncation struct {
	verdict
	covered [protocol.MaxServers + 1]protocol.Seq // by the newest durable snapshot
}

func (t *Truncation) durable(id protocol.ServerID, r *protocol.Record) {
	t.covered[id] = max(t.covered[id], r.Seq)
}

func (t *Truncation) truncated(id protocol.ServerID, seq protocol.Seq) {
	if seq > t.covered[id] {
		t.fail("S5", "server %d truncates 1…%d, but its durable snapshot covers 1…%d only", id, seq, t.covered[id])
	}
}

func (t *Truncation) recovered(id protocol.ServerID, aru protocol.Seq) {
	if aru < t.covered[id] {
		t.fail("S5", "server %d recovers to seq %d, but its durable snapshot covers 1…%d", id, aru, t.covered[id])
	}
}

// begins says with which record the server's disk is to begin.
func (t *Truncation) begins(id protocol.ServerID, first *protocol.Record, durable bool) {
	switch {
	case first.Kind != protocol.RecordSnapshot:
		t.fail("S5", "server %d forgets what lies below record %d, which is not a snapshot but %v", id, first.Position, first.Kind)
	case !durable:
		t.fail("S5", "server %d forgets what lies below record %d, a snapshot that is not durable", id, first.Position)
	}
}

// forgotten compares a record that goes with the snapshot that stays.
func (t *Truncation) forgotten(id protocol.ServerID, r, first *protocol.Record) {
	switch r.Kind {
	case protocol.RecordInstalled:
		if r.View > first.View {
			t.fail("S6", "server %d forgets its promise of view %d; its snapshot says %d", id, r.View, first.View)
		}
	case protocol.RecordFormed:
		if first.Roster == nil {
			t.fail("S6", "server %d forgets the roster of its cluster (X18)", id)
		}
	case protocol.RecordAccepted:
		if r.Seq > first.Seq && !repeated(r, first.Checkpoint.Open) {
			t.fail("S5", "server %d forgets its acceptance of seq %d in view %d; its snapshot covers 1…%d",
				id, r.Seq, r.View, first.Seq)
		}
	}
}

// repeated says whether the list has the acceptance, or what replaced it.
func repeated(r *protocol.Record, open protocol.DataList) bool {
	for i := range open {
		if e := &open[i]; e.Seq == r.Seq {
			return e.Ordered || e.View >= r.View
		}
	}
	return false
}
