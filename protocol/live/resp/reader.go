// Package resp reads what Redis's clients write.
package resp

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
)

// Reader cuts a connection's bytes into commands. What it keeps is bounded by its Limits, whatever a
// client claims. A command that is longer is read to its end: then its client is told so, and can go
// on. It looks at each byte once, however slowly they come. One goroutine owns it; make one with
// NewReader.
type Reader struct {
	from       io.Reader
	limits     Limits
	buf        []byte
	begin, end int // of what is not consumed, in buf
	at         int // as far as the command is looked at, from begin
	want       int // arguments that are still to come; 0: the command begins
	skip       int // bytes of an argument that nobody keeps, to come
	spans      []span
	args       [][]byte
	refused    error // of the command that comes: it is not kept
}

// Limits are what a Reader may keep. All are required.
type Limits struct {
	Bytes   int                    // of a command
	TooLong error                  // what becomes of a command of more bytes
	Room    func(bytes int64) bool // asked for memory beyond SmallBuffer, and given it back: fewer than 0
	NoRoom  error                  // what becomes of a command that it refuses
}

// NewReader returns a reader of a connection.
func NewReader(from io.Reader, limits Limits) *Reader { return &Reader{from: from, limits: limits} }

// span is an argument, from begin.
type span struct{ from, to int }

// SmallBuffer is what each Reader may have without asking.
const SmallBuffer = 16 << 10

const (
	smallArgs     = 1024
	leastRead     = 512 // bytes of room for the next Read
	maxHeadBytes  = 64  // of a line that claims a length
	maxInline     = 4096
	maxClaimed    = 512 << 20 // bytes of an argument, as in Redis: what is longer is no command
	maxClaimedArg = 1 << 20   // arguments
)

// ErrIncomplete says that no command is complete yet.
var ErrIncomplete = errors.New("the command goes on")

// ProtocolError is what a client did that no Redis client does. Its connection ends.
type ProtocolError string

func (e ProtocolError) Error() string { return "Protocol error: " + string(e) }

// Fill reads what has come.
func (r *Reader) Fill() error {
	switch {
	case r.begin == r.end:
		r.begin, r.end = 0, 0
		if len(r.buf) != SmallBuffer {
			r.Release()
			r.buf = make([]byte, SmallBuffer)
		}
	case len(r.buf)-r.end < leastRead && r.begin > 0:
		r.end = copy(r.buf, r.buf[r.begin:r.end])
		r.begin = 0
	}
	if len(r.buf)-r.end < leastRead && !r.grow() {
		return nil // what is there is passed over first
	}
	n, err := r.from.Read(r.buf[r.end:])
	r.end += n
	if n > 0 {
		return nil // an error comes again
	}
	return err
}

// grow makes room for the next Read, or gives the command up.
func (r *Reader) grow() bool {
	more := len(r.buf)
	if !r.limits.Room(int64(more)) {
		r.refuse(r.limits.NoRoom)
		return false
	}
	grown := make([]byte, len(r.buf)+more)
	r.end = copy(grown, r.buf[r.begin:r.end])
	r.buf, r.begin = grown, 0
	return true
}

// Release gives the buffer's room back.
func (r *Reader) Release() {
	if more := len(r.buf) - SmallBuffer; more > 0 {
		r.limits.Room(int64(-more))
	}
	r.buf = nil
}

// refuse keeps nothing more of the command.
func (r *Reader) refuse(why error) {
	if r.refused == nil {
		r.refused = why
	}
	r.spans = r.spans[:0]
	r.begin, r.at = r.begin+r.at, 0
}

// Next is the next command among the bytes that have come; its arguments stay where they are
// until Fill. ErrIncomplete: there is none; a ProtocolError: there will be none; TooLong, NoRoom: it
// is over, and was not kept.
func (r *Reader) Next() ([][]byte, error) {
	for {
		if args, err := r.advance(); err != nil || len(args) > 0 {
			return args, err
		}
	}
}

// advance looks at what is next: a line or an argument. A command that is complete, and has
// arguments, is returned.
func (r *Reader) advance() ([][]byte, error) {
	rest := r.buf[r.begin+r.at : r.end]
	switch {
	case len(rest) == 0:
		return nil, ErrIncomplete
	case r.skip > 0:
		n := min(r.skip, len(rest))
		r.skip -= n
		r.begin += n
		return r.complete()
	case r.want == 0 && rest[0] != '*':
		return r.inline(rest)
	}
	n, width, err := claimed(rest)
	switch {
	case err != nil:
		return nil, err
	case r.want > 0:
		return r.argument(rest, n, width)
	case n > maxClaimedArg:
		return nil, ProtocolError("invalid multibulk length")
	case n <= 0:
		r.begin += width
	default:
		r.want, r.at = n, width
	}
	return nil, nil
}

