package powercut_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"pgregory.net/rapid"

	"github.com/fauer4effect/paxos/protocol"
	"github.com/fauer4effect/paxos/protocol/live/powercut"
	"github.com/fauer4effect/paxos/protocol/live/store"
)

const category = vfs.WriteCategoryUnspecified

func must(t interface{ Fatal(...any) }, err error) {
	if err != nil {
		t.Fatal(err)
	}
}

func content(t interface{ Fatal(...any) }, fs vfs.FS, name string) string {
	f, err := fs.Open(name)
	must(t, err)
	defer f.Close()
	b, err := io.ReadAll(f)
	must(t, err)
	return string(b)
}

// What is not synced is not there, below; what is synced is.
func TestUnsyncedIsHeldBack(t *testing.T) {
	below := vfs.NewMem()
	fs := powercut.New(below, nil)
	f, err := fs.Create("a", category)
	must(t, err)
	_, err = f.Write([]byte("synced "))
	must(t, err)
	must(t, f.Sync())
	_, err = f.Write([]byte("not synced"))
	must(t, err)
	if got := content(t, below, "a"); got != "synced " {
		t.Errorf("below there is %q", got)
	}
	if got := content(t, fs, "a"); got != "synced not synced" {
		t.Errorf("a reader sees %q", got)
	}
}

// Without a crash it is a file system like any other.
func TestLikeAnyOther(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		plain, cut := vfs.FS(vfs.NewMem()), vfs.FS(powercut.New(vfs.NewMem(), nil))
		open := map[string][2]vfs.File{}
		names := rapid.SampledFrom([]string{"a", "b", "c"})
		both := func(name string, do func(fs vfs.FS) error) {
			one, two := do(plain), do(cut)
			if (one == nil) != (two == nil) {
				rt.Fatalf("%s: %v, and %v", name, one, two)
			}
		}
		for range rapid.IntRange(1, 30).Draw(rt, "steps") {
			name := names.Draw(rt, "name")
			switch f, is := open[name]; rapid.IntRange(0, 7).Draw(rt, "step") {
			case 0:
				if is {
					must(rt, f[0].Close())
					must(rt, f[1].Close())
				}
				one, err := plain.Create(name, category)
				must(rt, err)
				two, err := cut.Create(name, category)
				must(rt, err)
				open[name] = [2]vfs.File{one, two}
			case 1, 2, 3:
				if is {
					b := rapid.SliceOfN(rapid.Byte(), 0, 20).Draw(rt, "bytes")
					_, err := f[0].Write(bytes.Clone(b))
					must(rt, err)
					_, err = f[1].Write(bytes.Clone(b))
					must(rt, err)
				}
			case 4:
				if is {
					must(rt, f[0].SyncData())
					must(rt, f[1].SyncData())
				}
			case 5:
				if is {
					must(rt, f[0].Close())
					must(rt, f[1].Close())
					delete(open, name)
				}
			case 6:
				if to := names.Draw(rt, "to"); !is && open[to] == ([2]vfs.File{}) {
					both("rename", func(fs vfs.FS) error { return fs.Rename(name, to) })
				}
			case 7:
				both("remove", func(fs vfs.FS) error {
					if is {
						return nil
					}
					return fs.Remove(name)
				})
			}
			if _, err := plain.Stat(name); err == nil {
				if one, two := content(rt, plain, name), content(rt, cut, name); one != two {
					rt.Fatalf("%s holds %q, and %q", name, one, two)
				}
			}
		}
	})
}

// TestMain is also the child of TestKill: a server's store that is written to until the
// process is killed.
func TestMain(m *testing.M) {
	if dir := os.Getenv("POWERCUT_STORE"); dir != "" {
		writeUntilKilled(dir)
	}
	os.Exit(m.Run())
}

var identity = store.Identity{Cluster: 1, Server: 1, Servers: 1}

func record(position protocol.Position) protocol.Record {
	return protocol.Record{
		Kind: protocol.RecordAccepted, Position: position, View: 1, Seq: protocol.Seq(position),
		Batch: protocol.NewBatch(protocol.Update{Client: 1, Timestamp: protocol.Timestamp(position), Op: make([]byte, 200)}),
	}
}

// writeUntilKilled says on standard output how far it has come, before each write and after.
func writeUntilKilled(dir string) {
	s, err := store.Open(dir, identity, powercut.New(vfs.Default, func() time.Duration { return 2 * time.Millisecond }))
	must(fatal{}, err)
	for position := protocol.Position(len(s.Stable().Records)) + 1; ; position++ {
		fmt.Println("writing", position)
		must(fatal{}, s.Write([]protocol.Record{record(position)}))
		fmt.Println("durable", position)
	}
}

type fatal struct{}

func (fatal) Fatal(args ...any) {
	fmt.Fprintln(os.Stderr, args...)
	os.Exit(1)
}

// A process killed in the middle of writes has lost nothing that was acknowledged, and has
// lost some of what was not.
func TestKill(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "store")
	lost := 0
	acknowledged := 0
	for round := range 8 {
		c := exec.Command(os.Args[0])
		c.Env = append(os.Environ(), "POWERCUT_STORE="+dir)
		c.Stderr = os.Stderr
		out, err := c.StdoutPipe()
		must(t, err)
		must(t, c.Start())
		begun := 0
		for lines := bufio.NewScanner(out); lines.Scan(); {
			what, number, _ := strings.Cut(lines.Text(), " ")
			n, err := strconv.Atoi(number)
			must(t, err)
			if what == "durable" {
				acknowledged = n
			} else if begun = n; n >= 10*(round+1) {
				time.Sleep(time.Millisecond) // into the stretched sync
				must(t, c.Process.Kill())
			}
		}
		_ = c.Wait() // it was killed
		s, err := store.Open(dir, identity, nil)
		must(t, err)
		held := len(s.Stable().Records)
		must(t, s.Close())
		if held < acknowledged {
			t.Fatalf("%d records were acknowledged, %d are there", acknowledged, held)
		}
		if held < begun {
			lost++
		}
	}
	if lost == 0 {
		t.Error("no kill took an unsynced record: then it is no power cut")
	}
}

// Syncs are stretched.
func TestStretch(t *testing.T) {
	n := 0
	fs := powercut.New(vfs.NewMem(), func() time.Duration { n++; return time.Nanosecond })
	f, err := fs.Create("a", category)
	must(t, err)
	must(t, f.Sync())
	must(t, f.SyncData())
	if n != 2 {
		t.Errorf("%d syncs were stretched, not 2", n)
	}
}
