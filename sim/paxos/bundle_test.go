package paxos

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/fauer4effect/paxos/protocol"
	"github.com/fauer4effect/paxos/protocol/kv"
	"github.com/fauer4effect/paxos/sim/internal/engine"
	"github.com/fauer4effect/paxos/sim/plan"
	"github.com/fauer4effect/paxos/sim/swarm"
	"github.com/fauer4effect/paxos/sim/world"
)

// The hash of a run must tell bundles apart by all that they carry.
func TestDigestOfABundle(t *testing.T) {
	request := func(client protocol.ClientID) *protocol.Batch {
		return protocol.NewBatch(protocol.Update{Client: client, Timestamp: 1})
	}
	reply := func(client protocol.ClientID, status protocol.ReplyStatus, result string) protocol.Reply {
		return protocol.Reply{Client: client, Timestamp: 1, Status: status, Result: []byte(result)}
	}
	seen := map[uint64]int{}
	all := []bundle{
		{},
		{requests: []*protocol.Batch{request(1)}},
		{requests: []*protocol.Batch{request(1), request(2)}},
		{requests: []*protocol.Batch{request(2), request(1)}},
		{requests: []*protocol.Batch{request(1), request(3)}},
		{replies: []protocol.Reply{reply(1, protocol.ReplyOK, "a")}},
		{replies: []protocol.Reply{reply(1, protocol.ReplyOK, "b")}},
		{replies: []protocol.Reply{reply(1, protocol.ReplyBusy, "")}},
		{replies: []protocol.Reply{reply(1, protocol.ReplyOK, "a"), reply(2, protocol.ReplyOK, "b")}},
		{replies: []protocol.Reply{reply(1, protocol.ReplyOK, "a"), reply(2, protocol.ReplyOK, "c")}},
	}
	for i := range all {
		if other, twice := seen[all[i].digest()]; twice {
			t.Errorf("bundles %d and %d have one digest", other, i)
		}
		seen[all[i].digest()] = i
	}
}

// stub stands in for a server or a host, and keeps what comes.
type stub struct{ got []string }

func (s *stub) Receive(from world.Node, p *packet) {
	text := fmt.Sprintf("%d %v:", from, p.Kind)
	if p.isReply() {
		text = fmt.Sprintf("%d reply:", from)
	}
	if p.bundle != nil {
		for _, b := range p.bundle.requests {
			text += fmt.Sprintf(" %d.%d", b.Updates[0].Client, b.Updates[0].Timestamp)
		}
		for _, of := range p.bundle.replies {
			text += fmt.Sprintf(" %d.%d=%v%q", of.Client, of.Timestamp, of.Status, of.Result)
		}
	}
	s.got = append(s.got, text)
}
func (s *stub) Wake()                   {}
func (s *stub) Synced(uint64)           {}
func (s *stub) Deadline() world.Instant { return world.Never }

func (s *stub) take() []string {
	got := s.got
	s.got = nil
	return got
}

// hosted is a run of eight idle clients on two hosts, in which server 1 leads.
func hosted(t *testing.T, change func(*plan.Plan)) *System {
	t.Helper()
	p := Swarm(1, swarm.Options{Servers: 3})
	p.Network, p.Faults, p.Faulty, p.Settings, p.Formation, p.Clocks = plan.Network{All: world.LinkLaw{Delay: world.Constant(world.Millisecond)}}, nil, world.Second, nil, false, nil
	p.Disk = plan.Disk{Sync: world.Constant(100 * world.Microsecond)}
	p.Workload = plan.Workload{Clients: 8, Hosts: 2, Keys: 8, Timeout: 500 * world.Millisecond, Pause: world.Constant(900 * world.Millisecond), Mix: plan.Mix{Put: 1}}
	p.Tail.Core, p.Tail.Broken, p.Tail.Clients = nil, nil, nil
	change(p)
	if err := Validate(p); err != nil {
		t.Fatal(err)
	}
	r := newSystem(p, 0, nil)
	r.run.Begin()
	play(r, 100*world.Millisecond)
	if r.Leader() != 1 {
		t.Fatalf("server %d leads, not 1", r.Leader())
	}
	return r
}

