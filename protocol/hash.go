package protocol

import "math/bits"

// mix folds x into h. It is a multiply-fold, the same on machines of any word size.
func mix(h, x uint64) uint64 {
	hi, lo := bits.Mul64(h^0x9E3779B97F4A7C15, x^0xD1B54A32D192ED03)
	return hi ^ lo ^ bits.RotateLeft64(h, 23) ^ x
}

func mixBytes(h uint64, b []byte) uint64 {
	h = mix(h, uint64(len(b)))
	for len(b) >= 8 {
		x := uint64(b[0]) | uint64(b[1])<<8 | uint64(b[2])<<16 | uint64(b[3])<<24 |
			uint64(b[4])<<32 | uint64(b[5])<<40 | uint64(b[6])<<48 | uint64(b[7])<<56
		h = mix(h, x)
		b = b[8:]
	}
	var x uint64
	for i, c := range b {
		x |= uint64(c) << (8 * i)
	}
	return mix(h, x)
}

func mixBool(h uint64, b bool) uint64 {
	if b {
		return mix(h, 1)
	}
	return mix(h, 2)
}

// mixInstant folds in how far a time lies from now.
func mixInstant(h uint64, at, now Instant) uint64 {
	if at == never {
		return mix(h, never)
	}
	return mix(h, uint64(at-now))
}

// Hash identifies the server's whole state: two servers of equal hash answer equal inputs
// alike. Times count relative to now, so that states which differ only in when they were
// reached are one state to a search.
func (s *Server) Hash(now Instant) uint64 {
	h := mix(uint64(s.id)<<8|uint64(s.state), uint64(s.n))
	for _, x := range []uint64{
		uint64(s.lastAttempted), uint64(s.lastInstalled), uint64(s.installedPos),
		uint64(s.votes), uint64(s.localARU), uint64(s.lastProposed), uint64(s.top),
		uint64(s.position), uint64(s.durable), uint64(s.rotor), uint64(s.requestedTo),
		uint64(s.knownARU), uint64(s.highest),
	} {
		h = mix(h, x)
	}
	h = mixBool(mixBool(h, s.preinstalled), s.progress.running)
	since := s.progress.since
	if !s.progress.running {
		since = never
	}
	for _, at := range []Instant{since, s.heartbeatAt, s.retransmitAt} {
		h = mixInstant(h, at, now)
	}
	h = mix(h, uint64(s.progress.timeout))
	for id := 1; id <= s.n; id++ {
		h = mix(h, uint64(s.reported[id]))
		for _, r := range s.prepareOKs[id] {
			h = mix(mix(h, uint64(r.from)), uint64(r.to))
		}
	}
	for _, b := range s.queue[s.queueHead:] {
		h = mix(h, b.hash)
	}
	for _, a := range s.acceptances {
		h = mix(mix(mix(h, uint64(a.seq)), uint64(a.view)), uint64(a.pos))
	}
	if s.expiring != nil {
		h = mix(h, s.expiring.hash)
	}
	if s.state == RegLeader && s.explicit() {
		h = mixInstant(h, s.idleAt, now)
	}
	h = s.hashReads(h, now)
	h = s.disks.hash(h, now)
	h = s.snaps.hash(h, now)
	h = s.history.hash(h)
	if s.state == RegLeader {
		for seq := s.localARU + 1; seq <= s.lastProposed; seq++ {
			if sl := s.history.peek(seq); sl != nil && !sl.ordered { // an ordered one is not sent again
				h = mixInstant(h, sl.sentAt, now)
			}
		}
	}
	return mix(s.hashSessions(h, now), s.app.Hash())
}

func (sl *slot) hash(h uint64) uint64 {
	h = mix(h, uint64(sl.seq))
	h = mix(mix(h, uint64(sl.view)), uint64(sl.pos))
	h = mix(mixBool(h, sl.ordered), uint64(sl.heardView))
	for _, b := range []*Batch{sl.batch, sl.heardBatch} {
		if h = mixBool(h, b != nil); b != nil {
			h = mix(h, b.hash)
		}
	}
	for _, v := range sl.accepts {
		h = mix(h, uint64(v))
	}
	return h
}

func (hi *history) hash(h uint64) uint64 {
	h = mix(h, uint64(hi.truncated))
	for seq := hi.truncated + 1; seq <= hi.executed; seq++ {
		e := hi.settled(seq)
		h = mix(mix(mix(h, e.batch.hash), uint64(e.view)), uint64(e.pos))
	}
	for i := range hi.ring {
		seq := hi.executed + 1 + Seq(i)
		if sl := hi.peek(seq); sl != nil {
			h = sl.hash(h)
		}
	}
	return h
}

// hashSessions goes by place, in the order in which this server met its clients: in that order a new leader
// queues what is pending, and updates are sent again.
func (s *Server) hashSessions(h uint64, now Instant) uint64 {
	for _, place := range s.vacant {
		h = mix(h, uint64(place))
	}
	for i := range s.sessions {
		c := &s.sessions[i]
		if s.explicit() {
			h = mix(mix(h, uint64(c.opened)), uint64(c.usedAt))
			if s.state == RegLeader {
				h = mixInstant(h, c.used, now)
			}
		}
		h = mix(mix(h, uint64(c.client)), uint64(c.lastExecuted))
		h = mixBytes(mix(h, uint64(c.lastEnqueued)), c.lastResult)
		if c.pending != nil {
			h = mix(h, c.pending.hash)
			h = mixInstant(mixInstant(h, c.since, now), c.timer, now)
		}
	}
	return h
}

// hashReads folds in the reads that wait, in their order, and the hand-over. It leaves h as it
// is where there are neither.
func (s *Server) hashReads(h uint64, now Instant) uint64 {
	for i := range s.reads {
		r := &s.reads[i]
		h = mix(mix(h, r.batch.hash), uint64(r.index)<<8|uint64(r.server))
		h = mixInstant(mixBool(mix(h, r.round), r.confirmed), r.since, now)
	}
	if s.rounds.last > 0 {
		h = mixBool(mix(h, s.rounds.last<<16|uint64(s.rounds.acks)), s.rounds.open)
	}
	if v := s.handOver; v.to != 0 {
		h = mixInstant(mixBool(mix(mix(h, uint64(v.to)), uint64(v.view)), v.told), v.until, now)
	} else if v.view != 0 && v.until > now {
		h = mixInstant(mix(h, uint64(v.view)), v.until, now)
	}
	return h
}
