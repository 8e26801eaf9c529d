// Command raft puts etcd's raft (go.etcd.io/raft/v3) into the world in which this repository's
// own protocol is swept: same network, disks, clocks and faults. docs/YOUR-PROTOCOL.md walks
// through it.
package main

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"hash/fnv"
	"io"
	"log"

	"go.etcd.io/raft/v3"
	pb "go.etcd.io/raft/v3/raftpb"

	"github.com/fauer4effect/paxos/sim"
	"github.com/fauer4effect/paxos/sim/testbed"
	"github.com/fauer4effect/paxos/sim/world"
)

const (
	ms           = world.Instant(1_000_000)
	tick         = 15 * ms // to twice as much, drawn anew for every election timeout
	electionTick = 10
	keepBehind   = 5 // entries before a snapshot, for followers that are nearly up to date
)

// Raft draws its election timeouts from the system's randomness, which no run may touch. Here
// it always draws nothing on top, and what must differ between servers is how long a tick is.
func init() { rand.Reader = zeros{} }

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }

// Bugs are mistakes of a driver, planted on purpose (see raft_test.go).
type Bugs struct {
	SendBeforeSave, NeverSync, ApplyBeforeCommit, NoHardState, SnapshotOneOff bool
}

// settings are drawn for each plan.
type settings struct {
	SnapshotEvery uint64 `json:"snapshot_every_entries"`
}

func draw(d *world.Dice) any { return settings{world.Pick[uint64](d, 5, 10, 40)} }

// Protocol is etcd's raft as the testbed sees it.
func Protocol(b Bugs) *sim.Protocol {
	p := &sim.Protocol{
		Name: "etcd-raft", Settle: 6_000 * ms, Answer: 3_000 * ms, Settings: draw,
		Shared: func() any { return &applied{} },
		Start:  func(env *sim.Env, records []any) (sim.Machine, error) { return start(env, records, b) },
	}
	for _, kind := range []pb.MessageType{
		pb.MsgProp, pb.MsgApp, pb.MsgAppResp, pb.MsgVote, pb.MsgVoteResp, pb.MsgPreVote, pb.MsgPreVoteResp,
		pb.MsgSnap, pb.MsgHeartbeat, pb.MsgHeartbeatResp,
	} {
		p.Kinds = append(p.Kinds, kind.String())
	}
	return p
}

func main() { testbed.Main(Protocol(Bugs{})) }

// record is what a Ready asks to make durable.
type record struct {
	State    pb.HardState
	Entries  []pb.Entry
	Snapshot pb.Snapshot
}

// message is a raft message on its way, told apart by its content.
type message struct{ pb.Message }

func (m message) Digest() uint64 {
	b, _ := m.Marshal() // a valid message marshals
	h := fnv.New64a()
	h.Write(b)
	return h.Sum64()
}

// server is one life of a raft node, with the loop that raft's documentation asks for: save,
// then send, then apply, then advance; here the disk answers later, in Synced.
type server struct {
	env     *sim.Env
	bugs    Bugs
	set     settings
	node    *raft.RawNode
	storage *raft.MemoryStorage
	app     *state
	conf    pb.ConfState
	asked   map[uint32]uint64 // by client: the request that waits here; looked up only
	applied uint64            // index
	snapped uint64            // index
	ready   *raft.Ready       // under way
	after   uint64            // the record that it waits for
	synced  uint64            // records
	ticks   uint64
	tickAt  world.Instant
}

func start(env *sim.Env, records []any, b Bugs) (*server, error) {
	s := &server{env: env, bugs: b, storage: raft.NewMemoryStorage(), app: newState(), asked: map[uint32]uint64{}}
	s.synced = uint64(len(records))
	if err := env.Settings(&s.set); err != nil {
		return nil, err
	}
	for id := 1; id <= env.Servers(); id++ {
		s.conf.Voters = append(s.conf.Voters, uint64(id))
	}
	// All begin with the same snapshot, of nothing, which names the members.
	first := pb.Snapshot{Data: s.app.save(), Metadata: pb.SnapshotMetadata{ConfState: s.conf, Index: 1, Term: 1}}
	if err := s.load(record{Snapshot: first}); err != nil {
		return nil, err
	}
	for _, r := range records {
		if err := s.load(r.(record)); err != nil {
			return nil, err
		}
	}
	s.schedule()
	var err error
	s.node, err = raft.NewRawNode(&raft.Config{
		ID: uint64(env.ID()), ElectionTick: electionTick, HeartbeatTick: 1, Storage: s.storage, Applied: s.applied,
		// Without these two a server that is half cut off starves the rest: a deaf leader goes
		// on sending heartbeats, a deaf follower candidacies. The sweep finds that (L1).
		CheckQuorum: true, PreVote: true,
		MaxSizePerMsg: 4 << 10, MaxInflightMsgs: 64,
		Logger: &raft.DefaultLogger{Logger: log.New(io.Discard, "", 0)},
	})
	return s, err
}

