// Package trace writes down what happens in a run, one JSON object a line, for people and
// for programs. It does not change the run.
package trace

import (
	"bufio"
	"encoding/json"
	"io"
)

// Writer writes a trace. The first error stands and is told by Close.
type Writer struct {
	out     *bufio.Writer
	encoder *json.Encoder
	lines   uint64
	err     error
}

// Line is one line of a trace.
type Line struct {
	N      uint64 `json:"n"`                // counts the lines, from 1
	At     int64  `json:"at_ns"`            // virtual time
	Server int    `json:"server,omitempty"` // where it happened
	From   int    `json:"from,omitempty"`   // of a message; servers first, then clients
	What   string `json:"what"`
	Detail string `json:"detail,omitempty"`
	Hash   string `json:"hash,omitempty"` // the run's hash before the event, of a message
}

// New returns a Writer to w.
func New(w io.Writer) *Writer {
	out := bufio.NewWriterSize(w, 1<<16)
	return &Writer{out: out, encoder: json.NewEncoder(out)}
}

// Event writes something that happened at a server.
func (w *Writer) Event(at int64, server int, what, detail string) {
	w.Write(Line{At: at, Server: server, What: what, Detail: detail})
}

// Write numbers a line and writes it.
func (w *Writer) Write(l Line) {
	if w.err != nil {
		return
	}
	w.lines++
	l.N = w.lines
	w.err = w.encoder.Encode(l)
}

// Close writes what is buffered and returns the first error.
func (w *Writer) Close() error {
	if err := w.out.Flush(); w.err == nil {
		w.err = err
	}
	return w.err
}
