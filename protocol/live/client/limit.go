package client

import (
	"bytes"
	"errors"
	"net"
	"strconv"
)

// What a reply may claim to be. Servers of this program stay far below that.
const (
	maxBulk  = 16 << 20 // bytes of a string
	maxArray = 1 << 20  // elements
	maxDepth = 8        // of arrays in arrays
	maxLine  = 64 << 10 // bytes of a line
)

var errClaim = errors.New("a reply that is none, or larger than any server's of this program")

// Limit is the connection to a server, with a limit. Reading fails where a reply claims to be
// larger than any that a server of this program gives. (A library that trusts the length makes
// room for it, and ends the process where there is none.)
func Limit(conn net.Conn) net.Conn { return &limited{Conn: conn} }

type limited struct {
	net.Conn
	line []byte // that has not ended
	skip int    // bytes of a string, to come
	open []int  // elements to come, of arrays in arrays
	bad  bool
}

func (l *limited) Read(p []byte) (int, error) {
	if l.bad {
		return 0, errClaim
	}
	n, err := l.Conn.Read(p)
	if l.bad = !l.follow(p[:n]); l.bad {
		return 0, errClaim
	}
	return n, err
}

// follow reads along; false: a reply claims too much.
func (l *limited) follow(b []byte) bool {
	for len(b) > 0 {
		if l.skip > 0 {
			n := min(l.skip, len(b))
			l.skip, b = l.skip-n, b[n:]
			if l.skip == 0 {
				l.element()
			}
			continue
		}
		end := bytes.IndexByte(b, '\n')
		if end < 0 {
			l.line = append(l.line, b...)
			return len(l.line) <= maxLine
		}
		l.line = append(l.line, b[:end]...)
		if b = b[end+1:]; len(l.line) > maxLine || !l.head(bytes.TrimSuffix(l.line, []byte("\r"))) {
			return false
		}
		l.line = l.line[:0]
	}
	return true
}

// head takes a line that begins an element, or is one.
func (l *limited) head(line []byte) bool {
	if len(line) == 0 {
		return false
	}
	if line[0] != '$' && line[0] != '*' {
		l.element()
		return true
	}
	n, err := strconv.Atoi(string(line[1:]))
	switch {
	case err != nil:
		return false
	case line[0] == '$' && n >= 0:
		l.skip = n + len("\r\n")
		return n <= maxBulk
	case n > 0:
		l.open = append(l.open, n)
		return n <= maxArray && len(l.open) <= maxDepth
	}
	l.element()
	return true
}

// element is the end of one, and of the arrays that it is the last element of.
func (l *limited) element() {
	for len(l.open) > 0 {
		last := len(l.open) - 1
		if l.open[last]--; l.open[last] > 0 {
			return
		}
		l.open = l.open[:last]
	}
}
