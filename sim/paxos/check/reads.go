package check

import (
	"bytes"
	"slices"

	"github.com/fauer4effect/paxos/protocol"
	"github.com/fauer4effect/paxos/protocol/kv"
)

// Reads without a log append (X20) are S8 too, exactly. Such a read names its index, the seq after
// which it looked at the state. Its result must be the application's there, and the index respects
// real time.

// contents is what each key held, and from which seq on. A key that is not listed held nothing.
type contents struct {
	of map[string][]keyState // looked up, never ranged over
}

type keyState struct {
	from   protocol.Seq
	result []byte // of a get
}

// KeepValues has the log remember what each key held at each seq, for reads without a slot. It
// must come before the first update.
func (l *Log) KeepValues() { l.contents.of = make(map[string][]keyState) }

// wrote notes what an update left behind that took effect at seq.
func (v *contents) wrote(seq protocol.Seq, op []byte, app protocol.App) {
	o, err := kv.Decode(op)
	if err != nil || o.Reads() {
		return
	}
	if o.Kind != kv.Many { // which allocates
		v.wroteKey(seq, o.Key, app)
		return
	}
	for _, part := range o.Parts() {
		v.wroteKey(seq, part.Key, app)
	}
}

// wroteKey notes what a key holds once the update at seq is executed.
func (v *contents) wroteKey(seq protocol.Seq, key string, app protocol.App) {
	held := v.of[key]
	result := app.Query(kv.Op{Kind: kv.Get, Key: key}.Encode())
	switch n := len(held); {
	case n > 0 && bytes.Equal(held[n-1].result, result):
	case n > 0 && held[n-1].from == seq: // of the same batch
		held[n-1].result = result
	default:
		v.of[key] = append(held, keyState{seq, result})
	}
}

// at is the result of a get after seq.
func (v *contents) at(seq protocol.Seq, key string) []byte {
	held := v.of[key]
	i, found := slices.BinarySearchFunc(held, seq, func(v keyState, seq protocol.Seq) int {
		if v.from < seq {
			return -1
		} else if v.from > seq {
			return 1
		}
		return 0
	})
	switch {
	case found:
		return held[i].result
	case i > 0:
		return held[i-1].result
	}
	return kv.Result{Status: kv.Missing}.Encode()
}

// answer is the result of an operation that only reads, after seq.
func (v *contents) answer(seq protocol.Seq, op kv.Op) []byte {
	if op.Kind == kv.Get {
		return v.at(seq, op.Key)
	}
	store := kv.New()
	for _, part := range op.Parts() {
		held, err := kv.DecodeResult(v.at(seq, part.Key))
		if err == nil && held.Status == kv.HasValue {
			store.Apply(kv.Op{Kind: kv.Put, Key: part.Key, Value: held.Value}.Encode())
		}
	}
	return store.Query(op.Encode())
}

// confirmed compares the index of a read with what was ordered anywhere before the read was asked for
// (X20 promises no less). It does so as soon as the leader gives the index. The answer may not show that
// the index is too low: the state may be further on by luck, or the answer may never come.
func (r *Replies) confirmed(id protocol.ServerID, e *protocol.Event) {
	if u := r.log.sent(e.Client, e.Timestamp); u != nil && e.Seq < u.ordered {
		r.fail("S8", "server %d, leading view %d, lets client %d's read %d be answered from slot %d, but the read was sent after seq %d had been ordered",
			id, e.View, e.Client, e.Timestamp, e.Seq, u.ordered)
	}
}

// acked is how far a server has acknowledged the rounds of a view.
type acked struct {
	view  protocol.View
	round protocol.Seq
}

// ackedViews is for how many views a server's latest acknowledgements are remembered. An older one can
// only reach a former leader.
const ackedViews = 64

// acknowledged notes that a server acknowledges a round.
func (r *Replies) acknowledged(id protocol.ServerID, m *protocol.Message) {
	list := r.acked[id]
	if n := len(list); n > 0 && list[n-1].view == m.View {
		list[n-1].round = max(list[n-1].round, m.Seq)
		return
	}
	if len(list) == ackedViews {
		list = append(list[:0], list[1:]...)
	}
	r.acked[id] = append(list, acked{m.View, m.Seq})
}

// round compares a round that a leader takes for confirmed with what was acknowledged. Nobody leads a
// view twice, so a view and a number name one round.
func (r *Replies) round(id protocol.ServerID, e *protocol.Event) {
	for other := protocol.ServerID(1); other <= protocol.MaxServers; other++ {
		if e.Servers&(1<<other) != 0 && other != id && !r.hasAcked(other, e) {
			r.fail("S8", "server %d takes round %d of view %d for acknowledged by server %d, which has not done so", id, e.Seq, e.View, other)
		}
	}
}

func (r *Replies) hasAcked(id protocol.ServerID, e *protocol.Event) bool {
	return slices.ContainsFunc(r.acked[id], func(a acked) bool { return a.view == e.View && a.round >= e.Seq })
}

// read is a reply to a read that took no slot.
func (r *Replies) read(client protocol.ClientID, ts protocol.Timestamp, index protocol.Seq, result []byte) {
	u := r.log.sent(client, ts)
	if u == nil {
		r.fail("S8", "client %d's read %d is answered, and was never asked for", client, ts)
		return
	}
	op, err := kv.Decode(u.op)
	switch {
	case err != nil || !op.Reads():
		r.fail("S8", "client %d's operation %d is answered as a read, and is none", client, ts)
	case index > r.log.aru:
		r.fail("S8", "client %d's read %d is answered from the state after seq %d, but only 1 to %d are ordered", client, ts, index, r.log.aru)
	case index < u.floor:
		r.fail("S8", "client %d's read %d is answered from the state after seq %d, though it was sent after seq %d had been answered",
			client, ts, index, u.floor)
	case !bytes.Equal(r.log.contents.answer(index, op), result):
		r.fail("S8", "client %d's read %d is answered %q; after seq %d its result is %q",
			client, ts, result, index, r.log.contents.answer(index, op))
	}
	r.highest = max(r.highest, index)
}
