package live

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/net/ipv4"

	"github.com/fauer4effect/paxos/protocol"
	"github.com/fauer4effect/paxos/protocol/live/internal/backoff"
	"github.com/fauer4effect/paxos/protocol/live/store"
	"github.com/fauer4effect/paxos/protocol/wire"
)

const (
	socketBytes = 4 << 20                // of the kernel's buffers, where it grants them
	batchSize   = 64                     // datagrams a system call
	readBytes   = wire.DatagramBytes + 1 // enough to see that a datagram is larger than ours

	resolveEvery = time.Second      // of a peer that has no address yet
	lookAgain    = 10 * time.Second // of one that has: it may come back with another
)

// socket is a server's one UDP socket: messages in, messages out.
type socket struct {
	udp     *net.UDPConn
	conn    packets
	peers   []atomic.Pointer[net.UDPAddr] // by id; 0 and one's own unused
	encoder *wire.Encoder
	cut     *atomic.Uint32 // senders whose messages are ignored, bit id: faults under test
	counts  *Counts
	done    <-chan struct{} // closed when the server ends

	mu        sync.Mutex // of what follows, between reading and counting
	decoder   *wire.Decoder
	oversized uint64
}

// packets is what a socket needs of an ipv4.PacketConn.
type packets interface {
	ReadBatch(ms []ipv4.Message, flags int) (int, error)
	WriteBatch(ms []ipv4.Message, flags int) (int, error)
}

// listen opens the socket. An empty address is all interfaces.
func listen(address netip.Addr, port int) (*net.UDPConn, error) {
	udp, err := net.ListenUDP("udp4", &net.UDPAddr{IP: address.AsSlice(), Port: port})
	if err != nil {
		var op *net.OpError
		if errors.As(err, &op) {
			err = op.Err
		}
		return nil, fmt.Errorf("UDP port %d: %w", port, err)
	}
	// Best effort: what the kernel does not hold is lost, as any datagram may be.
	_ = udp.SetReadBuffer(socketBytes)
	_ = udp.SetWriteBuffer(socketBytes)
	return udp, nil
}

// read hands batches of messages to deliver, until the socket is closed.
func (s *socket) read(deliver func([]protocol.Message)) error {
	batch := make([]ipv4.Message, batchSize)
	for i := range batch {
		batch[i].Buffers = [][]byte{make([]byte, readBytes)}
	}
	var rest backoff.Rest
	for {
		n, err := s.conn.ReadBatch(batch, 0)
		if errors.Is(err, net.ErrClosed) {
			return nil
		}
		if err != nil { // an ICMP error of an earlier datagram, say: the socket goes on
			rest.Wait(s.done)
			continue
		}
		rest = backoff.Rest{}
		var messages []protocol.Message
		cut := s.cut.Load()
		s.mu.Lock()
		for i := range batch[:n] {
			if batch[i].N > wire.DatagramBytes { // before anything is computed of it
				s.oversized++
				continue
			}
			m, ok := s.decoder.Decode(batch[i].Buffers[0][:batch[i].N])
			switch {
			case ok && cut&(1<<m.Server) != 0:
			case ok && m.Server == 0: // clients do not speak UDP
			case ok:
				messages = append(messages, m)
			}
		}
		s.mu.Unlock()
		s.counts.datagramsIn.Add(uint64(n))
		if len(messages) > 0 {
			deliver(messages)
		}
	}
}

// write sends messages, a system call's worth of datagrams at a time. What can't be sent is
// lost, and counted.
func (s *socket) write(own protocol.ServerID, out []protocol.Outgoing) {
	var batch []ipv4.Message
	for i := range out {
		datagrams, err := s.encoder.Encode(&out[i].Message)
		if err != nil {
			s.counts.unsendable.Add(1)
			continue
		}
		for _, d := range datagrams {
			d = append([]byte{}, d...) // the encoder reuses its memory
			for id := 1; id < len(s.peers); id++ {
				to := s.peers[id].Load()
				if to == nil || protocol.ServerID(id) == own || out[i].To != 0 && int(out[i].To) != id {
					continue
				}
				batch = append(batch, ipv4.Message{Buffers: [][]byte{d}, Addr: to})
			}
		}
		if len(batch) >= batchSize {
			s.writeAll(batch)
			batch = batch[:0]
		}
	}
	s.writeAll(batch)
}

func (s *socket) writeAll(batch []ipv4.Message) {
	s.counts.datagramsOut.Add(uint64(len(batch)))
	for len(batch) > 0 {
		n, err := s.conn.WriteBatch(batch[:min(len(batch), batchSize)], 0)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			n = max(n, 0) + 1 // unreachable, say: the next may be for another
			s.counts.unsendable.Add(1)
		}
		if n == 0 {
			return
		}
		batch = batch[min(n, len(batch)):]
	}
}

// heard is the lives of the peers that were heard last, and the last other cluster.
func (s *socket) heard() (lives store.Peers, foreign uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.decoder.Lives(), s.decoder.Foreign()
}

// refused calls f with the reasons for which datagrams are refused, and how many were.
func (s *socket) refused(f func(reason string, times uint64)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.decoder.Refused(f)
	f("oversized", s.oversized)
}
