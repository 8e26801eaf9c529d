// Package store keeps a server's records on disk, in Pebble.
//
// A store belongs to one server of one cluster, for good. It is formatted once, where none
// exists, with a random id (X18), and nobody else opens it. Once Write has returned, its records
// are durable. After an error of the disk nothing more is written, and nothing is tried again:
// nobody knows what the kernel did with the pages. A torn end is what a crash leaves, and is cut
// off; any other damage is refused.
package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/fauer4effect/paxos/protocol"
	"github.com/fauer4effect/paxos/protocol/wire"
)

// The keys.
var (
	metaKey   = []byte("meta")
	lifeKey   = []byte("life")  // and its incarnation
	peersKey  = []byte("peers") // their incarnations, as heard
	recordKey = []byte("r")     // and the position, big endian
)

// Peers are the incarnations of servers, by id.
type Peers [protocol.MaxServers + 1]uint64

// Store is an open store. Write and Close are for one goroutine.
type Store struct {
	dir     string
	db      *pebble.DB
	meta    meta
	life    uint64
	started uint64 // incarnation
	peers   Peers
	stable  protocol.Stable
	next    protocol.Position
	codec   wire.RecordCodec
	value   []byte
	quarrel *quarrel
	fs      vfs.FS
	log     atomic.Uint64 // number of Pebble's newest
	marked  mark          // the one on disk
}

// Open opens the store in a directory, or formats one there if there is nothing yet. A nil
// file system is the machine's.
func Open(dir string, id Identity, fs vfs.FS) (*Store, error) {
	if fs == nil {
		fs = vfs.Default
	}
	s, err := open(dir, id, fs)
	if err != nil {
		return nil, fmt.Errorf("store %s: %w", dir, err)
	}
	return s, nil
}

func open(dir string, id Identity, fs vfs.FS) (*Store, error) {
	if _, err := vacant(dir, fs); err != nil { // before anything is touched
		return nil, err
	}
	if err := fs.MkdirAll(dir, 0o777); err != nil {
		return nil, plain(err)
	}
	lock, err := pebble.LockDirectory(dir, fs)
	switch {
	case err == nil:
	case errors.Is(err, syscall.EAGAIN) || strings.Contains(err.Error(), "held by current process"):
		return nil, fmt.Errorf("another server has it open (%w): give each its own --data", plain(err))
	default:
		return nil, fmt.Errorf("its file LOCK: %w", plain(err))
	}
	s := &Store{dir: dir, fs: fs, quarrel: &quarrel{lock: lock, failed: make(chan struct{})}}
	if err := s.load(id, fs); err != nil {
		if s.db != nil {
			_ = s.shut() // the first error says it
		}
		return nil, errors.Join(err, lock.Close())
	}
	return s, nil
}

// load opens Pebble and reads what is there.
func (s *Store) load(id Identity, fs vfs.FS) error {
	fresh, err := vacant(s.dir, fs) // again, now that nobody else can change it
	if err == nil && fresh {
		err = clear(s.dir, fs)
	}
	if err != nil {
		return err
	}
	logs, err := readLogs(s.dir, fs) // as they are, before Pebble cuts off what it takes for torn
	if err != nil {
		return err
	}
	marked, err := readMark(s.dir, fs)
	if err != nil {
		return err
	}
	if err := marked.misses(s.dir, fs); err != nil {
		return err
	}
	if marked.log > 0 { // while it opens, Pebble may have no log
		if err := (mark{store: marked.store, position: marked.position}).write(s.dir, fs); err != nil {
			return err
		}
	}
	if err := s.openPebble(s.options(fs, fresh)); err != nil {
		return err
	}
	if fresh {
		if err := s.format(id); err != nil {
			return err
		}
		if err := formatted(s.dir, fs); err != nil {
			return err
		}
	}
	if err := s.identify(id); err != nil {
		return err
	}
	if err := s.read(); err != nil {
		return damaged(err)
	}
	if err := marked.holds(s.meta.Store, s.next); err != nil {
		return err
	}
	if by, found := vouching(logs, s.next+1); found {
		return damaged(fmt.Errorf("record %d is missing, and record %d says that it was durable", s.next+1, by))
	}
	return s.begin()
}

// read loads the records. None may be missing, except those that a snapshot stands for.
func (s *Store) read() error {
	it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: recordKey, UpperBound: []byte{recordKey[0] + 1}})
	if err != nil {
		return err
	}
	for ok := it.First(); ok && err == nil; ok = it.Next() {
		err = s.take(it)
	}
	return errors.Join(err, it.Error(), it.Close())
}

func (s *Store) take(it *pebble.Iterator) error {
	key := it.Key()
	if len(key) != len(recordKey)+8 {
		return fmt.Errorf("a key of %d bytes", len(key))
	}
	position := protocol.Position(binary.BigEndian.Uint64(key[len(recordKey):]))
	value, err := it.ValueAndErr()
	if err != nil {
		return err
	}
	r, err := s.codec.Decode(value, position)
	if err != nil {
		return fmt.Errorf("record %d: %w", position, err)
	}
	if position != s.next+1 && (s.next > 0 || r.Kind != protocol.RecordSnapshot) {
		return fmt.Errorf("record %d follows record %d", position, s.next)
	}
	s.stable.Records = append(s.stable.Records, r)
	s.next = position
	return nil
}

