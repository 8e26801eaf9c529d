package live

import (
	"encoding/json"
	"fmt"

	"github.com/fauer4effect/paxos/protocol"
)

// How a tape writes the machine's inputs and outputs down: short keys, zeros left out. A
// no-op's batch is [], no batch is left out.

type tapeInput struct {
	Kind    protocol.InputKind `json:"k,omitempty"`
	UpTo    protocol.Position  `json:"upto,omitempty"`
	To      protocol.ServerID  `json:"to,omitempty"`
	Message *tapeMessage       `json:"m,omitempty"`
}

type tapeMessage struct {
	Kind   protocol.Kind     `json:"k"`
	Server protocol.ServerID `json:"from,omitempty"`
	State  protocol.State    `json:"state,omitempty"`
	Store  protocol.StoreID  `json:"store,omitempty"`
	View   protocol.View     `json:"v,omitempty"`
	Seq    protocol.Seq      `json:"s,omitempty"`
	ARU    protocol.Seq      `json:"aru,omitempty"`
	Batch  *[]tapeUpdate     `json:"b,omitempty"`
	List   *[]tapeEntry      `json:"list,omitempty"`
	Roster *protocol.Roster  `json:"roster,omitempty"`
	Part   *tapePart         `json:"part,omitempty"`
}

type tapePart struct {
	Sum    uint64 `json:"sum"`
	Size   uint64 `json:"size"`
	Offset uint64 `json:"at,omitempty"`
	Bytes  []byte `json:"bytes,omitempty"`
}

type tapeUpdate struct {
	Client    protocol.ClientID   `json:"c"`
	Server    protocol.ServerID   `json:"s,omitempty"`
	Kind      protocol.UpdateKind `json:"k,omitempty"`
	Timestamp protocol.Timestamp  `json:"t"`
	Session   protocol.Seq        `json:"o,omitempty"`
	Op        []byte              `json:"op"`
}

type tapeEntry struct {
	Seq     protocol.Seq  `json:"s"`
	View    protocol.View `json:"v,omitempty"`
	Ordered bool          `json:"ordered,omitempty"`
	Batch   *[]tapeUpdate `json:"b"`
}

// tapeSnapshot is a record's checkpoint; its snapshot's seq is the record's.
type tapeSnapshot struct {
	Body []byte      `json:"body"`
	Open []tapeEntry `json:"open,omitempty"`
}

type tapeRecord struct {
	Kind     protocol.RecordKind `json:"k"`
	Lazy     bool                `json:"lazy,omitempty"`
	Position protocol.Position   `json:"p"`
	View     protocol.View       `json:"v,omitempty"`
	Seq      protocol.Seq        `json:"s,omitempty"`
	Batch    *[]tapeUpdate       `json:"b,omitempty"`
	Roster   *protocol.Roster    `json:"roster,omitempty"`
	Snapshot *tapeSnapshot       `json:"snapshot,omitempty"`
}

type tapeOutgoing struct {
	To      protocol.ServerID `json:"to,omitempty"`
	After   protocol.Position `json:"after,omitempty"`
	Message *tapeMessage      `json:"m"`
}

type tapeReply struct {
	Client    protocol.ClientID    `json:"c"`
	Timestamp protocol.Timestamp   `json:"t"`
	Status    protocol.ReplyStatus `json:"st,omitempty"`
	Read      bool                 `json:"read,omitempty"`
	Index     protocol.Seq         `json:"i,omitempty"`
	Result    []byte               `json:"r"`
}

// tapeEvent names its batch by the hash: the batch itself stands elsewhere.
type tapeEvent struct {
	Kind      protocol.EventKind `json:"k"`
	Servers   uint16             `json:"servers,omitempty"`
	Client    protocol.ClientID  `json:"c,omitempty"`
	View      protocol.View      `json:"v,omitempty"`
	Seq       protocol.Seq       `json:"s,omitempty"`
	Timestamp protocol.Timestamp `json:"t,omitempty"`
	Hash      uint64             `json:"h,omitempty"`
	Batch     uint64             `json:"b,omitempty"`
}

type tapeOutput struct {
	Truncate uint64         `json:"cut,omitempty"`
	Records  []tapeRecord   `json:"rec,omitempty"`
	Messages []tapeOutgoing `json:"msg,omitempty"`
	Replies  []tapeReply    `json:"rep,omitempty"`
	Events   []tapeEvent    `json:"ev,omitempty"`
}

func tapeBatch(b *protocol.Batch) *[]tapeUpdate {
	if b == nil {
		return nil
	}
	updates := make([]tapeUpdate, len(b.Updates))
	for i, u := range b.Updates {
		updates[i] = tapeUpdate(u)
	}
	return &updates
}

func batchOf(updates *[]tapeUpdate) *protocol.Batch {
	if updates == nil {
		return nil
	}
	own := make([]protocol.Update, len(*updates))
	for i, u := range *updates {
		own[i] = protocol.Update(u)
	}
	return protocol.NewBatch(own...)
}

