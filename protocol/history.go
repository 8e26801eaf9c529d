package protocol

// history is the paper's Global_History[], in two parts. What is executed stands on pages, and
// the oldest of it may be truncated (X12). Above it is a ring of slots, whose details (who
// accepted what) still matter. (ordering.go draws the life of a slot.)
//
// Invariant: truncated ≤ executed, and ring[seq&mask] is the slot of seq, or free, for
// executed < seq ≤ executed+len(ring).
type history struct {
	executed  Seq // LocalARU, seen from here
	truncated Seq // nothing is known of 1…truncated but what a snapshot says
	first     Seq // number of pages[0]; page p holds pageSlots slots from seq p × pageSlots + 1 on
	pages     []*[pageSlots]settledSlot
	spare     *[pageSlots]settledSlot // an empty page, to be used next; may be nil
	ring      []slot                  // its length is a power of two, and grows with what is heard of
}

const (
	pageSlots = 128
	ringSlots = 32 // the least length of the ring
)

// settledSlot is a slot that is ordered and executed.
type settledSlot struct {
	batch *Batch   // final; never nil in a slot above truncated
	view  View     // in which this server accepted it; 0: it only learnt the outcome
	pos   Position // of that acceptance's record; 0 with view 0
}

// slot is a seq above LocalARU. Its zero is a free place of the ring.
type slot struct {
	seq     Seq  // 0: free
	ordered bool // batch is final (S1); never undone

	// The proposal that this server made or accepted. Once the slot is ordered, batch is the
	// outcome, and view still that of the acceptance. View 0: none was accepted, or another
	// one won.
	//
	// Invariant: view only rises, as long as what was accepted has not lost.
	view  View
	batch *Batch
	pos   Position // of its record: the Accept waits for it

	// The proposal of the highest view that data lists told of: evidence, never an
	// acceptance of this server (X27). View 0: none.
	heardView  View
	heardBatch *Batch

	// sentAt is when the leader sent the slot's Proposal last (X5).
	sentAt Instant
	// accepts is, by server, the highest view in which it is known to have accepted this slot,
	// durably (X13). One's own counts too, once durable (X6). Zero: none.
	accepts [MaxServers + 1]View
}

// newHistory has room for twice the slots of a window (X15), and at least ringSlots.
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

// jump takes all of 1…seq for executed and truncated, since a snapshot has it. Slots above
// stay.
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

// free clears the slot. A pointer that is nil it does not write: each write costs a barrier.
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
