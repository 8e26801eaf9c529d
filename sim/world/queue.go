package world

import "math/bits"

// entry is a scheduled event: pointer-free, so that the garbage collector does not see the
// queue, and of three words, so that the compiler keeps it in registers. (As seven fields it
// was copied through memory at each call, and a sixth of a run went into the queue.)
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

// queue gives events in the order of (at, tie). What is due soon lies in a wheel of buckets,
// each a few microseconds wide, and costs O(1); what is due later lies in a heap. Nothing
// moves between the two: the earlier of both comes next. (A heap alone took a quarter of a
// run's time.)
//
// Invariant: near holds, sorted, what is due in buckets up to opened; buckets hold what is
// due in opened+1 … opened+wheelBuckets−1, unsorted.
type queue struct {
	near     []entry // near[nearHead:]
	nearHead int
	opened   int64
	buckets  [wheelBuckets]uint32 // first of each bucket's list in cells, plus 1
	full     [wheelBuckets / 64]uint64
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
	bucket := int64(e.at) >> bucketBits
	switch {
	case bucket <= q.opened:
		q.insertNear(e)
	case bucket < q.opened+wheelBuckets:
		q.insertBucket(int(bucket%wheelBuckets), e)
	default:
		q.far.push(e)
	}
}

func (q *queue) insertNear(e entry) {
	q.near = append(q.near, e)
	i := len(q.near) - 1
	for ; i > q.nearHead && e.before(&q.near[i-1]); i-- {
		q.near[i] = q.near[i-1]
	}
	q.near[i] = e
}

func (q *queue) insertBucket(b int, e entry) {
	i := q.freeCell
	if i == 0 {
		q.cells = append(q.cells, cell{})
		i = uint32(len(q.cells))
	} else {
		q.freeCell = q.cells[i-1].next
	}
	q.cells[i-1] = cell{entry: e, next: q.buckets[b]}
	q.buckets[b] = i
	q.full[b/64] |= 1 << (b % 64)
}

// open makes the first bucket that is not empty near, unless something far comes before it.
func (q *queue) open() {
	if q.nearHead < len(q.near) {
		return
	}
	next, ok := q.nextBucket()
	if !ok || len(q.far) > 0 && int64(q.far[0].at)>>bucketBits < next {
		return
	}
	q.near, q.nearHead = q.near[:0], 0
	q.opened = next
	b := int(next % wheelBuckets)
	for i := q.buckets[b]; i != 0; {
		c := &q.cells[i-1]
		q.insertNear(c.entry)
		c.next, q.freeCell, i = q.freeCell, i, c.next
	}
	q.buckets[b] = 0
	q.full[b/64] &^= 1 << (b % 64)
}

// nextBucket is the first full bucket above opened.
func (q *queue) nextBucket() (int64, bool) {
	start := int((q.opened + 1) % wheelBuckets)
	word, skip := start/64, uint(start%64)
	w := q.full[word] &^ (1<<skip - 1)
	for i := 0; i <= len(q.full); i++ {
		if w != 0 {
			b := word*64 + bits.TrailingZeros64(w)
			return q.opened + 1 + int64((b-start+wheelBuckets)%wheelBuckets), true
		}
		word = (word + 1) % len(q.full)
		w = q.full[word]
	}
	return 0, false
}

// first is the next event; there must be one.
func (q *queue) first() (e *entry, near bool) {
	q.open()
	if q.nearHead < len(q.near) {
		e = &q.near[q.nearHead]
		if len(q.far) == 0 || e.before(&q.far[0]) {
			return e, true
		}
	}
	return &q.far[0], false
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
	e, near := q.first()
	if e.at > t {
		return entry{}, false
	}
	q.size--
	if !near {
		top := q.far.pop()
		q.follow(int64(top.at) >> bucketBits)
		return top, true
	}
	q.nearHead++
	return *e, true
}

// follow lets the wheel keep up with the time while only far events happen, or after a gap
// all that is due soon would count as far.
func (q *queue) follow(bucket int64) {
	if q.nearHead < len(q.near) || bucket <= q.opened {
		return
	}
	if next, ok := q.nextBucket(); ok {
		bucket = min(bucket, next-1)
	}
	q.near, q.nearHead, q.opened = q.near[:0], 0, bucket
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
