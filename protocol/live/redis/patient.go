package redis

import (
	"errors"
	"net"
	"sync"

	"github.com/fauer4effect/paxos/protocol/live/internal/backoff"
)

// patient is a listener that rests after an error, longer each time. Without file descriptors
// Accept fails as fast as it is called, and its caller calls it again at once.
type patient struct {
	net.Listener
	closing sync.Once
	closed  chan struct{}
}

func newPatient(l net.Listener) *patient { return &patient{Listener: l, closed: make(chan struct{})} }

// Accept returns a connection, or the error that says that the listener is closed.
func (p *patient) Accept() (net.Conn, error) {
	for rest := (backoff.Rest{}); ; {
		conn, err := p.Listener.Accept()
		if err == nil || errors.Is(err, net.ErrClosed) {
			return conn, err
		}
		rest.Wait(p.closed)
		select {
		case <-p.closed: // though the listener below may be open for a moment still
			return nil, net.ErrClosed
		default:
		}
	}
}

// Close ends Accept, also where it rests.
func (p *patient) Close() error {
	p.closing.Do(func() { close(p.closed) })
	return p.Listener.Close()
}
