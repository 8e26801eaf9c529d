package paxos

import (
	"cmp"
	"slices"

	"github.com/fauer4effect/paxos/protocol"
	"github.com/fauer4effect/paxos/sim/history"
	"github.com/fauer4effect/paxos/sim/internal/engine"
)

// Judge asks for an opinion of one key's history. The canonical log claims an order. If that is a
// linearization of what the clients saw, no search could say otherwise. If it is not, porcupine
// searches, and knows nothing of the log. For some keys, and in scripts for all, it does so always.
func (r *System) Judge(k *engine.Key) {
	r.judgedKeys++
	if r.run.Keep || r.witness != nil || r.sampled() || !r.certifies(k.History) {
		r.run.Judge(k.History)
	}
}

// sampled says whether the key is one of those that porcupine judges in any case. That is one in eight
// of a run's first 64 keys, and one in 64 of the others.
func (r *System) sampled() bool {
	return r.judgedKeys%64 == 1 || r.judgedKeys < 64 && r.judgedKeys%8 == 1
}

// certifies says whether the log's order explains the history.
func (r *System) certifies(operations []history.Operation) bool {
	r.claim = r.claim[:0]
	for i := range operations {
		o := &operations[i]
		at := o.Place
		if !o.Answered {
			at = r.checker.Log.Place(protocol.ClientID(o.Client), protocol.Timestamp(o.Timestamp))
		}
		switch {
		case at > 0:
			r.claim = append(r.claim, claimed{at, o})
		case o.Answered:
			return false
		}
	}
	sortClaims(r.claim)
	r.order = r.order[:0]
	for _, c := range r.claim {
		r.order = append(r.order, c.operation)
	}
	return history.Holds(r.order)
}

// sortClaims puts claims into the order of the log. Operations end in nearly that order: only the few
// that were under way together change places.
func sortClaims(claims []claimed) {
	moves := 8 * len(claims)
	for i := 1; i < len(claims); i++ {
		c, at := claims[i], i
		for ; at > 0 && c.compare(claims[at-1]) < 0; at-- {
			claims[at] = claims[at-1]
			moves--
		}
		if claims[at] = c; moves < 0 {
			slices.SortFunc(claims, claimed.compare)
			return
		}
	}
}

// claimed is an operation and its place in the log.
type claimed struct {
	at        history.Place
	operation *history.Operation
}

// compare goes by position. Reads without a slot share one, and come in the order of their calls.
func (c claimed) compare(d claimed) int {
	if c.at != d.at {
		return cmp.Compare(c.at, d.at) // most do: the operations need not be looked at
	}
	a, b := c.operation, d.operation
	return cmp.Or(cmp.Compare(a.Call, b.Call), cmp.Compare(a.Client, b.Client))
}
