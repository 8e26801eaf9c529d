package store

import (
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"github.com/fauer4effect/paxos/protocol"
)

// filled is a store with that many records, of some size, and what Write returned for.
func filled(t *testing.T, fs vfs.FS, records, opBytes int) *Store {
	t.Helper()
	s := mustOpen(t, "d", fs)
	for i := 1; i <= records; i++ {
		r := protocol.Record{
			Kind: protocol.RecordAccepted, Position: protocol.Position(i), View: 1, Seq: protocol.Seq(i),
			Batch: protocol.NewBatch(protocol.Update{Client: 1, Timestamp: 1, Op: make([]byte, opBytes)}),
		}
		if err := s.Write([]protocol.Record{r}); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// without is a copy of the store's directory that lacks a file.
func without(t *testing.T, master vfs.FS, name string) vfs.FS {
	t.Helper()
	fs := vfs.NewMem()
	if _, err := vfs.Clone(master, fs, "d", "d"); err != nil {
		t.Fatal(err)
	}
	if err := fs.Remove("d/" + name); err != nil {
		t.Fatal(err)
	}
	return fs
}

func list(t *testing.T, fs vfs.FS) []string {
	t.Helper()
	names, err := fs.List("d")
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(names)
	return names
}

// A log that somebody deleted is missed, after a kill and after an orderly end, wherever the
// records were when it went. Pebble by itself opens such a store with fewer of them.
func TestDeletedLog(t *testing.T) {
	for name, c := range map[string]struct{ records, opBytes int }{
		"in one log":        {10, 10},
		"over several logs": {30, 1 << 20},
	} {
		fs := vfs.NewCrashableMem()
		s := filled(t, fs, c.records, c.opBytes)
		killed := fs.CrashClone(vfs.CrashCloneCfg{})
		mustClose(t, s)
		for how, master := range map[string]vfs.FS{"killed": killed, "closed": fs} {
			logs := 0
			for _, file := range list(t, master) {
				if !strings.HasSuffix(file, ".log") {
					continue
				}
				logs++
				s, err := Open("d", me, without(t, master, file))
				if err == nil {
					if held := len(s.Stable().Records); held < c.records {
						t.Errorf("%s, %s: without %s the store opens with %d of %d records", name, how, file, held, c.records)
					}
					mustClose(t, s)
				} else if !strings.Contains(err.Error(), "damaged: ") {
					t.Errorf("%s, %s: without %s: %v", name, how, file, err)
				}
			}
			if logs == 0 {
				t.Errorf("%s, %s: there is no log to delete", name, how)
			}
		}
	}
}

// A mark that somebody deleted is missed, and one that a crash kept from being made is not: then there
// are no records.
func TestDeletedMark(t *testing.T) {
	fs := vfs.NewMem()
	mustClose(t, filled(t, fs, 3, 1))
	if _, err := Open("d", me, without(t, fs, markName)); err == nil || !strings.Contains(err.Error(), "damaged: its file DURABLE is missing") {
		t.Errorf("a store of 3 records: %v", err)
	}
	empty := vfs.NewMem()
	mustClose(t, filled(t, empty, 0, 1))
	s, err := Open("d", me, without(t, empty, markName))
	if err != nil {
		t.Fatal(err)
	}
	mustClose(t, s)
}

// The mark follows what is written, not only when the store is opened or closed.
func TestMarkIsRenewed(t *testing.T) {
	fs := vfs.NewMem()
	s := filled(t, fs, markEvery+5, 1)
	defer mustClose(t, s)
	m, err := readMark("d", fs)
	if err != nil || m.position < markEvery || m.log == 0 {
		t.Errorf("%v, %v", m, err)
	}
}

// Where another store was put in the place of one that is open, its mark stays.
func TestAnotherStoreInThisOnesPlace(t *testing.T) {
	fs := vfs.NewMem()
	s := filled(t, fs, 3, 1)
	other := mark{store: uint64(s.ID()) + 1, position: 7}
	if err := other.write("d", fs); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err == nil || !strings.Contains(err.Error(), "another store has come to lie") {
		t.Errorf("it closes with %v", err)
	}
	if m, err := readMark("d", fs); err != nil || m != other {
		t.Errorf("the other store's mark is now %v, %v", m, err)
	}
}

// A store that is opened again and killed at any moment of that opens a third time, with all
// it held.
func TestCrashWhileOpening(t *testing.T) {
	before := vfs.NewCrashableMem()
	filled(t, before, 20, 10)
	crashes := 0
	for at := 1; ; at++ {
		fs := before.CrashClone(vfs.CrashCloneCfg{})
		var mu sync.Mutex // Pebble writes from several goroutines
		n := 0
		var crashed *vfs.MemFS
		counting := errorfs.Wrap(fs, errorfs.InjectorFunc(func(op errorfs.Op) error {
			mu.Lock()
			defer mu.Unlock()
			if op.Kind.ReadOrWrite() == errorfs.OpIsWrite && crashed == nil {
				if n++; n == at {
					// All or nothing of what was never synced. A share would keep some names of a
					// directory and lose older ones. Journals do not do that, and Pebble fails on
					// it.
					crashed = fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: at % 2 * 100, RNG: rand.New(rand.NewPCG(uint64(at), 2))})
				}
			}
			return nil
		}))
		s, err := Open("d", me, counting)
		if err != nil {
			t.Fatal(err)
		}
		mustClose(t, s) // and with it Pebble's goroutines
		if crashed == nil {
			break
		}
		crashes++
		s, err = Open("d", me, crashed)
		if err != nil {
			t.Fatalf("crash at write %d of opening: %v", at, err)
		}
		if held := len(s.Stable().Records); held != 20 {
			t.Errorf("crash at write %d of opening: %d records of 20", at, held)
		}
		mustClose(t, s)
	}
	if crashes < 10 {
		t.Errorf("only %d crashes", crashes)
	}
}

