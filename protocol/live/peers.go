package live

import (
	"slices"
	"time"

	"github.com/fauer4effect/paxos/protocol"
)

// Peer is what a server was told last by another one, in a heartbeat.
type Peer struct {
	ID     protocol.ServerID
	State  protocol.State
	View   protocol.View
	ARU    protocol.Seq
	Silent time.Duration // since then
}

// peers are of the loop: by server, when each was heard last, and with what.
type peers [protocol.MaxServers + 1]struct {
	heard protocol.Instant // zero: never
	last  protocol.Message
}

// hear takes a heartbeat down.
func (p *peers) hear(m *protocol.Message, now protocol.Instant) {
	p[m.Server].heard, p[m.Server].last = max(now, 1), *m
}

// list is the peers that were heard of, in order.
func (p *peers) list(now protocol.Instant) []Peer {
	var all []Peer
	for id := range p {
		if at := p[id].heard; at > 0 {
			m := &p[id].last
			all = append(all, Peer{protocol.ServerID(id), m.State, m.View, m.ARU, time.Duration(now - at)})
		}
	}
	return all
}

// heirSilence is how long a peer may not have been heard, to be left the leadership.
const heirSilence = time.Second

// Heir is the server to which a leader would hand over: of the peers heard lately the one with
// the highest aru, or zero. Peers that were tried in vain are left out.
func (st *Status) Heir(tried ...protocol.ServerID) protocol.ServerID {
	var heir Peer
	for _, p := range st.Peers {
		if p.Silent < heirSilence && !slices.Contains(tried, p.ID) && (heir.ID == 0 || p.ARU > heir.ARU) {
			heir = p
		}
	}
	return heir.ID
}
