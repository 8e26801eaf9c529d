package live

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/tidwall/redcon"

	"github.com/fauer4effect/paxos/protocol"
	"github.com/fauer4effect/paxos/protocol/kv"
)

// Clients speaks Redis's protocol (RESP) with clients: GET, SET, DEL, INCR and APPEND on
// the replicated key-value store, PING, and INFO on the server itself. Any server takes any
// command; HANDOVER takes the leader, and gives way to another server.
type Clients struct {
	server   *Server
	listener net.Listener
	open     atomic.Int64    // connections
	ctx      context.Context // of commands: ends with Close
	cancel   context.CancelFunc
	workers  sync.WaitGroup
}

// ServeClients serves the clients that come to the listener, until Close. The server's App
// must be a kv.Store.
func ServeClients(l net.Listener, s *Server) *Clients {
	ctx, cancel := context.WithCancel(context.Background())
	c := &Clients{server: s, listener: newPatient(l), ctx: ctx, cancel: cancel}
	r := redcon.NewServerNetwork(l.Addr().Network(), l.Addr().String(), c.serve, c.accept,
		func(redcon.Conn, error) { c.open.Add(-1); c.workers.Done() })
	c.workers.Go(func() {
		_ = r.Serve(c.listener) // it ends when the listener is closed, and closes the connections
	})
	return c
}

// maxClients bounds the connections: each has one command at a time, so more than may wait
// are of no use, and each costs a file descriptor.
const maxClients = maxWaiting

// accept takes a connection in, or refuses it.
func (c *Clients) accept(conn redcon.Conn) bool {
	if c.open.Add(1) > maxClients {
		c.open.Add(-1)
		conn.WriteError(fmt.Sprintf("ERR there are %d clients already; nothing was executed", maxClients))
		return false
	}
	c.workers.Add(1)
	return true
}

// Close ends all connections. The outcome of commands under way stays unknown.
func (c *Clients) Close() {
	c.cancel()
	c.listener.Close()
	c.workers.Wait()
}

// command is one that clients know.
type command struct {
	args  int  // that it takes
	more  bool // or more
	serve func(c *Clients, conn redcon.Conn, args []string)
}

var commands = map[string]command{
	"get":      {1, false, (*Clients).get},
	"set":      {2, true, (*Clients).set},
	"del":      {1, true, (*Clients).del},
	"incr":     {1, false, (*Clients).incr},
	"append":   {2, false, (*Clients).append},
	"handover": {1, false, (*Clients).handOver},
	"ping":     {0, true, (*Clients).ping},
	"info":     {0, true, (*Clients).info},
	"quit":     {0, true, (*Clients).quit},
	"command":  {0, true, (*Clients).commands}, // redis-cli asks when it starts
}

func (c *Clients) serve(conn redcon.Conn, cmd redcon.Command) {
	name := string(cmd.Args[0])
	args := make([]string, len(cmd.Args)-1)
	for i := range args {
		args[i] = string(cmd.Args[i+1])
	}
	known, ok := commands[strings.ToLower(name)]
	switch {
	case !ok:
		conn.WriteError(fmt.Sprintf("ERR unknown command '%.64s': there are GET, SET, DEL, INCR, APPEND, PING, INFO and HANDOVER", printable(name)))
	case len(args) < known.args || len(args) > known.args && !known.more:
		conn.WriteError(fmt.Sprintf("ERR wrong number of arguments for '%s' command", strings.ToLower(name)))
	default:
		known.serve(c, conn, args)
	}
}

// printable keeps an error on its line, whatever a client sends.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == '\'' {
			return '?'
		}
		return r
	}, s)
}

// do executes an operation; false means that the client got its error already.
func (c *Clients) do(conn redcon.Conn, op kv.Op) (kv.Result, bool) {
	result, err := c.try(op)
	if err != nil {
		refuse(conn, err)
	}
	return result, err == nil
}

// read executes a get without the log.
func (c *Clients) read(conn redcon.Conn, key string) (kv.Result, bool) {
	text, err := c.server.Read(c.ctx, kv.Op{Kind: kv.Get, Key: key}.Encode())
	var result kv.Result
	if err == nil {
		result, err = kv.DecodeResult(text)
	}
	if err != nil {
		refuse(conn, err)
	}
	return result, err == nil
}

func (c *Clients) try(op kv.Op) (kv.Result, error) {
	text, err := c.server.Do(c.ctx, op.Encode())
	if err != nil {
		return kv.Result{}, err
	}
	return kv.DecodeResult(text)
}

// refuse tells a client why it gets no result. Whoever reads "nothing was executed" relies
// on it.
func refuse(conn redcon.Conn, err error) {
	switch {
	case errors.Is(err, ErrUnknown):
		conn.WriteError("UNKNOWN " + err.Error() + "; the command may have been executed, or not")
	case errors.Is(err, ErrBusy):
		conn.WriteError("BUSY " + err.Error() + "; nothing was executed")
	default:
		conn.WriteError("ERR " + printable(err.Error()) + "; nothing was executed")
	}
}

