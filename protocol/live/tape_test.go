package live_test

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fauer4effect/paxos/protocol"
	"github.com/fauer4effect/paxos/protocol/kv"
	"github.com/fauer4effect/paxos/protocol/live"
	"github.com/fauer4effect/paxos/protocol/live/trio"
)

// A recording that no server of ours made is refused in one line, whatever it says. It must
// neither take all memory nor end the program.
func TestForgedTapes(t *testing.T) {
	const life = `{"life":{"number":1,"config":{"ID":2,"Servers":3,"Settings":{}},"records":[`
	for _, c := range []struct{ text, want string }{
		{life + `{"k":3,"p":1,"s":1152921504606846975,"b":[]}]}}`, "line 1: server 2: recovery: record 0: seq 1152921504606846975, but"},
		{life + `{"k":2,"p":1,"v":1,"s":4000000000,"b":[]}]}}`, "line 1: server 2: recovery: record 0: seq 4000000000, but"},
		{life + `]}}` + "\n" + `{"at_ns":-1,"in":{},"out":{}}`, "line 2: at_ns -1 follows 0: time goes back"},
		{life + `]}}` + "\n" + `{"in":{}}`, "line 2: neither"},
		{life + `]}}` + "\n" + `{"in":{"k":9},"out":{}}`, "line 2: unknown kind 9"},
		{life + `]}}` + "\n" + `{"in":{"k":2,"upto":-1},"out":{}}`, "line 2: json: cannot unmarshal number -1"},
		{life + `]},"at_ns":3}`, "line 1: both the beginning of a life and a step"},
		{life + `]},"in":{},"out":{}}`, "line 1: both the beginning of a life and a step"},
		{life + `]}} {}`, "line 1: something follows the object"},
		{life + `]}} x`, "line 1: something follows the object"},
		{strings.Replace(life, `"number":1`, `"number":0`, 1) + `]}}`, "line 1: a life without its number"},
		{`{"life":{"number":1,"config":{"ID":2,"Servers":3,"Settings":{}}}}`, "line 1: a life without its number"},
		{`{"life":{"number":1,"records":[]}}`, "line 1: server: a cluster has 1 to 9 servers"},
		{life + `]}}` + "\nx", "line 2: it is not a JSON object"},
		{"x", "it holds no life of a server"},
	} {
		_, err := live.Replay(strings.NewReader(c.text+"\n"), func() protocol.App { return kv.New() }, live.Visitor{})
		if err == nil || !strings.HasPrefix(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s:\n%v\nwant %s", c.text, err, c.want)
		}
	}
	endless := zeros{}
	if _, err := live.Replay(endless, func() protocol.App { return kv.New() }, live.Visitor{}); err == nil {
		t.Error("a file without end replays")
	}
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }

// A panic of the machine is an error that names the line.
func TestAPanicNamesItsLine(t *testing.T) {
	text := `{"life":{"number":1,"config":{"ID":1,"Servers":1,"Settings":{}},"records":[]}}` + "\n"
	_, err := live.Replay(strings.NewReader(text), func() protocol.App { panic("no App today") }, live.Visitor{})
	if err == nil || err.Error() != "line 1: the machine gives up: no App today" {
		t.Error(err)
	}
}

// A file that is not a recording stays as it is. So does the recording of a server that does not
// start, since another server may be writing it.
func TestRecordTouchesNothingOfOthers(t *testing.T) {
	c := trio.New(t, nil)
	c.Start(0)
	dir := t.TempDir()
	for name, text := range map[string]string{
		"thesis":   "chapter one\nchapter two, not yet fini",
		"settings": `{"life":"hard"}` + "\n",
	} {
		path := filepath.Join(dir, name)
		write(t, path, text)
		if _, err := live.OpenTape(path); err == nil || !strings.Contains(err.Error(), "holds something else than a recording") {
			t.Errorf("%s: %v", name, err)
		}
		if got := read(t, path); got != text {
			t.Errorf("%s holds %q now", name, got)
		}
	}
	begun := `{"life":{"number":1,"config":{"ID":1}}}` + "\n" + `{"at_ns":12,"in":{"m`
	running := filepath.Join(dir, "running")
	write(t, running, begun)
	second := c.Configs[0] // while the first runs
	for path, want := range map[string]string{running: begun, filepath.Join(dir, "new"): ""} {
		tape, err := live.OpenTape(path)
		if err != nil {
			t.Fatal(err)
		}
		second.Tape = tape
		if s, err := live.Start(second); err == nil {
			t.Error("two servers have one store")
			_ = s.Close()
		}
		if got, err := os.ReadFile(path); string(got) != want || want == "" && !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s holds %q now, %v", path, got, err)
		}
	}
	torn := filepath.Join(dir, "torn") // within its first line
	write(t, torn, `{"life":{"num`)
	tape, err := live.OpenTape(torn)
	if err != nil {
		t.Fatal(err)
	}
	c.Stop(0)
	c.Configs[0].Tape = tape
	c.Start(0)
	c.Stop(0)
	f, err := os.Open(torn)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if done, err := live.Replay(f, func() protocol.App { return kv.New() }, live.Visitor{}); err != nil || done.Lives != 1 {
		t.Errorf("the torn one: %+v, %v", done, err)
	}
	if _, err := live.OpenTape(filepath.Join(dir, "nowhere", "tape")); err == nil {
		t.Error("a tape in a folder that is not there")
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

var _ io.Reader = zeros{}
