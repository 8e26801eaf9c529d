//go:build !simonly

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/fauer4effect/paxos/protocol"
	"github.com/fauer4effect/paxos/protocol/live"
	"github.com/fauer4effect/paxos/protocol/wire"
	"github.com/fauer4effect/paxos/sim/testbed/cli"
)

// narrator tells what the server does. It runs beside the server's loop, and beside what ends the
// server: standard output and standard error may be pipes that nobody reads.
//
// It tells what an operator wants to know, in lines on standard output. Where the server logs, it
// writes records on standard error instead. What -t adds is always lines.
type narrator struct {
	w       io.Writer    // of the goroutine that prints
	log     slog.Handler // nil: lines on w
	id      protocol.ServerID
	hosts   live.Hosts
	trial   bool
	told    chan telling
	lost    atomic.Uint64 // that nobody read in time
	asked   bool          // the loop's
	started chan struct{}
	server  *live.Server  // once it has started
	ended   chan struct{} // closed: no more comes
	printed chan struct{} // closed: and all is printed
}

// telling is a line, or an event for operators, which is a line and a record.
type telling struct {
	line   string
	record *slog.Record // nil: a line of -t
}

const toldAtOnce = 1024 // tellings that wait for a reader

func newNarrator(w io.Writer, log slog.Handler, cfg *live.Config, trial bool) *narrator {
	if log != nil {
		log = log.WithAttrs([]slog.Attr{slog.Int("server", int(cfg.ID))})
	}
	return &narrator{
		w: w, log: log, id: cfg.ID, hosts: cfg.Hosts, trial: trial, told: make(chan telling, toldAtOnce),
		started: make(chan struct{}), ended: make(chan struct{}), printed: make(chan struct{}),
	}
}

// unheeded is the program's output for one who goes on, and ends well, if nobody reads it.
func unheeded(w io.Writer) io.Writer {
	if o, ok := w.(*cli.Output); ok {
		return o.Writer
	}
	return w
}

// event tells operators something. The line may be empty: then it is for the log alone.
func (n *narrator) event(level slog.Level, message, line string, attrs ...slog.Attr) {
	if n.log != nil || line != "" {
		n.tell(eventOf(level, message, line, attrs...))
	}
}

func eventOf(level slog.Level, message, line string, attrs ...slog.Attr) telling {
	r := slog.NewRecord(time.Now(), level, message, 0)
	r.AddAttrs(attrs...)
	return telling{line, &r}
}

// say tells a line.
func (n *narrator) say(format string, args ...any) {
	n.tell(telling{line: fmt.Sprintf(format, args...)})
}

func (n *narrator) tell(t telling) {
	select {
	case n.told <- t:
	default:
		n.lost.Add(1)
	}
}

// begin starts to print, with what introduces the server.
func (n *narrator) begin(s *live.Server, introduction telling) {
	n.server = s
	close(n.started)
	go func() {
		defer close(n.printed)
		n.write(introduction)
		for {
			select {
			case t := <-n.told:
				n.print(t)
				continue
			default:
			}
			select { // nothing waits
			case t := <-n.told:
				n.print(t)
			case <-n.ended:
				n.tellLost()
				return
			}
		}
	}()
}

func (n *narrator) print(t telling) {
	n.tellLost()
	n.write(t)
}

func (n *narrator) write(t telling) {
	if n.log != nil && t.record != nil {
		_ = n.log.Handle(context.Background(), *t.record) // there is nobody else to tell
		return
	}
	fmt.Fprintln(n.w, t.line)
}

// tellLost says, before what is printed next, how much is missing there.
func (n *narrator) tellLost() {
	lost := n.lost.Swap(0)
	switch {
	case lost == 0:
	case n.log == nil:
		fmt.Fprintf(n.w, "(%s not printed: nobody read them in time)\n", cli.Plural(lost, "line"))
	default:
		r := slog.NewRecord(time.Now(), slog.LevelWarn, "records lost: nobody read them in time", 0)
		r.AddAttrs(slog.Uint64("lost", lost))
		_ = n.log.Handle(context.Background(), r)
	}
}

const printLimit = time.Second // for what is not printed yet when all is over

// end waits until all is printed, but not for ever: nobody may read.
func (n *narrator) end() {
	close(n.ended)
	select {
	case <-n.printed:
	case <-time.After(printLimit): // there is no more to be done about it
	}
}

// await tells what happens until the server ends, which Close explains, or ctx does: then it
// returns why.
func (n *narrator) await(ctx context.Context, s *live.Server) error {
	var foreign uint64 // the last one that was told of
	var strangers bool // those without our key were told of
	look := time.NewTicker(time.Second)
	defer look.Stop()
	for {
		select {
		case <-look.C:
			st := s.Status()
			if st.Foreign != foreign {
				foreign = st.Foreign
				n.foreign(foreign)
			}
			if why := wire.OtherKey; st.Refused[why] > 0 && !strangers {
				strangers = true
				n.event(slog.LevelWarn, "other key", "datagrams arrive that are "+why+", and are refused: all servers need the same key file")
			}
		case <-s.Done():
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

func (n *narrator) foreign(cluster uint64) {
	own := n.hosts.Cluster()
	n.event(slog.LevelWarn, "foreign cluster",
		fmt.Sprintf("datagrams of cluster %016x arrive, and are refused: this is cluster %016x; all its servers need the same host file", cluster, own),
		slog.String("foreign", fmt.Sprintf("%016x", cluster)), slog.String("cluster", fmt.Sprintf("%016x", own)))
}

// stopped is the last that is told, and what the command ends with. Where there is a log it
// says all, and nothing else is written to its stream.
func (n *narrator) stopped(err error) error {
	var f *failure
	switch {
	case n.log == nil:
	case err == nil:
		n.event(slog.LevelInfo, "stopped", "")
	case errors.As(err, &f) && f.line != "":
		n.event(slog.LevelError, "stopped", "", slog.String("error", f.line))
		return &failure{status: f.status}
	default:
		n.event(slog.LevelInfo, "stopped", "", slog.String("why", "interrupted"))
	}
	return err
}
