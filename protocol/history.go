package protocol

// history is PSB's GlobalHistory, in two parts: what is executed, of which the oldest may be
// truncated (X12), and a ring of slots above it, whose details (who accepted what) still matter.
//
// Invariant: truncated ≤ executed, and ring[seq&mask] is the slot of seq, or free, for
// executed < seq ≤ executed+len(ring).
type history struct {
	executed  Seq // LocalARU, seen from here
	truncated Seq // nothing is known of 1…truncated but what a snapshot says
	first     Seq // number of pages[0]; page p holds pageSlots slots from seq p × pageSlots + 1 on
	pages     []*[pageSlots]settledSlot
	spare     *[pageSlots]settledSlot // an empty one, for the next; may be nil
	ring      []slot
}

const (
	pageSlots = 128
	ringSlots = 32 // at least
)

// settledSlot is a slot that is ordered and executed.
type settledSlot struct {
	batch *Batch
	view  View     // in which this server accepted it; 0: it only learnt the outcome
	pos   Position // of that acceptance's record
}

// slot is a seq above LocalARU.
type slot struct {
	seq     Seq  // 0: free
	ordered bool // batch is final (S1)

	// The proposal that this server made or accepted, view 0 for none; once ordered,
	// batch is the outcome, and view still that of the acceptance.
	view  View
	batch *Batch
	pos   Position // of its record

	// The proposal of the highest view that data lists told of: evidence, never an
	// acceptance of one's own (X27).
	heardView  View
	heardBatch *Batch

	sentAt  Instant              // the leader sent its Proposal last (X5)
	accepts [MaxServers + 1]View // by server: the highest view of its Accepts (X13)
}

// newHistory has room for what a window of that many slots keeps (X15): twice as many.
func newHistory(window int) history {
	size := ringSlots
	for size < 2*window+1 {
		size *= 2
	}
	return history{ring: make([]slot, size)}
}

// settled returns an executed slot, nil where it is truncated.
func (h *history) settled(seq Seq) *settledSlot {
	if seq <= h.truncated {
		return nil
	}
	i := seq - 1
	return &h.pages[i/pageSlots-h.first][i%pageSlots]
}

// at returns the slot of seq, which must lie above what is executed.
func (h *history) at(seq Seq) *slot {
	for seq > h.executed+Seq(len(h.ring)) {
		h.grow()
	}
	sl := &h.ring[seq&Seq(len(h.ring)-1)]
	if sl.seq == 0 {
		sl.seq = seq
	}
	return sl
}

// peek is at without making room: nil where nothing is known of seq.
func (h *history) peek(seq Seq) *slot {
	if seq > h.executed+Seq(len(h.ring)) {
		return nil
	}
	if sl := &h.ring[seq&Seq(len(h.ring)-1)]; sl.seq == seq {
		return sl
	}
	return nil
}

func (h *history) grow() {
	old := h.ring
	h.ring = make([]slot, 2*len(old))
	for i := range old {
		if seq := old[i].seq; seq != 0 {
			h.ring[seq&Seq(len(h.ring)-1)] = old[i]
		}
	}
}

// settle moves the first slot of the ring, which must be ordered, below LocalARU.
func (h *history) settle(sl *slot) {
	i := h.executed
	p := i/pageSlots - h.first
	if p == Seq(len(h.pages)) {
		h.addPage()
	}
	h.pages[p][i%pageSlots] = settledSlot{batch: sl.batch, view: sl.view, pos: sl.pos}
	h.executed = sl.seq
	sl.free()
}

func (h *history) addPage() {
	page := h.spare
	if h.spare = nil; page == nil {
		page = new([pageSlots]settledSlot)
	}
	h.pages = append(h.pages, page)
}

// truncate forgets the executed slots 1…seq.
func (h *history) truncate(seq Seq) {
	h.truncated = seq
	for ; h.first < seq/pageSlots; h.first++ {
		*h.pages[0] = [pageSlots]settledSlot{}
		h.spare, h.pages[0] = h.pages[0], nil
		h.pages = h.pages[1:]
	}
}

// jump takes all of 1…seq for executed and truncated: a snapshot has it. Slots above stay.
func (h *history) jump(seq Seq) {
	for i := range h.ring {
		if sl := &h.ring[i]; sl.seq > 0 && sl.seq <= seq {
			sl.free()
		}
	}
	h.executed, h.truncated = seq, seq
	h.first, h.pages = seq/pageSlots, nil
	if seq%pageSlots > 0 {
		h.addPage()
	}
}

// free clears the slot, but for pointers that are nil: each write of one costs a barrier.
func (sl *slot) free() {
	sl.seq, sl.ordered, sl.view, sl.pos, sl.heardView, sl.sentAt = 0, false, 0, 0, 0, 0
	sl.accepts = [MaxServers + 1]View{}
	if sl.batch = nil; sl.heardBatch != nil {
		sl.heardBatch = nil
	}
}

func (h *history) clone() history {
	c := history{executed: h.executed, truncated: h.truncated, first: h.first, ring: append([]slot(nil), h.ring...)}
	for _, p := range h.pages {
		q := *p
		c.pages = append(c.pages, &q)
	}
	return c
}

// proposal is the proposal of the highest view known for the slot, own or heard.
func (sl *slot) proposal() *Batch {
	if sl.heardView > sl.view {
		return sl.heardBatch
	}
	return sl.batch
}

// accepted counts the servers whose acceptance in view v is known.
func (sl *slot) accepted(v View, n int) int {
	count := 0
	for id := 1; id <= n; id++ {
		if sl.accepts[id] == v {
			count++
		}
	}
	return count
}