func play(r *System, d world.Instant) {
	until := r.world.Now() + d
	r.world.Play(&until, &r.run.Over)
}

func updateOf(client protocol.ClientID, ts protocol.Timestamp) *protocol.Batch {
	op := kv.Op{Kind: kv.Put, Key: "k", Value: "v"}
	return protocol.NewBatch(protocol.Update{Client: client, Server: 1, Timestamp: ts, Op: op.Encode()})
}

// What clients of a host ask for during one call leaves at its end. There is one packet for each
// server and kind, in the order in which they asked. The replies of one step leave in the same
// way.
func TestWhatIsBundled(t *testing.T) {
	r := hosted(t, func(*plan.Plan) {})
	var one, two, host stub
	r.world.Start(1, &one)
	r.world.Start(2, &two)
	h := r.hosts[0]
	r.world.Do(h.Node, func() {
		h.ask(1, protocol.ClientUpdate, updateOf(1, 9))
		h.ask(2, protocol.ClientUpdate, updateOf(3, 9))
		h.ask(1, protocol.ClientRead, updateOf(5, 9))
		h.ask(1, protocol.ClientUpdate, updateOf(7, 9))
		h.ask(2, protocol.ClientUpdate, updateOf(1, 9))
		h.ask(1, protocol.ClientUpdate, updateOf(3, 9))
		h.send()
	})
	play(r, 2*world.Millisecond)
	clients := func(got []string) []string { // what servers send each other stands in between
		return slices.DeleteFunc(got, func(text string) bool { return !strings.HasPrefix(text, "4 ") })
	}
	if got, want := clients(one.take()), []string{"4 ClientUpdate: 1.9 7.9 3.9", "4 ClientRead: 5.9"}; !slices.Equal(got, want) {
		t.Errorf("server 1 gets %q, want %q", got, want)
	}
	if got, want := clients(two.take()), []string{"4 ClientUpdate: 3.9 1.9"}; !slices.Equal(got, want) {
		t.Errorf("server 2 gets %q, want %q", got, want)
	}

	var other stub
	r.world.Start(r.hosts[0].Node, &host)
	r.world.Start(r.hosts[1].Node, &other)
	r.world.Do(1, func() {
		for _, client := range []protocol.ClientID{3, 2, 1, 8} {
			r.servers[1].reply(&protocol.Reply{Client: client, Timestamp: 4, Status: protocol.ReplyBusy, Result: []byte("r")})
		}
		r.sendReplies(1)
	})
	play(r, 2*world.Millisecond)
	if got, want := host.take(), []string{`1 reply: 3.4=busy"r" 1.4=busy"r"`}; !slices.Equal(got, want) {
		t.Errorf("host 1 gets %q, want %q", got, want)
	}
	if got, want := other.take(), []string{`1 reply: 2.4=busy"r" 8.4=busy"r"`}; !slices.Equal(got, want) {
		t.Errorf("host 2 gets %q, want %q", got, want)
	}
}

// A server takes all requests of a packet in one go: what they make it send and write leaves once.
func TestABundleIsTakenInOneGo(t *testing.T) {
	r := hosted(t, func(*plan.Plan) {})
	var host stub
	h := r.hosts[0]
	r.world.Start(h.Node, &host)
	all := []*protocol.Batch{updateOf(1, 1), updateOf(3, 1), updateOf(5, 1)}
	for _, b := range all {
		u := &b.Updates[0]
		r.checker.Invoked(r.now(), u.Client, u.Timestamp, u.Op)
	}
	deliver := func() { r.world.Do(1, func() { r.servers[1].takeAll(protocol.ClientUpdate, all) }) }
	deliver()
	play(r, 50*world.Millisecond)
	host.take()
	deliver() // they are executed, and each is answered again
	play(r, 5*world.Millisecond)
	if got := host.take(); len(got) != 1 || strings.Count(got[0], ".1=ok") != 3 {
		t.Errorf("answered again: %q, want one packet of three", got)
	}
	executed, fresh := packet{bundle: &bundle{requests: all}}, packet{bundle: &bundle{requests: append(all, updateOf(7, 1))}}
	executed.Kind, fresh.Kind, executed.Batch, fresh.Batch = protocol.ClientUpdate, protocol.ClientUpdate, all[0], all[0]
	if r.matters(1, &executed) || !r.matters(1, &fresh) {
		t.Errorf("a packet matters by one request that is new: %v, by none: %v", r.matters(1, &fresh), r.matters(1, &executed))
	}
	if v := r.Violation(); v != nil {
		t.Error(v)
	}
}

