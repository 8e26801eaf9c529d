package engine

import (
	"slices"
	"strconv"

	"github.com/anishathalye/porcupine"

	"github.com/fauer4effect/paxos/protocol/kv"
	"github.com/fauer4effect/paxos/sim/history"
	"github.com/fauer4effect/paxos/sim/plan"
	"github.com/fauer4effect/paxos/sim/world"
)

// Limits that keep porcupine's search small; its cost explodes with operations that
// overlap without end and grows with a key's history.
const (
	abandonedAppend = 3 // append or incr: each may have taken effect, in any order
	abandonedWrite  = 6
	operationsOfKey = 250
)

// keyring hands out the keys that clients contend for. A key that has served its time is
// retired, and a new one takes its place. Its history is judged and dropped once the last client
// has left it.
type keyring struct {
	places  []*Key
	retired []*Key // that clients still use
	named   []*Key // of directed clients
	begun   uint64 // operations
	judge   func(*Key)
	spare   [][]history.Operation // memory of histories that are judged
	endless bool                  // keys serve for ever, and nobody judges them
	unkept  history.Operation     // what is written down where endless
}

type Key struct {
	Name     string
	numeric  bool // incr instead of append
	users    int  // clients with an operation on it
	begun    int
	appends  int // abandoned
	writes   int // abandoned
	hint     string
	renewals int
	retired  bool
	History  []history.Operation
	Raw      []porcupine.Operation // of a model of the user's
}

// keyUse is one operation's hold on a key.
type keyUse struct {
	*Key
	ring *keyring
}

func newKeyring(places int, judge func(*Key)) *keyring {
	k := &keyring{places: make([]*Key, places), judge: judge}
	for i := range k.places {
		k.places[i] = newKey(i, 0)
	}
	return k
}

func newKey(place, renewals int) *Key {
	name := "k" + strconv.Itoa(place)
	if renewals > 0 {
		name += "." + strconv.Itoa(renewals)
	}
	return &Key{Name: name, renewals: renewals, numeric: (place+renewals)%2 == 1}
}

// take finds a key for a client's next operation: a drawn one, or the next that is free.
func (k *keyring) take(draw uint64, client int) keyUse {
	k.begun++
	place := int(world.Below(draw, uint64(len(k.places))))
	for range k.places {
		if !k.endless && k.places[place].spent() {
			k.retire(k.places[place])
			k.places[place] = newKey(place, k.places[place].renewals+1)
			if n := len(k.spare); n > 0 {
				k.places[place].History, k.spare = k.spare[n-1], k.spare[:n-1]
			}
		}
		if found := k.places[place]; found.users < plan.ClientsPerKey {
			found.users++
			found.begun++
			return keyUse{found, k}
		}
		if place++; place == len(k.places) {
			place = 0
		}
	}
	// More clients than the keys have room for: this one gets a key of its own.
	own := &Key{Name: "c" + strconv.Itoa(client) + "." + strconv.FormatUint(k.begun, 10), users: 1}
	k.retire(own)
	return keyUse{own, k}
}

// directed is the key of a directed client's choice. Its history is judged when the script
// says so.
func (k *keyring) directed(name string) keyUse {
	for _, found := range k.named {
		if found.Name == name {
			found.users++
			return keyUse{found, k}
		}
	}
	k.named = append(k.named, &Key{Name: name, users: 1})
	return keyUse{k.named[len(k.named)-1], k}
}

// retire takes a key out of use; nobody begins another operation on it.
func (k *keyring) retire(old *Key) {
	old.retired = true
	if old.users > 0 {
		k.retired = append(k.retired, old)
		return
	}
	k.settle(old)
}

// settle judges a key that is no longer in use, and drops its history.
func (k *keyring) settle(old *Key) {
	k.judge(old)
	old.Raw = nil
	if cap(old.History) > plan.ClientsPerKey { // not of a client that kept to itself
		k.spare = append(k.spare, old.History[:0])
	}
	old.History = nil
}

// left is called as a client leaves a key.
func (k *keyring) left(old *Key) {
	old.users--
	if !old.retired || old.users > 0 {
		return
	}
	k.retired = slices.DeleteFunc(k.retired, func(r *Key) bool { return r == old })
	k.settle(old)
}

// judgeRest judges, at the end of a run, what is not judged yet.
func (k *keyring) judgeRest() {
	for _, keys := range [][]*Key{k.retired, k.places, k.named} {
		for _, left := range keys {
			k.judge(left)
		}
	}
}

func (k *Key) spent() bool {
	return k.begun >= operationsOfKey || k.appends >= abandonedAppend || k.writes >= abandonedWrite
}

// operation draws what the client does with the key.
func (k *Key) operation(op *kv.Op, mix *plan.Mix, draw uint64, c *Client) {
	op.Kind, op.Key, op.Value, op.Old = pick(mix, draw), k.Name, "", ""
	switch {
	case op.Kind == kv.Append && k.numeric:
		op.Kind = kv.Incr
	case op.Kind == kv.Incr && !k.numeric:
		op.Kind = kv.Append
	}
	switch op.Kind {
	case kv.Put:
		op.Value = c.value()
		k.hint = op.Value
	case kv.Append:
		op.Value = c.uniqueAnd(",")
	case kv.CAS:
		op.Old, op.Value = k.hint, c.value()
	}
}

// pick draws a kind of operation.
func pick(m *plan.Mix, draw uint64) kv.Kind {
	at := int(world.Below(draw, uint64(m.Get+m.Put+m.Append+m.CAS+m.Delete+m.Incr)))
	if at -= m.Get; at < 0 {
		return kv.Get
	}
	if at -= m.Put; at < 0 {
		return kv.Put
	}
	if at -= m.Append; at < 0 {
		return kv.Append
	}
	if at -= m.CAS; at < 0 {
		return kv.CAS
	}
	if at -= m.Delete; at < 0 {
		return kv.Delete
	}
	return kv.Incr
}

// note is where an operation is written down for the key's judgement: all of it, for the place may
// have been used.
func (k keyUse) note() *history.Operation {
	switch n := len(k.History); {
	case k.ring.endless:
		return &k.ring.unkept
	case n < cap(k.History):
		k.History = k.History[:n+1]
	default:
		k.History = append(k.History, history.Operation{})
	}
	return &k.History[len(k.History)-1]
}

// answered releases the key after an operation, and keeps what was read for a later cas.
func (k keyUse) answered(o *history.Operation) {
	if o.Op.Kind == kv.Get && o.Result.Status == kv.HasValue {
		k.hint = o.Result.Value
	}
	k.ring.left(k.Key)
}

// abandoned releases the key with an operation that may still take effect.
func (k keyUse) abandoned(o history.Operation) {
	*k.note() = o
	switch o.Op.Kind {
	case kv.Get:
	case kv.Append, kv.Incr:
		k.appends++
	default:
		k.writes++
	}
	k.ring.left(k.Key)
}
