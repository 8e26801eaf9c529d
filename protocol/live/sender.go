package live

import (
	"sync"

	"github.com/fauer4effect/paxos/protocol"
)

// maxOutbox bounds the messages that wait for the socket; more are lost, as on a network.
const maxOutbox = 1 << 16

// sender encodes and sends messages beside the loop.
type sender struct {
	socket *socket
	own    protocol.ServerID
	counts *Counts
	mu     sync.Mutex
	outbox []protocol.Outgoing
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
	if len(s.outbox)+len(out) <= maxOutbox {
		s.outbox = append(s.outbox, out...)
	} else {
		s.counts.unsendable.Add(uint64(len(out)))
	}
	s.mu.Unlock()
	notify(s.work)
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
		s.outbox = nil
		s.mu.Unlock()
		s.socket.write(s.own, out)
	}
}
