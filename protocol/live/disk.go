package live

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fauer4effect/paxos/protocol"
	"github.com/fauer4effect/paxos/protocol/live/store"
)

// maxLazy bounds the records that wait for others to be synced with.
const maxLazy = 1024

// recordWriter is what a disk needs of a store: Write returns once the records are durable.
type recordWriter interface {
	Write([]protocol.Record) error
	Truncate(protocol.Position) error
	NotePeers(store.Peers) error
}

// disk makes records durable beside the loop: while one batch is synced the next collects.
type disk struct {
	store    recordWriter
	counts   *Counts
	meter    Meter         // nil: nobody measures
	progress chan struct{} // something has become durable
	synced   atomic.Uint64

	mu      sync.Mutex
	records []protocol.Record // not yet taken
	urgent  bool              // one of them is not lazy
	cut     protocol.Position // what lies below is needed no more; zero: nothing new
	peers   store.Peers       // heard last
	noted   store.Peers       // on disk, if not yet durable
	work    chan struct{}
}

func newDisk(to recordWriter, known store.Peers, counts *Counts) *disk {
	return &disk{store: to, peers: known, noted: known, counts: counts, progress: make(chan struct{}, 1), work: make(chan struct{}, 1)}
}

// durable is the position up to which all records survive a crash, zero before the first
// write.
func (d *disk) durable() protocol.Position { return protocol.Position(d.synced.Load()) }

// write hands records over, in order. It does not wait.
func (d *disk) write(records []protocol.Record) {
	if len(records) == 0 {
		return
	}
	d.mu.Lock()
	d.records = append(d.records, records...)
	for i := range records {
		d.urgent = d.urgent || !records[i].Lazy
	}
	wake := d.urgent || len(d.records) >= maxLazy
	d.mu.Unlock()
	if wake {
		notify(d.work)
	}
}

// truncate gives up the records below a position, all of which are durable. It does not wait.
func (d *disk) truncate(below protocol.Position) {
	if below == 0 {
		return
	}
	d.mu.Lock()
	d.cut = below
	d.mu.Unlock()
	notify(d.work)
}

// note keeps the incarnations of the peers, where they changed.
func (d *disk) note(peers store.Peers) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.peers != peers {
		d.peers = peers
		notify(d.work)
	}
}

// notify wakes the reader of the channel, once.
func notify(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// taken is what there is to do.
type taken struct {
	records []protocol.Record
	cut     protocol.Position
	peers   store.Peers
}

// take empties the queue.
func (d *disk) take() taken {
	d.mu.Lock()
	defer d.mu.Unlock()
	t := taken{d.records, d.cut, d.peers}
	d.records, d.urgent, d.cut = nil, false, 0
	return t
}

// run writes until it is stopped, and then what is left. Its failure is final.
func (d *disk) run(stop <-chan struct{}) error {
	for {
		select {
		case <-d.work:
			if err := d.sync(); err != nil {
				return err
			}
		case <-stop:
			return d.sync()
		}
	}
}

func (d *disk) sync() error {
	t := d.take()
	records, peers := t.records, t.peers
	if t.cut > 0 {
		if err := d.store.Truncate(t.cut); err != nil {
			return fmt.Errorf("the store: %w", err)
		}
	}
	if peers != d.noted {
		if err := d.store.NotePeers(peers); err != nil {
			return fmt.Errorf("the store: %w", err)
		}
		d.noted = peers
	}
	if len(records) == 0 {
		return nil
	}
	begun := time.Now()
	if err := d.store.Write(records); err != nil {
		return fmt.Errorf("the store: %w; what it holds after that nobody knows, so the server stops", err)
	}
	if d.meter != nil {
		d.meter.Sync(time.Since(begun))
	}
	d.counts.syncs.Add(1)
	d.counts.records.Add(uint64(len(records)))
	d.synced.Store(uint64(records[len(records)-1].Position))
	notify(d.progress)
	return nil
}
