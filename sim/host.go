package sim

import "github.com/fauer4effect/paxos/sim/world"

// host is a machine that clients share, as sessions share a service's connections. It is one node.
type host struct {
	node    world.Node
	clients []*client
	due     world.Instant // none of them wants to be woken before
}

// nodeOf is the client's place in the world. Clients that share hosts come to them in turn; those that
// a Stage directs come last, and share none.
func (r *run) nodeOf(id int) world.Node {
	switch w := &r.plan.Workload; {
	case w.Hosts == 0:
	case id > w.Clients:
		id -= w.sharing()
	default:
		id = 1 + (id-1)%w.Hosts
	}
	return world.Node(r.plan.Servers + id)
}

// machines is how many places the clients take.
func (r *run) machines() int { return len(r.clients) - 1 - r.plan.Workload.sharing() }

// seat gives a client its place on the host of its node, where it shares one. It is the host's first, or
// the host stands there already.
func (r *run) seat(c *client) {
	if w := &r.plan.Workload; w.Hosts == 0 || c.directed {
		return
	}
	i := int(c.node) - r.plan.Servers - 1
	if i == len(r.hosts) {
		r.hosts = append(r.hosts, &host{node: c.node, due: world.Never})
	}
	h := r.hosts[i]
	h.clients = append(h.clients, c)
	h.due = min(h.due, c.wakeAt)
	c.host = h
}

func (h *host) Deadline() world.Instant { return h.due }
func (h *host) Synced(uint64)           {}

// wakeClients wakes those of the clients whose time has come.
func (h *host) wakeClients(now world.Instant) {
	h.due = world.Never
	for _, c := range h.clients {
		if c.wakeAt <= now {
			c.Wake()
		}
		h.due = min(h.due, c.wakeAt)
	}
}
