// Command raft puts etcd's raft (go.etcd.io/raft/v3) into the world in which this repository's
// own protocol is swept: same network, disks, clocks and faults. docs/YOUR-PROTOCOL.md walks
// through it.
package main

import (
	"encoding/binary"
	"errors"
	"hash/fnv"
	"io"
	"log"
	"slices"

	"go.etcd.io/raft/v3"
	pb "go.etcd.io/raft/v3/raftpb"

	"github.com/fauer4effect/paxos/sim"
	"github.com/fauer4effect/paxos/sim/testbed"
	"github.com/fauer4effect/paxos/sim/world"
)

// Bugs are mistakes of a driver, planted on purpose (see raft_test.go).
type Bugs struct {
	SendBeforeSave, NeverSync, ApplyBeforeCommit, NoHardState, SnapshotOneOff bool
}

const (
	ms         = world.Instant(1_000_000)
	tick       = 20 * ms
	patience   = 150 * ms // without a leader's word, before a server campaigns; as much again, drawn
	snapEvery  = 40       // entries
	keepBehind = 5        // entries before a snapshot, for followers that are nearly up to date
)

// Protocol is etcd's raft as the testbed sees it.
func Protocol(b Bugs) *sim.Protocol {
	kinds := []string{}
	for k := range len(pb.MessageType_name) {
		if name := pb.MessageType(k).String(); slices.Contains(onTheWire, pb.MessageType(k)) {
			kinds = append(kinds, name)
		}
	}
	return &sim.Protocol{
		Name: "etcd-raft", Kinds: kinds, Settle: 6_000 * ms, Answer: 3_000 * ms,
		Shared: func() any { return &applied{} },
		Start:  func(env *sim.Env, records []any) (sim.Machine, error) { return start(env, records, b) },
	}
}

var onTheWire = []pb.MessageType{
	pb.MsgProp, pb.MsgApp, pb.MsgAppResp, pb.MsgVote, pb.MsgVoteResp, pb.MsgSnap, pb.MsgHeartbeat, pb.MsgHeartbeatResp, pb.MsgTimeoutNow,
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
	node    *raft.RawNode
	storage *raft.MemoryStorage
	app     *state
	asked   map[uint32]uint64 // by client: the request that waits here; looked up only
	applied uint64            // index
	snapped uint64
	ready   *raft.Ready // under way
	after   uint64      // the record that it waits for
	synced  uint64
	tickAt  world.Instant
	heardAt world.Instant // from a leader, or since the last campaign
	rounds  uint64
	conf    pb.ConfState
}

func start(env *sim.Env, records []any, b Bugs) (*server, error) {
	s := &server{env: env, bugs: b, storage: raft.NewMemoryStorage(), app: newState(), asked: map[uint32]uint64{}, heardAt: env.Now(), tickAt: env.Now() + tick}
	for id := 1; id <= env.Servers(); id++ {
		s.conf.Voters = append(s.conf.Voters, uint64(id))
	}
	// All begin with the same snapshot, of nothing, which names the members.
	first := pb.Snapshot{Data: s.app.save(), Metadata: pb.SnapshotMetadata{ConfState: s.conf, Index: 1, Term: 1}}
	if err := s.restore(first); err != nil {
		return nil, err
	}
	for _, r := range records {
		if err := s.load(r.(record)); err != nil {
			return nil, err
		}
	}
	s.synced = uint64(len(records))
	var err error
	s.node, err = raft.NewRawNode(&raft.Config{
		ID: uint64(env.ID()), HeartbeatTick: 1, Storage: s.storage, Applied: s.applied,
		// Raft draws its election timeouts from the system's randomness, which no run may touch:
		// they never come, and campaigns are ours.
		ElectionTick:  1 << 30,
		MaxSizePerMsg: 4 << 10, MaxInflightMsgs: 64, MaxUncommittedEntriesSize: 1 << 20,
		Logger: &raft.DefaultLogger{Logger: log.New(io.Discard, "", 0)},
	})
	return s, err
}

// load puts a durable record back into memory.
func (s *server) load(r record) error {
	if !raft.IsEmptySnap(r.Snapshot) {
		if err := s.restore(r.Snapshot); err != nil && !errors.Is(err, raft.ErrSnapOutOfDate) {
			return err
		}
	}
	if err := s.storage.Append(r.Entries); err != nil {
		return err
	}
	if !raft.IsEmptyHardState(r.State) {
		return s.storage.SetHardState(r.State)
	}
	return nil
}

func (s *server) restore(snap pb.Snapshot) error {
	if err := s.storage.ApplySnapshot(snap); err != nil {
		return err
	}
	s.applied, s.snapped = snap.Metadata.Index, snap.Metadata.Index
	return s.app.load(snap.Data)
}

func (s *server) Leads() bool { return s.node.BasicStatus().RaftState == raft.StateLeader }

func (s *server) Deadline() world.Instant { return s.tickAt }

func (s *server) Receive(_ int, m any) {
	in := m.(message).Message
	_ = s.node.Step(in)                                                       // what it refuses is lost, as on any network
	if st := s.node.BasicStatus(); st.Lead == in.From && in.Term == st.Term { // not of a leader past its term
		s.heardAt = s.env.Now()
	}
	s.drive()
}

func (s *server) Wake() {
	if s.env.Now() < s.tickAt {
		return
	}
	s.tickAt = s.env.Now() + tick
	s.node.Tick()
	limit := patience + world.Instant(world.Below(s.env.Draw(s.rounds), uint64(patience)))
	switch {
	case s.Leads():
		s.heardAt = s.env.Now()
	case s.env.Now()-s.heardAt > limit:
		s.rounds++
		s.heardAt = s.env.Now()
		_ = s.node.Campaign()
	}
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
	for {
		if s.ready == nil {
			if !s.node.HasReady() {
				return
			}
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
	r := record{State: rd.HardState, Entries: rd.Entries, Snapshot: rd.Snapshot}
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
		if m.Type == pb.MsgSnap {
			s.node.ReportSnapshot(m.To, raft.SnapshotFinish)
		}
	}
}

// finish applies what is committed, once all is durable.
func (s *server) finish() {
	rd := s.ready
	s.ready = nil
	if err := s.load(record{State: rd.HardState, Entries: rd.Entries, Snapshot: rd.Snapshot}); err != nil {
		panic(err)
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
	if len(e.Data) < 12 {
		return // a new leader's empty entry
	}
	client, ts := binary.BigEndian.Uint32(e.Data), binary.BigEndian.Uint64(e.Data[4:])
	result, done := s.app.apply(client, ts, e.Data[12:])
	s.env.Tell("applies client %d's operation %d at index %d, term %d", client, ts, e.Index, e.Term)
	if done && s.asked[client] == ts {
		s.env.Reply(client, ts, result)
	}
}

// snapshot saves the state and drops the log before it, every so many entries.
func (s *server) snapshot() {
	if s.applied < s.snapped+snapEvery {
		return
	}
	index := s.applied
	if s.bugs.SnapshotOneOff {
		index--
	}
	_, err := s.storage.CreateSnapshot(index, &s.conf, s.app.save()) // for followers; recovery replays the whole log
	if err == nil {
		err = s.storage.Compact(index - keepBehind)
	}
	if err != nil && !errors.Is(err, raft.ErrCompacted) {
		panic(err)
	}
	s.snapped = s.applied
}
