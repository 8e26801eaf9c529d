package live

import (
	"time"

	"github.com/fauer4effect/paxos/protocol"
	"github.com/fauer4effect/paxos/protocol/live/store"
)

const (
	publishEvery = 20 * time.Millisecond
	repeatEvery  = time.Second // of a command that is not answered: X17
)

// loop owns the machine: it feeds it with what happens, and does what it asks for.
func (s *Server) loop() error {
	defer func() {
		why := ErrUnknown
		if !s.machine.Roster().Formed {
			why = ErrStopped // the machine took none
		}
		s.calls.drop(why)
	}()
	timer := time.NewTimer(0)
	defer timer.Stop()
	publish := time.NewTicker(publishEvery)
	defer publish.Stop()
	repeat := time.NewTicker(repeatEvery)
	defer repeat.Stop()
	sender := newSender(s.socket, s.cfg.ID, &s.counts)
	s.workers.Add(1)
	go s.works(func() error { return sender.run(s.stop) })
	for {
		select {
		case <-s.stop:
			return nil
		case messages := <-s.inbox:
			s.receive(messages)
		case c := <-s.requests:
			s.request(c)
		case <-s.disk.progress:
		case <-s.elect:
			s.step(protocol.Input{Kind: protocol.Elect})
		case to := <-s.handOver:
			s.step(protocol.Input{Kind: protocol.HandOver, To: to})
		case <-publish.C:
			s.publish()
		case <-repeat.C:
			s.calls.each(s.ask)
		case <-timer.C:
		}
		s.drain()
		s.flush(sender)
		for len(s.again) > 0 {
			again := s.again
			s.again = nil
			for _, c := range again {
				s.ask(c)
			}
			s.flush(sender)
		}
		timer.Reset(time.Duration(s.machine.Deadline() - s.now()))
	}
}

// now is the time since the server's start. It never goes back.
func (s *Server) now() protocol.Instant { return protocol.Instant(time.Since(s.started)) }

// drain takes what else is there, so that one write and one sync serve many steps.
func (s *Server) drain() {
	for range stepsAtOnce {
		if pos := s.disk.durable(); pos > s.synced {
			s.synced = pos
			s.step(protocol.Input{Kind: protocol.Durable, UpTo: pos})
		}
		select {
		case messages := <-s.inbox:
			s.receive(messages)
		case c := <-s.requests:
			s.request(c)
		default:
			if s.now() >= s.machine.Deadline() {
				s.step(protocol.Input{Kind: protocol.Timer})
			}
			return
		}
	}
	if s.now() >= s.machine.Deadline() {
		s.step(protocol.Input{Kind: protocol.Timer})
	}
}

func (s *Server) receive(messages []protocol.Message) {
	for _, m := range messages {
		if m.Kind == protocol.VCProof {
			s.peers.hear(&m, s.now())
		}
		s.step(protocol.Input{Kind: protocol.Receive, Message: m})
	}
}

// request begins a command.
func (s *Server) request(c *call) {
	if s.refused {
		c.done <- answer{err: ErrRefused}
		return
	}
	if !s.calls.begin(c) {
		c.done <- answer{err: ErrBusy}
		return
	}
	s.ask(c)
}

// readTries is how often a read is asked for without the log. Then it goes through the log, as
// an update: no server owes a read its liveness (X20).
const readTries = 2

// ask hands a command to the machine, as a client's request.
func (s *Server) ask(c *call) {
	s.step(protocol.Input{Kind: protocol.Receive, Message: s.calls.request(c)})
}

// step feeds the machine with one input. What comes of it is added to out.
func (s *Server) step(in protocol.Input) {
	now := s.now()
	from := mark(&s.out)
	s.machine.Step(now, in, &s.out)
	if s.cfg.Tape == nil && s.cfg.Watch == nil {
		return
	}
	one := from.since(&s.out)
	s.cfg.Tape.write(now, &in, &one)
	if s.cfg.Watch != nil {
		s.cfg.Watch(&in, &one)
	}
}

// outputMark is how much of an Output there was.
type outputMark struct {
	records, messages, replies, events int
	truncate                           protocol.Position
}

func mark(o *protocol.Output) outputMark {
	return outputMark{len(o.Records), len(o.Messages), len(o.Replies), len(o.Events), o.Truncate}
}

// since is what was added to the output after the mark.
func (m outputMark) since(o *protocol.Output) protocol.Output {
	added := protocol.Output{
		Records: o.Records[m.records:], Messages: o.Messages[m.messages:],
		Replies: o.Replies[m.replies:], Events: o.Events[m.events:],
	}
	if o.Truncate != m.truncate { // it only rises
		added.Truncate = o.Truncate
	}
	return added
}

// flush does what the last steps asked for. Records go to the disk. Messages go to the network
// if all records that they wait for are durable.
func (s *Server) flush(sender *sender) {
	s.cfg.Tape.flush()
	s.disk.write(s.out.Records)
	s.disk.truncate(s.out.Truncate)
	ready := make([]protocol.Outgoing, 0, len(s.out.Messages)+len(s.held))
	kept := s.held[:0]
	for _, o := range s.held {
		if o.After <= s.synced {
			ready = append(ready, o)
		} else {
			kept = append(kept, o)
		}
	}
	s.held = kept
	for _, o := range s.out.Messages {
		if o.After <= s.synced {
			ready = append(ready, o)
		} else {
			s.held = append(s.held, o)
		}
	}
	sender.send(ready)
	for i := range s.out.Replies {
		if again := s.calls.answer(&s.out.Replies[i]); again != nil {
			s.again = append(s.again, again)
		}
	}
	s.note(s.out.Events)
	s.out.Reset()
}

// publish makes a new Status.
func (s *Server) publish() {
	m := s.machine
	roster := m.Roster()
	st := &Status{
		At: time.Now(), ID: m.ID(), State: m.State(), View: m.LastInstalled(), ARU: m.LocalARU(), AppHash: m.App().Hash(),
		Formed: roster.Formed, Life: s.store.Life(), Store: s.store.ID(), Pending: m.Pending(), Waiting: len(s.calls.waiting),
		Sessions: s.calls.count(), OpenSessions: m.Sessions(), Truncated: s.truncated, Peers: s.peers.list(s.now()), Refused: map[string]uint64{}, Drops: map[string]uint64{},
	}
	if st.State != protocol.LeaderElection {
		st.Leader = protocol.Leader(st.View, len(s.cfg.Hosts))
	}
	var lives store.Peers
	lives, st.Foreign = s.socket.heard()
	s.disk.note(lives)
	m.Drops(func(why string, n uint64) { st.Drops[why] = n })
	s.socket.refused(func(why string, n uint64) { st.Refused[why] = n })
	s.status.Store(st)
}
