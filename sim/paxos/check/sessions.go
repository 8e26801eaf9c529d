package check

import (
	"cmp"
	"encoding/binary"
	"slices"

	"github.com/fauer4effect/paxos/protocol"
	"github.com/fauer4effect/paxos/sim/history"
)

// The canonical log's own session table (X26): what is opened and expired at which slot
// follows from the log alone.

// sessionsChange executes an opening or an expiry.
func (l *Log) sessionsChange(u *protocol.Update, at history.Place) {
	if u.Kind == protocol.ExpireSessions {
		l.expire(u.Op, slotOf(at))
		return
	}
	c := l.session(u.Client)
	if u.Timestamp <= c.last {
		return
	}
	if c.opened == 0 {
		l.open++
		l.gone = slices.DeleteFunc(l.gone, func(g gone) bool {
			if g.client == u.Client {
				l.table -= g.digest()
			}
			return g.client == u.Client
		})
	}
	c.opened = slotOf(at)
	result := binary.BigEndian.AppendUint64(nil, uint64(slotOf(at)))
	c.took(u.Timestamp, at, result)
	l.changed(c, u.Client, result)
}

// gone is a client whose session went at a slot.
type gone struct {
	at     protocol.Seq
	client protocol.ClientID
}

func (l *Log) expire(op []byte, at protocol.Seq) {
	end := func(client protocol.ClientID) { // its last timestamp stays, as long as it is remembered
		c := &l.sessions[client]
		c.opened, c.used = 0, at
		l.open--
		l.changed(c, client, nil)
		l.gone = append(l.gone, gone{at, client})
		l.table += gone{at, client}.digest()
	}
	limit, tombstones, ok := protocol.Expiry(op, func(client protocol.ClientID, opened protocol.Seq, last protocol.Timestamp) {
		if c := l.session(client); c.opened > 0 && c.opened == opened && c.last == last {
			end(client)
		}
	})
	if !ok {
		return
	}
	for limit > 0 && l.open > limit {
		least := -1 // used the longest ago; of several the first client's
		for i := range l.sessions {
			if c := &l.sessions[i]; c.opened > 0 && (least < 0 || c.used < l.sessions[least].used) {
				least = i
			}
		}
		end(protocol.ClientID(least))
	}
	slices.SortFunc(l.gone, func(a, b gone) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.client, b.client)) })
	for ; uint64(len(l.gone)) > tombstones; l.gone = l.gone[1:] {
		forgotten := &l.sessions[l.gone[0].client]
		forgotten.last, forgotten.lastAt, forgotten.used = 0, 0, 0
		l.changed(forgotten, l.gone[0].client, nil)
		l.table -= l.gone[0].digest()
	}
}

// lapsed compares with the log a server that refuses an update: it may refuse only what has no
// effect there (S3).
func (l *Log) lapsed(v verdict, id protocol.ServerID, e *protocol.Event) {
	if at := l.Place(e.Client, e.Timestamp); at > 0 && slotOf(at) == e.Seq {
		v.fail("S3", "server %d refuses client %d's update %d at seq %d, of a session that it does not know; the log has the session, and the update takes effect",
			id, e.Client, e.Timestamp, e.Seq)
	}
}
