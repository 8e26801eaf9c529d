package live_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"log"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/fauer4effect/paxos/protocol"
	"github.com/fauer4effect/paxos/protocol/live"
)

// counter is an application of one's own: a number, to which an operation of 8 bytes is added.
// It is replicated, and survives what a majority of its servers survives.
type counter struct{ total uint64 }

var _ protocol.App = (*counter)(nil)

// Apply executes one operation. All servers give it the same ones in the same order. Bytes that
// are no operation must not panic: they come from the network.
func (c *counter) Apply(op []byte) []byte {
	if len(op) == 8 {
		c.total += binary.BigEndian.Uint64(op)
	}
	return c.Snapshot()
}

// Query answers an operation that changes nothing, here an empty one.
func (c *counter) Query([]byte) []byte { return c.Snapshot() }

// Snapshot is the whole state, and Restore takes it back. A server that was away for long needs
// that, and it keeps the log short.
func (c *counter) Snapshot() []byte { return binary.BigEndian.AppendUint64(nil, c.total) }

func (c *counter) Restore(snapshot []byte) error {
	if len(snapshot) != 8 {
		return fmt.Errorf("counter: a snapshot of %d bytes", len(snapshot))
	}
	c.total = binary.BigEndian.Uint64(snapshot)
	return nil
}

// Clone shares nothing that changes, and equal states have equal hashes.
func (c *counter) Clone() protocol.App { return &counter{c.total} }
func (c *counter) Hash() uint64        { return c.total }

// A service that embeds a server. Here it is a cluster of one. With three lines in Hosts, each on
// a machine of its own and with its own ID, it goes on when one of them dies.
func Example() {
	dir, err := os.MkdirTemp("", "counter-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	hosts := live.Hosts{{Name: "127.0.0.1", Port: freePort()}}

	add := func(n uint64) {
		server, err := live.Start(live.Config{
			Hosts: hosts, ID: 1, Port: hosts[0].Port, Dir: filepath.Join(dir, "store"),
			App: func() protocol.App { return new(counter) },
		})
		if err != nil {
			log.Fatal(err)
		}
		defer server.Close()
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()

		total, err := server.Do(ctx, binary.BigEndian.AppendUint64(nil, n))
		if err != nil {
			log.Fatal(err) // live.ErrUnknown: it may have been added, or not
		}
		read, err := server.Read(ctx, nil) // linearizable, and takes no place in the log
		fmt.Println(binary.BigEndian.Uint64(total), binary.BigEndian.Uint64(read), err)
	}
	add(40)
	add(2) // the server has stopped, and comes back with what it had
	// Output:
	// 40 40 <nil>
	// 42 42 <nil>
}

func freePort() int {
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close()
	return conn.LocalAddr().(*net.UDPAddr).Port
}
