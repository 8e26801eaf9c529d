package live

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/fauer4effect/paxos/protocol"
)

// A tape is what a machine was fed with and what came of it, as JSON lines. Each life of a
// server opens with its config and what its store held. Each line after that is one Step.
// The machine is pure: feeding it again must give every output again, byte for byte.

// Tape records a server's lives to a file. Until its server has begun a life it touches
// nothing: another server may be writing there, or the start fail.
type Tape struct {
	path string
	file *os.File // nil before the life begins
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

// OpenTape prepares to add lives to a tape, which may not exist yet. A file that is no tape is
// refused.
func OpenTape(path string) (*Tape, error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	switch {
	case err == nil:
		err = errors.Join(isTape(f), f.Close())
	case errors.Is(err, os.ErrNotExist):
		const wx = 2 | 1 // access(2): it is made there when the life begins
		err = syscall.Access(filepath.Dir(path), wx)
	}
	t := &Tape{path: path}
	return t, t.because(err)
}

// because says what was being done when the error came.
func (t *Tape) because(err error) error {
	if err == nil {
		return nil
	}
	var p *os.PathError
	if errors.As(err, &p) {
		err = p.Err
	}
	return fmt.Errorf("record %s: %w", t.path, err)
}

// open makes the tape ready for a life, at whose beginning the store's lock is held. A line
// that a crash cut short is cut off.
func (t *Tape) open() error {
	f, err := os.OpenFile(t.path, os.O_RDWR|os.O_CREATE, 0o666)
	if err != nil {
		return err
	}
	if err := isTape(f); err != nil {
		return errors.Join(err, f.Close())
	}
	if err := cutTornLine(f); err != nil {
		return errors.Join(err, f.Close())
	}
	t.file, t.out = f, bufio.NewWriterSize(f, 1<<16)
	t.enc = json.NewEncoder(t.out)
	return nil
}

// isTape refuses a file that does not begin as a tape does. A crash may have left no more
// than a piece of that.
func isTape(f *os.File) error {
	const begins = `{"life":{"number":`
	head := make([]byte, len(begins))
	n, err := f.ReadAt(head, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if !strings.HasPrefix(begins, string(head[:n])) {
		return errors.New("it is there, and holds something else than a recording")
	}
	return nil
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
	if err := t.open(); err != nil {
		return t.because(err)
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

func (t *Tape) problem() error { return t.because(t.err) }

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
