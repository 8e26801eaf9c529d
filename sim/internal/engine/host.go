package engine

import "github.com/fauer4effect/paxos/sim/world"

// Host is a machine that clients share, as sessions share a service's connections. It is one node.
type Host struct {
	Node    world.Node
	Clients []*Client
	Due     world.Instant // none of them wants to be woken before
}

// nodeOf is the client's place in the world. Clients that share hosts come to them in turn; those that
// a Stage directs come last, and share none.
func (r *Run) nodeOf(id int) world.Node {
	switch w := &r.Plan.Workload; {
	case w.Hosts == 0:
	case id > w.Clients:
		id -= w.Sharing()
	default:
		id = 1 + (id-1)%w.Hosts
	}
	return world.Node(r.Plan.Servers + id)
}

// machines is how many places the clients take.
func (r *Run) machines() int { return len(r.Clients) - 1 - r.Plan.Workload.Sharing() }

// seat gives a client its place on the host of its node, where it shares one. It is the host's first, or
// the host stands there already.
func (r *Run) seat(c *Client) {
	if w := &r.Plan.Workload; w.Hosts == 0 || c.Directed {
		return
	}
	i := int(c.Node) - r.Plan.Servers - 1
	if i == len(r.hosts) {
		r.hosts = append(r.hosts, &Host{Node: c.Node, Due: world.Never})
	}
	h := r.hosts[i]
	h.Clients = append(h.Clients, c)
	h.Due = min(h.Due, c.WakeAt)
	c.Host = h
}

func (h *Host) Deadline() world.Instant { return h.Due }
func (h *Host) Synced(uint64)           {}

// WakeClients wakes those of the clients whose time has come.
func (h *Host) WakeClients(now world.Instant) {
	h.Due = world.Never
	for _, c := range h.Clients {
		if c.WakeAt <= now {
			c.Wake()
		}
		h.Due = min(h.Due, c.WakeAt)
	}
}
