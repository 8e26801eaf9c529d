// Package store keeps a server's records on disk, in Pebble.
//
// A store belongs to one server of one cluster, for good: it is formatted once, where none
// exists, with a random id (X18), and opened by nobody else. What Write returned for is
// durable; after an error of the disk nothing more is written, and nothing is tried again,
// since nobody knows what the kernel did with the pages. What a crash leaves torn at the end
// is cut off; any other damage is refused.
package store

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/fauer4effect/paxos/protocol"
	"github.com/fauer4effect/paxos/protocol/wire"
)

// Identity says whose store it is.
type Identity struct {
	Cluster uint64 // a hash of its host file
	Server  protocol.ServerID
	Servers int
}

const format = 2 // of the keys and values below

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
	if err != nil {
		return nil, fmt.Errorf("another server has it open (%w): give each its own --data", plain(err))
	}
	s := &Store{dir: dir, quarrel: &quarrel{lock: lock, failed: make(chan struct{})}}
	if err := s.load(id, fs); err != nil {
		if s.db != nil {
			_ = s.shut() // the first error says it
		}
		return nil, errors.Join(err, lock.Close())
	}
	return s, nil
}

// formatting is a file that stands while a store is made: what is there with it was never
// used.
const formatting = "FORMATTING"

// pebbles are the names of Pebble's files.
var pebbles = regexp.MustCompile(`^(MANIFEST-\d+|OPTIONS-\d+|marker\..*|\d+(-\d+)?\.(log|sst|blob)|temporary\..*|CURRENT.*)$`)

// vacant says whether there is no store in the directory, which may not exist, or one whose
// formatting did not come to its end. One that holds files of somebody else's, and no store,
// is refused: formatting might bury what the operator looks for.
func vacant(dir string, fs vfs.FS) (bool, error) {
	names, err := fs.List(dir)
	if errors.Is(err, os.ErrNotExist) {
		return true, nil
	}
	if err != nil {
		return false, plain(err)
	}
	begun, ours, foreign := false, false, ""
	for _, name := range names {
		switch {
		case name == "LOCK":
		case name == formatting:
			begun = true
		case pebbles.MatchString(name):
			ours = true
		default:
			foreign = name
		}
	}
	if foreign != "" && (begun || !ours) {
		return false, fmt.Errorf("it holds no store, but other files, such as %s: give the server a directory of its own", foreign)
	}
	return begun || !ours, nil
}

// clear leaves a vacant directory empty but for a sign that it is being formatted.
func clear(dir string, fs vfs.FS) error {
	f, err := fs.Create(fs.PathJoin(dir, formatting), vfs.WriteCategoryUnspecified)
	if err != nil {
		return plain(err)
	}
	if err := errors.Join(f.Sync(), f.Close(), syncDir(dir, fs), syncDir(fs.PathDir(dir), fs)); err != nil {
		return err
	}
	names, err := fs.List(dir)
	if err != nil {
		return plain(err)
	}
	for _, name := range names {
		if pebbles.MatchString(name) {
			if err := fs.Remove(fs.PathJoin(dir, name)); err != nil {
				return plain(err)
			}
		}
	}
	return nil
}

// formatted takes the sign away.
func formatted(dir string, fs vfs.FS) error {
	if err := fs.Remove(fs.PathJoin(dir, formatting)); err != nil {
		return plain(err)
	}
	return syncDir(dir, fs)
}

func syncDir(dir string, fs vfs.FS) error {
	d, err := fs.OpenDir(dir)
	if err != nil {
		return plain(err)
	}
	return errors.Join(d.Sync(), d.Close())
}

