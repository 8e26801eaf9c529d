package redis

import (
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/tidwall/redcon"

	"github.com/fauer4effect/paxos/protocol/live"
	"github.com/fauer4effect/paxos/protocol/live/resp"
)

// conn is a client's connection. Its goroutine owns it, except for what Clients.mu guards.
type conn struct {
	clients *Clients
	id      int64
	net     net.Conn
	since   time.Time
	in      *resp.Reader
	run     run    // of commands that wait to be executed together
	out     []byte // replies that are not sent yet
	broken  error  // the connection is
	leaving bool   // the client is told to go, or wants to
	late    bool   // what came last came after the gate was shut

	// Of Clients.mu, for others to list.
	name, library, version string
}

func newConn(c *Clients, id int64, from net.Conn) *conn {
	in := resp.NewReader(from, resp.Limits{Bytes: maxCommandBytes, TooLong: live.ErrTooBig, Room: c.room, NoRoom: errNoRoom})
	return &conn{clients: c, id: id, net: from, since: time.Now(), in: in}
}

// serve answers commands until the connection ends.
func (c *conn) serve() {
	for !c.leaving && c.broken == nil {
		if err := c.in.Fill(); err != nil {
			return
		}
		c.late = !c.clients.gate.enter()
		c.answer()
		c.flush()
		c.clients.gate.leave()
	}
}

// answer answers the commands that have come, in order. Those on data are collected, and
// executed together: before any other command, and when there are no more.
func (c *conn) answer() {
	for !c.leaving && c.broken == nil {
		args, err := c.in.Next()
		var wrong resp.ProtocolError
		switch {
		case errors.Is(err, resp.ErrIncomplete):
			c.execute()
			c.leaving = c.leaving || c.late && len(c.out) > 0
			return
		case errors.As(err, &wrong):
			c.fail("ERR " + err.Error())
			c.leaving = true
		case errors.Is(err, errNoRoom):
			c.fail("BUSY " + err.Error() + "; nothing was executed")
		case err != nil:
			c.fail(refusal(err))
		case c.late:
			c.fail(refusal(live.ErrStopped))
		default:
			c.command(args)
		}
		if len(c.out) > replyBytes {
			c.flush()
		}
	}
}

// fail answers a command with an error, in its turn.
func (c *conn) fail(text string) {
	c.execute()
	c.out = redcon.AppendError(c.out, text)
}

var (
	errNoRoom = fmt.Errorf("commands that are not complete take %d bytes", maxBufferedBytes)
	errUnread = errors.New("too much is not read")
)

// flush sends the replies. A client that takes none of them for a while is cut off: what it
// does not read is kept, and others need the room.
func (c *conn) flush() {
	if held := int64(len(c.out)); held > replyBytes {
		defer c.clients.unread.Add(-held)
		if c.clients.unread.Add(held) > maxUnreadBytes && c.broken == nil {
			c.broken = errUnread
			c.clients.server.Counts().CutOff()
		}
	}
	for rest := c.out; len(rest) > 0 && c.broken == nil; {
		_ = c.net.SetWriteDeadline(time.Now().Add(c.clients.patience))
		n, err := c.net.Write(rest[:min(len(rest), replyBytes)])
		rest = rest[n:]
		if err != nil {
			c.broken = err
			var slow net.Error
			if errors.As(err, &slow) && slow.Timeout() && c.clients.server != nil {
				c.clients.server.Counts().CutOff()
			}
		}
	}
	if c.out = c.out[:0]; cap(c.out) > replyBytes {
		c.out = nil
	}
}
