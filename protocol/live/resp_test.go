package live

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/tidwall/redcon"

	"github.com/fauer4effect/paxos/protocol/kv"
)

// said is a connection that keeps what a client is told.
type said struct {
	redcon.Conn
	text string
}

func (s *said) WriteError(msg string) { s.text = msg }
func (s *said) WriteInt(n int)        { s.text = strings.Repeat("1", n) }

// DEL removes its keys one by one. Only before the first is tried may it say that nothing was
// executed.
func TestDelStopsInTheMiddle(t *testing.T) {
	done := answer{result: kv.Result{Status: kv.Done}.Encode()}
	tooBig := strings.Repeat("x", MaxOpBytes)
	for _, x := range []struct {
		keys    []string
		answers []answer
		want    string
	}{
		{[]string{"a", "b"}, []answer{done, done}, "11"},
		{[]string{"a", tooBig}, nil, "ERR more than 65536 bytes; nothing was executed"},
		{[]string{"a", "b"}, []answer{{err: ErrBusy}}, "BUSY too many commands are waiting; nothing was executed"},
		{[]string{"a", "b"}, []answer{done, {err: ErrBusy}}, "UNKNOWN outcome unknown: too many commands are waiting after 1 of 2 keys; the command may have been executed, or not"},
		{[]string{"a", "b"}, []answer{done}, "UNKNOWN outcome unknown: the server stops after 1 of 2 keys; the command may have been executed, or not"},
		{[]string{"a", "b"}, []answer{{err: ErrUnknown}}, "UNKNOWN outcome unknown; the command may have been executed, or not"},
	} {
		s := &Server{requests: make(chan *call), stop: make(chan struct{})}
		go func() {
			for _, a := range x.answers {
				c := <-s.requests
				c.done <- a
				for len(c.done) > 0 { // or the stop might overtake the answer
					time.Sleep(time.Millisecond)
				}
			}
			close(s.stop)
		}()
		conn := &said{}
		(&Clients{server: s, ctx: context.Background()}).del(conn, x.keys)
		if conn.text != x.want {
			t.Errorf("%.10s: %s\nwant %s", x.keys, conn.text, x.want)
		}
		<-s.stop
	}
}
