package store

import (
	"fmt"
	"sync"

	"github.com/cockroachdb/pebble/v2"
)

// quarrel collects what Pebble complains about. Errors that it calls fatal, or meets in the
// background and would try again, end the store: it takes no more writes.
type quarrel struct {
	lock   *pebble.Lock
	mu     sync.Mutex
	err    error
	failed chan struct{}
}

func (q *quarrel) poison(err error) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.err == nil {
		q.err = err
		close(q.failed)
	}
	return q.err
}

func (q *quarrel) problem() error {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.err
}

// Infof, Errorf and Fatalf are Pebble's log. Unlike its own, Fatalf returns: the process may
// have more to say.
func (q *quarrel) Infof(string, ...any)              {}
func (q *quarrel) Errorf(string, ...any)             {}
func (q *quarrel) Fatalf(format string, args ...any) { _ = q.poison(fmt.Errorf(format, args...)) }
