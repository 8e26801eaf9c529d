package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"golang.org/x/term"
)

// Columns is how wide text may be. A program sets it once, before it writes: FitTerminal.
//
// Rules of the output: plain text, no colours. What must be copied, a path or a command, stands in one line
// however long it is. Only here are times and rates turned into fractions.
var Columns = 80

const (
	leastColumns = 40  // below that tables fall apart
	mostColumns  = 120 // beyond that lines are hard to read
)

// FitTerminal makes text as wide as the terminal that w is. A pipe or a file gets 80 columns.
func FitTerminal(w io.Writer) {
	f, ok := w.(*os.File)
	if !ok {
		return
	}
	if width, _, err := term.GetSize(int(f.Fd())); err == nil && width > 0 {
		Columns = min(max(width, leastColumns), mostColumns)
	}
}

// Output remembers the first error of a writer, so that a full disk is not taken for success.
type Output struct {
	io.Writer
	first  atomic.Pointer[error]
	Failed func() // called once, after the first error; nil: nobody asks
}

func (o *Output) Write(b []byte) (int, error) {
	if err := o.Err(); err != nil {
		return 0, err
	}
	n, err := o.Writer.Write(b)
	if err != nil && o.first.CompareAndSwap(nil, &err) && o.Failed != nil {
		o.Failed()
	}
	return n, err
}

// Err is the first error.
func (o *Output) Err() error {
	if first := o.first.Load(); first != nil {
		return *first
	}
	return nil
}

// PrintJSON writes the one object that --json promises.
func PrintJSON(w io.Writer, object any) {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	if err := e.Encode(object); err != nil && w.(*Output).Err() == nil {
		panic(fmt.Sprintf("json of %T: %v", object, err)) // plain data encodes
	}
}

// Wrapped writes text behind a label, broken into lines that stay within the columns and
// line up.
func Wrapped(w io.Writer, label, text string) {
	indent := strings.Repeat(" ", utf8.RuneCountInString(label))
	line, empty := label, true
	for word := range strings.FieldsSeq(text) {
		if !empty && utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > Columns {
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

// Labelled is wrapped, with the labels of a list made equally wide.
func Labelled(w io.Writer, label, text string) { Wrapped(w, fmt.Sprintf("  %-9s ", label), text) }

// Rough is a number for a human: 812, 9641, 43k, 2.1M.
func Rough(n float64) string {
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

// Brief is a duration in three digits.
func Brief(d time.Duration) string {
	unit := time.Duration(1)
	for d/unit >= 1000 {
		unit *= 10
	}
	return d.Round(unit).String()
}

// PerSecond is a rate; nothing took no time.
func PerSecond(n uint64, d time.Duration) float64 {
	if d <= 0 {
		return 0
	}
	return float64(n) / d.Seconds()
}

// Plural is `1 run`, `2 runs`.
func Plural(n uint64, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// plainWord needs no quotes in a shell.
var plainWord = regexp.MustCompile(`^[A-Za-z0-9_./:=,+@%^-]+$`)

// Quote makes one word of a shell's text.
func Quote(word string) string {
	if plainWord.MatchString(word) {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
