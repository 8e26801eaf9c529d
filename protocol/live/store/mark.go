package store

import (
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"strconv"
	"strings"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/fauer4effect/paxos/protocol"
)

// A mark is a small file beside Pebble's that says what the store must at least hold. Pebble
// takes a missing log for one that never was; the mark knows better. It is replaced as a
// whole, and only by what is durable already.
type mark struct {
	store    uint64            // its id
	position protocol.Position // all records up to it are durable
	log      uint64            // a log of this number, or a later one, is there; zero: perhaps none
}

const (
	markName  = "DURABLE"
	markTemp  = "DURABLE.new"
	markEvery = 1024 // records: the mark's own syncs should not be felt
)

// marks says whether a file is the mark's.
func marks(name string) bool { return name == markName || name == markTemp }

func (m mark) String() string {
	text := fmt.Sprintf("store %016x holds all records up to %d and log %d", m.store, m.position, m.log)
	return fmt.Sprintf("%s %08x\n", text, crc32.ChecksumIEEE([]byte(text)))
}

// readMark reads the mark; a store that is being made has none yet.
func readMark(dir string, fs vfs.FS) (mark, error) {
	var m mark
	text, err := readFile(fs, fs.PathJoin(dir, markName))
	switch {
	case errors.Is(err, os.ErrNotExist):
		return m, nil
	case err != nil:
		return m, plain(err)
	}
	_, err = fmt.Sscanf(string(text), "store %x holds all records up to %d and log %d", &m.store, &m.position, &m.log)
	if err != nil || m.String() != string(text) {
		return m, damaged(fmt.Errorf("its file %s is unreadable", markName))
	}
	return m, nil
}

// write replaces the mark, durably.
func (m mark) write(dir string, fs vfs.FS) error {
	temp := fs.PathJoin(dir, markTemp)
	f, err := fs.Create(temp, vfs.WriteCategoryUnspecified)
	if err != nil {
		return plain(err)
	}
	_, err = f.Write([]byte(m.String()))
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return plain(err)
	}
	if err := fs.Rename(temp, fs.PathJoin(dir, markName)); err != nil {
		return plain(err)
	}
	return syncDir(dir, fs)
}

// misses says what of the mark's log is not there.
func (m mark) misses(dir string, fs vfs.FS) error {
	if m.log == 0 {
		return nil
	}
	names, err := fs.List(dir)
	if err != nil {
		return plain(err)
	}
	for _, name := range names {
		if number, isLog := strings.CutSuffix(name, ".log"); isLog {
			number, _, _ = strings.Cut(number, "-")
			if n, err := strconv.ParseUint(number, 10, 64); err == nil && n >= m.log {
				return nil
			}
		}
	}
	return damaged(fmt.Errorf("its log %06d.log is missing", m.log))
}

// holds compares the mark with the store that it lies beside.
func (m mark) holds(id uint64, last protocol.Position) error {
	switch {
	case m.store == 0 && last > 0: // the first life notes it before it writes anything
		return damaged(fmt.Errorf("its file %s is missing", markName))
	case m.store == 0:
		return nil
	case m.store != id:
		return damaged(fmt.Errorf("its file %s is of store %016x", markName, m.store))
	case last < m.position:
		return damaged(fmt.Errorf("it ends with record %d, and %d were durable", last, m.position))
	}
	return nil
}

// mark notes what is durable now: all that was written.
func (s *Store) mark() error {
	m := mark{store: s.meta.Store, position: s.next, log: s.log.Load()}
	if there, err := readMark(s.dir, s.fs); err == nil && there.store != 0 && there.store != m.store {
		return fmt.Errorf("%s is of store %016x: another store has come to lie in this one's place", markName, there.store)
	}
	if err := m.write(s.dir, s.fs); err != nil {
		return fmt.Errorf("%s: %w", markName, err)
	}
	s.marked = m
	return nil
}

// markDue says whether the mark is too old.
func (s *Store) markDue() bool {
	return s.next-s.marked.position >= markEvery || s.log.Load() != s.marked.log
}
