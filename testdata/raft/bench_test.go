package main

import (
	"io"
	"log"
	"testing"

	"go.etcd.io/raft/v3"
	pb "go.etcd.io/raft/v3/raftpb"

	"github.com/fauer4effect/paxos/protocol/kv"
	"github.com/fauer4effect/paxos/sim/plan"
	"github.com/fauer4effect/paxos/sim/testbed"
	"github.com/fauer4effect/paxos/sim/world"
)

// Both benchmarks are three servers without faults and twelve clients, each with one operation at
// a time. One is raft alone. The other is raft in the world, with disks that take time, links
// that delay, all checks and the hash. A message is one that a server takes from another.
const (
	benchServers  = 3
	benchClients  = 12
	benchUpdates  = 20_000
	benchSnapshot = 1_000 // entries
)

type rates struct{ messages, updates uint64 }

func (t *rates) report(b *testing.B) {
	seconds := b.Elapsed().Seconds()
	b.ReportMetric(float64(t.messages)/seconds, "messages/s")
	b.ReportMetric(float64(t.updates)/seconds, "updates/s")
	b.ReportMetric(float64(t.messages)/float64(t.updates), "messages/update")
}

// BenchmarkWorld is the driver in the world.
func BenchmarkWorld(b *testing.B) {
	p := Protocol(Bugs{})
	plan := &plan.Plan{
		Version: plan.Version, Protocol: p.Name, Seed: 1, Servers: benchServers,
		Settings: []byte(`{"snapshot_every_entries": 1000, "keep_behind_entries": 5}`),
		Network:  plan.Network{All: world.LinkLaw{Delay: world.Uniform(ms/2, 3*ms/2)}},
		Disk:     plan.Disk{Sync: world.Uniform(ms/10, ms/2)},
		Workload: plan.Workload{
			Clients: benchClients, Keys: 4, Timeout: 500 * ms, Limit: benchUpdates,
			Mix: plan.Mix{Get: 2, Put: 3, Append: 1, CAS: 1, Incr: 1},
		},
		Tail: plan.Tail{
			Delay: world.Uniform(ms/2, 3*ms/2), Settle: 6_000 * ms, Answer: 3_000 * ms, For: benchUpdates * 5 * ms,
		},
	}
	if err := p.Validate(plan); err != nil {
		b.Fatal(err)
	}
	var total rates
	b.ReportAllocs()
	for b.Loop() {
		r := p.Run(plan)
		if !r.OK() || r.Updates != benchUpdates {
			b.Fatalf("%d updates answered: %v", r.Updates, r.Violation)
		}
		total.messages, total.updates = total.messages+r.Messages, total.updates+r.Updates
	}
	total.report(b)
}

// BenchmarkBare is raft in a loop: its messages arrive at once, in order, and memory is its disk.
func BenchmarkBare(b *testing.B) {
	var total rates
	b.ReportAllocs()
	for b.Loop() {
		c := newBare(b)
		for c.updates < benchUpdates {
			if !c.step() {
				b.Fatalf("nothing is left to do after %d updates", c.updates)
			}
		}
		total.messages, total.updates = total.messages+c.messages, total.updates+c.updates
	}
	total.report(b)
}

type bare struct {
	rates
	servers []*bareServer // by id; 0 unused
	queue   []pb.Message
	op      []byte
	asked   [benchClients + 1]uint64
}

type bareServer struct {
	*raft.RawNode
	storage *raft.MemoryStorage
	app     *state
}

func newBare(b *testing.B) *bare {
	c := &bare{servers: make([]*bareServer, benchServers+1), op: kv.Op{Kind: kv.Put, Key: "k", Value: "value"}.Encode()}
	first := pb.Snapshot{Data: newState().save(), Metadata: pb.SnapshotMetadata{Index: 1, Term: 1}}
	for id := uint64(1); id <= benchServers; id++ {
		first.Metadata.ConfState.Voters = append(first.Metadata.ConfState.Voters, id)
	}
	for id := uint64(1); id <= benchServers; id++ {
		s := &bareServer{storage: raft.NewMemoryStorage(), app: newState()}
		err := s.storage.ApplySnapshot(first)
		if err == nil {
			s.RawNode, err = raft.NewRawNode(&raft.Config{
				ID: id, ElectionTick: electionTick, HeartbeatTick: 1, Storage: s.storage, Applied: 1,
				CheckQuorum: true, PreVote: true, MaxSizePerMsg: 4 << 10, MaxInflightMsgs: 64,
				Logger: &raft.DefaultLogger{Logger: log.New(io.Discard, "", 0)},
			})
		}
		if err != nil {
			b.Fatal(err)
		}
		c.servers[id] = s
	}
	_ = c.servers[1].Campaign()
	for c.obey(1); c.servers[1].BasicStatus().RaftState != raft.StateLeader; {
		if !c.step() {
			b.Fatal("nobody leads")
		}
	}
	for client := range uint32(benchClients) {
		c.ask(client + 1)
	}
	c.obey(1)
	return c
}

func (c *bare) ask(client uint32) {
	c.asked[client]++
	_ = c.servers[1].Propose(encode(testbed.Request{Client: client, Timestamp: c.asked[client], Op: c.op}))
}

// step hands over the oldest message.
func (c *bare) step() bool {
	if len(c.queue) == 0 {
		return false
	}
	m := c.queue[0]
	c.queue = c.queue[1:]
	c.messages++
	_ = c.servers[m.To].Step(m)
	c.obey(m.To)
	return true
}

// obey does what a server's Readies ask for.
func (c *bare) obey(id uint64) {
	for s := c.servers[id]; s.HasReady(); {
		rd := s.Ready()
		if !raft.IsEmptyHardState(rd.HardState) {
			_ = s.storage.SetHardState(rd.HardState)
		}
		_ = s.storage.Append(rd.Entries)
		c.queue = append(c.queue, rd.Messages...)
		for _, e := range rd.CommittedEntries {
			if len(e.Data) == 0 {
				continue
			}
			client, _, _, _ := s.app.apply(e.Data)
			if id == 1 {
				c.updates++
				c.ask(client)
			}
			if e.Index%benchSnapshot == 0 {
				if _, err := s.storage.CreateSnapshot(e.Index, nil, s.app.save()); err == nil {
					_ = s.storage.Compact(e.Index - benchSnapshot/2)
				}
			}
		}
		s.Advance(rd)
	}
}
