package live

import (
	"sync"

	"github.com/fauer4effect/paxos/protocol"
)

// The limits of what waits for the socket; more is lost, as on a network.
const (
	maxOutbox      = 1 << 16 // messages
	maxOutboxBytes = 8 << 20
	// maxRelayBytes is how many of these bytes clients' updates may take. They are sent again
	// and again while they wait, and must not crowd out what would let them be ordered.
	maxRelayBytes = 2 << 20
)

// sender encodes and sends messages beside the loop.
type sender struct {
	socket *socket
	own    protocol.ServerID
	counts *Counts
	mu     sync.Mutex
	outbox []protocol.Outgoing
	bytes  int // of what is in outbox, for all whom it goes to
	relays int // of these, the updates'
	work   chan struct{}
}

func newSender(s *socket, own protocol.ServerID, counts *Counts) *sender {
	return &sender{socket: s, own: own, counts: counts, work: make(chan struct{}, 1)}
}

// send hands messages over. It does not wait.
func (s *sender) send(out []protocol.Outgoing) {
	if len(out) == 0 {
		return
	}
	s.mu.Lock()
	for i := range out {
		if !s.take(&out[i]) {
			s.counts.unsendable.Add(1)
		}
	}
	s.mu.Unlock()
	notify(s.work)
}

// take puts a message into the outbox, if there is room.
func (s *sender) take(o *protocol.Outgoing) bool {
	bytes := messageBytes(&o.Message)
	if o.To == 0 {
		bytes *= len(s.socket.peers) - 2
	}
	relay := 0
	if o.Message.Kind == protocol.ClientUpdate {
		relay = bytes
	}
	if len(s.outbox) >= maxOutbox || s.bytes+bytes > maxOutboxBytes || relay > 0 && s.relays+relay > maxRelayBytes {
		return false
	}
	s.bytes += bytes
	s.relays += relay
	s.outbox = append(s.outbox, *o)
	return true
}

// messageBytes estimates the size of a message in datagrams.
func messageBytes(m *protocol.Message) int {
	bytes := 100
	if m.Batch != nil {
		bytes += batchBytes(m.Batch)
	}
	if m.List != nil {
		for i := range *m.List {
			bytes += 20 + batchBytes((*m.List)[i].Batch)
		}
	}
	return bytes
}

func batchBytes(b *protocol.Batch) int {
	bytes := 0
	for i := range b.Updates {
		bytes += 20 + len(b.Updates[i].Op)
	}
	return bytes
}

func (s *sender) run(stop <-chan struct{}) error {
	for {
		select {
		case <-stop:
			return nil
		case <-s.work:
		}
		s.mu.Lock()
		out := s.outbox
		s.outbox, s.bytes, s.relays = nil, 0, 0
		s.mu.Unlock()
		s.socket.write(s.own, out)
	}
}
