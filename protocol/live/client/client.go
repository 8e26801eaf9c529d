package client

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/gomodule/redigo/redis"
)

// Errors that a command can end with, beside those of a context and [Error].
var (
	// ErrUnknown: the command may have been executed, or may be yet, or not.
	ErrUnknown = errors.New("outcome unknown")
	// ErrBusy: no server took the command, which was not executed.
	ErrBusy = errors.New("the servers are busy")
	// ErrUnreachable: no server could be reached, or none answered a read. The command was not
	// executed.
	ErrUnreachable = errors.New("no server can be reached, or answers")
	// ErrClosed: the client is closed; the command was not executed.
	ErrClosed = errors.New("the client is closed")
)

// Error is what a server answers to a command that it refuses, such as one that does not exist.
type Error string

func (e Error) Error() string { return string(e) }

const (
	rounds     = 3                     // through all addresses, before a command is given up
	roundPause = 50 * time.Millisecond // between them: an election takes a few
	readLimit  = time.Second           // for one server's answer to what only reads, where there are others
	dialLimit  = 2 * time.Second       // or as long as the context allows
	maxIdle    = 64                    // connections kept to a server
)

// Client is a client of one cluster. Its methods may be called from any goroutine; each command
// under way has a connection of its own.
type Client struct {
	servers []*server
	mu      sync.Mutex
	at      int // whom commands ask first
	closed  bool
}

// New returns a client of the cluster whose servers have these addresses, each host:port or the
// path of a Unix socket. It does not connect yet.
func New(addresses ...string) (*Client, error) {
	if len(addresses) == 0 {
		return nil, errors.New("client: no address")
	}
	c := &Client{}
	for _, a := range addresses {
		if !strings.Contains(a, "/") && !strings.Contains(a, ":") {
			return nil, fmt.Errorf("client: address %q: it is host:port, or a path", a)
		}
		c.servers = append(c.servers, &server{address: a})
	}
	return c, nil
}

// Close closes the connections. Commands under way end on their own.
func (c *Client) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	for _, s := range c.servers {
		s.drop()
	}
	return nil
}

// Get gives the value of a key, and whether there is one.
func (c *Client) Get(ctx context.Context, key string) (value string, found bool, err error) {
	value, err = redis.String(c.Do(ctx, "GET", key))
	if errors.Is(err, redis.ErrNil) {
		return "", false, nil
	}
	return value, err == nil, err
}

// Set sets a key.
func (c *Client) Set(ctx context.Context, key, value string) error {
	_, err := c.Do(ctx, "SET", key, value)
	return err
}

// Del removes keys, all at once, and says how many there were.
func (c *Client) Del(ctx context.Context, keys ...string) (int64, error) {
	args := make([]any, len(keys))
	for i, key := range keys {
		args[i] = key
	}
	return redis.Int64(c.Do(ctx, "DEL", args...))
}

// Incr adds one to an integer, and gives the sum.
func (c *Client) Incr(ctx context.Context, key string) (int64, error) {
	return redis.Int64(c.Do(ctx, "INCR", key))
}

// Append appends to a value, and gives the new length.
func (c *Client) Append(ctx context.Context, key, value string) (int64, error) {
	return redis.Int64(c.Do(ctx, "APPEND", key, value))
}

// Do executes any command. The reply is nil, a string, an int64, a []byte or a []any of these.
func (c *Client) Do(ctx context.Context, name string, args ...any) (any, error) {
	replies, err := c.Pipeline(ctx, Command{name, args})
	if err != nil {
		return nil, err
	}
	return replies[0].Value, replies[0].Err
}

// Command is a command by its name and arguments, which are strings, []byte or numbers.
type Command struct {
	Name string
	Args []any
}

// Reply is what became of a command.
type Reply struct {
	Value any
	Err   error
}

// Pipeline executes commands in order with one round trip. What others do may come between
// them. Its error means that none was executed; else each Reply tells of its command. Where
// the connection breaks among the replies, those that did not come are ErrUnknown.
func (c *Client) Pipeline(ctx context.Context, commands ...Command) ([]Reply, error) {
	if len(commands) == 0 {
		return nil, nil
	}
	reads := true
	for _, cmd := range commands {
		reads = reads && readOnly[strings.ToUpper(cmd.Name)]
	}
	var last error
	for try := range rounds * len(c.servers) {
		if try > 0 && try%len(c.servers) == 0 {
			pause(ctx)
		}
		if ctx.Err() != nil {
			return nil, notExecuted(ctx.Err(), last)
		}
		at, err := c.target()
		if err != nil {
			return nil, err
		}
		replies, err := c.try(ctx, at, commands, reads)
		switch {
		case err == nil && !c.wantsAnother(replies, reads):
			return replies, nil
		case err == nil:
			last = replies[0].Err
		case errors.Is(err, errNotSent):
			last = fmt.Errorf("%w: %w", ErrUnreachable, err)
		case !reads:
			return unknownFrom(replies, len(commands), err), nil
		default:
			last = fmt.Errorf("%w: %w", ErrUnreachable, err)
		}
		c.leave(at)
	}
	return nil, last
}

// try asks one server. A server that is cut off from the others does not answer a read.
func (c *Client) try(ctx context.Context, at int, commands []Command, reads bool) ([]Reply, error) {
	if !reads || len(c.servers) == 1 {
		return c.servers[at].ask(ctx, &c.mu, commands)
	}
	within, cancel := context.WithTimeout(ctx, readLimit)
	defer cancel()
	replies, err := c.servers[at].ask(within, &c.mu, commands)
	if within.Err() != nil && ctx.Err() == nil && err != nil {
		err = fmt.Errorf("%s: no answer within %v", c.servers[at].address, readLimit)
	}
	return replies, err
}

// notExecuted is why a command was given up, and what came of the last try.
func notExecuted(why, last error) error {
	if last == nil {
		return why
	}
	return fmt.Errorf("%w, after: %w", why, last)
}

// readOnly are the commands that may be asked twice.
var readOnly = map[string]bool{
	"GET": true, "MGET": true, "EXISTS": true, "STRLEN": true, "PING": true, "ECHO": true, "INFO": true,
}

// wantsAnother says whether to ask another server for the same. That is so if the first command
// was not executed, since then none was. It is so too if all of them only read and the outcome
// of one is unknown.
func (c *Client) wantsAnother(replies []Reply, reads bool) bool {
	none := len(replies) > 0
	for _, r := range replies {
		if reads && errors.Is(r.Err, ErrUnknown) {
			return true
		}
		none = none && errors.Is(r.Err, ErrBusy)
	}
	return none
}

// unknownFrom are the replies that came, and as many without an outcome as are missing.
func unknownFrom(replies []Reply, commands int, why error) []Reply {
	for len(replies) < commands {
		replies = append(replies, Reply{Err: fmt.Errorf("%w: %w", ErrUnknown, why)})
	}
	return replies
}

// target is whom to ask.
func (c *Client) target() (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return 0, ErrClosed
	}
	return c.at, nil
}

// leave goes on to the next server, unless somebody has.
func (c *Client) leave(at int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.at == at {
		c.at = (at + 1) % len(c.servers)
	}
}

func pause(ctx context.Context) {
	select {
	case <-ctx.Done():
	case <-time.After(roundPause):
	}
}
