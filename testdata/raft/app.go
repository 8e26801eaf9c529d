package main

import (
	"bytes"
	"encoding/binary"
	"encoding/json"

	pb "go.etcd.io/raft/v3/raftpb"

	"github.com/fauer4effect/paxos/protocol/kv"
	"github.com/fauer4effect/paxos/sim"
)

// state is the key-value store, and what each client was answered last.
type state struct {
	store    *kv.Store
	Sessions []session
}

type session struct {
	Last   uint64
	Result []byte
}

func newState() *state { return &state{store: kv.New()} }

// apply executes an operation once; done is false for one that is older than the last.
func (a *state) apply(client uint32, ts uint64, op []byte) (result []byte, done bool) {
	for int(client) >= len(a.Sessions) {
		a.Sessions = append(a.Sessions, session{})
	}
	c := &a.Sessions[client]
	if ts > c.Last {
		c.Last, c.Result = ts, a.store.Apply(op)
	}
	return c.Result, ts == c.Last
}

func (a *state) save() []byte {
	b, err := json.Marshal(struct {
		Store    []byte
		Sessions []session
	}{a.store.Snapshot(), a.Sessions})
	if err != nil {
		panic(err)
	}
	return b
}

func (a *state) load(b []byte) error {
	var saved struct {
		Store    []byte
		Sessions []session
	}
	if err := json.Unmarshal(b, &saved); err != nil {
		return err
	}
	a.store, a.Sessions = kv.New(), saved.Sessions
	return a.store.Restore(saved.Store)
}

// applied is a property of raft's own: state machine safety, no two servers apply different
// entries at one index.
type applied struct{ entries [][]byte }

func (a *applied) check(env *sim.Env, e pb.Entry) {
	for uint64(len(a.entries)) <= e.Index {
		a.entries = append(a.entries, nil)
	}
	mine := append(binary.BigEndian.AppendUint64(nil, e.Term), e.Data...)
	switch first := a.entries[e.Index]; {
	case first == nil:
		a.entries[e.Index] = mine
	case !bytes.Equal(first, mine):
		env.Fail("agreement", "server %d applies another entry at index %d, term %d, than was applied first", env.ID(), e.Index, e.Term)
	}
}
