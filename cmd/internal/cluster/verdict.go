package cluster

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/fauer4effect/paxos/protocol"
	"github.com/fauer4effect/paxos/protocol/kv"
	"github.com/fauer4effect/paxos/protocol/live"
	"github.com/fauer4effect/paxos/protocol/live/store"
	"github.com/fauer4effect/paxos/sim/history"
)

// Finding is a property that does not hold, with what shows it.
type Finding struct {
	Property string // S1…S8, L3, or replay
	Detail   string
}

func (f *Finding) String() string { return f.Property + ": " + f.Detail }

// verdict holds what the servers recorded against each other and against what the clients
// saw.
type verdict struct {
	cluster  *Cluster
	findings []*Finding
	log      map[protocol.Seq]executed
	settled  protocol.Seq // where all stood when they were at rest; 0: they never were
	replayed live.Replayed
	events   [protocol.NumEvents]int // recorded, of all servers
}

// executed is a slot as the first server executed it.
type executed struct {
	batch uint64 // its hash
	state uint64 // the application's after it
	by    string
}

func (v *verdict) find(property, format string, args ...any) {
	v.findings = append(v.findings, &Finding{property, fmt.Sprintf(format, args...)})
}

// steadyLooks is how often in a row the servers must be found at rest, one look 50 ms after the other.
// A proposal on its way cannot be seen, but it takes less time than that.
const steadyLooks = 3

// settle waits until no command waits (L1), one server leads, and all stand at the same
// slot with the same state (L3). Without a leader they may do so by chance, with slots accepted that
// the next one orders.
func (v *verdict) settle(limit time.Duration) {
	var infos []Info
	steady, at := 0, uint64(0)
	for deadline := time.Now().Add(limit); ; time.Sleep(50 * time.Millisecond) {
		infos = infos[:0]
		same, waiting, leaders := true, 0, 0
		for id := 1; id <= v.cluster.cfg.Nodes; id++ {
			i, err := v.cluster.Info(id)
			same = same && err == nil
			waiting += i.Waiting
			if i.Leads() {
				leaders++
			}
			infos = append(infos, i)
		}
		for _, i := range infos[1:] {
			same = same && i.ARU == infos[0].ARU && i.StateHash == infos[0].StateHash
		}
		switch {
		case !same || waiting > 0 || leaders != 1:
			steady = 0
		case infos[0].ARU != at:
			steady = 1
		default:
			steady++
		}
		if at = infos[0].ARU; steady == steadyLooks {
			v.settled = protocol.Seq(at)
			return
		}
		if time.Now().After(deadline) {
			break
		}
	}
	text := ""
	for n, i := range infos {
		text += fmt.Sprintf(" server %d: %s, view %d, aru %d, state %s;", n+1, i.State, i.View, i.ARU, i.StateHash)
	}
	for n, i := range infos {
		if i.Waiting > 0 {
			v.find("L1", "server %d has %d commands that nobody answers, after %v of calm", n+1, i.Waiting, limit)
		}
	}
	if len(v.findings) > 0 {
		return
	}
	v.find("L3", "the servers do not stand at one slot and state, with a leader, after %v of calm:%s", limit, text)
}

// history asks porcupine whether the clients' history is linearizable (S8).
func (v *verdict) history(ops []history.Operation, limit time.Duration) {
	switch o := history.Linearizable(ops, limit); o.Verdict {
	case history.Illegal:
		v.find("S8", "the history is not linearizable: %s", o.Detail)
	case history.Unknown:
		v.find("S8", "porcupine could not tell within %v: %s", limit, o.Detail)
	}
}

// recordings replays what each server recorded, byte for byte. It compares all lives of all servers
// slot by slot (S1). It compares each life's beginning with what the former one was told of its
// disk (S5).
func (v *verdict) recordings() {
	v.log = map[protocol.Seq]executed{}
	for id := 1; id <= v.cluster.cfg.Nodes; id++ {
		if err := v.recording(id); err != nil {
			var d *live.Difference
			if errors.As(err, &d) {
				v.find("replay", "server %d: %v", id, d)
			} else {
				v.find("replay", "server %d's recording: %v", id, err)
			}
		}
	}
}

