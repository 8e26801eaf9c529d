package main

import (
	"bytes"
	"math/bits"

	"github.com/fauer4effect/paxos/sim/testbed"
	pb "go.etcd.io/raft/v3/raftpb"
)

// checks are raft's own properties, beside what the testbed asks of every protocol: whether
// clients see one linearizable store, and whether they are answered. They bite as soon as a
// rule is broken, where clients notice late or never. The servers of a run share one.
//
//	term        no server begins a life in a lower term than it has spoken of
//	vote        no server votes for two candidates in one term
//	durability  an entry is on a majority of disks before anyone applies it
//	agreement   no two servers apply different entries at one index
//	state       nor have different states after it
type checks struct {
	terms [16]uint64           // by server: the highest that left it
	votes map[[2]uint64]uint64 // by server and term; looked up only, as the next
	disks map[[2]uint64]uint16 // by index and term of an entry: the servers that made it durable
	first []first              // by index
}

// first is what the first server that applied an index made of it.
type first struct {
	known bool
	term  uint64
	data  []byte
	state uint64 // hash
}

func newChecks() any {
	return &checks{votes: map[[2]uint64]uint64{}, disks: map[[2]uint64]uint16{}}
}

func (c *checks) began(env *testbed.Env, term uint64) {
	if before := c.terms[env.ID()]; term < before {
		env.Fail("term", "server %d begins in term %d, was in term %d", env.ID(), term, before)
	}
}

func departed(env *testbed.Env, m any) {
	c, said := env.Shared().(*checks), m.(message)
	switch said.Type {
	case pb.MsgPreVote, pb.MsgPreVoteResp:
		return // of a term that may never come
	case pb.MsgVote:
		c.voted(env, said.Term, said.From)
	case pb.MsgVoteResp:
		if !said.Reject {
			c.voted(env, said.Term, said.To)
		}
	}
	c.terms[env.ID()] = max(c.terms[env.ID()], said.Term)
}

func (c *checks) voted(env *testbed.Env, term, candidate uint64) {
	if before := c.votes[[2]uint64{uint64(env.ID()), term}]; before != 0 && before != candidate {
		env.Fail("vote", "server %d votes for servers %d and %d in term %d", env.ID(), before, candidate, term)
	}
	c.votes[[2]uint64{uint64(env.ID()), term}] = candidate
}

func durable(env *testbed.Env, r any) {
	for _, e := range r.(record).Entries {
		env.Shared().(*checks).disks[[2]uint64{e.Index, e.Term}] |= 1 << env.ID()
	}
}

func (c *checks) applied(env *testbed.Env, e pb.Entry, state uint64) {
	for uint64(len(c.first)) <= e.Index {
		c.first = append(c.first, first{})
	}
	f := &c.first[e.Index]
	holders := bits.OnesCount16(c.disks[[2]uint64{e.Index, e.Term}])
	switch {
	case !f.known && holders <= env.Servers()/2:
		env.Fail("durability", "server %d applies index %d, on %d of %d disks", env.ID(), e.Index, holders, env.Servers())
	case !f.known:
		*f = first{true, e.Term, e.Data, state}
	case f.term != e.Term || !bytes.Equal(f.data, e.Data):
		env.Fail("agreement", "server %d applies term %d at index %d, first was term %d", env.ID(), e.Term, e.Index, f.term)
	case f.state != state:
		env.Fail("state", "server %d's state after index %d is another", env.ID(), e.Index)
	}
}
