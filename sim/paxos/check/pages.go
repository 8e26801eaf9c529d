package check

// pages is an array that grows without being copied, and so without a second life as garbage.
// Its beginning can be dropped. The zero value is empty.
type pages[T any] struct {
	list []*[pageSize]T
	gone uint64 // pages before these

	// What is asked for is mostly near what was asked for last.
	near *[pageSize]T // nil: none
	of   uint64       // its number

	lost T // stands in for all that was dropped
}

const pageSize = 64

// at makes room up to i. What was dropped is not known, and what is written there is lost.
func (p *pages[T]) at(i uint64) *T {
	if p.near == nil || p.of != i/pageSize {
		if p.dropped(i) {
			var none T
			p.lost = none
			return &p.lost
		}
		page := i/pageSize - p.gone
		for page >= uint64(len(p.list)) {
			p.list = append(p.list, new([pageSize]T))
		}
		p.near, p.of = p.list[page], i/pageSize
	}
	return &p.near[i%pageSize]
}

// find is at without making room: nil where nothing is kept, or it was dropped.
func (p *pages[T]) find(i uint64) *T {
	if p.near != nil && p.of == i/pageSize {
		return &p.near[i%pageSize]
	}
	page := i/pageSize - p.gone
	if p.dropped(i) || page >= uint64(len(p.list)) {
		return nil
	}
	p.near, p.of = p.list[page], i/pageSize
	return &p.near[i%pageSize]
}

// dropped says whether i shares its page with nothing that is kept.
func (p *pages[T]) dropped(i uint64) bool { return i/pageSize < p.gone }

// drop forgets what lies below i, except on the page of i.
func (p *pages[T]) drop(i uint64) {
	for n := i / pageSize; p.gone < n && len(p.list) > 0; p.gone++ {
		p.list[0] = nil
		p.list = p.list[1:]
	}
	if p.of < p.gone {
		p.near = nil
	}
}
