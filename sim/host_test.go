package sim_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/fauer4effect/paxos/protocol"
	"github.com/fauer4effect/paxos/protocol/kv"
	"github.com/fauer4effect/paxos/sim"
	"github.com/fauer4effect/paxos/sim/paxos"
	"github.com/fauer4effect/paxos/sim/plan"
	"github.com/fauer4effect/paxos/sim/trace"
	"github.com/fauer4effect/paxos/sim/world"
)

// onHosts is a calm plan whose clients share machines and begin at the first leader.
func onHosts(clients, hosts, updates int) *sim.Plan {
	p := calmPlan(3, updates)
	w := &p.Workload
	w.Clients, w.Hosts, w.Keys = clients, hosts, clients/2
	w.Home, w.Homes = true, []int{1}
	p.Settings = json.RawMessage(`{"window_slots": 1}`)
	return p
}

// Clients that share machines do what they would do alone, in fewer packets. A run of them is a
// function of its plan, watched or not.
func TestClientsOnHosts(t *testing.T) {
	p := onHosts(24, 4, 2000)
	p.Workload.Homes, p.Workload.Reads = []int{1, 3}, 200_000
	alone := p.Clone()
	alone.Workload.Hosts = 0
	a, b := sim.Run(p), sim.Run(alone)
	requireOK(t, a)
	requireOK(t, b)
	if a.Updates != 2000 || b.Updates != 2000 {
		t.Fatalf("%d and %d updates answered, not 2000", a.Updates, b.Updates)
	}
	if effect(a, "bundle") < 100 || effect(b, "bundle") != 0 {
		t.Errorf("%d packets have several requests, and %d of clients that are alone", effect(a, "bundle"), effect(b, "bundle"))
	}
	if early := uint64(p.Workload.Clients); effect(a, "timeout") > early {
		t.Errorf("%d timeouts, which is more than the first requests, for which there is no leader: others are lost", effect(a, "timeout"))
	}
	if a.Events*10 > b.Events*8 {
		t.Errorf("%d events, and of clients that are alone %d: requests and replies do not travel together", a.Events, b.Events)
	}
	var text bytes.Buffer
	w := trace.New(&text)
	if watched := sim.Run(p, sim.WithTrace(w)); watched.Hash != a.Hash || w.Close() != nil {
		t.Errorf("hash %016x, watched %016x", a.Hash, watched.Hash)
	}
	if !strings.Contains(text.String(), "more)") && !strings.Contains(text.String(), " and 2 more") {
		t.Error("the trace shows no packet of several requests")
	}
}

// A packet is lost as a whole, and each of its clients asks again.
func TestALostBundle(t *testing.T) {
	p := onHosts(6, 1, 60)
	p.Workload.Pause = world.Constant(10 * ms) // they all ask at one instant, and are answered at one
	p.Faulty = 1000 * ms
	p.Faults = []plan.Fault{{Do: "drop", On: &plan.Name{Kind: "ClientUpdate", To: 1, N: 1}}}
	r := sim.Run(p)
	requireOK(t, r)
	if r.Updates != 60 || effect(r, "drop") != 1 || effect(r, "timeout") != 6 {
		t.Errorf("%d updates, %d packets dropped, %d clients asked again: want 60, 1 and 6", r.Updates, effect(r, "drop"), effect(r, "timeout"))
	}
}

// A server that crashes as it takes a packet has taken all of it or nothing, and answers nobody twice.
func TestCrashOnABundle(t *testing.T) {
	p := onHosts(8, 2, 400)
	p.Workload.Reads = 300_000
	p.Workload.Pause = world.Constant(5 * ms)
	p.Faulty = 2000 * ms
	p.Bodies = true
	p.Faults = []plan.Fault{
		{Do: "crash", For: 300 * ms, On: &plan.Name{Kind: "ClientUpdate", To: 1, N: 5, Arrives: true}},
		{Do: "crash", For: 300 * ms, On: &plan.Name{Kind: "ClientRead", To: 1, N: 9, Arrives: true}},
	}
	p.Tail.For = 8000 * ms
	r := sim.Run(p)
	requireOK(t, r)
	if r.Updates != 400 || effect(r, "crash-on-arrival") != 2 || effect(r, "read") == 0 {
		t.Errorf("%d updates, %d crashes, %d reads", r.Updates, effect(r, "crash-on-arrival"), effect(r, "read"))
	}
}

// Far more clients than a world has nodes, whose sessions end each other: the table stays within
// its limit, and each client hears of it.
func TestThousandsOfSessions(t *testing.T) {
	p := onHosts(3000, 12, 30_000)
	p.Workload.Homes, p.Workload.Keys = nil, 900
	p.Workload.Pause = world.Uniform(0, 400*ms)
	p.Faulty = 30_000 * ms
	p.Settings = json.RawMessage(`{"session_limit": 2900, "tombstones": 4000}`)
	p.Tail.For = 60_000 * ms
	if testing.Short() {
		p.Workload.Limit = 9000
	}
	r := sim.Run(p)
	requireOK(t, r)
	if r.Updates < uint64(p.Workload.Limit)*9/10 || effect(r, "opened") < 3000 || effect(r, "expiry") == 0 || effect(r, "lapsed") == 0 {
		t.Errorf("%d updates, %d sessions opened, %d ended, %d clients told", r.Updates, effect(r, "opened"), effect(r, "expiry"), effect(r, "lapsed"))
	}
}

// Clients that somebody directs have machines of their own beside the plan's hosts.
func TestDirectedBesideHosts(t *testing.T) {
	p := onHosts(12, 3, 200)
	p.Tail.For = 3000 * ms
	s := paxos.Open(p, 2, unmoved{})
	s.Run(500 * ms)
	s.Send(2, kv.Op{Kind: kv.Put, Key: "mine", Value: "1"}, 2, true)
	if !s.Until(1000*ms, func() bool { return !s.Waiting(2) }) || s.Answer(2).Result.Status != kv.Done {
		t.Errorf("the directed client is answered %+v", s.Answer(2))
	}
	s.Judge()
	if v := s.Violation(); v != nil || s.Updates() < 13 {
		t.Errorf("%v after %d updates", v, s.Updates())
	}
}

// The calm of a client on a host is judged like that of any other.
func TestAHostIsOwedAnswers(t *testing.T) {
	p := onHosts(6, 2, 60)
	p.Tail.Delay = world.Constant(700 * ms) // beyond the clients' timeouts and the bounds
	p.Tail.Settle, p.Tail.Answer = 1, 1
	if r := sim.Run(p); r.OK() || r.Violation.Property[0] != 'L' {
		t.Errorf("nobody is answered in time, and %v", r.Violation)
	}
}

// unmoved is a Witness that does nothing.
type unmoved struct{}

func (unmoved) Machine(world.Instant, protocol.ServerID, *protocol.Event) {}
func (unmoved) Say(world.Instant, string)                                 {}

func effect(r *sim.Report, key string) uint64 {
	for _, e := range sim.Effects().All() {
		if sim.Effects()[e].Name == key {
			return r.Effects[e]
		}
	}
	panic("no effect " + key)
}
