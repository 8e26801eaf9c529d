package store

import (
	"fmt"

	"github.com/fauer4effect/paxos/protocol"
)

//go:generate go tool -modfile=../../../tools.mod msgp -file record.go -o record_gen.go -tests=false -io=false -unexported

//msgp:tuple meta record update
//msgp:limit arrays:1024 maps:0
//msgp:ignore Identity

// meta says whose store this is.
type meta struct {
	Format  uint64
	Cluster uint64
	Server  uint8
	Servers uint8
	Store   uint64
}

// record is a protocol.Record as it is stored.
type record struct {
	Kind    uint8
	Lazy    bool
	View    uint64
	Seq     uint64
	Held    bool // there is a batch, of these updates
	Updates []update
	Stores  []uint64 // of a roster, from server 1
}

type update struct {
	Client    uint32
	Server    uint8
	Timestamp uint64
	Op        []byte `msg:",limit=4194304"`
}

// fill makes w what is stored of r. It refers to r's operations.
func (w *record) fill(r *protocol.Record) {
	*w = record{
		Kind: uint8(r.Kind), Lazy: r.Lazy, View: uint64(r.View), Seq: uint64(r.Seq),
		Held: r.Batch != nil, Updates: w.Updates[:0], Stores: w.Stores[:0],
	}
	if r.Batch != nil {
		for i := range r.Batch.Updates {
			u := &r.Batch.Updates[i]
			w.Updates = append(w.Updates, update{
				Client: uint32(u.Client), Server: uint8(u.Server), Timestamp: uint64(u.Timestamp), Op: u.Op,
			})
		}
	}
	if r.Roster != nil {
		for _, id := range r.Roster.Stores[1:] {
			w.Stores = append(w.Stores, uint64(id))
		}
	}
}

// record is what was stored as w, with memory of its own.
func (w *record) record(position protocol.Position) (protocol.Record, error) {
	r := protocol.Record{
		Kind: protocol.RecordKind(w.Kind), Lazy: w.Lazy, Position: position,
		View: protocol.View(w.View), Seq: protocol.Seq(w.Seq),
	}
	switch {
	case r.Kind < protocol.RecordInstalled || r.Kind > protocol.RecordFormed:
		return r, fmt.Errorf("unknown kind %d", w.Kind)
	case !w.Held && len(w.Updates) > 0:
		return r, fmt.Errorf("updates, but no batch")
	case len(w.Stores) != 0 && len(w.Stores) != protocol.MaxServers || (len(w.Stores) != 0) != (r.Kind == protocol.RecordFormed):
		return r, fmt.Errorf("a roster of %d in a record of kind %v", len(w.Stores), r.Kind)
	}
	if w.Held {
		own := make([]protocol.Update, len(w.Updates))
		for i := range w.Updates {
			u := &w.Updates[i]
			own[i] = protocol.Update{
				Client: protocol.ClientID(u.Client), Server: protocol.ServerID(u.Server),
				Timestamp: protocol.Timestamp(u.Timestamp), Op: append([]byte{}, u.Op...),
			}
		}
		r.Batch = protocol.NewBatch(own...)
	}
	if len(w.Stores) > 0 {
		r.Roster = &protocol.Roster{Formed: true}
		for i, id := range w.Stores {
			r.Roster.Stores[i+1] = protocol.StoreID(id)
		}
	}
	return r, nil
}
