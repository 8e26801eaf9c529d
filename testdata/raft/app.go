package main

import (
	"encoding/binary"
	"encoding/json"

	"github.com/fauer4effect/paxos/protocol/kv"
	"github.com/fauer4effect/paxos/sim/testbed"
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

// encode makes an entry's data of a request.
func encode(r testbed.Request) []byte {
	b := binary.BigEndian.AppendUint32(nil, r.Client)
	return append(binary.BigEndian.AppendUint64(b, r.Timestamp), r.Op...)
}

// apply executes an entry's data, once: a client that repeats its request gets the same result.
// done is false for a request that is older than the client's last.
func (a *state) apply(data []byte) (client uint32, ts uint64, result []byte, done bool) {
	client, ts = binary.BigEndian.Uint32(data), binary.BigEndian.Uint64(data[4:])
	for int(client) >= len(a.Sessions) {
		a.Sessions = append(a.Sessions, session{})
	}
	c := &a.Sessions[client]
	if ts > c.Last {
		c.Last, c.Result = ts, a.store.Apply(data[12:])
	}
	return client, ts, c.Result, ts == c.Last
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
