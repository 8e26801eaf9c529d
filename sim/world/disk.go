package world

// disk keeps a node's records in order, in pages, so that a long run copies none of them. A prefix
// is durable, and the beginning of that prefix may be truncated.
//
// Invariant: first ≤ truth ≤ synced ≤ syncing ≤ written, and truth = synced unless the disk lies.
type disk[M, R any] struct {
	law     sampler
	pages   []*[pageRecords]R
	gone    uint64 // pages before these
	first   uint64 // records that are truncated
	written uint64
	truth   uint64 // what a crash can't take
	synced  uint64 // what the process was told is durable
	syncing uint64 // on its way; = synced when idle
	wanted  uint64 // the last record that may not wait for another
	held    []held // messages that wait for records
	syncs   uint64
	lies    uint32  // share of syncs that are answered and not done, ppm
	stalled Instant // until then no sync ends
	full    Instant // until then every sync fails
	fails   bool    // the next sync fails
}

const pageRecords = 128

func (d *disk[M, R]) at(i uint64) *R { return &d.pages[i/pageRecords-d.gone][i%pageRecords] }

// held is a message that may not leave before its records are durable.
type held struct {
	after uint64
	item  uint32
	to    Node
}

// SetDisk sets how long a sync of the node takes.
func (w *World[M, R]) SetDisk(n Node, law Law) { w.nodes[n].disk.law = law.sampler() }

// SetLies sets the share of the node's syncs that are answered but not done.
func (w *World[M, R]) SetLies(n Node, ppm uint32) { w.nodes[n].disk.lies = ppm }

// Stall lets no sync of the node end before the given time.
func (w *World[M, R]) Stall(n Node, until Instant) {
	d := &w.nodes[n].disk
	d.stalled = max(d.stalled, until)
}

// Fill makes every sync of the node fail until the given time.
func (w *World[M, R]) Fill(n Node, until Instant) {
	d := &w.nodes[n].disk
	d.full = max(d.full, until)
}

// FailSync makes the node's next sync fail.
func (w *World[M, R]) FailSync(n Node) { w.nodes[n].disk.fails = true }

// CalmDisk takes Stall, Fill, FailSync and lies back.
func (w *World[M, R]) CalmDisk(n Node) {
	d := &w.nodes[n].disk
	d.stalled, d.full, d.fails, d.lies = 0, 0, false, 0
}

// Write appends a record to the current node's disk. A lazy record waits for a sync that
// another one causes.
func (w *World[M, R]) Write(r *R, lazy bool) { *w.Append(lazy) = *r }

// Append is Write for a record that the caller fills in at once, where it is to lie.
func (w *World[M, R]) Append(lazy bool) *R {
	d := &w.nodes[w.current].disk
	if d.written%pageRecords == 0 {
		d.pages = append(d.pages, new([pageRecords]R))
	}
	r := d.at(d.written)
	d.written++
	if !lazy {
		d.wanted = d.written
		w.startSync(w.current)
	}
	return r
}

// startSync makes all that is written so far durable, in one group, unless a sync is on its
// way: then the next one takes it.
func (w *World[M, R]) startSync(n Node) {
	d := &w.nodes[n].disk
	if d.syncing > d.synced || d.wanted <= d.synced {
		return
	}
	d.syncing = d.written
	d.syncs++
	if d.stalled > w.now {
		w.Counts.Stalled++
	}
	took := d.law.sample(Draw(w.cfg.Seed, drawSync, uint64(n), d.syncs))
	w.schedule(entry{at: max(w.now, d.stalled) + took, event: newEvent(synced, n, w.nodes[n].life)})
}

