package protocol

import "fmt"

// Formation (X18; the paper takes disks for granted): a cluster forms once, from fresh disks,
// each with an id of its own. Until then a server takes part in nothing. All disks must meet
// for it, and each remembers the others' ids for good. So a disk that was emptied or swapped
// meets a server that knows another one in its place, and never votes.
//
// A server whose roster is durable could take part at once: safety needs nothing more. It
// waits until the others' rosters are durable too, for their sake. Suppose one of them crashes
// before its roster is durable. After the restart it no longer knows which peers named it. If
// one of those is lost for good, nobody can tell it again, and it waits for ever beside a
// working majority.
//
// A restarted server must know whether it still waits. So entering is itself recorded: the
// roster is written a second time. One copy means "wait", two, or any record behind the first,
// mean "take part".

// formation is what a server knows of the cluster's disks.
type formation struct {
	store StoreID // this server's own; zero: no formation, all disks are vouched for
	// roster has the disks heard of so far. It is final once pos is set. Formed: this server
	// takes part.
	roster Roster
	// named are the servers that name our store. What such a server said of itself is current:
	// it spoke after our disk was formatted.
	named   uint16
	settled uint16   // servers whose rosters are known to be durable, or their disks lost
	pos     Position // of the roster's first record, or of the snapshot that repeats it; zero: not recorded
	next    Instant  // when to ask again, until this server takes part
	told    uint16   // servers that were reported as refused: each once a life
}

// forming says whether this server may not take part yet.
func (s *Server) forming() bool { return s.disks.store != 0 && !s.disks.roster.Formed }

// Roster is the cluster's disks as far as this server knows them.
func (s *Server) Roster() Roster { return s.disks.roster }

// receiveForming handles a message to a server that does not take part yet.
func (s *Server) receiveForming(m *Message, out *Output) {
	switch {
	case s.disks.pos > 0 && s.stranger(m, out):
		s.settleFormation(m.Server, out)
	case m.Kind == Formation:
		s.onFormation(m, out)
	case m.Server != 0 && s.mayEnter():
		s.enterCluster(out) // its sender takes part: it has not waited in vain
		s.receive(m, out)
	default:
		s.drop(notFormed)
	}
}

// form handles an input other than a message of a server that does not take part yet.
func (s *Server) form(in *Input, out *Output) {
	switch {
	case in.Kind == Timer && s.now >= s.disks.next:
		s.disks.next = s.now + s.settings.Retransmit
		s.askStores(out)
		s.tryForm(out)
		if s.mayEnter() { // a cluster of one has nobody to hear it from
			s.settleFormation(s.id, out)
		}
	case in.Kind == Durable && in.UpTo > s.position:
		s.drop(beyondRecords)
	case in.Kind == Durable:
		s.durable = max(s.durable, in.UpTo)
		if s.mayEnter() {
			s.tellStores(0, out)
			s.settleFormation(s.id, out)
		}
	}
}

// tellStores tells one server, or all, which disks we know of.
func (s *Server) tellStores(to ServerID, out *Output) {
	if s.n > 1 {
		roster := s.disks.roster
		roster.Formed = s.mayEnter()
		s.send(to, 0, Message{Kind: Formation, Roster: &roster}, out)
	}
}

// askStores tells all which disks we know of, and claims no durable roster. A server that has
// one answers.
func (s *Server) askStores(out *Output) {
	if s.n > 1 {
		roster := s.disks.roster
		s.send(0, 0, Message{Kind: Formation, Roster: &roster}, out)
	}
}

// onFormation hears which disks a peer knows of. What the peer says of itself counts once it
// names our store. Then it spoke after our disk was formatted, and it has not formed a cluster
// with another disk in our place.
func (s *Server) onFormation(m *Message, out *Output) {
	switch {
	case m.Roster == nil || m.Store == 0 || s.disks.store == 0:
		s.drop(malformed)
		return
	case s.mayEnter():
		if !m.Roster.Formed {
			s.tellStores(m.Server, out)
		} else if s.forming() {
			s.settleFormation(m.Server, out)
		}
		return
	}
	bit := uint16(1) << m.Server
	if m.Roster.Format != s.disks.roster.Format {
		s.drop(otherFormat)
		s.refuse(m.Server, out)
		return
	}
	known := s.disks.roster.Stores[m.Server]
	if s.disks.pos == 0 && known != m.Store {
		s.disks.roster.Stores[m.Server] = m.Store
		s.disks.named &^= bit
		s.disks.settled &^= bit
	}
	if m.Roster.Formed {
		s.disks.settled |= bit
	}
	switch named := m.Roster.Stores[s.id]; {
	case named == s.disks.store && s.disks.roster.Stores[m.Server] == m.Store:
		s.disks.named |= bit
	case m.Roster.Formed:
		s.refuse(s.id, out)
	}
	if known != m.Store && !m.Roster.Formed {
		s.tellStores(m.Server, out) // it waits to be named
	}
	s.tryForm(out)
}

