package redis

import (
	"fmt"
	"path"
	"runtime/metrics"
	"strconv"
	"strings"

	"github.com/tidwall/redcon"

	"github.com/fauer4effect/paxos/protocol/live"
)

// What this server answers without the log: greetings, and what Redis's tools and libraries ask
// before they do anything.

// spokenVersion is the version of Redis whose words these are.
const spokenVersion = "7.0.0"

func (c *conn) ping(args [][]byte) {
	switch len(args) {
	case 1:
		c.out = redcon.AppendString(c.out, "PONG")
	case 2:
		c.out = redcon.AppendBulk(c.out, args[1])
	default:
		c.fail(wrongArity("ping"))
	}
}

func (c *conn) echo(args [][]byte) { c.out = redcon.AppendBulk(c.out, args[1]) }

func (c *conn) quit([][]byte) {
	c.out = redcon.AppendOK(c.out)
	c.leaving = true
}

func (c *conn) selectDatabase(args [][]byte) {
	switch n, ok := integer(args[1]); {
	case !ok:
		c.fail(notInteger)
	case n != 0:
		c.fail("ERR DB index is out of range")
	default:
		c.out = redcon.AppendOK(c.out)
	}
}

// hello is the handshake of newer libraries. RESP 3 is not offered, and they go on in RESP 2.
func (c *conn) hello(args [][]byte) {
	name := ""
	for i := 2; i < len(args); i++ {
		switch {
		case is(args[i], "setname") && i+1 < len(args):
			if i++; !nameable(args[i]) {
				c.fail(badName)
				return
			}
			name = string(args[i])
		case is(args[i], "auth") && i+2 < len(args):
			c.fail("ERR HELLO's AUTH is not offered: clients have no passwords here")
			return
		default:
			c.fail(fmt.Sprintf("ERR Syntax error in HELLO option '%s'", cut(args[i], maxNameTold)))
			return
		}
	}
	if len(args) > 1 {
		switch version, ok := integer(args[1]); {
		case !ok:
			c.fail("ERR Protocol version is not an integer or out of range")
			return
		case version != 2:
			c.fail("NOPROTO unsupported protocol version")
			return
		}
	}
	if name != "" {
		c.rename(&c.name, name)
	}
	c.out = redcon.AppendArray(c.out, 14)
	for _, text := range []string{"server", "paxos", "version", spokenVersion, "proto"} {
		c.out = redcon.AppendBulkString(c.out, text)
	}
	c.out = redcon.AppendInt(c.out, 2)
	c.out = redcon.AppendBulkString(c.out, "id")
	c.out = redcon.AppendInt(c.out, c.id)
	for _, text := range []string{"mode", "standalone", "role", "master", "modules"} {
		c.out = redcon.AppendBulkString(c.out, text)
	}
	c.out = redcon.AppendArray(c.out, 0)
}

// settings are what CONFIG GET knows, by name: the truth, as Redis would put it.
func (c *Clients) settings() [][2]string {
	return [][2]string{
		{"appendfsync", "always"},
		{"appendonly", "yes"}, // a write is on the disks of a majority before it is answered
		{"databases", "1"},
		{"maxclients", strconv.FormatInt(c.limit, 10)},
		{"maxmemory", "0"},
		{"proto-max-bulk-len", strconv.Itoa(live.MaxOpBytes)},
		{"save", ""},
		{"timeout", "0"},
	}
}

func (c *conn) config(args [][]byte) {
	c.dispatch(args, []subcommand{{"get", -3, "settings whose names match the patterns", (*conn).configGet}})
}

func (c *conn) configGet(args [][]byte) {
	var found [][2]string
	for _, s := range c.clients.settings() {
		for _, pattern := range args[2:] {
			if ok, _ := path.Match(strings.ToLower(string(pattern)), s[0]); ok { // a bad pattern matches none
				found = append(found, s)
				break
			}
		}
	}
	c.out = redcon.AppendArray(c.out, 2*len(found))
	for _, s := range found {
		c.out = redcon.AppendBulkString(c.out, s[0])
		c.out = redcon.AppendBulkString(c.out, s[1])
	}
}

// info says where this server stands, in the form of Redis's own: all, or the sections that are
// named.
func (c *conn) info(args [][]byte) {
	s := c.clients.server
	st := s.Status()
	var b strings.Builder
	section := func(name string, write func()) {
		wanted := len(args) == 1
		for _, a := range args[1:] {
			wanted = wanted || is(a, strings.ToLower(name)) || is(a, "all") || is(a, "everything") || is(a, "default")
		}
		if wanted {
			fmt.Fprintf(&b, "# %s\r\n", name)
			write()
		}
	}
	section("Paxos", func() { writeStatus(&b, s, &st) })
	section("Server", func() { fmt.Fprintf(&b, "redis_version:%s\r\nredis_mode:standalone\r\n", spokenVersion) })
	section("Clients", func() {
		fmt.Fprintf(&b, "connected_clients:%d\r\nmaxclients:%d\r\nblocked_clients:%d\r\n", c.clients.open.Load(), c.clients.limit, st.Waiting)
	})
	section("Memory", func() { fmt.Fprintf(&b, "used_memory:%d\r\n", heapBytes()) })
	section("Stats", func() {
		fmt.Fprintf(&b, "total_connections_received:%d\r\ntotal_commands_processed:%d\r\n", c.id, s.Counts().Commands())
	})
	section("Replication", func() { b.WriteString("role:master\r\n") })
	section("Counts", func() {
		s.Counts().Each(func(name string, n uint64) {
			fmt.Fprintf(&b, "%s:%d\r\n", strings.ReplaceAll(name, " ", "_"), n)
		})
		var refused uint64
		for _, n := range st.Refused {
			refused += n
		}
		fmt.Fprintf(&b, "datagrams_refused:%d\r\n", refused)
	})
	c.out = redcon.AppendBulkString(c.out, b.String())
}

// heapBytes is what the process's live objects, and those not yet collected, take.
func heapBytes() uint64 {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

// writeStatus writes what INFO and PAXOS STATUS tell of a server, a line each.
func writeStatus(b *strings.Builder, s Server, st *live.Status) {
	for _, line := range []struct {
		name  string
		value any
	}{
		{"server", st.ID},
		{"servers", len(s.Hosts())},
		{"state", st.State},
		{"view", st.View},
		{"leader", st.Leader},
		{"aru", st.ARU},
		{"state_hash", fmt.Sprintf("%016x", st.AppHash)},
		{"pending", st.Pending},
		{"waiting", st.Waiting},
		{"sessions", st.Sessions},
		{"open_sessions", st.OpenSessions},
		{"life", st.Life},
		{"store", fmt.Sprintf("%016x", uint64(st.Store))},
		{"cluster", fmt.Sprintf("%016x", s.Hosts().Cluster())},
		{"formed", st.Formed},
	} {
		fmt.Fprintf(b, "%s:%v\r\n", line.name, line.value)
	}
	for _, p := range st.Peers {
		fmt.Fprintf(b, "peer%d:state=%v,view=%d,aru=%d,heard_ms=%d\r\n", p.ID, p.State, p.View, p.ARU, p.Silent.Milliseconds())
	}
}
