package protocol

// history is PSB's GlobalHistory, in two parts: what is executed, which only grows, and a
// ring of slots above it, whose details (who accepted what) still matter.
//
// Invariant: ring[seq&mask] is the slot of seq, or free, for executed < seq ≤ executed+len(ring).
type history struct {
	executed Seq // LocalARU, seen from here
	pages    []*[pageSlots]settledSlot
	ring     []slot
}

const (
	pageSlots = 512
	ringSlots = 64 // at least
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

func (h *history) settled(seq Seq) *settledSlot {
	i := seq - 1
	return &h.pages[i/pageSlots][i%pageSlots]
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
	if i%pageSlots == 0 {
		h.pages = append(h.pages, new([pageSlots]settledSlot))
	}
	h.pages[i/pageSlots][i%pageSlots] = settledSlot{batch: sl.batch, view: sl.view, pos: sl.pos}
	h.executed = sl.seq
	sl.free()
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
	c := history{executed: h.executed, ring: append([]slot(nil), h.ring...)}
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
