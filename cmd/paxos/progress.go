package main

import (
	"fmt"
	"io"
	"os"
	"sync/atomic"

	"github.com/fauer4effect/paxos/sim/testbed/cli"
	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
	"golang.org/x/term"
)

// progress is a bar on stderr, if that is a terminal; otherwise it is nothing.
type progress struct {
	container *mpb.Progress // nil: no terminal
	bar       *mpb.Bar
	failed    atomic.Int64
}

func newProgress(stderr io.Writer, total uint64) *progress {
	p := &progress{}
	f, ok := stderr.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return p
	}
	p.container = mpb.New(mpb.WithOutput(f), mpb.WithWidth(cli.Columns/2))
	p.bar = p.container.AddBar(int64(total),
		mpb.PrependDecorators(decor.CountersNoUnit("%d of %d runs ")),
		mpb.AppendDecorators(
			decor.Any(func(decor.Statistics) string {
				return fmt.Sprintf(" %d failed, ", p.failed.Load())
			}),
			decor.AverageETA(decor.ET_STYLE_GO), decor.Name(" left"),
		),
	)
	return p
}

// done counts a run.
func (p *progress) done(ok bool) {
	if !ok {
		p.failed.Add(1)
	}
	if p.bar != nil {
		p.bar.Increment()
	}
}

// stop takes the bar away.
func (p *progress) stop() {
	if p.bar != nil {
		p.bar.Abort(true)
		p.container.Wait()
	}
}
