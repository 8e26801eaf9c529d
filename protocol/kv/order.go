package kv

import (
	"cmp"
	"slices"
)

// order has a store's entries by key. So a snapshot costs a walk over them, and a sort of only
// those that are new since the last one. It must be cheap: a server does nothing else meanwhile.
type order struct {
	sorted []*entry // as the last snapshot had them; some may be gone
	added  []*entry // since then, as they came; some may be gone
}

// leastAdded is how many entries may wait for a snapshot before those that are gone are let go.
const leastAdded = 1024

// add takes an entry whose key is new. With it the store has the given number of entries.
func (o *order) add(e *entry, entries int) {
	if len(o.added) >= leastAdded && len(o.added) > 2*entries {
		o.added = slices.DeleteFunc(o.added, (*entry).gone)
	}
	o.added = append(o.added, e)
}

// settle returns the entries, sorted.
func (o *order) settle() []*entry {
	fresh := slices.DeleteFunc(o.added, (*entry).gone)
	slices.SortFunc(fresh, func(a, b *entry) int { return cmp.Compare(a.key, b.key) })
	o.sorted = slices.DeleteFunc(o.sorted, (*entry).gone)
	o.added = nil
	switch {
	case len(fresh) == 0:
		return o.sorted
	case len(o.sorted) == 0:
		o.sorted = fresh
		return fresh
	}
	o.sorted = merge(o.sorted, fresh)
	return o.sorted
}

// merge of two sorted lists, which have no key in common.
func merge(a, b []*entry) []*entry {
	all := make([]*entry, 0, len(a)+len(b))
	for len(a) > 0 && len(b) > 0 {
		if a[0].key < b[0].key {
			all, a = append(all, a[0]), a[1:]
		} else {
			all, b = append(all, b[0]), b[1:]
		}
	}
	return append(append(all, a...), b...)
}
