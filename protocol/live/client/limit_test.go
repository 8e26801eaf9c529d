package client

import (
	"io"
	"net"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/gomodule/redigo/redis"
)

// scripted is a connection on which a server says what it says.
type scripted struct {
	net.Conn
	io.Reader
}

func (s scripted) Read(p []byte) (int, error)       { return s.Reader.Read(p) }
func (s scripted) SetReadDeadline(time.Time) error  { return nil }
func (s scripted) SetWriteDeadline(time.Time) error { return nil }
func (s scripted) Close() error                     { return nil }
func (s scripted) Write(p []byte) (int, error)      { return len(p), nil }

// A reply may claim what it likes: it costs what it brings, however it comes.
func TestLimit(t *testing.T) {
	good := []string{
		"+OK\r\n", "-ERR no\r\n", ":12\r\n", "$-1\r\n", "*-1\r\n", "*0\r\n", "$0\r\n\r\n", "$3\r\na\nb\r\n",
		"*2\r\n*2\r\n$1\r\na\r\n:1\r\n*0\r\n", "$70000\r\n" + strings.Repeat("\n", 70000) + "\r\n",
	}
	bad := []string{
		"$9223372036854775807\r\n", "*9223372036854775807\r\n", "$99999999999999\r\n", "$999999999999\r\n", "*999999999\r\n",
		"$16777217\r\n", "$1x\r\n", "$99999999999999999999\r\n", strings.Repeat("*1\r\n", 1_000_000), "+" + strings.Repeat("x", 1<<20), "\r\n",
	}
	whole := func(r io.Reader) io.Reader { return r }
	for how, slice := range map[string]func(io.Reader) io.Reader{"at once": whole, "byte by byte": iotest.OneByteReader} {
		for _, text := range good {
			conn := redis.NewConn(Limit(scripted{Reader: slice(strings.NewReader(text + "+end\r\n"))}), 0, 0)
			if _, err := conn.Receive(); err != nil && text[0] != '-' {
				t.Errorf("%s, %.30q: %v", how, text, err)
			}
			if end, err := conn.Receive(); err != nil || end != "end" {
				t.Errorf("%s, after %.30q comes %v, %v", how, text, end, err)
			}
		}
		for _, text := range bad {
			conn := redis.NewConn(Limit(scripted{Reader: slice(strings.NewReader(text))}), 0, 0)
			if v, err := conn.Receive(); err == nil {
				t.Errorf("%s, %.30q: %v", how, text, v)
			}
		}
	}
}