// A disk that is full when a store is opened is an error that says so; Pebble by itself tries
// again without end.
func TestFullDiskAtOpening(t *testing.T) {
	before := vfs.NewCrashableMem()
	filled(t, before, 20, 10) // never closed: there is something to flush
	var full atomic.Bool
	full.Store(true)
	fs := errorfs.Wrap(before.CrashClone(vfs.CrashCloneCfg{}), errorfs.InjectorFunc(func(op errorfs.Op) error {
		if full.Load() && strings.HasSuffix(op.Path, ".sst") && op.Kind.ReadOrWrite() == errorfs.OpIsWrite {
			time.Sleep(time.Millisecond)
			return syscall.ENOSPC
		}
		return nil
	}))
	failed := make(chan error, 1)
	go func() {
		_, err := Open("d", me, fs)
		failed <- err
	}()
	select {
	case err := <-failed:
		if !errors.Is(err, syscall.ENOSPC) || strings.Contains(err.Error(), "damaged") || strings.Contains(err.Error(), "\n") {
			t.Errorf("opening on a full disk: %v", err)
		}
	case <-time.After(10 * time.Second):
		t.Error("it does not end")
	}
	full.Store(false) // so that what was abandoned ends
}

// Only a lock that somebody holds is told as another server.
func TestLockThatCannotBeMade(t *testing.T) {
	for cause, another := range map[error]bool{syscall.EAGAIN: true, syscall.EROFS: false, syscall.EACCES: false} {
		fs := errorfs.Wrap(vfs.NewMem(), errorfs.InjectorFunc(func(op errorfs.Op) error {
			if op.Kind == errorfs.OpLock {
				return cause
			}
			return nil
		}))
		_, err := Open("d", me, fs)
		if err == nil || !errors.Is(err, cause) || strings.Contains(err.Error(), "another server") != another {
			t.Errorf("%v: %v", cause, err)
		}
	}
}
