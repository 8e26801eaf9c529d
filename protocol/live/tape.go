package live

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/fauer4effect/paxos/protocol"
)

// A tape is what a machine was fed with and what came of it, as JSON lines: each life of a
// server opens with its config and what its store held; each line after that is one Step.
// The machine being pure, feeding it again must give every output again, byte for byte.

// Tape records a server's lives to a file.
type Tape struct {
	file *os.File
	out  *bufio.Writer
	enc  *json.Encoder
	err  error // the first; it ends the server's recording loudly, at its end
}

// tapeLine is a line: the beginning of a life, or a step.
type tapeLine struct {
	Life *tapeLife       `json:"life,omitempty"`
	At   int64           `json:"at_ns,omitempty"`
	In   *tapeInput      `json:"in,omitempty"`
	Out  json.RawMessage `json:"out,omitempty"`
}

type tapeLife struct {
	Number  uint64          `json:"number"`
	Config  protocol.Config `json:"config"`
	Records []tapeRecord    `json:"records"`
}

// OpenTape opens a tape to add lives to. A line that a crash cut short is cut off.
func OpenTape(path string) (*Tape, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o666)
	if err == nil {
		err = cutTornLine(f)
	}
	if err != nil {
		var p *os.PathError
		if errors.As(err, &p) {
			err = p.Err
		}
		return nil, fmt.Errorf("record %s: %w", path, err)
	}
	out := bufio.NewWriterSize(f, 1<<16)
	return &Tape{file: f, out: out, enc: json.NewEncoder(out)}, nil
}

// cutTornLine truncates the file after its last newline, and stands there.
func cutTornLine(f *os.File) error {
	end, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	chunk := make([]byte, 1<<16)
	for end > 0 {
		from := max(0, end-int64(len(chunk)))
		n, err := f.ReadAt(chunk[:end-from], from)
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		if i := bytes.LastIndexByte(chunk[:n], '\n'); i >= 0 {
			end = from + int64(i) + 1
			break
		}
		end = from
	}
	if err := f.Truncate(end); err != nil {
		return err
	}
	_, err = f.Seek(end, io.SeekStart)
	return err
}

func (t *Tape) put(l *tapeLine) {
	if err := t.enc.Encode(l); err != nil && t.err == nil {
		t.err = err
	}
}

// begin opens a life.
func (t *Tape) begin(cfg protocol.Config, stable protocol.Stable, life uint64) error {
	if t == nil {
		return nil
	}
	l := &tapeLife{Number: life, Config: cfg, Records: tapeRecords(stable.Records)}
	t.put(&tapeLine{Life: l})
	t.flush()
	return t.problem()
}

// write adds a step.
func (t *Tape) write(now protocol.Instant, in *protocol.Input, out *protocol.Output) {
	if t == nil {
		return
	}
	t.put(&tapeLine{At: int64(now), In: tapeInputOf(in), Out: encodeOutput(out)})
}

// flush hands what was written to the kernel, before what came of it leaves.
func (t *Tape) flush() {
	if t == nil {
		return
	}
	if err := t.out.Flush(); err != nil && t.err == nil {
		t.err = err
	}
}

func (t *Tape) problem() error {
	if t.err != nil {
		return fmt.Errorf("record %s: %w", t.file.Name(), t.err)
	}
	return nil
}

func (t *Tape) end() error {
	if t == nil {
		return nil
	}
	t.flush()
	if err := t.file.Close(); err != nil && t.err == nil {
		t.err = err
	}
	return t.problem()
}

// Replayed is what a tape held.
type Replayed struct {
	Lives    int
	Steps    uint64
	Records  uint64
	Messages uint64
	Replies  uint64
}

// Difference is where a replayed machine left its tape.
type Difference struct {
	Life               uint64
	Line               int // of the tape, from 1
	At                 int64
	Recorded, Replayed string // the step's output
}

func (d *Difference) Error() string {
	return fmt.Sprintf("line %d, life %d, at %.6fs: the machine gives another output\nrecorded: %s\nreplayed: %s",
		d.Line, d.Life, float64(d.At)/1e9, d.Recorded, d.Replayed)
}

// Visitor sees what a tape holds. A nil function sees nothing.
type Visitor struct {
	Life func(number uint64, cfg *protocol.Config, stable *protocol.Stable)
	Step func(in *protocol.Input, out *protocol.Output)
}

// Replay feeds fresh machines with what a tape holds and compares every output. A machine
// that gives another one is a *Difference. The last line may be torn.
func Replay(r io.Reader, app func() protocol.App, visit Visitor) (Replayed, error) {
	var done Replayed
	var machine *protocol.Server
	var life uint64
	var out protocol.Output
	in := bufio.NewReaderSize(r, 1<<16)
	for n := 1; ; n++ {
		text, err := in.ReadBytes('\n')
		if errors.Is(err, io.EOF) { // a line without its end was torn by a crash
			if done.Lives == 0 {
				return done, errors.New("it holds no life of a server")
			}
			return done, nil
		}
		if err != nil {
			return done, fmt.Errorf("line %d: %w", n, err)
		}
		var l tapeLine
		if err := strict(text, &l); err != nil {
			return done, fmt.Errorf("line %d: %w", n, err)
		}
		switch {
		case l.Life != nil:
			records := recordsOf(l.Life.Records)
			stable := protocol.Stable{Records: records}
			if machine, err = protocol.New(l.Life.Config, 0, app(), stable); err != nil {
				return done, fmt.Errorf("line %d: %w", n, err)
			}
			if visit.Life != nil {
				visit.Life(l.Life.Number, &l.Life.Config, &stable)
			}
			life = l.Life.Number
			done.Lives++
		case machine == nil || l.In == nil:
			return done, fmt.Errorf("line %d: neither the beginning of a life nor a step of one", n)
		default:
			input, err := l.In.input()
			if err != nil {
				return done, fmt.Errorf("line %d: %w", n, err)
			}
			out.Reset()
			machine.Step(protocol.Instant(l.At), input, &out)
			if again := encodeOutput(&out); !bytes.Equal(again, l.Out) {
				return done, &Difference{Life: life, Line: n, At: l.At, Recorded: string(l.Out), Replayed: string(again)}
			}
			done.Steps++
			done.Records += uint64(len(out.Records))
			done.Messages += uint64(len(out.Messages))
			done.Replies += uint64(len(out.Replies))
			if visit.Step != nil {
				visit.Step(&input, &out)
			}
		}
	}
}

func strict(text []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	return d.Decode(v)
}