func tapeMessageOf(m *protocol.Message) *tapeMessage {
	t := &tapeMessage{
		Kind: m.Kind, Server: m.Server, State: m.State, Store: m.Store,
		View: m.View, Seq: m.Seq, ARU: m.ARU, Batch: tapeBatch(m.Batch), Roster: m.Roster,
	}
	if m.List != nil {
		list := tapeEntries(*m.List)
		t.List = &list
	}
	if m.Part != nil {
		part := tapePart(*m.Part)
		t.Part = &part
	}
	return t
}

func tapeEntries(from protocol.DataList) []tapeEntry {
	list := make([]tapeEntry, len(from))
	for i, e := range from {
		list[i] = tapeEntry{Seq: e.Seq, View: e.View, Ordered: e.Ordered, Batch: tapeBatch(e.Batch)}
	}
	return list
}

func listOf(from []tapeEntry) (protocol.DataList, error) {
	list := make(protocol.DataList, len(from))
	for i, e := range from {
		if e.Batch == nil {
			return nil, fmt.Errorf("a data list without the batch of seq %d", e.Seq)
		}
		list[i] = protocol.Entry{Seq: e.Seq, View: e.View, Ordered: e.Ordered, Batch: batchOf(e.Batch)}
	}
	return list, nil
}

func (t *tapeMessage) message() (protocol.Message, error) {
	m := protocol.Message{
		Kind: t.Kind, Server: t.Server, State: t.State, Store: t.Store,
		View: t.View, Seq: t.Seq, ARU: t.ARU, Batch: batchOf(t.Batch), Roster: t.Roster,
	}
	if t.List != nil {
		list, err := listOf(*t.List)
		if err != nil {
			return m, err
		}
		m.List = &list
	}
	if t.Part != nil {
		part := protocol.Part(*t.Part)
		m.Part = &part
	}
	return m, nil
}

func tapeInputOf(in *protocol.Input) *tapeInput {
	t := &tapeInput{Kind: in.Kind, UpTo: in.UpTo, To: in.To}
	if in.Kind == protocol.Receive {
		t.Message = tapeMessageOf(&in.Message)
	}
	return t
}

func (t *tapeInput) input() (protocol.Input, error) {
	in := protocol.Input{Kind: t.Kind, UpTo: t.UpTo, To: t.To}
	if (t.Kind == protocol.Receive) != (t.Message != nil) {
		return in, fmt.Errorf("an input of kind %d with a message, or a Receive without one", t.Kind)
	}
	if t.Kind > protocol.HandOver {
		return in, fmt.Errorf("unknown kind %d of an input", t.Kind)
	}
	var err error
	if t.Message != nil {
		in.Message, err = t.Message.message()
	}
	return in, err
}

func tapeRecords(records []protocol.Record) []tapeRecord {
	out := make([]tapeRecord, len(records))
	for i, r := range records {
		out[i] = tapeRecord{
			Kind: r.Kind, Lazy: r.Lazy, Position: r.Position, View: r.View, Seq: r.Seq,
			Batch: tapeBatch(r.Batch), Roster: r.Roster,
		}
		if c := r.Checkpoint; c != nil {
			out[i].Snapshot = &tapeSnapshot{Body: c.Snapshot.Body, Open: tapeEntries(c.Open)}
		}
	}
	return out
}

func recordsOf(from []tapeRecord) ([]protocol.Record, error) {
	records := make([]protocol.Record, len(from))
	for i, r := range from {
		records[i] = protocol.Record{
			Kind: r.Kind, Lazy: r.Lazy, Position: r.Position, View: r.View, Seq: r.Seq,
			Batch: batchOf(r.Batch), Roster: r.Roster,
		}
		if r.Snapshot != nil {
			open, err := listOf(r.Snapshot.Open)
			if err != nil {
				return nil, fmt.Errorf("record %d: %w", r.Position, err)
			}
			records[i].Checkpoint = &protocol.Checkpoint{Snapshot: protocol.SnapshotOf(r.Seq, r.Snapshot.Body), Open: open}
		}
	}
	return records, nil
}

// encodeOutput is the canonical form of an output: equal outputs, equal bytes.
func encodeOutput(o *protocol.Output) json.RawMessage {
	t := tapeOutput{Records: tapeRecords(o.Records), Truncate: uint64(o.Truncate)}
	for i := range o.Messages {
		m := &o.Messages[i]
		t.Messages = append(t.Messages, tapeOutgoing{To: m.To, After: m.After, Message: tapeMessageOf(&m.Message)})
	}
	for _, r := range o.Replies {
		t.Replies = append(t.Replies, tapeReply(r))
	}
	for _, e := range o.Events {
		event := tapeEvent{
			Kind: e.Kind, Servers: e.Servers, Client: e.Client, View: e.View, Seq: e.Seq,
			Timestamp: e.Timestamp, Hash: e.Hash,
		}
		if e.Batch != nil {
			event.Batch = e.Batch.Hash()
		}
		t.Events = append(t.Events, event)
	}
	text, err := json.Marshal(t)
	if err != nil {
		panic(fmt.Sprintf("tape: %v", err)) // plain data encodes
	}
	return text
}
