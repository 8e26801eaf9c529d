package client

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/gomodule/redigo/redis"
)

// server is one of the cluster's, with the connections that nobody uses now.
type server struct {
	address string
	idle    []*conn // of Client.mu
	closed  bool    // the client is
}

// conn is a connection to a server.
type conn struct {
	redis.Conn
	raw  net.Conn
	used time.Time
}

// errNotSent: the server has seen nothing of the commands.
var errNotSent = errors.New("nothing was sent")

// errStopping: the server will be gone in a moment.
var errStopping = fmt.Errorf("%w: one stops", ErrBusy)

// freshFor is how long after its last use a connection is taken to be alive. An older one is
// tried first: a write that is sent to a server which is gone has an unknown outcome.
const freshFor = time.Second

// ask sends commands and receives their replies. With an error those that came are returned.
func (s *server) ask(ctx context.Context, mu *sync.Mutex, commands []Command) ([]Reply, error) {
	conn, err := s.take(ctx, mu)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errNotSent, err)
	}
	replies, err := conn.exchange(ctx, commands)
	if err != nil {
		conn.Close()
		return replies, fmt.Errorf("%s: %w", s.address, err)
	}
	if errors.Is(replies[len(replies)-1].Err, errStopping) {
		conn.Close()
	} else {
		s.give(mu, conn)
	}
	return replies, nil
}

// take is a connection to the server, of those there are or a new one.
func (s *server) take(ctx context.Context, mu *sync.Mutex) (*conn, error) {
	for {
		mu.Lock()
		n := len(s.idle)
		if n == 0 {
			mu.Unlock()
			return s.dial(ctx)
		}
		conn := s.idle[n-1]
		s.idle = s.idle[:n-1]
		mu.Unlock()
		if time.Since(conn.used) < freshFor {
			return conn, nil
		}
		if _, err := conn.exchange(ctx, []Command{{Name: "PING"}}); err == nil {
			return conn, nil
		}
		conn.Close()
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
	}
}

func (s *server) dial(ctx context.Context) (*conn, error) {
	network := "tcp"
	if strings.Contains(s.address, "/") {
		network = "unix"
	}
	raw, err := (&net.Dialer{Timeout: dialLimit}).DialContext(ctx, network, s.address)
	if err != nil {
		return nil, err
	}
	return &conn{Conn: redis.NewConn(Limit(raw), 0, 0), raw: raw}, nil
}

// give takes a connection back.
func (s *server) give(mu *sync.Mutex, conn *conn) {
	conn.used = time.Now()
	mu.Lock()
	defer mu.Unlock()
	if s.closed || len(s.idle) >= maxIdle {
		conn.Close()
		return
	}
	s.idle = append(s.idle, conn)
}

// drop closes the connections; what is given back is closed, too. The caller holds Client.mu.
func (s *server) drop() {
	s.closed = true
	for _, conn := range s.idle {
		conn.Close()
	}
	s.idle = nil
}

// exchange sends commands and receives their replies, as far as they come.
func (c *conn) exchange(ctx context.Context, commands []Command) (replies []Reply, err error) {
	stop := context.AfterFunc(ctx, func() { c.raw.Close() })
	defer func() {
		if !stop() && ctx.Err() != nil {
			err = ctx.Err()
		}
	}()
	for _, cmd := range commands {
		if err := c.Send(cmd.Name, cmd.Args...); err != nil {
			return nil, err
		}
	}
	if err := c.Flush(); err != nil {
		return nil, err
	}
	for range commands {
		value, err := c.Receive()
		var refused redis.Error
		if err != nil && !errors.As(err, &refused) {
			return replies, err
		}
		if err != nil {
			err = meaning(string(refused))
		}
		replies = append(replies, Reply{value, err})
	}
	return replies, nil
}

// manyClients is what a server says, in Redis's words, to a client for which it has no room.
const manyClients = "ERR max number of clients reached; nothing was executed"

// meaning is what a server's error says of its command.
func meaning(text string) error {
	switch word, _, _ := strings.Cut(text, " "); word {
	case "UNKNOWN":
		return fmt.Errorf("%w: %s", ErrUnknown, text)
	case "STOPPING":
		return fmt.Errorf("%w: %s", errStopping, text)
	case "BUSY", "REFUSED":
		return fmt.Errorf("%w: %s", ErrBusy, text)
	}
	if text == manyClients {
		return fmt.Errorf("%w: %s", ErrBusy, text)
	}
	return Error(text)
}
