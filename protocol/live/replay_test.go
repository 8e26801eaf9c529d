package live

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/fauer4effect/paxos/protocol"
	"github.com/fauer4effect/paxos/protocol/kv"
)

// Whatever a recording holds, it replays or is an error.
func FuzzReplay(f *testing.F) {
	path := filepath.Join(f.TempDir(), "tape")
	tape, err := OpenTape(path)
	if err != nil {
		f.Fatal(err)
	}
	cfg := protocol.Config{ID: 1, Servers: 1, Store: 5}
	m, err := protocol.New(cfg, 0, kv.New(), protocol.Stable{})
	if err != nil {
		f.Fatal(err)
	}
	if err := tape.begin(cfg, protocol.Stable{}, 1); err != nil {
		f.Fatal(err)
	}
	for i := range 6 {
		var out protocol.Output
		in := protocol.Input{Kind: protocol.Timer}
		if i%2 == 1 {
			in = protocol.Input{Kind: protocol.Durable, UpTo: protocol.Position(i/2 + 1)}
		}
		m.Step(protocol.Instant(i)*1e8, in, &out)
		tape.write(protocol.Instant(i)*1e8, &in, &out)
	}
	if err := tape.end(); err != nil {
		f.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	if done, err := Replay(bytes.NewReader(text), func() protocol.App { return kv.New() }, Visitor{}); err != nil || done.Steps != 6 {
		f.Fatalf("the seed itself: %+v, %v", done, err)
	}
	f.Add(text)
	f.Fuzz(func(t *testing.T, text []byte) {
		_, _ = Replay(bytes.NewReader(text), func() protocol.App { return kv.New() }, Visitor{})
	})
}
