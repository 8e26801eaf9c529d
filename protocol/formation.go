package protocol

import "fmt"

// Formation (X18; the paper takes disks for granted): a cluster forms once, from fresh disks,
// each with an id of its own. Until then a server takes part in nothing. Since all disks must
// meet for it, and each remembers the others' ids for good, a disk that was emptied or
// swapped finds somebody who knows another one in its place, and never votes.

// formation is what a server knows of the cluster's disks.
type formation struct {
	store  StoreID // zero: no formation, all disks are vouched for
	roster Roster  // heard so far; once Formed, the cluster's
	named  uint16  // servers that name our store: what they said of themselves is current
	pos    Position
	next   Instant // to ask again
	told   uint16  // servers whose other store was reported already
}

// forming says whether this server may not take part yet.
func (s *Server) forming() bool { return s.disks.store != 0 && !s.disks.roster.Formed }

// Roster is the cluster's disks as far as this server knows them.
func (s *Server) Roster() Roster { return s.disks.roster }

// form handles an input other than a message of a server that does not take part yet.
func (s *Server) form(in *Input, out *Output) {
	switch {
	case in.Kind == Timer && s.now >= s.disks.next:
		s.disks.next = s.now + s.settings.Retransmit
		s.tellStores(0, out)
		s.tryForm(out)
	case in.Kind == Durable && in.UpTo > s.position:
		s.drop(beyondRecords)
	case in.Kind == Durable:
		s.durable = max(s.durable, in.UpTo)
		s.enterCluster(out)
	}
}

// tellStores tells one server, or all, which disks we know of.
func (s *Server) tellStores(to ServerID, out *Output) {
	if s.n > 1 {
		roster := s.disks.roster
		s.send(to, 0, Message{Kind: Formation, Roster: &roster}, out)
	}
}

// onFormation hears which disks a peer knows of. What it says of itself counts once it names
// our store: then it spoke after our disk was formatted, and has not formed a cluster with
// another one in its place.
func (s *Server) onFormation(m *Message, out *Output) {
	switch {
	case m.Roster == nil || m.Store == 0 || s.disks.store == 0:
		s.drop(malformed)
		return
	case !s.forming():
		if !m.Roster.Formed {
			s.tellStores(m.Server, out)
		}
		return
	}
	bit := uint16(1) << m.Server
	known := s.disks.roster.Stores[m.Server]
	if s.disks.pos == 0 && known != m.Store {
		s.disks.roster.Stores[m.Server] = m.Store
		s.disks.named &^= bit
	}
	switch named := m.Roster.Stores[s.id]; {
	case named == s.disks.store && s.disks.roster.Stores[m.Server] == m.Store:
		s.disks.named |= bit
	case m.Roster.Formed && s.disks.told&(1<<s.id) == 0:
		s.disks.told |= 1 << s.id
		out.event(Event{Kind: Refused, Servers: 1 << s.id})
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

// enterCluster begins to take part, once the roster is durable: at first start all suspect.
func (s *Server) enterCluster(out *Output) {
	if s.disks.pos == 0 || s.durable < s.disks.pos {
		return
	}
	s.disks.roster.Formed = true
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
	if bit := uint16(1) << m.Server; s.disks.told&bit == 0 {
		s.disks.told |= bit
		out.event(Event{Kind: Refused, Servers: bit})
	}
	return true
}

// loadRoster takes over the cluster's roster from our own disk.
func (s *Server) loadRoster(r *Record) error {
	switch {
	case r.Roster == nil || !r.Roster.Formed || r.Position != 1:
		return fmt.Errorf("no roster, or not the first record")
	case s.disks.store == 0:
		return fmt.Errorf("the cluster was formed (X18), but no store id is given")
	case r.Roster.Stores[s.id] != s.disks.store:
		return fmt.Errorf("this is store %016x, and the cluster was formed with %016x as that of server %d",
			uint64(s.disks.store), uint64(r.Roster.Stores[s.id]), s.id)
	}
	s.disks.roster, s.disks.pos = *r.Roster, r.Position
	return nil
}

func (r *Roster) mix(h uint64) uint64 {
	h = mixBool(h, r.Formed)
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
	h = mix(mix(h, uint64(d.named)<<16|uint64(d.told)), uint64(d.pos))
	if d.roster.Formed {
		return h
	}
	return mixInstant(h, d.next, now)
}
