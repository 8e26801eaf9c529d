// Package powercut is a file system for tests. What was written and not yet synced stays in the
// process's memory. So a kill -9 of the process is a power cut for its files. It can also
// stretch syncs.
//
// It does not model names: a file that was created, renamed or removed is so at once, for good.
// A file that is closed, or opened by somebody else, is written out, though not synced. (Pebble
// syncs before it closes what it wants to keep.)
package powercut

import (
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// FS wraps a file system. Files that are created through it keep what is not synced.
type FS struct {
	vfs.FS
	stretch func() time.Duration // before each sync; nil: none

	mu   sync.Mutex
	open map[string]*file // by name, those that may hold something back
}

// New wraps a file system. Each sync takes as much longer as stretch says; nil means none.
func New(fs vfs.FS, stretch func() time.Duration) *FS {
	return &FS{FS: fs, stretch: stretch, open: make(map[string]*file)}
}

// Unwrap returns the file system below.
func (fs *FS) Unwrap() vfs.FS { return fs.FS }

// Create makes a file whose bytes are held back until they are synced.
func (fs *FS) Create(name string, category vfs.DiskWriteCategory) (vfs.File, error) {
	below, err := fs.FS.Create(name, category)
	if err != nil {
		return nil, err
	}
	f := &file{File: below, fs: fs, name: name}
	fs.mu.Lock()
	fs.open[name] = f
	fs.mu.Unlock()
	return f, nil
}

// ReuseForWrite makes a new file, as it may: an old one's bytes would have to be kept too.
func (fs *FS) ReuseForWrite(oldname, newname string, category vfs.DiskWriteCategory) (vfs.File, error) {
	if err := fs.Remove(oldname); err != nil {
		return nil, err
	}
	return fs.Create(newname, category)
}

// Open hands a file's bytes down first, so that its reader sees them.
func (fs *FS) Open(name string, opts ...vfs.OpenOption) (vfs.File, error) {
	fs.mu.Lock()
	f := fs.open[name]
	fs.mu.Unlock()
	if f != nil {
		if err := f.handDown(); err != nil {
			return nil, err
		}
	}
	return fs.FS.Open(name, opts...)
}

// Rename takes what is held back along.
func (fs *FS) Rename(oldname, newname string) error {
	if err := fs.FS.Rename(oldname, newname); err != nil {
		return err
	}
	fs.mu.Lock()
	defer fs.mu.Unlock()
	if f := fs.open[oldname]; f != nil {
		delete(fs.open, oldname)
		f.name = newname
		fs.open[newname] = f
	}
	return nil
}

// file holds back what is written to it. Only writes at its end are.
type file struct {
	vfs.File
	fs   *FS
	name string // under fs.mu

	syncing sync.Mutex // one sync at a time
	mu      sync.Mutex
	held    []byte
}

// Write holds the bytes back.
func (f *file) Write(b []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.held = append(f.held, b...)
	return len(b), nil
}

// WriteAt is for files that are open for both, which are not held back.
func (f *file) WriteAt(b []byte, at int64) (int, error) {
	if err := f.handDown(); err != nil {
		return 0, err
	}
	return f.File.WriteAt(b, at)
}

// handDown writes what is held back.
func (f *file) handDown() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.held) == 0 {
		return nil
	}
	_, err := f.File.Write(f.held)
	f.held = f.held[:0]
	return err
}

// Sync makes durable what was written before it was called.
func (f *file) Sync() error {
	f.syncing.Lock()
	defer f.syncing.Unlock()
	if f.fs.stretch != nil {
		time.Sleep(f.fs.stretch())
	}
	if err := f.handDown(); err != nil {
		return err
	}
	return f.File.Sync()
}

// SyncData is Sync.
func (f *file) SyncData() error { return f.Sync() }

// SyncTo promises nothing, and does nothing.
func (f *file) SyncTo(int64) (bool, error) { return false, nil }

// Stat counts what is held back.
func (f *file) Stat() (vfs.FileInfo, error) {
	if err := f.handDown(); err != nil {
		return nil, err
	}
	return f.File.Stat()
}

// Close hands the rest down, unsynced.
func (f *file) Close() error {
	f.fs.mu.Lock()
	if f.fs.open[f.name] == f {
		delete(f.fs.open, f.name)
	}
	f.fs.mu.Unlock()
	if err := f.handDown(); err != nil {
		return err
	}
	return f.File.Close()
}
