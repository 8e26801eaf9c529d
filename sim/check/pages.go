package check

// pages is an array that grows without being copied, and so without a second life as garbage.
// The zero value is empty.
type pages[T any] struct{ list []*[pageSize]T }

const pageSize = 64

// at makes room up to i.
func (p *pages[T]) at(i uint64) *T {
	for i/pageSize >= uint64(len(p.list)) {
		p.list = append(p.list, new([pageSize]T))
	}
	return &p.list[i/pageSize][i%pageSize]
}

// find is at without making room: nil where there is none yet.
func (p *pages[T]) find(i uint64) *T {
	if i/pageSize >= uint64(len(p.list)) {
		return nil
	}
	return &p.list[i/pageSize][i%pageSize]
}
