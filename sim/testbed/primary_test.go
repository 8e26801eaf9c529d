package testbed_test

import (
	"encoding/binary"
	"fmt"

	"github.com/anishathalye/porcupine"

	"github.com/fauer4effect/paxos/protocol/kv"
	"github.com/fauer4effect/paxos/sim/testbed"
	"github.com/fauer4effect/paxos/sim/world"
)

// A protocol small enough to read at one glance. Server 1 is the primary, for good, and keeps a
// log on its disk. The others hand it what they are asked. Correct, if not available. A hasty
// primary answers before its log is durable.

func primary(hasty bool) *testbed.Protocol {
	name := "primary"
	if hasty {
		name = "hasty-primary"
	}
	return &testbed.Protocol{
		Name: name, Kinds: []string{"forward"},
		Start: func(env *testbed.Env, records []any) (testbed.Machine, error) {
			s := &server{env: env, hasty: hasty, app: kv.New().Apply, answered: map[uint32]answer{}}
			s.recover(records)
			return s, nil
		},
	}
}

type server struct {
	env      *testbed.Env
	hasty    bool
	app      func(op []byte) []byte
	answered map[uint32]answer // by client: to its latest request
	waiting  []uint32          // clients, in order of their records
	synced   uint64
}

type answer struct {
	timestamp uint64
	result    []byte
	record    uint64
}

func (s *server) recover(records []any) {
	s.synced = uint64(len(records))
	for i, r := range records {
		s.execute(r.(testbed.Request), uint64(i+1))
	}
}

func (s *server) execute(r testbed.Request, record uint64) {
	s.answered[r.Client] = answer{r.Timestamp, s.app(r.Op), record}
}

func (s *server) Request(r testbed.Request) {
	if !s.Leads() {
		s.env.Send(1, "forward", 0, r)
		return
	}
	switch last := s.answered[r.Client]; {
	case r.Timestamp < last.timestamp: // an old duplicate
	case r.Timestamp > last.timestamp:
		s.execute(r, s.env.Write(r))
		s.waiting = append(s.waiting, r.Client)
	case last.record <= s.synced:
		s.reply(r.Client)
	}
	if s.hasty {
		s.Synced(s.synced + uint64(len(s.waiting)))
	}
}

func (s *server) reply(client uint32) {
	a := s.answered[client]
	s.env.Tell("answers client %d's operation %d", client, a.timestamp)
	s.env.Reply(client, a.timestamp, a.result)
}

func (s *server) Synced(upTo uint64) {
	for s.synced = max(s.synced, upTo); len(s.waiting) > 0 && s.answered[s.waiting[0]].record <= s.synced; s.waiting = s.waiting[1:] {
		s.reply(s.waiting[0])
	}
}

func (s *server) Receive(_ int, m any)    { s.Request(m.(testbed.Request)) }
func (s *server) Wake()                   {}
func (s *server) Deadline() world.Instant { return world.Never }
func (s *server) Leads() bool             { return s.env.ID() == 1 }

// counters is a model of its own, in place of the key-value store. Each object is a counter. An
// operation, 8 bytes, adds to one and gets the sum.
func counters() *testbed.Model {
	return &testbed.Model{
		Operation: func(draw uint64, object, unique string) []byte {
			return append(binary.BigEndian.AppendUint64(nil, draw%10), object...)
		},
		Porcupine: porcupine.Model{
			Init: func() any { return uint64(0) },
			Step: func(state, input, output any) (bool, any) {
				sum := state.(uint64) + binary.BigEndian.Uint64(input.([]byte))
				result, answered := output.([]byte)
				return !answered || binary.BigEndian.Uint64(result) == sum, sum
			},
			DescribeOperation: func(input, output any) string { return fmt.Sprintf("%x → %x", input, output) },
		},
	}
}

// counting is the primary with counters. The forgetful one misses every tenth addition.
func counting(forgetful bool) *testbed.Protocol {
	p := primary(false)
	p.Name, p.Model = "counting-primary", counters()
	p.Start = func(env *testbed.Env, records []any) (testbed.Machine, error) {
		sums, n := map[string]uint64{}, 0
		add := func(op []byte) []byte {
			object := string(op[8:])
			if n++; !forgetful || n%10 != 0 {
				sums[object] += binary.BigEndian.Uint64(op)
			}
			return binary.BigEndian.AppendUint64(nil, sums[object])
		}
		s := &server{env: env, app: add, answered: map[uint32]answer{}}
		s.recover(records)
		return s, nil
	}
	return p
}
