// Package backoff rests after errors that come without end, longer each time.
package backoff

import "time"

const (
	first   = time.Millisecond
	longest = 200 * time.Millisecond
)

// Rest is how long to wait after errors in a row. The zero value is before the first.
type Rest struct{ last time.Duration }

// Wait returns after a while, or when done is closed.
func (r *Rest) Wait(done <-chan struct{}) {
	r.last = min(max(2*r.last, first), longest)
	select {
	case <-time.After(r.last):
	case <-done:
	}
}
