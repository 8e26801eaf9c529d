package world

// entry is a scheduled event: small and pointer-free, so that the queue is cheap to move
// and invisible to the garbage collector.
type entry struct {
	at   Instant
	tie  uint64 // order of scheduling: no tie is left to the heap
	item uint32 // a slab index, a life, or an action, by kind
	kind eventKind
	node Node // where it happens
	from Node
}

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

// queue is a 4-ary min-heap on (at, tie).
type queue []entry

func (q *queue) push(e entry) {
	*q = append(*q, e)
	s := *q
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

func (q *queue) pop() entry {
	s := *q
	top := s[0]
	last := s[len(s)-1]
	s = s[:len(s)-1]
	*q = s
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
