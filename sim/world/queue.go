package world

import "math/bits"

// entry is a scheduled event. It has no pointers, so that the garbage collector does not see the
// queue. It has three words, so that the compiler keeps it in registers. (As seven fields it was
// copied through memory at each call, and the queue took a sixth of a run.)
type entry struct {
	at  Instant
	tie uint64 // order of scheduling: no tie is left to the queue
	event
}

// event is what happens, in one word: kind, node, and from the lowest bit on an item.
type event uint64

func newEvent(kind eventKind, n Node, item uint32) event {
	return event(item) | event(kind)<<32 | event(n)<<40
}

// on gives a delivery its link, by the sender, and its way.
func (e event) on(from Node, way Way) event { return e | event(from)<<48 | event(way)<<56 }

func (e event) item() uint32    { return uint32(e) } // a slab index, a life, or an action, by kind
func (e event) kind() eventKind { return eventKind(e >> 32) }
func (e event) node() Node      { return Node(e >> 40) } // where it happens
func (e event) from() Node      { return Node(e >> 48) }
func (e event) way() Way        { return Way(e >> 56) }

type eventKind uint8

const (
	deliver eventKind = iota
	timer
	synced
	action
)

func (e *entry) before(f *entry) bool {
	return e.at < f.at || e.at == f.at && e.tie < f.tie
}

// queue gives events in the order of (at, tie). Events that are due soon lie in a wheel of
// buckets, each a few microseconds wide, and cost O(1). Later ones lie in a heap. No event moves
// between the two: the earlier of both comes next. (A heap alone took a quarter of a run's time.)
//
// No event may be pushed that is due before the one popped last.
//
// Invariant: buckets hold what is due in now … now+wheelBuckets−1, each sorted.
type queue struct {
	now      uint64                    // the bucket of what was popped last
	heads    [wheelBuckets]uint32      // first of each bucket's list in cells, plus 1
	tails    [wheelBuckets]uint32      // last of it, where there is one
	full     [wheelBuckets / 64]uint64 // bit set: the bucket is not empty
	cells    []cell
	freeCell uint32 // plus 1
	far      heap
	size     int
}

type cell struct {
	entry entry
	next  uint32 // plus 1
}

const (
	bucketBits   = 15 // 33 µs wide
	wheelBuckets = 1024
)

func (q *queue) len() int { return q.size }

func (q *queue) push(e entry) {
	q.size++
	if bucket := uint64(e.at) >> bucketBits; bucket-q.now < wheelBuckets {
		q.insert(bucket%wheelBuckets, q.cell(e))
	} else {
		q.far.push(e)
	}
}

// cell takes a free cell for the entry.
func (q *queue) cell(e entry) uint32 {
	i := q.freeCell
	if i == 0 {
		q.cells = append(q.cells, cell{})
		i = uint32(len(q.cells))
	}
	c := &q.cells[i-1]
	q.freeCell, c.entry, c.next = c.next, e, 0
	return i
}

// insert puts a cell into a bucket. A bucket has few, and those that are due at one time come
// in order: the last place is looked at first.
func (q *queue) insert(b uint64, i uint32) {
	e := &q.cells[i-1].entry
	if q.heads[b] == 0 {
		q.heads[b], q.tails[b] = i, i
		q.full[b/64] |= 1 << (b % 64)
		return
	}
	if last := &q.cells[q.tails[b]-1]; last.entry.before(e) {
		last.next, q.tails[b] = i, i
		return
	}
	at := &q.heads[b]
	for q.cells[*at-1].entry.before(e) { // it stops at the last, at the latest
		at = &q.cells[*at-1].next
	}
	q.cells[i-1].next, *at = *at, i
}

// firstBucket is the first that is not empty, wheelBuckets if all are.
func (q *queue) firstBucket() uint64 {
	start := q.now % wheelBuckets
	if q.heads[start] != 0 {
		return start
	}
	word := start / 64
	w := q.full[word] &^ (1<<(start%64) - 1)
	for range len(q.full) + 1 {
		if w != 0 {
			return word*64 + uint64(bits.TrailingZeros64(w))
		}
		word = (word + 1) % uint64(len(q.full))
		w = q.full[word]
	}
	return wheelBuckets
}

// first is the next event, and the bucket in which it lies, wheelBuckets for the heap. There
// must be one.
func (q *queue) first() (*entry, uint64) {
	b := q.firstBucket()
	if b == wheelBuckets {
		return &q.far[0], b
	}
	e := &q.cells[q.heads[b]-1].entry
	if len(q.far) > 0 && q.far[0].before(e) {
		return &q.far[0], wheelBuckets
	}
	return e, b
}

func (q *queue) pop() entry {
	e, _ := q.popBy(Never)
	return e
}

// popBy takes the next event, if it is due by t.
func (q *queue) popBy(t Instant) (entry, bool) {
	if q.size == 0 {
		return entry{}, false
	}
	first, b := q.first()
	e := *first
	if e.at > t {
		return entry{}, false
	}
	q.size--
	q.now = uint64(e.at) >> bucketBits
	if b == wheelBuckets {
		q.far.pop()
		return e, true
	}
	i := q.heads[b]
	c := &q.cells[i-1]
	if q.heads[b] = c.next; c.next == 0 {
		q.full[b/64] &^= 1 << (b % 64)
	}
	c.next, q.freeCell = q.freeCell, i
	return e, true
}

// heap is a 4-ary min-heap on (at, tie).
type heap []entry

func (h *heap) push(e entry) {
	*h = append(*h, e)
	s := *h
	i := len(s) - 1
	for i > 0 {
		p := (i - 1) / 4
		if !e.before(&s[p]) {
			break
		}
		s[i] = s[p]
		i = p
	}
	s[i] = e
}

func (h *heap) pop() entry {
	s := *h
	top := s[0]
	last := s[len(s)-1]
	s = s[:len(s)-1]
	*h = s
	if len(s) == 0 {
		return top
	}
	i := 0
	for {
		c := 4*i + 1
		if c >= len(s) {
			break
		}
		least := c
		for end := min(c+4, len(s)); c < end; c++ {
			if s[c].before(&s[least]) {
				least = c
			}
		}
		if !s[least].before(&last) {
			break
		}
		s[i] = s[least]
		i = least
	}
	s[i] = last
	return top
}