// load puts a durable record into memory.
func (s *server) load(r record) error {
	if !raft.IsEmptySnap(r.Snapshot) {
		if err := s.storage.ApplySnapshot(r.Snapshot); err != nil {
			return err
		}
		s.applied, s.snapped = r.Snapshot.Metadata.Index, r.Snapshot.Metadata.Index
		if err := s.app.load(r.Snapshot.Data); err != nil {
			return err
		}
	}
	if !raft.IsEmptyHardState(r.State) {
		_ = s.storage.SetHardState(r.State) // it can't fail
	}
	return s.storage.Append(r.Entries)
}

func (s *server) Leads() bool { return s.node.BasicStatus().RaftState == raft.StateLeader }

func (s *server) Deadline() world.Instant { return s.tickAt }

func (s *server) schedule() {
	s.tickAt = s.env.Now() + tick + world.Instant(world.Below(s.env.Draw(s.ticks/electionTick), uint64(tick)))
}

func (s *server) Wake() {
	s.ticks++
	s.schedule()
	s.node.Tick()
	s.drive()
}

func (s *server) Receive(_ int, m any) {
	_ = s.node.Step(m.(message).Message) // what it refuses is lost, as on any network
	s.drive()
}

// Request proposes a client's operation; a follower hands it to the leader. The client repeats
// what is lost.
func (s *server) Request(r sim.Request) {
	s.asked[r.Client] = r.Timestamp
	data := binary.BigEndian.AppendUint32(nil, r.Client)
	data = append(binary.BigEndian.AppendUint64(data, r.Timestamp), r.Op...)
	_ = s.node.Propose(data)
	s.drive()
}

func (s *server) Synced(upTo uint64) {
	s.synced = upTo
	s.drive()
}

// drive takes one Ready after the other through save, send, apply, advance.
func (s *server) drive() {
	for s.ready != nil || s.node.HasReady() {
		if s.ready == nil {
			s.save()
		}
		if s.synced < s.after && !s.bugs.NeverSync {
			return
		}
		s.finish()
	}
}

// save writes what the next Ready wants durable; its messages leave when it is.
func (s *server) save() {
	rd := s.node.Ready()
	s.ready = &rd
	r := record{rd.HardState, rd.Entries, rd.Snapshot}
	if s.bugs.NoHardState {
		r.State = pb.HardState{}
	}
	if !raft.IsEmptyHardState(r.State) || len(r.Entries) > 0 || !raft.IsEmptySnap(r.Snapshot) {
		s.after = s.env.Write(r)
	}
	after := s.after
	if s.bugs.SendBeforeSave || s.bugs.NeverSync {
		after = 0
	}
	for _, m := range rd.Messages {
		s.env.Send(int(m.To), m.Type.String(), after, message{m})
		if m.Type == pb.MsgSnap { // if it is lost, the follower's next word says so
			s.node.ReportSnapshot(m.To, raft.SnapshotFinish)
		}
	}
}

// finish applies what is committed, once all is durable.
func (s *server) finish() {
	rd := s.ready
	s.ready = nil
	if err := s.load(record{rd.HardState, rd.Entries, rd.Snapshot}); err != nil {
		panic(err)
	}
	if rd.SoftState != nil && rd.RaftState == raft.StateLeader {
		s.env.Tell("leads term %d", s.node.BasicStatus().Term)
	}
	apply := rd.CommittedEntries
	if s.bugs.ApplyBeforeCommit {
		apply = rd.Entries
	}
	for _, e := range apply {
		s.apply(e)
	}
	s.node.Advance(*rd)
	s.snapshot()
}

func (s *server) apply(e pb.Entry) {
	if e.Index <= s.applied {
		return
	}
	s.applied = e.Index
	s.env.Shared().(*applied).check(s.env, e)
	if len(e.Data) == 0 { // a new leader's first
		return
	}
	client, ts := binary.BigEndian.Uint32(e.Data), binary.BigEndian.Uint64(e.Data[4:])
	result, done := s.app.apply(client, ts, e.Data[12:])
	s.env.Tell("applies client %d's operation %d at index %d, term %d", client, ts, e.Index, e.Term)
	if done && s.asked[client] == ts {
		s.env.Reply(client, ts, result)
	}
}

// snapshot takes one every so many entries, for followers that need what is older, and drops
// that from memory. The disk keeps all: recovery replays it.
func (s *server) snapshot() {
	index := s.applied
	if last, _ := s.storage.LastIndex(); s.bugs.SnapshotOneOff && index < last {
		index++ // of an entry that the state lacks
	}
	if s.set.SnapshotEvery == 0 || s.applied < s.snapped+s.set.SnapshotEvery {
		return
	}
	if _, err := s.storage.CreateSnapshot(index, &s.conf, s.app.save()); err != nil {
		panic(err)
	}
	s.snapped = s.applied
	if err := s.storage.Compact(max(index, keepBehind+1) - keepBehind); err != nil && !errors.Is(err, raft.ErrCompacted) {
		panic(err)
	}
}
