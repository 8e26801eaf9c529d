package client_test

import (
	"bufio"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// fake is a server that gives each command the same replies. An empty one closes the connection.
type fake struct {
	replies  []string
	commands atomic.Int64
}

func (f *fake) listen(t *testing.T) (address string) {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var busy sync.WaitGroup
	busy.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			busy.Go(func() { f.serve(conn.(*net.TCPConn)) })
		}
	})
	t.Cleanup(func() { l.Close(); busy.Wait() })
	return l.Addr().String()
}

func (f *fake) serve(conn *net.TCPConn) {
	defer conn.Close()
	for in := bufio.NewReader(conn); ; {
		head, err := in.ReadString('\n')
		if err != nil {
			return
		}
		if !strings.HasPrefix(head, "*") {
			continue // an argument
		}
		f.commands.Add(1)
		for _, r := range f.replies {
			if r == "" {
				_ = conn.CloseWrite()
				_, _ = io.Copy(io.Discard, in) // what is not read would take the replies with it
				return
			}
			_, _ = io.WriteString(conn, r)
		}
	}
}

// nobody is an address at which nobody listens.
func nobody(t *testing.T) string {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
