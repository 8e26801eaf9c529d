package history

import "math"

// Holds says whether the operations of one key, in this order, are a linearization. Then each
// happens at one instant between its call and its return, and gives the answer that its client
// saw. Open operations may be left out, or have a place.
//
// Finding such an order takes a search (Linearizable). Checking one that somebody claims takes a
// single pass. It is a proof nevertheless, wherever the claim comes from: it uses nothing but the
// clients' history and the store's definition.
func Holds(order []*Operation) bool {
	var state register
	called := int64(math.MinInt64) // the latest call so far
	for _, o := range order {
		// Whatever returned before another was called comes before it: o may not have returned
		// before the call of one that stands in front of it.
		if o.Answered && o.Return < called {
			return false
		}
		called = max(called, o.Call)
		value, found, result := o.Op.Step(state.value, state.found)
		if o.Answered && result != o.Result {
			return false
		}
		state = register{value, found}
	}
	return true
}
