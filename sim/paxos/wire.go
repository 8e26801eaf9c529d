package paxos

import (
	"fmt"

	"github.com/fauer4effect/paxos/protocol"
	"github.com/fauer4effect/paxos/protocol/wire"
	"github.com/fauer4effect/paxos/sim/internal/engine"
	"github.com/fauer4effect/paxos/sim/plan"
	"github.com/fauer4effect/paxos/sim/world"
)

// codec is one server's end of the wire: where the plan says so, its messages travel as the
// datagrams of a live cluster. The datagrams of a message travel together.
type codec struct {
	System  *System
	encoder *wire.Encoder
	decoder *wire.Decoder
	refused uint64 // as of an earlier life, until now
	life    uint32
	seen    [protocol.MaxServers + 1][protocol.NumKinds]uint32 // messages, by sender and kind
}

const (
	wireCluster = 0x5157
	flippedBits = 3 // at most, in a damaged datagram
)

// newCodec returns the wire's end for a life of the server, nil where the plan has no wire.
func (r *System) newCodec(id protocol.ServerID) *codec {
	if !r.run.Plan.Network.Wire {
		return nil
	}
	encoder, err := wire.NewEncoder(wire.Identity{Cluster: wireCluster, Server: id, Life: uint64(r.run.Nodes[id].Lives + 1)}, 0, nil)
	if err != nil {
		panic(fmt.Sprintf("sim: %v", err)) // the sizes are constant
	}
	return &codec{System: r, encoder: encoder, decoder: wire.NewDecoder(wireCluster, r.run.Plan.Servers, nil), life: r.run.Nodes[id].Lives + 1}
}

// seal returns a message's datagrams.
func (c *codec) seal(m *protocol.Message) [][]byte {
	datagrams, err := c.encoder.Encode(m)
	if err != nil {
		c.System.run.Fail("invariant", "server %d can't send %v: %v", m.Server, m, err)
		return nil
	}
	return c.System.datagrams.keep(datagrams)
}

// datagrams are memory for what is on the wire, in pieces that many share. The zero value is ready.
type datagrams struct {
	bytes []byte
	lists [][]byte
}

const (
	datagramBytes = 4096
	datagramLists = 64
)

// keep copies datagrams: the encoder writes its next ones where these are.
func (k *datagrams) keep(all [][]byte) [][]byte {
	if cap(k.lists)-len(k.lists) < len(all) {
		k.lists = make([][]byte, 0, max(datagramLists, len(all)))
	}
	first := len(k.lists)
	for _, d := range all {
		if cap(k.bytes)-len(k.bytes) < len(d) {
			k.bytes = make([]byte, 0, max(datagramBytes, len(d)))
		}
		at := len(k.bytes)
		k.bytes = append(k.bytes, d...)
		k.lists = append(k.lists, k.bytes[at:len(k.bytes):len(k.bytes)])
	}
	return k.lists[first:len(k.lists):len(k.lists)]
}

// open turns a packet's datagrams back into a message, once they have crossed the wire. It is the
// same message, or none. There is none if bits were flipped, or if a later life of its sender is
// known already.
func (c *codec) open(to world.Node, p *packet) (m protocol.Message, ok bool) {
	r := c.System
	damaged := false
	c.seen[p.Server][p.Kind]++
	for i, d := range p.datagrams {
		d, flipped := c.cross(p, to, i, d)
		damaged = damaged || flipped
		got, whole := c.decoder.Decode(d)
		if whole && flipped {
			taken := got // that got itself stays off the heap
			r.run.Fail("S2", "server %d takes a damaged datagram for %v, in place of %v", to, &taken, &p.Message)
		}
		if whole {
			m, ok = got, true
		}
	}
	switch {
	case damaged && r.useful(to, &p.Message):
		r.run.Effects[plan.Flip]++
	case damaged:
	case ok && m.Digest() != p.Message.Digest():
		arrived := m
		r.run.Fail("S2", "%v arrives at server %d as %v", &p.Message, to, &arrived)
	case !ok && len(p.datagrams) == 1 && !c.ofEarlierLife():
		r.run.Fail("invariant", "server %d can't read the datagram of %v, which nothing damaged", to, &p.Message)
	}
	return m, ok
}

// ofEarlierLife says whether the decoder has refused a datagram as such since it was asked.
func (c *codec) ofEarlierLife() bool {
	before := c.refused
	c.decoder.Refused(func(reason string, times uint64) {
		if reason == wire.EarlierLife {
			c.refused = times
		}
	})
	return c.refused > before
}

// cross is what arrives of a datagram.
func (c *codec) cross(p *packet, to world.Node, part int, d []byte) ([]byte, bool) {
	r, bits := c.System, uint64(len(d))*8
	name := world.Draw(r.run.Plan.Seed, engine.DrawFlip, uint64(p.Server), uint64(to), uint64(c.life),
		uint64(p.Kind), uint64(c.seen[p.Server][p.Kind]), uint64(part))
	if r.run.Calm || !world.Chance(name, r.run.Plan.Network.Flips) {
		return d, false
	}
	d = append([]byte(nil), d...)
	first := world.Below(world.Draw(name, 0), bits)
	d[first/8] ^= 1 << (first % 8)
	for i := range world.Below(world.Draw(name, 1), flippedBits) { // never the first again
		bit := (first + 1 + world.Below(world.Draw(name, 2, i), bits-1)) % bits
		d[bit/8] ^= 1 << (bit % 8)
	}
	return d, true
}
