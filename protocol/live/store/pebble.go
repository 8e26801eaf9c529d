package store

import (
	"errors"
	"fmt"
	"syscall"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

const (
	memTable = 8 << 20 // bytes
	cacheMem = 8 << 20

	openFiles = 64 // tables that it keeps open
)

func (s *Store) options(fs vfs.FS, fresh bool) *pebble.Options {
	return &pebble.Options{
		FS: fs, Lock: s.quarrel.lock, Logger: s.quarrel, ErrorIfNotExists: !fresh,
		CacheSize: cacheMem, MemTableSize: memTable, MaxOpenFiles: openFiles, FormatMajorVersion: pebble.FormatNewest,
		EventListener: &pebble.EventListener{
			BackgroundError: func(err error) { _ = s.quarrel.poison(err) },
			WALCreated:      func(i pebble.WALCreateInfo) { s.log.Store(uint64(i.FileNum)) },
		},
	}
}

// openPebble opens Pebble, unless the disk fails meanwhile: on a full one Pebble tries again
// without end. What is abandoned then ends with the process, or when the disk lets it.
func (s *Store) openPebble(o *pebble.Options) error {
	type opened struct {
		db  *pebble.DB
		err error
	}
	done, abandoned := make(chan opened), make(chan struct{})
	go func() {
		db, err := pebble.Open(s.dir, o)
		select {
		case done <- opened{db, err}:
		case <-abandoned:
			if err == nil {
				_ = db.Close() // nobody waits for it now
			}
		}
	}()
	select {
	case d := <-done:
		if d.err != nil && !refusedByDisk(d.err) {
			return damaged(d.err)
		}
		s.db = d.db
		return plain(d.err)
	case <-s.quarrel.failed:
		close(abandoned)
		return fmt.Errorf("while it is opened: %w", plain(s.quarrel.problem()))
	}
}

// refusedByDisk says whether an error speaks of the file system's state, and not of what is
// in its files.
func refusedByDisk(err error) bool {
	for _, is := range []syscall.Errno{syscall.ENOSPC, syscall.EDQUOT, syscall.EROFS, syscall.EACCES, syscall.EPERM, syscall.EMFILE, syscall.ENFILE} {
		if errors.Is(err, is) {
			return true
		}
	}
	return false
}

func damaged(err error) error {
	return fmt.Errorf("damaged: %w; run the cluster without this server: neither an emptied store nor an older copy may vote (X18)", err)
}
