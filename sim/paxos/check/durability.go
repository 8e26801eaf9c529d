package check

import (
	"math/bits"

	"github.com/fauer4effect/paxos/protocol"
)

// Durability is S5: what was ordered anywhere stays ordered through any crashes that keep
// disks. It bites early: where a slot is first ordered, a majority of disks must hold its
// acceptance in that view.
type Durability struct {
	verdict
	log      *Log
	majority int
}

func (d *Durability) ordered(id protocol.ServerID, e *protocol.Event) {
	if e.Kind == protocol.Learned {
		d.fail("S5", "server %d learns that seq %d is ordered, but nobody ordered it", id, e.Seq)
		return
	}
	if disks := d.log.slot(e.Seq).proposal(e.View).disks; bits.OnesCount16(disks) < d.majority {
		d.fail("S5", "server %d orders seq %d in view %d, which only the disks of servers %v hold: %d are a majority",
			id, e.Seq, e.View, members(disks), d.majority)
	}
}

func members(set uint16) []int {
	ids := []int{}
	for id := 1; id <= protocol.MaxServers; id++ {
		if set&(1<<id) != 0 {
			ids = append(ids, id)
		}
	}
	return ids
}
