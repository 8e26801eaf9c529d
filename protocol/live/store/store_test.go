package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/fauer4effect/paxos/protocol"
)

var me = Identity{Cluster: 0xC1, Server: 2, Servers: 3}

var equal = cmpopts.IgnoreUnexported(protocol.Batch{})

func mustOpen(t testing.TB, dir string, fs vfs.FS) *Store {
	t.Helper()
	s, err := Open(dir, me, fs)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// some draws records that continue position.
func some(t *rapid.T, position protocol.Position) []protocol.Record {
	var records []protocol.Record
	for range rapid.IntRange(1, 6).Draw(t, "records") {
		position++
		r := protocol.Record{
			Kind: protocol.RecordKind(rapid.IntRange(1, 4).Draw(t, "kind")), Position: position,
			Lazy: rapid.Bool().Draw(t, "lazy"),
			View: protocol.View(rapid.Uint64().Draw(t, "view")), Seq: protocol.Seq(rapid.Uint64().Draw(t, "seq")),
		}
		switch {
		case r.Kind == protocol.RecordFormed:
			r.Roster = &protocol.Roster{Formed: true}
			for id := range r.Roster.Stores[1:] {
				r.Roster.Stores[id+1] = protocol.StoreID(rapid.Uint64().Draw(t, "store"))
			}
		case rapid.Bool().Draw(t, "with a batch"):
			var updates []protocol.Update
			for range rapid.IntRange(0, 2).Draw(t, "updates") {
				updates = append(updates, protocol.Update{
					Client: protocol.ClientID(rapid.Uint32().Draw(t, "client")), Server: 1,
					Timestamp: protocol.Timestamp(rapid.Uint64().Draw(t, "timestamp")),
					Op:        rapid.SliceOfN(rapid.Byte(), 0, 100).Draw(t, "op"),
				})
			}
			r.Batch = protocol.NewBatch(updates...)
		}
		records = append(records, r)
	}
	return records
}

// What was written is there again, in order, in the next life.
func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		fs := vfs.NewMem()
		var written []protocol.Record
		var id protocol.StoreID
		for life := uint64(1); life <= 3; life++ {
			s := mustOpen(t, "d", fs)
			if life == 1 {
				id = s.ID()
			}
			held := s.Stable().Records
			if diff := cmp.Diff(written, held, equal, cmpopts.EquateEmpty()); diff != "" {
				rt.Fatalf("life %d: written and read differ:\n%s", life, diff)
			}
			for i, r := range held {
				if (r.Batch == nil) != (written[i].Batch == nil) || r.Batch != nil && r.Batch.Hash() != written[i].Batch.Hash() {
					rt.Fatalf("record %d: another batch", i+1)
				}
			}
			if s.Life() != life || s.ID() != id || id == 0 {
				rt.Fatalf("life %d of store %x; it was store %x", s.Life(), s.ID(), id)
			}
			more := some(rt, protocol.Position(len(written)))
			if err := s.Write(more); err != nil {
				rt.Fatal(err)
			}
			written = append(written, more...)
			if err := s.Close(); err != nil {
				rt.Fatal(err)
			}
		}
	})
}

// After a crash at any moment what Write returned for is there, and what is there is the
// beginning of what was written.
func TestCrash(t *testing.T) {
	kept := 0
	rapid.Check(t, func(rt *rapid.T) {
		fs := vfs.NewCrashableMem()
		var written []protocol.Record
		for range rapid.IntRange(1, 4).Draw(rt, "lives") {
			s := mustOpen(t, "d", fs)
			held := s.Stable().Records
			if len(held) < len(written) {
				rt.Fatalf("%d records were acknowledged, %d are there", len(written), len(held))
			}
			if diff := cmp.Diff(written, held[:len(written)], equal, cmpopts.EquateEmpty()); diff != "" {
				rt.Fatalf("written and read differ:\n%s", diff)
			}
			written = held
			var crashed *vfs.MemFS
			percent := rapid.SampledFrom([]int{0, 50, 100}).Draw(rt, "unsynced percent")
			crash := func() *vfs.MemFS {
				return fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: percent, RNG: rand.New(rand.NewPCG(1, 2))})
			}
			for range rapid.IntRange(0, 3).Draw(rt, "writes") {
				more := some(rt, protocol.Position(len(written)))
				if err := s.Write(more); err != nil {
					rt.Fatal(err)
				}
				written = append(written, more...)
			}
			crashed = crash()
			_ = s.Close() // its writes no longer count
			fs = crashed
			kept += len(written)
		}
	})
	if kept == 0 {
		t.Error("no crash found a record to keep")
	}
}

