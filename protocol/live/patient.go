package live

import (
	"errors"
	"net"
	"sync"
	"time"
)

// patient is a listener that rests after an error, longer each time: out of file
// descriptors, Accept fails as fast as it is called, and its caller calls it again at once.
type patient struct {
	net.Listener
	closing sync.Once
	closed  chan struct{}
}

func newPatient(l net.Listener) *patient { return &patient{Listener: l, closed: make(chan struct{})} }

// Accept returns a connection, or the error that says that the listener is closed.
func (p *patient) Accept() (net.Conn, error) {
	for rest := (backoff{}); ; {
		conn, err := p.Listener.Accept()
		if err == nil || errors.Is(err, net.ErrClosed) {
			return conn, err
		}
		rest.wait(p.closed)
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

const (
	firstRest   = time.Millisecond
	longestRest = 200 * time.Millisecond
)

// backoff is how long to wait after errors in a row. The zero value is before the first.
type backoff struct{ rest time.Duration }

// wait returns after a while, or when done is closed.
func (b *backoff) wait(done <-chan struct{}) {
	b.rest = min(max(2*b.rest, firstRest), longestRest)
	select {
	case <-time.After(b.rest):
	case <-done:
	}
}