// begin numbers this life, durably. Its sync makes durable, too, what was read: a process
// that was killed leaves records behind that were never synced. The life's incarnation is the
// time in milliseconds, or more. So it is above those of earlier lives, and of an earlier
// cluster on the same hosts.
func (s *Store) begin() error {
	var old [16]byte
	if err := s.loadFixed(lifeKey, old[:]); err != nil {
		return err
	}
	s.life = binary.BigEndian.Uint64(old[:]) + 1
	s.started = max(binary.BigEndian.Uint64(old[8:])+1, uint64(time.Now().UnixMilli()))
	value := binary.BigEndian.AppendUint64(nil, s.life)
	value = binary.BigEndian.AppendUint64(value, s.started)
	if err := s.db.Set(lifeKey, value, pebble.Sync); err != nil {
		return err
	}
	var peers [8 * len(s.peers)]byte
	if err := s.loadFixed(peersKey, peers[:]); err != nil {
		return err
	}
	for i := range s.peers {
		s.peers[i] = binary.BigEndian.Uint64(peers[8*i:])
	}
	if err := s.quarrel.problem(); err != nil {
		return err
	}
	return s.mark()
}

// loadFixed reads a value of a fixed size. It is zeros where there is no value.
func (s *Store) loadFixed(key, to []byte) error {
	value, closer, err := s.db.Get(key)
	switch {
	case errors.Is(err, pebble.ErrNotFound):
		return nil
	case err != nil:
		return damaged(err)
	}
	defer closer.Close()
	if len(value) != len(to) {
		return damaged(fmt.Errorf("%s has %d bytes, not %d", key, len(value), len(to)))
	}
	copy(to, value)
	return nil
}

// Incarnation names this life: it is above those of all lives before it.
func (s *Store) Incarnation() uint64 { return s.started }

// Peers are the incarnations of the other servers that were noted last.
func (s *Store) Peers() Peers { return s.peers }

// NotePeers keeps the incarnations of the other servers. A crash may lose the newest.
func (s *Store) NotePeers(p Peers) error {
	if err := s.quarrel.problem(); err != nil {
		return err
	}
	value := make([]byte, 0, 8*len(p))
	for _, incarnation := range p {
		value = binary.BigEndian.AppendUint64(value, incarnation)
	}
	if err := s.db.Set(peersKey, value, pebble.NoSync); err != nil {
		return s.quarrel.poison(err)
	}
	return nil
}

// ID is the store's own, by which the cluster knows it.
func (s *Store) ID() protocol.StoreID { return protocol.StoreID(s.meta.Store) }

// Life is how often the store was opened, this time included.
func (s *Store) Life() uint64 { return s.life }

// Stable hands over the records that the store held when it was opened. It keeps none, so
// that a second call finds nothing.
func (s *Store) Stable() protocol.Stable {
	stable := s.stable
	s.stable = protocol.Stable{}
	return stable
}

// Write makes records durable, all or none, in one sync. They continue what was written
// before. After an error, every later call returns it.
func (s *Store) Write(records []protocol.Record) error {
	if err := s.quarrel.problem(); err != nil {
		return err
	}
	batch := s.db.NewBatch()
	defer batch.Close()
	base := s.next // what was written before is durable, or Write had failed
	for i := range records {
		r := &records[i]
		if r.Position != s.next+1 {
			panic(fmt.Sprintf("store: record %d is written after record %d", r.Position, s.next))
		}
		s.next++
		value, err := s.codec.Append(s.value[:0], r, base)
		if err != nil {
			return s.quarrel.poison(err)
		}
		s.value = value
		if err := batch.Set(keyOf(r.Position), value, nil); err != nil {
			return s.quarrel.poison(err)
		}
	}
	if err := s.db.Apply(batch, pebble.Sync); err != nil {
		return s.quarrel.poison(err)
	}
	if err := s.quarrel.problem(); err != nil || !s.markDue() {
		return err
	}
	if err := s.mark(); err != nil {
		return s.quarrel.poison(err)
	}
	return nil
}

func keyOf(p protocol.Position) []byte {
	return binary.BigEndian.AppendUint64(recordKey[:len(recordKey):len(recordKey)], uint64(p))
}

// Truncate gives up the records below a position. All of them are durable, and the record at it is a
// snapshot. A crash may bring them back: so Truncate needs no sync of its own.
func (s *Store) Truncate(below protocol.Position) error {
	if err := s.quarrel.problem(); err != nil {
		return err
	}
	if err := s.db.DeleteRange(keyOf(1), keyOf(below), pebble.NoSync); err != nil {
		return s.quarrel.poison(err)
	}
	return nil
}

// Close releases the store. Of one that failed nothing more is written: Pebble is closed for
// the sake of its goroutines alone, and what it says then adds nothing.
func (s *Store) Close() error {
	failed := s.quarrel.problem()
	if failed == nil {
		failed = s.mark()
	}
	err := s.shut()
	if failed != nil {
		err = failed
	}
	return errors.Join(err, s.quarrel.lock.Close())
}

// shut closes Pebble, which panics about iterators and the like that nobody closed.
func (s *Store) shut() (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%v", p)
		}
	}()
	return s.db.Close()
}

// Failed is closed when the store has failed; Write then says why.
func (s *Store) Failed() <-chan struct{} { return s.quarrel.failed }
