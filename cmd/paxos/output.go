package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"time"
	"unicode/utf8"
)

// Rules of the output: plain text of at most 80 columns, no colours. What must be copied, a
// path or a command, stands in one line however long it is. Only here are times and rates
// turned into fractions.
const columns = 80

// output remembers the first error of a writer, so that a full disk is not taken for success.
type output struct {
	io.Writer
	first  atomic.Pointer[error]
	failed func() // called once, after the first error; nil: nobody asks
}

func (o *output) Write(b []byte) (int, error) {
	if err := o.err(); err != nil {
		return 0, err
	}
	n, err := o.Writer.Write(b)
	if err != nil && o.first.CompareAndSwap(nil, &err) && o.failed != nil {
		o.failed()
	}
	return n, err
}

func (o *output) err() error {
	if first := o.first.Load(); first != nil {
		return *first
	}
	return nil
}

// printJSON writes the one object that --json promises.
func printJSON(w io.Writer, object any) {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	if err := e.Encode(object); err != nil && w.(*output).err() == nil {
		panic(fmt.Sprintf("json of %T: %v", object, err)) // plain data encodes
	}
}

// wrapped writes text behind a label, broken into lines that stay within the columns and
// line up.
func wrapped(w io.Writer, label, text string) {
	indent := strings.Repeat(" ", utf8.RuneCountInString(label))
	line, empty := label, true
	for word := range strings.FieldsSeq(text) {
		if !empty && utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > columns {
			fmt.Fprintln(w, line)
			line, empty = indent, true
		}
		if !empty {
			line += " "
		}
		line, empty = line+word, false
	}
	fmt.Fprintln(w, line)
}

// labelled is wrapped, with the labels of a list made equally wide.
func labelled(w io.Writer, label, text string) { wrapped(w, fmt.Sprintf("  %-9s ", label), text) }

// rough is a number for a human: 812, 9641, 43k, 2.1M.
func rough(n float64) string {
	switch {
	case n < 9_999.5:
		return fmt.Sprintf("%.0f", n)
	case n < 999_500:
		return fmt.Sprintf("%.0fk", n/1e3)
	case n < 9_950_000:
		return fmt.Sprintf("%.1fM", n/1e6)
	case n < 999_500_000:
		return fmt.Sprintf("%.0fM", n/1e6)
	}
	return fmt.Sprintf("%.1fG", n/1e9) // more than anyone will see
}

// brief is a duration in three digits.
func brief(d time.Duration) string {
	unit := time.Duration(1)
	for d/unit >= 1000 {
		unit *= 10
	}
	return d.Round(unit).String()
}

// perSecond is a rate; nothing took no time.
func perSecond(n uint64, d time.Duration) float64 {
	if d <= 0 {
		return 0
	}
	return float64(n) / d.Seconds()
}

// plural is `1 run`, `2 runs`.
func plural(n uint64, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// goRunCache is the folder in which `go run` keeps the programs that it has run before.
var goRunCache = regexp.MustCompile(`[/\\]([0-9a-f]{64}-d|go-build[0-9]*)[/\\]`)

// self is what a person types to start this program again.
func self() string {
	exe, err := os.Executable()
	if err != nil {
		return "paxos"
	}
	if goRunCache.MatchString(exe) {
		if _, err := os.Stat(filepath.Join("cmd", "paxos", "main.go")); err == nil {
			return "go run ./cmd/paxos"
		}
		return "go run " + module + "/cmd/paxos"
	}
	if installed, err := exec.LookPath("paxos"); err == nil && sameFile(installed, exe) {
		return "paxos"
	}
	return quote(os.Args[0])
}

func sameFile(a, b string) bool {
	infoA, errA := os.Stat(a)
	infoB, errB := os.Stat(b)
	return errA == nil && errB == nil && os.SameFile(infoA, infoB)
}

// plainWord needs no quotes in a shell.
var plainWord = regexp.MustCompile(`^[A-Za-z0-9_./:=,+@%^-]+$`)

// quote makes one word of a shell's text.
func quote(word string) string {
	if plainWord.MatchString(word) {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
