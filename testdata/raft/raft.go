// Command raft puts etcd's raft (go.etcd.io/raft/v3) into the world in which this repository's own
// protocol is swept: same network, disks, clocks and faults. docs/YOUR-PROTOCOL.md walks through it.
package main

import (
	"errors"
	"io"
	"log"

	"go.etcd.io/raft/v3"
	pb "go.etcd.io/raft/v3/raftpb"

	"github.com/fauer4effect/paxos/sim/testbed"
	"github.com/fauer4effect/paxos/sim/world"
)

const (
	ms           = world.Instant(1_000_000)
	tick         = 15 * ms // to twice as much, drawn for each election timeout
	electionTick = 10
)

// Bugs are mistakes of a driver, planted on purpose (see raft_test.go).
type Bugs struct {
	SendBeforeSave, NeverSync, ApplyBeforeCommit, NoHardState, SnapshotOneOff bool
}

// settings are drawn for each plan.
type settings struct {
	SnapshotEvery uint64 `json:"snapshot_every_entries"`
	KeepBehind    uint64 `json:"keep_behind_entries"` // before a snapshot, for followers that are nearly up to date
}

// Protocol is etcd's raft as the testbed sees it.
func Protocol(b Bugs) *testbed.Protocol {
	return &testbed.Protocol{
		Name: "etcd-raft", Settle: 6_000 * ms, Answer: 3_000 * ms,
		Kinds: []string{
			"MsgProp", "MsgApp", "MsgAppResp", "MsgSnap", "MsgHeartbeat", "MsgHeartbeatResp",
			"MsgPreVote", "MsgPreVoteResp", "MsgVote", "MsgVoteResp",
		},
		Settings: func(d *world.Dice) any {
			return settings{world.Pick[uint64](d, 1, 3, 10, 40), world.Pick[uint64](d, 0, 1, 5)}
		},
		Start:  func(env *testbed.Env, records []any) (testbed.Machine, error) { return start(env, records, b) },
		Shared: newChecks, Durable: durable, Departed: departed,
	}
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
	return world.Draw(uint64(m.Type), m.Term, m.LogTerm, m.Index, m.Commit, m.RejectHint, uint64(len(m.Entries)))
}

// server is one life of a raft node, with the loop that raft's documentation asks for: save, then
// send, then apply, then advance. Here the disk answers later, in Synced.
type server struct {
	env     *testbed.Env
	bugs    Bugs
	set     settings
	node    *raft.RawNode
	storage *raft.MemoryStorage
	app     *state
	asked   map[uint32]uint64 // by client: the request that waits here; looked up only
	applied uint64            // index
	ready   *raft.Ready       // under way
	after   uint64            // the record that it waits for
	synced  uint64            // records
	ticks   uint64
	tickAt  world.Instant
}

func start(env *testbed.Env, records []any, b Bugs) (*server, error) {
	s := &server{env: env, bugs: b, storage: raft.NewMemoryStorage(), app: newState(), synced: uint64(len(records))}
	s.asked = map[uint32]uint64{}
	if err := env.Settings(&s.set); err != nil {
		return nil, err
	}
	// All begin with the same snapshot, of nothing, which names the members.
	first := pb.Snapshot{Data: s.app.save(), Metadata: pb.SnapshotMetadata{Index: 1, Term: 1}}
	for id := 1; id <= env.Servers(); id++ {
		first.Metadata.ConfState.Voters = append(first.Metadata.ConfState.Voters, uint64(id))
	}
	for _, r := range append([]any{record{Snapshot: first}}, records...) {
		if err := s.load(r.(record)); err != nil {
			return nil, err
		}
	}
	s.schedule()
	node, err := raft.NewRawNode(&raft.Config{
		ID: uint64(env.ID()), ElectionTick: electionTick, HeartbeatTick: 1, Storage: s.storage, Applied: s.applied,
		// Without these two a server that is half cut off starves the rest: a deaf leader goes
		// on sending heartbeats, a deaf follower candidacies. The sweep finds that (L1).
		CheckQuorum: true, PreVote: true,
		MaxSizePerMsg: 4 << 10, MaxInflightMsgs: 64,
		Logger: &raft.DefaultLogger{Logger: log.New(io.Discard, "", 0)},
	})
	if s.node = node; err == nil {
		env.Shared().(*checks).began(env, node.BasicStatus().Term)
	}
	return s, err
}

// load puts a durable record into memory.
func (s *server) load(r record) error {
	if !raft.IsEmptySnap(r.Snapshot) {
		if err := errors.Join(s.storage.ApplySnapshot(r.Snapshot), s.app.load(r.Snapshot.Data)); err != nil {
			return err
		}
		s.applied = r.Snapshot.Metadata.Index
	}
	if !raft.IsEmptyHardState(r.State) {
		_ = s.storage.SetHardState(r.State) // it can't fail
	}
	return s.storage.Append(r.Entries)
}

func (s *server) Leads() bool             { return s.node.BasicStatus().RaftState == raft.StateLeader }
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

// Request proposes an operation; a follower hands it to the leader. Clients repeat what is lost.
func (s *server) Request(r testbed.Request) {
	s.asked[r.Client] = r.Timestamp
	_ = s.node.Propose(encode(r))
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
	leave := s.after
	if s.bugs.SendBeforeSave || s.bugs.NeverSync {
		leave = 0
	}
	for _, m := range rd.Messages {
		s.env.Send(int(m.To), m.Type.String(), leave, message{m})
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
	if !raft.IsEmptySnap(rd.Snapshot) {
		s.env.Tell("takes over a snapshot of index %d", s.applied)
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
	if s.bugs.SnapshotOneOff {
		s.snapshot() // of the state before the entry
	}
	if len(e.Data) > 0 { // else a new leader's first
		client, ts, result, done := s.app.apply(e.Data)
		s.env.Tell("applies client %d's operation %d at index %d, term %d", client, ts, e.Index, e.Term)
		if done && s.asked[client] == ts {
			s.env.Reply(client, ts, result)
		}
	}
	s.env.Shared().(*checks).applied(s.env, e, s.app.store.Hash())
}

// snapshot takes one every so many entries, for followers that need what is older, and drops
// that from memory. The disk keeps all: recovery replays it.
func (s *server) snapshot() {
	last, _ := s.storage.Snapshot() // memory does not fail
	if s.applied < last.Metadata.Index+max(1, s.set.SnapshotEvery) {
		return
	}
	if _, err := s.storage.CreateSnapshot(s.applied, nil, s.app.save()); err != nil {
		panic(err)
	}
	_ = s.storage.Compact(s.applied - min(s.applied, s.set.KeepBehind)) // an error: it is done already
}