func (c *Clients) get(conn redcon.Conn, args []string) {
	r, ok := c.read(conn, args[0])
	switch {
	case !ok:
	case r.Status == kv.HasValue:
		conn.WriteBulkString(r.Value)
	default:
		conn.WriteNull()
	}
}

func (c *Clients) set(conn redcon.Conn, args []string) {
	if len(args) > 2 {
		conn.WriteError("ERR syntax error: SET takes a key and a value, no options yet")
		return
	}
	if _, ok := c.do(conn, kv.Op{Kind: kv.Put, Key: args[0], Value: args[1]}); ok {
		conn.WriteString("OK")
	}
}

// del removes keys one by one: each by itself is atomic, all of them are not.
func (c *Clients) del(conn redcon.Conn, args []string) {
	for _, key := range args {
		if op := (kv.Op{Kind: kv.Delete, Key: key}); len(op.Encode()) > MaxOpBytes {
			refuse(conn, ErrTooBig) // before the first is removed
			return
		}
	}
	removed := 0
	for i, key := range args {
		r, err := c.try(kv.Op{Kind: kv.Delete, Key: key})
		if err != nil && i > 0 {
			err = fmt.Errorf("%w: %v after %d of %d keys", ErrUnknown, err, i, len(args))
		}
		if err != nil {
			refuse(conn, err)
			return
		}
		if r.Status == kv.Done {
			removed++
		}
	}
	conn.WriteInt(removed)
}

func (c *Clients) incr(conn redcon.Conn, args []string) {
	r, ok := c.do(conn, kv.Op{Kind: kv.Incr, Key: args[0]})
	switch {
	case !ok:
	case r.Status == kv.HasNumber:
		conn.WriteInt64(r.Number)
	case r.Status == kv.Overflow:
		conn.WriteError("ERR increment or decrement would overflow")
	default:
		conn.WriteError("ERR value is not an integer or out of range")
	}
}

func (c *Clients) append(conn redcon.Conn, args []string) {
	if r, ok := c.do(conn, kv.Op{Kind: kv.Append, Key: args[0], Value: args[1]}); ok {
		conn.WriteInt64(r.Number)
	}
}

func (c *Clients) ping(conn redcon.Conn, args []string) {
	switch len(args) {
	case 0:
		conn.WriteString("PONG")
	case 1:
		conn.WriteBulkString(args[0])
	default:
		conn.WriteError("ERR wrong number of arguments for 'ping' command")
	}
}

// handOver begins a hand-over to another server. INFO tells when that leads.
func (c *Clients) handOver(conn redcon.Conn, args []string) {
	st := c.server.Status()
	to, err := strconv.Atoi(args[0])
	switch {
	case err != nil || to < 1 || to > len(c.server.cfg.Hosts):
		conn.WriteError(fmt.Sprintf("ERR servers are numbered 1 to %d", len(c.server.cfg.Hosts)))
	case st.State != protocol.RegLeader && st.Leader != 0 && st.Leader != st.ID:
		conn.WriteError(fmt.Sprintf("ERR server %d leads: ask that one", st.Leader))
	case st.State != protocol.RegLeader:
		conn.WriteError("ERR this server does not lead")
	case protocol.ServerID(to) == st.ID:
		conn.WriteError("ERR this server leads already")
	default:
		c.server.HandOver(protocol.ServerID(to))
		conn.WriteString("OK")
	}
}

// info says where this server stands, in the form of Redis's own.
func (c *Clients) info(conn redcon.Conn, _ []string) {
	st := c.server.Status()
	var b strings.Builder
	fmt.Fprintf(&b, "# Paxos\r\nserver:%d\r\nservers:%d\r\nstate:%v\r\nview:%d\r\nleader:%d\r\n",
		st.ID, len(c.server.cfg.Hosts), st.State, st.View, st.Leader)
	fmt.Fprintf(&b, "aru:%d\r\nstate_hash:%016x\r\npending:%d\r\nwaiting:%d\r\nlife:%d\r\nstore:%016x\r\ncluster:%016x\r\nformed:%v\r\n",
		st.ARU, st.AppHash, st.Pending, st.Waiting, st.Life, uint64(st.Store), c.server.cfg.Hosts.Cluster(), st.Formed)
	b.WriteString("# Counts\r\n")
	c.server.Counts.Each(func(name string, n uint64) {
		fmt.Fprintf(&b, "%s:%d\r\n", strings.ReplaceAll(name, " ", "_"), n)
	})
	var refused uint64
	for _, n := range st.Refused {
		refused += n
	}
	fmt.Fprintf(&b, "datagrams_refused:%d\r\n", refused)
	conn.WriteBulkString(b.String())
}

func (c *Clients) quit(conn redcon.Conn, _ []string) {
	conn.WriteString("OK")
	conn.Close()
}

// commands answers nothing, which is enough for redis-cli to go on.
func (c *Clients) commands(conn redcon.Conn, _ []string) { conn.WriteArray(0) }