// tryForm records the roster once every server has named our store.
func (s *Server) tryForm(out *Output) {
	if s.disks.pos > 0 || popcount(s.disks.named) < s.n-1 {
		return
	}
	s.invariant(s.position == 0, "the roster is the first record")
	roster := s.disks.roster
	roster.Formed = true
	s.disks.pos = s.record(Record{Kind: RecordFormed, Roster: &roster}, out)
}

// mayEnter says whether the roster is durable: safety needs nothing more.
func (s *Server) mayEnter() bool { return s.disks.pos > 0 && s.durable >= s.disks.pos }

// settleFormation notes that a server's roster is durable too, or its disk lost, and enters
// once that is known of all.
func (s *Server) settleFormation(id ServerID, out *Output) {
	s.disks.settled |= 1 << id
	if s.mayEnter() && popcount(s.disks.settled) == s.n {
		s.enterCluster(out)
	}
}

// enterCluster begins to take part, once the roster is durable: at first start all suspect.
func (s *Server) enterCluster(out *Output) {
	s.disks.roster.Formed = true
	roster := s.disks.roster
	s.record(Record{Kind: RecordFormed, Roster: &roster}, out)
	s.heartbeatAt = s.now + s.settings.Heartbeat
	s.progress.restart(s.now)
	s.progress.since -= s.settings.Timeout
	out.event(Event{Kind: Formed})
}

// stranger says whether the sender's disk is another than the cluster was formed with. It is
// told, so that its operator can know.
func (s *Server) stranger(m *Message, out *Output) bool {
	if s.disks.store == 0 || m.Server == 0 || m.Store == s.disks.roster.Stores[m.Server] {
		return false
	}
	s.drop(otherStore)
	if m.Kind == Formation && m.Roster != nil && !m.Roster.Formed {
		s.tellStores(m.Server, out)
	}
	s.refuse(m.Server, out)
	return true
}

// refuse reports, once, a server that cannot be in one cluster with the others.
func (s *Server) refuse(id ServerID, out *Output) {
	if bit := uint16(1) << id; s.disks.told&bit == 0 {
		s.disks.told |= bit
		out.event(Event{Kind: Refused, Servers: bit})
	}
}

// loadRoster takes over the cluster's roster from our own disk. Any record behind it says that
// this server takes part (recover).
func (s *Server) loadRoster(r *Record) error {
	switch {
	case r.Roster == nil || !r.Roster.Formed || r.Kind == RecordFormed && s.disks.pos == 0 && r.Position != 1:
		return fmt.Errorf("no roster, or not the first record")
	case s.disks.pos > 0:
		return nil
	case s.disks.store == 0:
		return fmt.Errorf("the cluster was formed (X18), but no store id is given")
	case r.Roster.Stores[s.id] != s.disks.store:
		return fmt.Errorf("this is store %016x, and the cluster was formed with %016x as that of server %d",
			uint64(s.disks.store), uint64(r.Roster.Stores[s.id]), s.id)
	case r.Roster.Format != s.settings.format():
		return fmt.Errorf("the settings say %v, and the cluster was formed with %v: that can't be changed", s.settings.format(), r.Roster.Format)
	}
	s.disks.roster, s.disks.pos, s.disks.settled = *r.Roster, r.Position, 1<<s.id
	s.disks.roster.Formed = false
	return nil
}

func (r *Roster) mix(h uint64) uint64 {
	h = mix(mixBool(h, r.Formed), uint64(r.Format))
	for _, id := range r.Stores {
		h = mix(h, uint64(id))
	}
	return h
}

func (r *Roster) String() string {
	if r == nil {
		return "none"
	}
	known := 0
	for _, id := range r.Stores {
		if id != 0 {
			known++
		}
	}
	if r.Formed {
		return fmt.Sprintf("formed of %d stores", known)
	}
	return fmt.Sprintf("%d stores known", known)
}

func (d *formation) hash(h uint64, now Instant) uint64 {
	if d.store == 0 {
		return h
	}
	h = d.roster.mix(mix(h, uint64(d.store)))
	h = mix(mix(h, uint64(d.settled)<<32|uint64(d.named)<<16|uint64(d.told)), uint64(d.pos))
	if d.roster.Formed {
		return h
	}
	return mixInstant(h, d.next, now)
}
