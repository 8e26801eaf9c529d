package redis

import (
	"fmt"
	"strings"
	"time"

	"github.com/tidwall/redcon"
)

// CLIENT: libraries give their connections names, and people look who is there.

const badName = "ERR Client names cannot contain spaces, newlines or special characters."

const maxNamed = 128 // bytes of what a client calls itself: all are listed

func (c *conn) client(args [][]byte) {
	c.dispatch(args, []subcommand{
		{"id", 2, "this connection's number", func(c *conn, _ [][]byte) {
			c.out = redcon.AppendInt(c.out, c.id)
		}},
		{"getname", 2, "this connection's name", func(c *conn, _ [][]byte) {
			if c.name == "" {
				c.out = redcon.AppendNull(c.out)
			} else {
				c.out = redcon.AppendBulkString(c.out, c.name)
			}
		}},
		{"setname", 3, "name this connection", func(c *conn, args [][]byte) {
			c.set(&c.name, args[2])
		}},
		{"setinfo", 4, "say which library this is: LIB-NAME or LIB-VER", func(c *conn, args [][]byte) {
			switch {
			case is(args[2], "lib-name"):
				c.set(&c.library, args[3])
			case is(args[2], "lib-ver"):
				c.set(&c.version, args[3])
			default:
				c.fail(fmt.Sprintf("ERR Unrecognized option '%s'", cut(args[2], maxNameTold)))
			}
		}},
		{"info", 2, "this connection, as LIST tells of it", func(c *conn, _ [][]byte) {
			c.clients.mu.Lock()
			defer c.clients.mu.Unlock()
			c.out = redcon.AppendBulkString(c.out, c.told())
		}},
		{"list", 2, "all connections of this server", func(c *conn, _ [][]byte) {
			var b strings.Builder
			c.clients.each(func(other *conn) { b.WriteString(other.told()) })
			c.out = redcon.AppendBulkString(c.out, b.String())
		}},
	})
}

func nameable(name []byte) bool {
	for _, c := range name {
		if c < '!' || c > '~' {
			return false
		}
	}
	return len(name) <= maxNamed
}

// set is what a client says of itself.
func (c *conn) set(what *string, to []byte) {
	if !nameable(to) {
		c.fail(badName)
		return
	}
	c.rename(what, string(to))
	c.out = redcon.AppendOK(c.out)
}

func (c *conn) rename(what *string, to string) {
	c.clients.mu.Lock()
	defer c.clients.mu.Unlock()
	*what = to
}

// told is a line of CLIENT LIST. The caller holds Clients.mu.
func (c *conn) told() string {
	return fmt.Sprintf("id=%d addr=%v laddr=%v name=%s age=%d db=0 resp=2 lib-name=%s lib-ver=%s\n",
		c.id, c.net.RemoteAddr(), c.net.LocalAddr(), c.name, int(time.Since(c.since).Seconds()), c.library, c.version)
}