func (v *verdict) recording(id int) error {
	f, err := os.Open(v.cluster.Tape(id))
	if err != nil {
		return err
	}
	defer f.Close()
	var life uint64
	var durable protocol.Position
	done, err := live.Replay(f, func() protocol.App { return kv.New() }, live.Visitor{
		Life: func(number uint64, _ *protocol.Config, stable *protocol.Stable) {
			if held := stable.Last(); held < durable {
				v.find("S5", "server %d begins life %d with records up to %d, but in life %d it was told that %d were durable", id, number, held, life, durable)
			}
			life, durable = number, stable.Last()
		},
		Step: func(in *protocol.Input, out *protocol.Output) {
			if in.Kind == protocol.Durable {
				durable = max(durable, in.UpTo)
			}
			for i := range out.Events {
				v.events[out.Events[i].Kind]++
				switch e := &out.Events[i]; e.Kind {
				case protocol.Executed:
					v.executed(fmt.Sprintf("server %d in life %d", id, life), e.Seq, e.Batch, e.Hash)
				case protocol.SnapshotInstalled:
					v.installed(fmt.Sprintf("server %d in life %d", id, life), e.Seq, e.Hash)
				}
			}
		},
	})
	v.replayed.Lives += done.Lives
	v.replayed.Steps += done.Steps
	v.replayed.Messages += done.Messages
	return err
}

// executed compares one executed slot with the others' (S1).
func (v *verdict) executed(by string, seq protocol.Seq, b *protocol.Batch, state uint64) {
	this := executed{batch: b.Hash(), state: state, by: by}
	first, ok := v.log[seq]
	switch {
	case !ok:
		v.log[seq] = this
	case first.batch != this.batch:
		v.find("S1", "%s and %s execute different batches at seq %d", first.by, by, seq)
	case first.state != this.state:
		v.find("S1", "%s and %s execute the same at seq %d, and come to different states", first.by, by, seq)
	}
}

// installed compares the state after a snapshot with that of a server which executed the slots.
func (v *verdict) installed(by string, seq protocol.Seq, state uint64) {
	if first, ok := v.log[seq]; ok && first.state != state {
		v.find("S1", "%s installs a snapshot of 1…%d with state %016x, and %s has %016x", by, seq, state, first.by, first.state)
	}
}

// stores recovers a machine from each store, as a restart would. It compares its log with the
// recordings, slot by slot (S1), and its state. Servers that are told to end may order another slot,
// for a session that expires, and not all of them see it. But no server may have lost what all had
// executed when they were at rest (S5).
func (v *verdict) stores() {
	for id := 1; id <= v.cluster.cfg.Nodes; id++ {
		m, err := v.recover(id)
		if err != nil {
			v.find("S5", "server %d's store: %v", id, err)
			continue
		}
		for seq := m.Truncated() + 1; seq <= m.LocalARU(); seq++ {
			if e, ok := v.log[seq]; !ok {
				v.find("S1", "server %d's store has seq %d, which no recording has", id, seq)
				break
			} else if e.batch != m.Ordered(seq).Hash() {
				v.find("S1", "server %d's store and %s have different batches at seq %d", id, e.by, seq)
				break
			}
		}
		if e, ok := v.log[m.LocalARU()]; ok && e.state != m.App().Hash() {
			v.find("S1", "server %d's store gives after seq %d state %016x, and %s had %016x", id, m.LocalARU(), m.App().Hash(), e.by, e.state)
		}
		if m.LocalARU() < v.settled {
			v.find("S5", "server %d's store ends at seq %d, and all servers had executed 1…%d before they were told to end", id, m.LocalARU(), v.settled)
		}
	}
}

func (v *verdict) recover(id int) (*protocol.Server, error) {
	hosts, err := live.LoadHosts(v.cluster.hosts)
	if err != nil {
		return nil, err
	}
	st, err := store.Open(v.cluster.Store(id), store.Identity{
		Cluster: hosts.Cluster(), Server: protocol.ServerID(id), Servers: len(hosts),
	}, nil)
	if err != nil {
		return nil, err
	}
	defer st.Close()
	stable := st.Stable()
	return protocol.New(protocol.Config{
		ID: protocol.ServerID(id), Servers: len(hosts), Store: st.ID(), Settings: live.Settings(testedSettings, &stable),
	}, 0, kv.New(), stable)
}
