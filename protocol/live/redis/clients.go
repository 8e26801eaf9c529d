package redis

import (
	"context"
	"maps"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tidwall/redcon"

	"github.com/fauer4effect/paxos/protocol"
	"github.com/fauer4effect/paxos/protocol/live"
)

// Server is what executes the commands: a live.Server, or what takes its place in a test.
type Server interface {
	Do(ctx context.Context, op []byte) ([]byte, error)
	Read(ctx context.Context, op []byte) ([]byte, error)
	Status() live.Status
	Hosts() live.Hosts
	Counts() *live.Counts
	HandOver(to protocol.ServerID)
	Stopped() <-chan struct{}
}

var _ Server = (*live.Server)(nil)

// Clients speaks Redis's protocol (RESP 2) with clients: the commands of commands.go, on
// the replicated key-value store and on the server itself. Any server takes any command.
// It uses redcon for encoding replies, and for lines typed by hand. The rest of redcon has no
// limits, and panics where a client claims a length of 2^63−1.
type Clients struct {
	server   Server
	listener net.Listener
	gate     gate
	open     atomic.Int64    // connections
	buffered atomic.Int64    // bytes of their buffers, beyond the smallest
	unread   atomic.Int64    // bytes of replies that are on their way, beyond the smallest
	ctx      context.Context // of commands: ends with Close
	cancel   context.CancelFunc
	workers  sync.WaitGroup
	patience time.Duration // with one that does not read
	limit    int64         // of connections

	mu    sync.Mutex
	last  int64           // connection's number
	conns map[int64]*conn // nil once closed
}

// What a client may ask of a server's memory, and time.
const (
	// maxClients bounds the connections. Each has one update at a time: so more connections than
	// updates that may wait are of no use. Each costs a file descriptor: see clientLimit.
	maxClients = live.MaxWaiting
	// ownDescriptors are left to the server itself: its store, logs, sockets, and requests for
	// its metrics. A store that can't open a file has failed for good.
	ownDescriptors = 192
	// maxCommandBytes bounds a command as it comes. Each command whose operation is not too large
	// fits: a field costs up to twelve bytes here, and at least four there.
	maxCommandBytes = 4 * live.MaxOpBytes
	// maxBufferedBytes bounds what commands that are not complete take, all clients together.
	maxBufferedBytes = 64 << 20
	// maxUnreadBytes bounds the replies that clients have yet to read, all together; one whose
	// reply has no room is cut off.
	maxUnreadBytes = 128 << 20
	// replyPatience is how long a client may take none of its replies before it is cut off.
	replyPatience = 10 * time.Second
	// replyBytes are collected before they are sent although commands wait.
	replyBytes = 64 << 10
)

// clientLimit is how many clients a process takes that may have the given number of descriptors.
// Where those are few, it is a quarter of them.
func clientLimit(descriptors uint64) int64 {
	if descriptors == 0 {
		return maxClients
	}
	room := descriptors / 4
	if descriptors > ownDescriptors {
		room = max(room, descriptors-ownDescriptors)
	}
	return int64(max(1, min(room, maxClients)))
}

// Serve serves the clients that come to the listener, until Close. The server's App must be a
// kv.Store.
func Serve(l net.Listener, s Server) *Clients { return serve(l, s, replyPatience) }

func serve(l net.Listener, s Server, patience time.Duration) *Clients {
	ctx, cancel := context.WithCancel(context.Background())
	c := &Clients{server: s, listener: newPatient(l), ctx: ctx, cancel: cancel, patience: patience, limit: clientLimit(descriptors()), conns: make(map[int64]*conn)}
	c.workers.Go(c.accept)
	return c
}

// accept takes connections in until the listener is closed.
func (c *Clients) accept() {
	for {
		from, err := c.listener.Accept()
		if err != nil {
			return
		}
		conn, why := c.admit(from)
		if conn == nil {
			_ = from.SetWriteDeadline(time.Now().Add(time.Second))
			_, _ = from.Write(redcon.AppendError(nil, why+"; nothing was executed"))
			from.Close()
			continue
		}
		c.workers.Go(func() {
			conn.serve()
			c.leave(conn)
		})
	}
}

// admit gives a connection its number, or says why not.
func (c *Clients) admit(from net.Conn) (*conn, string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.conns == nil:
		return nil, "ERR " + live.ErrStopped.Error()
	case c.open.Load() >= c.limit:
		return nil, "ERR max number of clients reached"
	}
	c.open.Add(1)
	c.last++
	conn := newConn(c, c.last, from)
	c.conns[conn.id] = conn
	return conn, ""
}

func (c *Clients) leave(conn *conn) {
	conn.net.Close()
	conn.in.Release()
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.conns, conn.id)
	c.open.Add(-1)
}

// each calls f for every connection, oldest first.
func (c *Clients) each(f func(*conn)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, id := range slices.Sorted(maps.Keys(c.conns)) {
		f(c.conns[id])
	}
}

// room takes bytes of the memory that all connections share, or gives them back.
func (c *Clients) room(bytes int64) bool {
	if c.buffered.Add(bytes) > maxBufferedBytes && bytes > 0 {
		c.buffered.Add(-bytes)
		return false
	}
	return true
}

// Open is how many clients are connected.
func (c *Clients) Open() int { return int(c.open.Load()) }

// Close ends all connections. The outcome of commands under way stays unknown.
func (c *Clients) Close() {
	c.cancel()
	c.listener.Close()
	c.mu.Lock()
	for _, conn := range c.conns {
		conn.net.Close()
	}
	c.conns = nil
	c.mu.Unlock()
	c.workers.Wait()
}
