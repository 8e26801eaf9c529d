package live

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/fauer4effect/paxos/protocol"
)

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
	p := player{app: app, visit: visit}
	in := bufio.NewReaderSize(r, 1<<16)
	for n := 1; ; n++ {
		if first, err := in.Peek(1); err == nil && first[0] != '{' { // before it is read to its end
			if n == 1 {
				return p.done, errors.New("it holds no life of a server")
			}
			return p.done, fmt.Errorf("line %d: it is not a JSON object", n)
		}
		text, err := in.ReadBytes('\n')
		if errors.Is(err, io.EOF) { // a line without its end was torn by a crash
			if p.done.Lives == 0 {
				return p.done, errors.New("it holds no life of a server")
			}
			return p.done, nil
		}
		if err == nil {
			err = p.play(text)
		}
		var d *Difference
		switch {
		case errors.As(err, &d):
			d.Line = n
			return p.done, d
		case err != nil:
			return p.done, fmt.Errorf("line %d: %w", n, err)
		}
	}
}

// player is the machine that a tape is played to.
type player struct {
	app     func() protocol.App
	visit   Visitor
	done    Replayed
	machine *protocol.Server // nil before the first life
	life    uint64
	at      int64 // of the last step
	out     protocol.Output
}

// play takes one line. What the line makes the machine panic with is its error: no tape of
// ours does that.
func (p *player) play(text []byte) (err error) {
	defer func() {
		if why := recover(); why != nil {
			err = fmt.Errorf("the machine gives up: %v", why)
		}
	}()
	var l tapeLine
	if err := strict(text, &l); err != nil {
		return err
	}
	switch {
	case l.Life != nil && (l.In != nil || l.Out != nil || l.At != 0):
		return errors.New("both the beginning of a life and a step")
	case l.Life != nil:
		return p.begin(l.Life)
	case p.machine == nil || l.In == nil || l.Out == nil:
		return errors.New("neither the beginning of a life nor a step of one")
	case l.At < p.at:
		return fmt.Errorf("at_ns %d follows %d: time goes back", l.At, p.at)
	}
	return p.step(&l)
}

func (p *player) begin(l *tapeLife) error {
	if l.Number == 0 || l.Records == nil {
		return errors.New("a life without its number, or without the records that its store held")
	}
	records, err := recordsOf(l.Records)
	if err != nil {
		return err
	}
	stable := protocol.Stable{Records: records}
	machine, err := protocol.New(l.Config, 0, p.app(), stable)
	if err != nil {
		return err
	}
	if p.visit.Life != nil {
		p.visit.Life(l.Number, &l.Config, &stable)
	}
	p.machine, p.life, p.at = machine, l.Number, 0
	p.done.Lives++
	return nil
}

func (p *player) step(l *tapeLine) error {
	input, err := l.In.input()
	if err != nil {
		return err
	}
	p.at = l.At
	p.out.Reset()
	p.machine.Step(protocol.Instant(l.At), input, &p.out)
	if again := encodeOutput(&p.out); !bytes.Equal(again, l.Out) {
		return &Difference{Life: p.life, At: l.At, Recorded: string(l.Out), Replayed: string(again)}
	}
	p.done.Steps++
	p.done.Records += uint64(len(p.out.Records))
	p.done.Messages += uint64(len(p.out.Messages))
	p.done.Replies += uint64(len(p.out.Replies))
	if p.visit.Step != nil {
		p.visit.Step(&input, &p.out)
	}
	return nil
}

// strict reads one JSON object of known fields, and nothing behind it.
func strict(text []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something follows the object")
	}
	return nil
}