// argument takes an argument of n bytes, whose head is the first width bytes of rest.
func (r *Reader) argument(rest []byte, n, width int) ([][]byte, error) {
	if n < 0 || n > maxClaimed {
		return nil, ProtocolError("invalid bulk length")
	}
	whole := width + n + len("\r\n")
	if r.at+whole > r.limits.Bytes {
		r.refuse(r.limits.TooLong)
	}
	switch {
	case r.refused != nil:
		r.want--
		r.skip = whole - width
		r.begin += width
		return nil, nil
	case len(rest) < whole:
		return nil, ErrIncomplete
	case rest[whole-2] != '\r' || rest[whole-1] != '\n':
		return nil, ProtocolError("invalid bulk length")
	}
	r.spans = append(r.spans, span{r.at + width, r.at + width + n})
	r.at += whole
	r.want--
	return r.complete()
}

// complete returns the command if it is.
func (r *Reader) complete() ([][]byte, error) {
	if r.want > 0 || r.skip > 0 {
		return nil, nil
	}
	if why := r.refused; why != nil {
		r.refused = nil
		return nil, why
	}
	if cap(r.args) > smallArgs {
		r.args = nil
	}
	r.args = r.args[:0]
	for _, s := range r.spans {
		r.args = append(r.args, r.buf[r.begin+s.from:r.begin+s.to:r.begin+s.to])
	}
	if r.spans = r.spans[:0]; cap(r.spans) > smallArgs {
		r.spans = nil
	}
	r.begin, r.at = r.begin+r.at, 0
	return r.args, nil
}

// claimed reads the head of a command or an argument, such as *3 or $12.
func claimed(b []byte) (n, width int, err error) {
	end := bytes.IndexByte(b[:min(len(b), maxHeadBytes)], '\n')
	array := b[0] == '*'
	switch {
	case !array && b[0] != '$':
		return 0, 0, ProtocolError(fmt.Sprintf("expected '$', got '%c'", printableByte(b[0])))
	case end < 0 && len(b) < maxHeadBytes:
		return 0, 0, ErrIncomplete
	case end < 0 && array:
		return 0, 0, ProtocolError("too big mbulk count string")
	case end < 0:
		return 0, 0, ProtocolError("too big bulk count string")
	}
	n, ok := number(bytes.TrimSuffix(b[1:end], []byte("\r")))
	switch {
	case ok && b[end-1] == '\r':
		return n, end + 1, nil
	case array:
		return 0, 0, ProtocolError("invalid multibulk length")
	}
	return 0, 0, ProtocolError("invalid bulk length")
}

// number reads what most heads are without an allocation.
func number(b []byte) (int, bool) {
	n := 0
	for _, c := range b {
		if c < '0' || c > '9' || len(b) > 18 {
			n, err := strconv.Atoi(string(b))
			return n, err == nil
		}
		n = 10*n + int(c-'0')
	}
	return n, len(b) > 0
}

func printableByte(c byte) byte {
	if c < ' ' || c > '~' {
		return '?'
	}
	return c
}

// inline takes a line typed by hand.
func (r *Reader) inline(rest []byte) ([][]byte, error) {
	end := bytes.IndexByte(rest[:min(len(rest), maxInline)], '\n')
	switch {
	case end < 0 && len(rest) < maxInline:
		return nil, ErrIncomplete
	case end < 0:
		return nil, ProtocolError("too big inline request")
	}
	line := rest[:end+1]
	r.begin += len(line)
	args, ok := words(line)
	if !ok {
		return nil, ProtocolError("unbalanced quotes in request")
	}
	return args, nil
}

// words splits a line as Redis does: at white space outside quotes. Within double quotes \n, \r,
// \t, \b, \a and \x41 mean what they do in C; \ before another character means that character.
// Within single quotes only \' is special. False: a quote has no end, or something follows it at
// once.
func words(line []byte) (all [][]byte, ok bool) {
	for {
		line = bytes.TrimLeft(line, " \t\r\n\v\f")
		if len(line) == 0 {
			return all, true
		}
		word := []byte{}
		for len(line) > 0 && !space(line[0]) {
			if line[0] != '"' && line[0] != '\'' {
				word, line = append(word, line[0]), line[1:]
				continue
			}
			if word, line, ok = quoted(word, line[1:], line[0]); !ok || len(line) > 0 && !space(line[0]) {
				return nil, false
			}
		}
		all = append(all, word)
	}
}

func space(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' }

var escapes = map[byte]byte{'n': '\n', 'r': '\r', 't': '\t', 'b': '\b', 'a': '\a'}

// quoted adds to the word what comes before the closing quote, and returns what follows that.
func quoted(word, line []byte, quote byte) (grown, rest []byte, ok bool) {
	for len(line) > 0 && line[0] != quote {
		n, c := 1, line[0]
		switch {
		case c != '\\' || len(line) < 2:
		case quote == '\'':
			if line[1] == '\'' {
				n, c = 2, '\''
			}
		default:
			n, c = 2, line[1]
			if to, known := escapes[c]; known {
				c = to
			} else if c == 'x' && len(line) >= 4 {
				if b, err := strconv.ParseUint(string(line[2:4]), 16, 8); err == nil {
					n, c = 4, byte(b)
				}
			}
		}
		word, line = append(word, c), line[n:]
	}
	if len(line) == 0 {
		return nil, nil, false
	}
	return word, line[1:], true
}