func (w *World[M, R]) sync(e entry) {
	nd := &w.nodes[e.node()]
	if nd.process == nil || nd.life != e.item() {
		return
	}
	d := &nd.disk
	switch {
	case d.stalled > w.now:
		e.at = d.stalled
		w.Counts.Stalled++
		w.schedule(e)
		return
	case d.fails || d.full > w.now:
		d.fails = false
		w.fold(uint64(e.node())|7<<16, d.syncing)
		w.observer.SyncFailed(e.node())
		return
	}
	w.Counts.Events++
	w.fold(uint64(e.node())|4<<16, d.syncing)
	if d.lies == 0 || !Chance(Draw(w.cfg.Seed, drawLie, uint64(e.node()), d.syncs), d.lies) {
		d.truth = d.syncing
	} else {
		w.Counts.Lied++
	}
	for i := d.synced; i < d.syncing; i++ {
		w.observer.Durable(e.node(), d.at(i))
	}
	d.synced = d.syncing
	w.startSync(e.node())
	w.releaseHeld(e.node())
	w.current = e.node()
	nd.process.Synced(d.synced)
	w.arm(e.node())
}

// releaseHeld lets the messages go that waited for what is now durable.
func (w *World[M, R]) releaseHeld(n Node) {
	d := &w.nodes[n].disk
	kept := d.held[:0]
	for _, h := range d.held {
		if h.after <= d.synced {
			w.depart(n, h.to, h.item)
		} else {
			kept = append(kept, h)
		}
	}
	d.held = kept
}

// Durable is how many of the node's records survive a crash.
func (w *World[M, R]) Durable(n Node) uint64 { return w.nodes[n].disk.synced }

// Unsynced is how many records a crash of the node would take now.
func (w *World[M, R]) Unsynced(n Node) int {
	d := &w.nodes[n].disk
	return int(d.written - d.synced)
}

// Records returns the node's records, for a process that starts.
func (w *World[M, R]) Records(n Node) []R {
	d := &w.nodes[n].disk
	return d.from(d.first)
}

// Record is the node's record of that position, from 1, which must be there.
func (w *World[M, R]) Record(n Node, position uint64) *R { return w.nodes[n].disk.at(position - 1) }

// Kept is how many records the node's disk holds.
func (w *World[M, R]) Kept(n Node) uint64 { return w.nodes[n].disk.written - w.nodes[n].disk.first }

// Truncate gives up the node's records below a position, and calls drop with each as it goes.
// What a crash could still take stays, whatever the process was told.
func (w *World[M, R]) Truncate(n Node, position uint64, drop func(*R)) {
	d := &w.nodes[n].disk
	w.fold(uint64(n)|8<<16, position)
	for ; d.first+1 < position && d.first < d.truth; d.first++ {
		drop(d.at(d.first))
	}
	for (d.gone+1)*pageRecords <= d.first {
		d.pages[0] = nil
		d.pages = d.pages[1:]
		d.gone++
	}
}

func (d *disk[M, R]) from(i uint64) []R {
	records := make([]R, 0, d.written-i)
	for ; i < d.written; i++ {
		records = append(records, *d.at(i))
	}
	return records
}

// Wipe empties the disk of a node that is down: another disk takes its place.
func (w *World[M, R]) Wipe(n Node) {
	nd := &w.nodes[n]
	w.fold(uint64(n)|6<<16, nd.disk.synced)
	nd.disk = disk[M, R]{law: nd.disk.law, syncs: nd.disk.syncs, lies: nd.disk.lies}
}

// crash drops what is not durable and does not survive by luck, and returns it.
func (d *disk[M, R]) crash(o Observer[M, R], n Node) []R {
	lost := d.from(d.truth)
	survive := uint64(0)
	if len(lost) > 0 {
		survive = uint64(o.Survive(n, lost))
	}
	d.synced, d.syncing, d.wanted, d.written = d.truth, d.truth, 0, d.truth+survive
	d.pages = d.pages[:(d.written+pageRecords-1)/pageRecords-d.gone]
	d.held = d.held[:0]
	return lost[survive:]
}

// Settle makes durable what a process that starts finds on its disk: its driver syncs what
// it reads.
func (w *World[M, R]) Settle(n Node) {
	d := &w.nodes[n].disk
	for i := d.synced; i < d.written; i++ {
		w.observer.Durable(n, d.at(i))
	}
	d.truth, d.synced, d.syncing = d.written, d.written, d.written
}
