package store

import (
	"errors"
	"fmt"
	"os"
	"regexp"

	"github.com/cockroachdb/pebble/v2/vfs"
)

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
		case pebbles.MatchString(name) || marks(name):
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

// clear leaves a vacant directory empty, except for a sign that it is being formatted.
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
		if pebbles.MatchString(name) || marks(name) {
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
