// Package trio is three live servers in one process, on the loopback interface, for tests. Their App is
// a kv.Store.
package trio

import (
	"context"
	"net"
	"net/netip"
	"path/filepath"
	"testing"
	"time"

	"github.com/fauer4effect/paxos/protocol"
	"github.com/fauer4effect/paxos/protocol/kv"
	"github.com/fauer4effect/paxos/protocol/live"
)

// Trio is three servers. They are counted from 0 here: server i has the ID i+1.
type Trio struct {
	t       *testing.T
	Configs []live.Config  // a change counts from the server's next Start
	Servers []*live.Server // nil: down
}

// New makes a trio in which no server runs yet. Change, unless it is nil, sees the Config of each. What
// runs at the end of the test is stopped.
func New(t *testing.T, change func(*live.Config)) *Trio {
	t.Helper()
	c := &Trio{t: t, Configs: make([]live.Config, 3), Servers: make([]*live.Server, 3)}
	var hosts live.Hosts
	for range 3 {
		conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		hosts = append(hosts, live.Host{Name: "127.0.0.1", Port: conn.LocalAddr().(*net.UDPAddr).Port})
	}
	for i := range c.Configs {
		c.Configs[i] = live.Config{
			Hosts: hosts, ID: protocol.ServerID(i + 1), Port: hosts[i].Port, Address: netip.MustParseAddr("127.0.0.1"),
			Dir: filepath.Join(t.TempDir(), "store"), App: func() protocol.App { return kv.New() },
		}
		if change != nil {
			change(&c.Configs[i])
		}
	}
	t.Cleanup(func() {
		for i := range c.Servers {
			c.Stop(i)
		}
	})
	return c
}

// Start starts a server.
func (c *Trio) Start(i int) *live.Server {
	c.t.Helper()
	s, err := live.Start(c.Configs[i])
	if err != nil {
		c.t.Fatal(err)
	}
	c.Servers[i] = s
	return s
}

// StartAll starts all servers.
func (c *Trio) StartAll() {
	c.t.Helper()
	for i := range c.Servers {
		c.Start(i)
	}
}

// Stop closes a server that runs. One that ended before, by a failure, fails the test.
func (c *Trio) Stop(i int) {
	if s := c.Servers[i]; s != nil {
		c.Servers[i] = nil
		if err := s.Close(); err != nil {
			c.t.Error(err)
		}
	}
}

// Do executes an operation at a server.
func (c *Trio) Do(i int, op kv.Op) kv.Result {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	text, err := c.Servers[i].Do(ctx, op.Encode())
	if err != nil {
		c.t.Fatalf("%v at server %d: %v", op, i+1, err)
	}
	r, err := kv.DecodeResult(text)
	if err != nil {
		c.t.Fatal(err)
	}
	return r
}

// Leader waits until a server leads, and returns its place.
func (c *Trio) Leader() int {
	for {
		for i, s := range c.Servers {
			if s != nil && s.Status().State == protocol.RegLeader {
				return i
			}
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// Agreed waits until the servers, which all run, agree on who leads, and returns its ID.
func (c *Trio) Agreed() int {
	for {
		first := c.Servers[0].Status().Leader
		if first != 0 && c.Servers[1].Status().Leader == first && c.Servers[2].Status().Leader == first {
			return int(first)
		}
		time.Sleep(5 * time.Millisecond)
	}
}
