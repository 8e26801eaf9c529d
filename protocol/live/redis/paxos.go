package redis

import (
	"fmt"
	"strings"

	"github.com/tidwall/redcon"

	"github.com/fauer4effect/paxos/protocol"
)

// PAXOS: where the cluster stands, and who is to lead it.

func (c *conn) paxos(args [][]byte) {
	c.dispatch(args, []subcommand{
		{"status", 2, "where this server stands, and what it heard of its peers", func(c *conn, _ [][]byte) {
			st := c.clients.server.Status()
			var b strings.Builder
			writeStatus(&b, c.clients.server, &st)
			c.out = redcon.AppendBulkString(c.out, b.String())
		}},
		{"leader", 2, "the number of the server that leads, as far as this one knows", func(c *conn, _ [][]byte) {
			if leader := c.clients.server.Status().Leader; leader != 0 {
				c.out = redcon.AppendInt(c.out, int64(leader))
			} else {
				c.out = redcon.AppendNull(c.out)
			}
		}},
		{"handover", -2, "the leader gives way to a server, or to the one that is furthest", (*conn).handOver},
	})
}

// handOver begins a hand-over to another server. PAXOS LEADER tells when that leads.
func (c *conn) handOver(args [][]byte) {
	s := c.clients.server
	st := s.Status()
	to, ok := int64(0), true
	switch {
	case len(args) == 3:
		to, ok = integer(args[2])
	case len(args) == 2:
		to = int64(st.Heir())
	default:
		c.fail(wrongArity("paxos|handover"))
		return
	}
	switch {
	case !ok || len(args) == 3 && (to < 1 || to > int64(len(s.Hosts()))):
		c.fail(fmt.Sprintf("ERR servers are numbered 1 to %d", len(s.Hosts())))
	case st.State != protocol.RegLeader && st.Leader != 0 && st.Leader != st.ID:
		c.fail(fmt.Sprintf("ERR server %d leads: ask that one", st.Leader))
	case st.State != protocol.RegLeader:
		c.fail("ERR this server does not lead")
	case to == 0:
		c.fail("ERR no other server is heard of")
	case protocol.ServerID(to) == st.ID:
		c.fail("ERR this server leads already")
	default:
		s.HandOver(protocol.ServerID(to))
		c.out = redcon.AppendOK(c.out)
	}
}
