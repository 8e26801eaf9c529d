package live

import (
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/net/ipv4"

	"github.com/fauer4effect/paxos/protocol"
	"github.com/fauer4effect/paxos/protocol/wire"
)

// What waits for the socket is bounded by its bytes, and clients' updates may not take all.
func TestOutboxIsBoundedByBytes(t *testing.T) {
	s := newSender(&socket{peers: make([]atomic.Pointer[net.UDPAddr], 4)}, 1, &Counts{})
	large := protocol.NewBatch(protocol.Update{Client: 1, Op: make([]byte, 60_000)})
	update := protocol.Outgoing{Message: protocol.Message{Kind: protocol.ClientUpdate, Batch: large}}
	proposal := protocol.Outgoing{Message: protocol.Message{Kind: protocol.Proposal, Batch: large}}
	for range 1000 {
		s.send([]protocol.Outgoing{update})
	}
	updates := len(s.outbox)
	for range 1000 {
		s.send([]protocol.Outgoing{proposal})
	}
	if updates == 0 || updates*2*60_000 > maxRelayBytes || len(s.outbox) < 2*updates || len(s.outbox)*2*60_000 > maxOutboxBytes {
		t.Errorf("%d updates and %d other messages wait", updates, len(s.outbox)-updates)
	}
	if lost := s.counts.unsendable.Load(); lost != uint64(2000-len(s.outbox)) {
		t.Errorf("%d messages are counted as lost, and %d were taken", lost, len(s.outbox))
	}
}

// Errors that come as fast as they are asked for do not make anybody spin.
func TestErrorsWithoutEnd(t *testing.T) {
	done := make(chan struct{})
	conn := &brokenPackets{done: done}
	s := &socket{conn: conn, done: done}
	var reader sync.WaitGroup
	reader.Go(func() {
		if err := s.read(nil); err != nil {
			t.Error(err)
		}
	})
	time.Sleep(300 * time.Millisecond)
	close(done)
	reader.Wait()
	if n := conn.calls.Load(); n < 2 || n > 20 {
		t.Errorf("ReadBatch was called %d times in 300 ms", n)
	}
}

type brokenPackets struct {
	calls atomic.Int64
	done  chan struct{}
}

func (b *brokenPackets) ReadBatch([]ipv4.Message, int) (int, error) {
	b.calls.Add(1)
	select {
	case <-b.done:
		return 0, net.ErrClosed
	default:
		return 0, syscall.ENOBUFS
	}
}

func (b *brokenPackets) WriteBatch(ms []ipv4.Message, _ int) (int, error) {
	return min(len(ms), int(b.calls.Add(1))), nil
}

// A large message is written in pieces, and a short write is taken up where it ended.
func TestWriteInPieces(t *testing.T) {
	encoder, err := wire.NewEncoder(wire.Identity{Cluster: 1, Server: 1, Life: 1}, 0, nil)
	if err != nil {
		t.Fatal(err)
	}
	s := &socket{conn: &brokenPackets{}, encoder: encoder, counts: &Counts{}, peers: make([]atomic.Pointer[net.UDPAddr], 3)}
	s.peers[2].Store(&net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1})
	large := protocol.NewBatch(protocol.Update{Client: 1, Op: make([]byte, 60_000)})
	s.write(1, []protocol.Outgoing{
		{Message: protocol.Message{Kind: protocol.Proposal, Batch: large}},
		{Message: protocol.Message{Kind: protocol.Proposal, Batch: large}},
		{To: 2, Message: protocol.Message{Kind: protocol.Accept}},
	})
	if sent := s.counts.datagramsOut.Load(); sent < 90 || s.counts.unsendable.Load() > 0 {
		t.Errorf("%d datagrams are sent", sent)
	}
}