// Each request of a packet is held against what was sent.
func TestBodiesOfABundle(t *testing.T) {
	r := hosted(t, func(p *plan.Plan) { p.Bodies = true })
	all := []*protocol.Batch{updateOf(1, 1), updateOf(3, 1)}
	all[1].Updates[0].Op = []byte("another")
	r.world.Do(1, func() { r.servers[1].takeAll(protocol.ClientUpdate, all) })
	if v := r.Violation(); v == nil || v.Property != "invariant" || !strings.Contains(v.Detail, "client 3") {
		t.Errorf("a request that changed on its way: %v", v)
	}
}

// A host wakes for the first of its clients, whichever it is, and its clients' requests leave then.
func TestAHostWakesForEachClient(t *testing.T) {
	for client := range 4 {
		r := hosted(t, func(*plan.Plan) {})
		h := r.hosts[1]
		for i, c := range h.Clients {
			c.WakeAt = r.world.Now() + 700*world.Millisecond
			if i == client {
				c.WakeAt = r.world.Now() + 300*world.Millisecond
			}
		}
		h.Due = r.world.Now() // too early: nobody's time has come
		h.Wake()
		if want := r.world.Now() + 300*world.Millisecond; h.Deadline() != want || len(h.asks) > 0 {
			t.Errorf("client %d of the host is to be woken at %d, the host at %d", client+1, want, h.Deadline())
		}
		r.world.Rearm(h.Node)
		play(r, 310*world.Millisecond)
		if c := h.Clients[client]; r.run.Updates != 1 || c.Timestamp != 1 {
			t.Errorf("client %d of the host: %d operations begun, %d answered", client+1, c.Timestamp, r.run.Updates)
		}
	}
}

// Requests that follow a reply leave with the call that takes it.
func TestWhatFollowsAReplyLeaves(t *testing.T) {
	r := hosted(t, func(p *plan.Plan) { p.Workload.Pause, p.Tail.Pause, p.Workload.Limit = world.Law{}, world.Law{}, 400 })
	play(r, 300*world.Millisecond)
	if r.run.Updates < 200 || r.run.Effects[engine.Timeouts] > 8 {
		t.Errorf("%d operations in 0.4 s, and %d timeouts", r.run.Updates, r.run.Effects[engine.Timeouts])
	}
	for _, h := range r.hosts {
		if len(h.asks) > 0 {
			t.Errorf("%d requests were not sent", len(h.asks))
		}
	}
}

// A host whose clients are told "busy" counts it for each.
func TestBusyOnAHost(t *testing.T) {
	r := hosted(t, func(p *plan.Plan) { p.Settings = []byte(`{"queue_updates": 1}`) })
	var all []*protocol.Batch
	for _, client := range []protocol.ClientID{1, 3, 5, 7} {
		b := updateOf(client, 1)
		r.checker.Invoked(r.now(), client, 1, b.Updates[0].Op)
		all = append(all, b)
	}
	r.world.Do(1, func() { r.servers[1].takeAll(protocol.ClientUpdate, all) })
	play(r, 5*world.Millisecond)
	if r.run.Effects[busy] != 3 {
		t.Errorf("%d clients of 4 hear that a server with room for one update is busy", r.run.Effects[busy])
	}
}
