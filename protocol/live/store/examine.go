package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// Examine says why there can be no store in a directory of this machine, or none that could be
// written. It touches nothing. Whose store it is, and whether it is sound, only Open finds out.
func Examine(dir string) error {
	if _, err := vacant(dir, vfs.Default); err != nil {
		return fmt.Errorf("store %s: %w", dir, err)
	}
	const wx = 2 | 1 // access(2): to make files in it
	at := filepath.Clean(dir)
	for {
		err := syscall.Access(at, wx)
		switch parent := filepath.Dir(at); {
		case err == nil:
			return nil
		case errors.Is(err, os.ErrNotExist) && parent != at: // Open makes it, if it may
			at = parent
		case at == filepath.Clean(dir):
			return fmt.Errorf("store %s: %w", dir, err)
		default:
			return fmt.Errorf("store %s: %s: %w", dir, at, err)
		}
	}
}

// Bytes is the size of the store's files. Pebble may remove some meanwhile.
func (s *Store) Bytes() (int64, error) {
	names, err := s.fs.List(s.dir)
	if err != nil {
		return 0, plain(err)
	}
	var bytes int64
	for _, name := range names {
		info, err := s.fs.Stat(s.fs.PathJoin(s.dir, name))
		switch {
		case errors.Is(err, os.ErrNotExist):
		case err != nil:
			return 0, plain(err)
		default:
			bytes += info.Size()
		}
	}
	return bytes, nil
}
