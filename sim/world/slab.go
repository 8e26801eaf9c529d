package world

// slab holds the messages on their way. It lies in pages, so that a message stays where it is
// while a process handles it, whatever that process sends.
type slab[M any] struct {
	pages []*[slabPage]item[M]
	made  uint32
	free  []uint32
}

const slabPage = 64

const none = ^uint32(0) // no place

// item is a message on its way, shared by all its receivers.
type item[M any] struct {
	digest  uint64
	refs    int32
	kind    uint8
	message M
}

func (s *slab[M]) at(i uint32) *item[M] { return &s.pages[i/slabPage][i%slabPage] }

// take is a place that is free. It holds what it held.
func (s *slab[M]) take() uint32 {
	if n := len(s.free); n > 0 {
		i := s.free[n-1]
		s.free = s.free[:n-1]
		return i
	}
	if s.made%slabPage == 0 {
		s.pages = append(s.pages, new([slabPage]item[M]))
	}
	s.made++
	return s.made - 1
}

// release takes a reference back. What the message refers to stays reachable until its place is
// used again. Clearing the place each time would cost more than the few bodies that are kept.
func (s *slab[M]) release(i uint32) {
	it := s.at(i)
	if it.refs--; it.refs == 0 {
		s.free = append(s.free, i)
	}
}
