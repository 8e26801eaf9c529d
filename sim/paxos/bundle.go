package paxos

import (
	"fmt"

	"github.com/fauer4effect/paxos/protocol"
	"github.com/fauer4effect/paxos/sim/internal/engine"
	"github.com/fauer4effect/paxos/sim/world"
)

// host is a host of our clients. What several of them ask of a server at one instant travels as one
// packet. So does what a server answers them in one step. A host is one node: either the whole packet
// is lost, or nothing.
type host struct {
	*engine.Host
	System  *System
	asks    []request // of the call under way, to be sent at its end
	answers []protocol.Reply
}

// request is what a client asks of a server.
type request struct {
	to    int
	kind  protocol.Kind
	batch *protocol.Batch
}

// bundle is what a packet from a host, or to one, carries.
type bundle struct {
	requests []*protocol.Batch // all of the packet's kind; its own Batch is the first
	replies  []protocol.Reply
}

// digest identifies all that the bundle carries.
func (b *bundle) digest() uint64 {
	digest := uint64(len(b.requests))
	for _, request := range b.requests {
		digest = world.Mix(digest, request.Hash())
	}
	for i := range b.replies {
		digest = world.Mix(digest, digestOfReply(&b.replies[i]))
	}
	return digest
}

// bundles makes bundles, many in one allocation.
type bundles struct {
	free     []bundle
	requests []*protocol.Batch
	replies  []protocol.Reply
}

const bundlesTogether = 64

func (b *bundles) take() *bundle {
	if len(b.free) == 0 {
		b.free = make([]bundle, bundlesTogether)
	}
	one := &b.free[0]
	b.free = b.free[1:]
	return one
}

// places takes n places of a piece of memory that is shared.
func places[T any](piece *[]T, n int) []T {
	if len(*piece) < n {
		*piece = make([]T, max(n, 4*bundlesTogether))
	}
	taken := (*piece)[:n:n]
	*piece = (*piece)[n:]
	return taken
}

// startOnHost gives a client its place on its host, which starts with its first.
func (r *System) startOnHost(c *client) {
	i := int(c.Node) - r.run.Plan.Servers - 1
	if i < len(r.hosts) {
		c.seat = r.hosts[i]
		r.world.Rearm(c.Node)
		return
	}
	c.seat = &host{Host: c.Client.Host, System: r}
	r.hosts = append(r.hosts, c.seat)
	r.world.Start(c.Node, c.seat)
}

// Wake wakes those of the clients whose time has come, and sends what they ask for.
func (h *host) Wake() {
	h.WakeClients(h.System.world.Now())
	h.send()
}

// Receive takes the replies to some of the clients.
func (h *host) Receive(from world.Node, p *packet) {
	if p.bundle != nil {
		for i := range p.bundle.replies {
			of := &p.bundle.replies[i]
			h.System.hear(h.System.clients[of.Client], from, p.act, of)
		}
	}
	h.send()
}

// ask has a request sent with the others of the call under way.
func (h *host) ask(to int, kind protocol.Kind, b *protocol.Batch) {
	h.asks = append(h.asks, request{to, kind, b})
}

// send sends what the clients asked for during a call: one packet for each server and kind.
func (h *host) send() {
	r := h.System
	for len(h.asks) > 0 {
		first := h.asks[0]
		alike := 0
		for _, a := range h.asks {
			if a.to == first.to && a.kind == first.kind {
				alike++
			}
		}
		list, rest := places(&r.bundles.requests, alike)[:0], h.asks[:0]
		for _, a := range h.asks {
			if a.to == first.to && a.kind == first.kind {
				list = append(list, a.batch)
			} else {
				rest = append(rest, a)
			}
		}
		h.asks = rest
		p := r.draft(h.Node)
		p.Kind, p.Batch, p.bundle = first.kind, first.batch, r.bundles.take()
		p.bundle.requests = list
		if alike > 1 {
			r.run.Effects[engine.Bundle]++
		}
		r.world.SendDraft(world.Parcel{To: world.Node(first.to), Kind: uint8(p.Kind), Digest: p.bundle.digest()})
	}
}

// answer has a reply sent with the others of the step under way.
func (r *System) answer(h *host, of *protocol.Reply) {
	if len(h.answers) == 0 {
		r.answered = append(r.answered, h)
	}
	h.answers = append(h.answers, *of)
}

// sendReplies sends a step's replies to hosts, one packet for each.
func (r *System) sendReplies(from protocol.ServerID) {
	for _, h := range r.answered {
		b := r.bundles.take()
		b.replies = places(&r.bundles.replies, len(h.answers))
		copy(b.replies, h.answers)
		h.answers = h.answers[:0]
		p := r.draft(world.Node(from))
		p.Kind, p.bundle = protocol.Kind(replyKind), b
		r.world.SendDraft(world.Parcel{To: h.Node, Kind: replyKind, Digest: b.digest()})
	}
	r.answered = r.answered[:0]
}

// String names the packet's message, and how many more there are.
func (p *packet) String() string {
	text := p.Message.String()
	if p.bundle != nil && len(p.bundle.requests) > 1 {
		text += fmt.Sprintf(" and %d more", len(p.bundle.requests)-1)
	}
	return text
}