// An error of the disk ends the store: nothing is tried again, whatever the disk does later.
func TestFailedSync(t *testing.T) {
	for name, kind := range map[string]errorfs.OpKind{
		"sync": errorfs.OpFileSync, "sync data": errorfs.OpFileSyncData, "write": errorfs.OpFileWrite,
	} {
		t.Run(name, func(t *testing.T) {
			broken := errors.New("the disk is gone")
			on, hit, after := false, 0, 0
			fs := errorfs.Wrap(vfs.NewMem(), errorfs.InjectorFunc(func(op errorfs.Op) error {
				switch log := strings.HasSuffix(op.Path, ".log"); {
				case on && log && op.Kind == kind:
					hit++
					return broken
				case hit > 0 && log && op.Kind != errorfs.OpFileClose:
					after++
				}
				return nil
			}))
			s := mustOpen(t, "d", fs)
			if err := s.Write([]protocol.Record{{Kind: protocol.RecordInstalled, Position: 1, View: 1}}); err != nil {
				t.Fatal(err)
			}
			on = true
			err := s.Write([]protocol.Record{{Kind: protocol.RecordInstalled, Position: 2, View: 2}})
			if hit == 0 {
				t.Skip("this Pebble does not use that operation on its log")
			}
			if err == nil || !strings.Contains(err.Error(), broken.Error()) {
				t.Fatalf("Write on a broken disk: %v", err)
			}
			on = false // the disk is back, but nobody knows what it holds
			if again := s.Write([]protocol.Record{{Kind: protocol.RecordInstalled, Position: 3, View: 3}}); again == nil || again.Error() != err.Error() {
				t.Errorf("Write after that: %v", again)
			}
			select {
			case <-s.Failed():
			default:
				t.Error("Failed says nothing")
			}
			if err := s.Close(); err == nil {
				t.Error("Close says nothing")
			}
			if hit != 1 || after != 0 {
				t.Errorf("the operation failed %d times, and the log was touched %d times after that", hit, after)
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	dir := t.TempDir()
	mustClose := func(s *Store) {
		t.Helper()
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	in := func(name string) string { return filepath.Join(dir, name) }
	mustClose(mustOpen(t, in("good"), nil))
	if err := os.MkdirAll(in("foreign"), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(in("foreign/thesis.tex"), nil, 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(in("file"), nil, 0o666); err != nil {
		t.Fatal(err)
	}
	open := mustOpen(t, in("open"), nil)
	defer mustClose(open)
	broken := mustOpen(t, in("gap"), nil)
	for i := protocol.Position(1); i <= 3; i++ {
		if err := broken.Write([]protocol.Record{{Kind: protocol.RecordInstalled, Position: i, View: protocol.View(i)}}); err != nil {
			t.Fatal(err)
		}
	}
	if err := broken.db.Delete(append(slices.Clone(recordKey), 0, 0, 0, 0, 0, 0, 0, 2), nil); err != nil {
		t.Fatal(err)
	}
	mustClose(broken)
	unreadable := mustOpen(t, in("unreadable"), nil)
	if err := unreadable.db.Set(append(slices.Clone(recordKey), 0, 0, 0, 0, 0, 0, 0, 1), []byte{0xC1}, nil); err != nil {
		t.Fatal(err)
	}
	mustClose(unreadable)
	future := mustOpen(t, in("future"), nil)
	future.meta.Format = format + 1
	value, err := future.meta.MarshalMsg(nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := future.db.Set(metaKey, value, nil); err != nil {
		t.Fatal(err)
	}
	mustClose(future)
	lost := mustOpen(t, in("lost"), nil)
	mustClose(lost)
	manifests, _ := filepath.Glob(in("lost/MANIFEST-*"))
	for _, m := range manifests {
		if err := os.Remove(m); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		dir  string
		id   Identity
		want string
	}{
		{"good", Identity{0xC2, 2, 3}, "it belongs to cluster 00000000000000c1, and the host file says 00000000000000c2: bring back the host file that it was made with, or give this server another --data"},
		{"good", Identity{0xC1, 3, 3}, "it is the store of server 2, not 3: give each server its own --data"},
		{"good", Identity{0xC1, 2, 5}, "it belongs to a cluster of 3 servers, not 5: bring back the host file"},
		{"open", me, "another server has it open"},
		{"foreign", me, "it holds no store, but other files, such as thesis.tex: give the server a directory of its own"},
		{"file", me, "not a directory"},
		{"gap", me, "damaged: record 3 follows record 1; run the cluster without this server"},
		{"unreadable", me, "damaged: record 1: "},
		{"lost", me, "damaged: "},
		{"future", me, fmt.Sprintf("it has format %d, and this program reads format %d: use the program that wrote it", format+1, format)},
	} {
		s, err := Open(in(c.dir), c.id, nil)
		if err == nil {
			t.Errorf("%s: opened by %+v", c.dir, c.id)
			mustClose(s)
			continue
		}
		if !strings.HasPrefix(err.Error(), "store "+in(c.dir)+": "+c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s by %+v:\n got %q\nwant %q", c.dir, c.id, err, c.want)
		}
	}
	mustClose(mustOpen(t, in("good"), nil)) // none of that did any harm
	if _, err := os.Stat(in("foreign/LOCK")); err == nil {
		t.Error("a foreign directory was touched")
	}
}

// Each life's incarnation is above those before it, also where the clock went back; what was
// heard of peers is kept.
func TestIncarnations(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "d")
	s := mustOpen(t, dir, nil)
	first := s.Incarnation()
	if err := s.NotePeers(Peers{1: 7, 3: first + 1e6}); err != nil {
		t.Fatal(err)
	}
	future := first + 1<<50 // as if the clock had been ahead
	if err := s.db.Set(lifeKey, binary.BigEndian.AppendUint64([]byte{0, 0, 0, 0, 0, 0, 0, 1}, future), nil); err != nil {
		t.Fatal(err)
	}
	mustClose(t, s)
	s = mustOpen(t, dir, nil)
	defer s.Close()
	if s.Life() != 2 || s.Incarnation() != future+1 || s.Peers() != (Peers{1: 7, 3: first + 1e6}) {
		t.Errorf("life %d, incarnation %d after %d, peers %v", s.Life(), s.Incarnation(), future, s.Peers())
	}
}

// A directory that was emptied becomes another store.
func TestEmptied(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "d")
	s := mustOpen(t, dir, nil)
	was := s.ID()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	s = mustOpen(t, dir, nil)
	defer s.Close()
	if s.ID() == was || s.Life() != 1 {
		t.Errorf("store %x in life %d, where it was %x", s.ID(), s.Life(), was)
	}
}

// A first start that is cut short anywhere leaves a directory that can be opened.
func TestCrashWhileFormatting(t *testing.T) {
	crashes := 0
	for at := 1; ; at++ {
		fs := vfs.NewCrashableMem()
		var mu sync.Mutex // Pebble writes from several goroutines
		n := 0
		var crashed *vfs.MemFS
		counting := errorfs.Wrap(fs, errorfs.InjectorFunc(func(op errorfs.Op) error {
			mu.Lock()
			defer mu.Unlock()
			if op.Kind.ReadOrWrite() == errorfs.OpIsWrite {
				if n++; n == at {
					crashed = fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: at * 37 % 101, RNG: rand.New(rand.NewPCG(uint64(at), 2))})
				}
			}
			return nil
		}))
		s, err := Open("d", me, counting)
		if err != nil {
			t.Fatal(err)
		}
		_ = s.Close() // and with it Pebble's goroutines
		if crashed == nil {
			break
		}
		crashes++
		again, err := Open("d", me, crashed)
		if err != nil {
			t.Fatalf("crash at write %d of formatting: %v", at, err)
		}
		if err := again.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if crashes < 10 {
		t.Errorf("only %d crashes", crashes)
	}
}

// A flipped byte is never passed on: the store is refused, or what was acknowledged is there.
// In the log that a kill leaves behind, only the newest write can't be told from a torn one.
func TestDamage(t *testing.T) {
	for name, after := range map[string]struct {
		clone   func(fs *vfs.MemFS) *vfs.MemFS
		loses   int // records at most
		refused int // stores at least
	}{
		"tables":                     {func(fs *vfs.MemFS) *vfs.MemFS { return fs }, 0, 50},
		"the log of a killed server": {func(fs *vfs.MemFS) *vfs.MemFS { return fs.CrashClone(vfs.CrashCloneCfg{}) }, 1, 50},
	} {
		t.Run(name, func(t *testing.T) {
			fs := vfs.NewCrashableMem()
			s := mustOpen(t, "d", fs)
			var written []protocol.Record
			for i := protocol.Position(1); i <= 40; i++ {
				r := protocol.Record{
					Kind: protocol.RecordAccepted, Position: i, View: 1, Seq: protocol.Seq(i),
					Batch: protocol.NewBatch(protocol.Update{Client: 1, Timestamp: protocol.Timestamp(i), Op: []byte(strings.Repeat("x", int(i)))}),
				}
				if err := s.Write([]protocol.Record{r}); err != nil {
					t.Fatal(err)
				}
				written = append(written, r)
			}
			master := after.clone(fs)
			mustClose(t, s)
			if after.loses == 0 {
				mustClose(t, mustOpen(t, "d", master)) // so that all is in a table
			}
			damage(t, master, written, after.loses, after.refused)
		})
	}
}

// damage flips bytes all over a store's files, one in each copy.
func damage(t *testing.T, master vfs.FS, written []protocol.Record, loses, least int) {
	names, err := master.List("d")
	if err != nil {
		t.Fatal(err)
	}
	refused, harmless := 0, 0
	for _, name := range names {
		size := sizeOf(t, master, "d/"+name)
		for at := int64(0); at < size; at += 1 + size/120 {
			fs := vfs.NewMem()
			if _, err := vfs.Clone(master, fs, "d", "d"); err != nil {
				t.Fatal(err)
			}
			flip(t, fs, "d/"+name, at)
			s, err := Open("d", me, fs)
			if err != nil {
				refused++
				continue
			}
			harmless++
			held := s.Stable().Records
			if len(held) < len(written)-loses {
				t.Errorf("%s, byte %d: the damage goes unnoticed, and %d of %d records are left", name, at, len(held), len(written))
			} else if diff := cmp.Diff(written[:len(held)], held, equal); diff != "" {
				t.Errorf("%s, byte %d: the damage goes unnoticed:\n%s", name, at, diff)
			}
			_ = s.Close()
		}
	}
	if refused < least {
		t.Errorf("only %d damaged stores were refused, %d not", refused, harmless)
	}
}

func mustClose(t *testing.T, s *Store) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func sizeOf(t *testing.T, fs vfs.FS, name string) int64 {
	info, err := fs.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

func flip(t *testing.T, fs vfs.FS, name string, at int64) {
	f, err := fs.OpenReadWrite(name, vfs.WriteCategoryUnspecified)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b := make([]byte, 1)
	if _, err := f.ReadAt(b, at); err != nil {
		t.Fatal(err)
	}
	b[0] ^= 0x40
	if _, err := f.WriteAt(b, at); err != nil {
		t.Fatal(err)
	}
}

func BenchmarkWrite(b *testing.B) {
	for _, n := range []int{1, 64} {
		b.Run(map[int]string{1: "1", 64: "64"}[n], func(b *testing.B) {
			s := mustOpen(b, filepath.Join(b.TempDir(), "d"), nil)
			defer s.Close()
			batch := protocol.NewBatch(protocol.Update{Client: 1, Op: make([]byte, 64)})
			position := protocol.Position(0)
			records := make([]protocol.Record, n)
			for b.Loop() {
				for i := range records {
					position++
					records[i] = protocol.Record{Kind: protocol.RecordAccepted, Position: position, View: 1, Seq: 1, Batch: batch}
				}
				if err := s.Write(records); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// snapshotAt is a record of a snapshot, from which a truncated store begins.
func snapshotAt(position protocol.Position, body string) protocol.Record {
	return protocol.Record{
		Kind: protocol.RecordSnapshot, Position: position, View: 2, Seq: 4,
		Checkpoint: &protocol.Checkpoint{Snapshot: protocol.SnapshotOf(4, []byte(body)), Open: protocol.DataList{}},
	}
}

// A store gives up the records below a snapshot, in life after life, and whoever opens it finds
// the snapshot and what follows. A crash may bring back what was given up, and no more.
func TestTruncate(t *testing.T) {
	fs := vfs.NewCrashableMem()
	installed := func(p protocol.Position) protocol.Record {
		return protocol.Record{Kind: protocol.RecordInstalled, Position: p, View: protocol.View(p)}
	}
	s := mustOpen(t, "db", fs)
	write := func(records ...protocol.Record) {
		t.Helper()
		if err := s.Write(records); err != nil {
			t.Fatal(err)
		}
	}
	write(installed(1), installed(2), installed(3))
	write(snapshotAt(4, "state"), installed(5))
	if err := s.Truncate(4); err != nil {
		t.Fatal(err)
	}
	crashed := fs.CrashClone(vfs.CrashCloneCfg{}) // before anything more is synced
	write(installed(6))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for name, found := range map[string]struct {
		fs          vfs.FS
		first, last protocol.Position
	}{"closed": {fs, 4, 6}, "crashed": {crashed, 1, 5}} {
		s := mustOpen(t, "db", found.fs)
		got := s.Stable().Records
		if first, last := got[0].Position, got[len(got)-1].Position; first != found.first && first != 4 || last != found.last {
			t.Errorf("%s: records %d to %d are found", name, first, last)
		}
		for _, r := range got {
			if r.Kind == protocol.RecordSnapshot && string(r.Checkpoint.Snapshot.Body) != "state" {
				t.Errorf("%s: the snapshot is found as %q", name, r.Checkpoint.Snapshot.Body)
			}
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}

	s = mustOpen(t, "db", fs)
	write(installed(7), snapshotAt(8, "later"))
	if err := s.Truncate(8); err != nil {
		t.Fatal(err)
	}
	write(installed(9))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = mustOpen(t, "db", fs)
	if got := s.Stable().Records; len(got) != 2 || got[0].Position != 8 {
		t.Errorf("after a second time it holds %v", got)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// A store whose beginning is missing, where no snapshot stands for it, is damaged.
func TestABeginningThatIsMissing(t *testing.T) {
	fs := vfs.NewMem()
	s := mustOpen(t, "db", fs)
	records := []protocol.Record{
		{Kind: protocol.RecordInstalled, Position: 1, View: 1},
		{Kind: protocol.RecordInstalled, Position: 2, View: 2},
		{Kind: protocol.RecordInstalled, Position: 3, View: 3},
	}
	if err := s.Write(records); err != nil {
		t.Fatal(err)
	}
	if err := s.Truncate(3); err != nil { // which no machine of ours asks for
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := Open("db", me, fs); err == nil || !strings.Contains(err.Error(), "damaged: record 3 follows record 0") {
		t.Errorf("it is opened: %v", err)
	}
}