// plain is the cause without its path, which the caller names.
func plain(err error) error {
	var p *os.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
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
	s.db, err = pebble.Open(s.dir, s.options(fs, fresh))
	if err != nil {
		return damaged(err)
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
	if by, found := vouching(logs, s.next+1); found {
		return damaged(fmt.Errorf("record %d is missing, and record %d says that it was durable", s.next+1, by))
	}
	return s.begin()
}

// readLogs reads Pebble's write-ahead logs.
func readLogs(dir string, fs vfs.FS) ([][]byte, error) {
	names, err := fs.List(dir)
	if err != nil {
		return nil, plain(err)
	}
	var logs [][]byte
	for _, name := range names {
		if !strings.HasSuffix(name, ".log") {
			continue
		}
		f, err := fs.Open(fs.PathJoin(dir, name))
		if err != nil {
			return nil, plain(err)
		}
		text, err := io.ReadAll(f)
		if err := errors.Join(err, f.Close()); err != nil {
			return nil, plain(err)
		}
		logs = append(logs, text)
	}
	return logs, nil
}

// vouching looks in the logs, past whatever Pebble could not read, for a whole record which
// says that the missing one was durable. Pebble cannot tell a torn end from damage within a
// log's last block; the records' bases can.
func vouching(logs [][]byte, missing protocol.Position) (protocol.Position, bool) {
	key := append(slices.Clone(recordKey), 0, 0, 0) // positions stay far below 2^40
	for _, log := range logs {
		for at := 0; ; at++ {
			next := bytes.Index(log[at:], key)
			if next < 0 {
				break
			}
			at += next
			value := log[min(len(log), at+len(recordKey)+8):]
			n, header := binary.Uvarint(value) // as a batch of Pebble's has it
			if header <= 0 || n > uint64(len(value)-header) {
				continue
			}
			if r, ok := wire.Open(value[header : header+int(n)]); ok && r.Position > missing && r.Base >= missing {
				return r.Position, true
			}
		}
	}
	return 0, false
}

func damaged(err error) error {
	return fmt.Errorf("damaged: %w; run the cluster without this server: neither an emptied store nor an older copy may vote (X18)", err)
}

const (
	memTable = 8 << 20 // bytes
	cacheMem = 8 << 20
)

func (s *Store) options(fs vfs.FS, fresh bool) *pebble.Options {
	return &pebble.Options{
		FS: fs, Lock: s.quarrel.lock, Logger: s.quarrel, ErrorIfNotExists: !fresh,
		CacheSize: cacheMem, MemTableSize: memTable, FormatMajorVersion: pebble.FormatNewest,
		EventListener: &pebble.EventListener{BackgroundError: func(err error) { s.quarrel.poison(err) }},
	}
}

// format makes a new store's identity durable.
func (s *Store) format(id Identity) error {
	var random [8]byte
	for binary.BigEndian.Uint64(random[:]) == 0 {
		if _, err := rand.Read(random[:]); err != nil {
			return err
		}
	}
	m := meta{
		Format: format, Cluster: id.Cluster, Server: uint8(id.Server), Servers: uint8(id.Servers),
		Store: binary.BigEndian.Uint64(random[:]),
	}
	value, err := m.MarshalMsg(nil)
	if err != nil {
		return err
	}
	if err := s.db.Set(metaKey, value, pebble.Sync); err != nil {
		return err
	}
	return s.quarrel.problem()
}

// identify refuses a store that is not the caller's.
func (s *Store) identify(id Identity) error {
	value, closer, err := s.db.Get(metaKey)
	if errors.Is(err, pebble.ErrNotFound) {
		return damaged(errors.New("it does not say whose it is"))
	}
	if err != nil {
		return damaged(err)
	}
	defer closer.Close()
	if rest, err := s.meta.UnmarshalMsg(value); err != nil || len(rest) > 0 {
		return damaged(fmt.Errorf("its description is unreadable: %v", err))
	}
	m := &s.meta
	switch {
	case m.Format != format:
		return fmt.Errorf("it has format %d, and this program reads format %d: use the program that wrote it", m.Format, format)
	case m.Cluster != id.Cluster:
		return fmt.Errorf("it belongs to cluster %016x, and the host file says %016x: bring back the host file that it was made with, or give this server another --data", m.Cluster, id.Cluster)
	case m.Servers != uint8(id.Servers):
		return fmt.Errorf("it belongs to a cluster of %d servers, not %d: bring back the host file that it was made with", m.Servers, id.Servers)
	case m.Server != uint8(id.Server):
		return fmt.Errorf("it is the store of server %d, not %d: give each server its own --data", m.Server, id.Server)
	case m.Store == 0:
		return damaged(errors.New("its id is zero"))
	}
	return nil
}

// read loads the records, of which none may be missing.
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
	if position != s.next+1 {
		return fmt.Errorf("record %d follows record %d", position, s.next)
	}
	value, err := it.ValueAndErr()
	if err != nil {
		return err
	}
	r, err := s.codec.Decode(value, position)
	if err != nil {
		return fmt.Errorf("record %d: %w", position, err)
	}
	s.stable.Records = append(s.stable.Records, r)
	s.next = position
	return nil
}

// begin numbers this life, durably. Its sync makes durable, too, what was read: a process
// that was killed leaves records behind that were never synced. The life's incarnation is the
// time in milliseconds, or more, so that it is above those of earlier lives, and above those
// of an earlier cluster on the same hosts.
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
	return s.quarrel.problem()
}

// loadFixed reads a value of a fixed size, zeros where there is none.
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
		var key [9]byte
		copy(key[:], recordKey)
		binary.BigEndian.PutUint64(key[1:], uint64(r.Position))
		if err := batch.Set(key[:], value, nil); err != nil {
			return s.quarrel.poison(err)
		}
	}
	if err := s.db.Apply(batch, pebble.Sync); err != nil {
		return s.quarrel.poison(err)
	}
	return s.quarrel.problem()
}

// Close releases the store. Of one that failed nothing more is written: Pebble is closed for
// the sake of its goroutines alone, and what it says then adds nothing.
func (s *Store) Close() error {
	failed := s.quarrel.problem()
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

// quarrel collects what Pebble complains about. Errors that it calls fatal, or meets in the
// background and would try again, end the store: it takes no more writes.
type quarrel struct {
	lock   *pebble.Lock
	mu     sync.Mutex
	err    error
	failed chan struct{}
}

func (q *quarrel) poison(err error) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.err == nil {
		q.err = err
		close(q.failed)
	}
	return q.err
}

func (q *quarrel) problem() error {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.err
}

// Infof, Errorf and Fatalf are Pebble's log. Unlike its own, Fatalf returns: the process may
// have more to say.
func (q *quarrel) Infof(string, ...any)              {}
func (q *quarrel) Errorf(string, ...any)             {}
func (q *quarrel) Fatalf(format string, args ...any) { _ = q.poison(fmt.Errorf(format, args...)) }

// Failed is closed when the store has failed; Write then says why.
func (s *Store) Failed() <-chan struct{} { return s.quarrel.failed }
