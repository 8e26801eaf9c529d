package wire

import (
	"fmt"

	"github.com/fauer4effect/paxos/protocol"
)

// hasBatch and hasList say which bodies a kind of message has.
func hasBatch(k protocol.Kind) bool {
	return k == protocol.ClientUpdate || k == protocol.Proposal || k == protocol.ClientRead || k == protocol.ReadIndex
}

func hasList(k protocol.Kind) bool {
	return k == protocol.PrepareOK || k == protocol.CatchUpReply
}

func hasRoster(k protocol.Kind) bool { return k == protocol.Formation }

func hasPart(k protocol.Kind) bool {
	return k == protocol.SnapshotRequest || k == protocol.SnapshotPart
}

// fill makes w what travels for m. It refers to m's operations.
func (w *message) fill(m *protocol.Message) error {
	if hasBatch(m.Kind) != (m.Batch != nil) || hasList(m.Kind) != (m.List != nil) || hasRoster(m.Kind) != (m.Roster != nil) ||
		hasPart(m.Kind) != (m.Part != nil) {
		return fmt.Errorf("wire: a %v has not the body that it should", m.Kind)
	}
	w.Kind, w.State, w.Store = uint8(m.Kind), uint8(m.State), uint64(m.Store)
	w.View, w.Seq, w.ARU = uint64(m.View), uint64(m.Seq), uint64(m.ARU)
	w.Updates, w.Entries, w.Stores, w.Formed = w.Updates[:0], w.Entries[:0], w.Stores[:0], false
	w.Format = 0
	w.Sum, w.Size, w.Offset, w.Bytes = 0, 0, 0, nil
	if m.Part != nil {
		w.Sum, w.Size, w.Offset, w.Bytes = m.Part.Sum, m.Part.Size, m.Part.Offset, m.Part.Bytes
	}
	if m.Roster != nil {
		w.Formed, w.Format = m.Roster.Formed, uint8(m.Roster.Format)
		for _, id := range m.Roster.Stores[1:] {
			w.Stores = append(w.Stores, uint64(id))
		}
	}
	if m.Batch != nil {
		w.Updates = appendUpdates(w.Updates, m.Batch)
	}
	if m.List != nil {
		w.Entries = appendEntries(w.Entries, *m.List)
	}
	return nil
}

func appendEntries(to []entry, list protocol.DataList) []entry {
	for _, e := range list {
		to = append(to, entry{
			Seq: uint64(e.Seq), View: uint64(e.View), Ordered: e.Ordered,
			Updates: appendUpdates(nil, e.Batch),
		})
	}
	return to
}

func listOf(entries []entry) protocol.DataList {
	list := make(protocol.DataList, len(entries))
	for i := range entries {
		e := &entries[i]
		list[i] = protocol.Entry{
			Seq: protocol.Seq(e.Seq), View: protocol.View(e.View), Ordered: e.Ordered, Batch: batchOf(e.Updates),
		}
	}
	return list
}

func appendUpdates(to []update, b *protocol.Batch) []update {
	for i := range b.Updates {
		u := &b.Updates[i]
		to = append(to, update{
			Client: uint32(u.Client), Server: uint8(u.Server), Kind: uint8(u.Kind),
			Timestamp: uint64(u.Timestamp), Session: uint64(u.Session), Op: u.Op,
		})
	}
	return to
}

// message is what travelled as w, with memory of its own. False: the kind or the state is
// unknown, or there is a body that the kind does not have.
func (w *message) message(sender protocol.ServerID) (protocol.Message, bool) {
	m := protocol.Message{
		Kind: protocol.Kind(w.Kind), Server: sender, State: protocol.State(w.State), Store: protocol.StoreID(w.Store),
		View: protocol.View(w.View), Seq: protocol.Seq(w.Seq), ARU: protocol.Seq(w.ARU),
	}
	switch {
	case m.Kind == 0 || m.Kind >= protocol.NumKinds || m.State > protocol.RegNonLeader,
		!hasBatch(m.Kind) && len(w.Updates) > 0, !hasList(m.Kind) && len(w.Entries) > 0,
		!hasRoster(m.Kind) && (w.Formed || w.Format != 0 || len(w.Stores) > 0),
		!hasPart(m.Kind) && (w.Sum != 0 || w.Size != 0 || w.Offset != 0 || len(w.Bytes) > 0),
		hasRoster(m.Kind) && len(w.Stores) != protocol.MaxServers:
		return m, false
	case hasRoster(m.Kind):
		m.Roster = &protocol.Roster{Formed: w.Formed, Format: protocol.Format(w.Format)}
		for i, id := range w.Stores {
			m.Roster.Stores[i+1] = protocol.StoreID(id)
		}
	case hasBatch(m.Kind):
		m.Batch = batchOf(w.Updates)
	case hasList(m.Kind):
		list := listOf(w.Entries)
		m.List = &list
	case hasPart(m.Kind):
		m.Part = &protocol.Part{Sum: w.Sum, Size: w.Size, Offset: w.Offset}
		if len(w.Bytes) > 0 {
			m.Part.Bytes = append([]byte{}, w.Bytes...)
		}
	}
	return m, true
}

// batchOf copies: the decoder reuses its memory for the next datagram, and a batch is
// immutable.
func batchOf(updates []update) *protocol.Batch {
	if len(updates) == 1 {
		return protocol.BatchOf(updates[0].update([]byte{}))
	}
	bytes := 0
	for i := range updates {
		bytes += len(updates[i].Op)
	}
	own, ops := make([]protocol.Update, len(updates)), make([]byte, 0, bytes)
	for i := range updates {
		own[i] = updates[i].update(ops[len(ops):])
		ops = ops[:len(ops)+len(own[i].Op)]
	}
	return protocol.NewBatch(own...)
}

// update is what travelled as u, with its op in the given room.
func (u *update) update(room []byte) protocol.Update {
	op := append(room, u.Op...)
	return protocol.Update{
		Client: protocol.ClientID(u.Client), Server: protocol.ServerID(u.Server), Kind: protocol.UpdateKind(u.Kind),
		Timestamp: protocol.Timestamp(u.Timestamp), Session: protocol.Seq(u.Session), Op: op[:len(op):len(op)],
	}
}
