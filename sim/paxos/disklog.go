package paxos

import (
	"fmt"

	"github.com/fauer4effect/paxos/protocol"
	"github.com/fauer4effect/paxos/protocol/wire"
	"github.com/fauer4effect/paxos/sim/internal/engine"
	"github.com/fauer4effect/paxos/sim/internal/words"
	"github.com/fauer4effect/paxos/sim/plan"
	"github.com/fauer4effect/paxos/sim/world"
)

// Where the plan says so, a disk is the bytes of a log, in the format of a live store's records. A
// crash may tear it and a fault damage it, and each new life reads it. The bytes are made when they
// are read, since nobody sees them before.

// diskLog is what the world does not keep of one server's records.
type diskLog struct {
	codec wire.RecordCodec
	bases []protocol.Position // of each record: what was durable when it was written
	tail  []byte              // what the last crash left behind the last whole record
}

// truncate forgets the first records.
func (d *diskLog) truncate(records int) {
	if len(d.bases) > 0 {
		d.bases = d.bases[records:]
	}
}

// entry is the i-th record that the log holds, from 0, as it stands there.
func (d *diskLog) entry(i int, r *protocol.Record) []byte {
	b, err := d.codec.AppendToLog(nil, r, d.bases[i])
	if err != nil {
		panic(fmt.Sprintf("sim: record %d: %v", r.Position, err)) // it fits, or the machine could not have sent it
	}
	return b
}

// wrote notes what was durable when the records that follow were written.
func (r *System) wrote(n world.Node, records int) {
	if r.run.Plan.Disk.Log {
		d := &r.logs[n]
		for range records {
			d.bases = append(d.bases, protocol.Position(r.world.Durable(n)))
		}
	}
}

// tear keeps the bytes that a crash leaves behind what survives whole.
func (r *System) tear(n world.Node, unsynced []protocol.Record, kept int) {
	if !r.run.Plan.Disk.Log {
		return
	}
	d := &r.logs[n]
	d.tail = nil
	first := len(d.bases) - len(unsynced)
	switch r.run.Plan.Disk.Crash {
	case plan.CrashTorn:
		if kept < len(unsynced) {
			next := d.entry(first+kept, &unsynced[kept])
			d.tail = next[:min(int(r.run.Nodes[n].Torn), len(next)-1)]
		}
	case plan.CrashScattered: // some of what follows the gap may be whole
		for i := kept + 1; i < len(unsynced); i++ {
			if world.Draw(r.run.Plan.Seed, uint64(n), uint64(r.run.Nodes[n].Lives), uint64(i), engine.DrawTorn)&1 == 1 {
				d.tail = append(d.tail, d.entry(first+i, &unsynced[i])...)
			}
		}
	}
	d.bases = d.bases[:first+kept]
}

// readLog makes a server's records into bytes, lets the disk's damage happen to them, and
// reads them. Damage that is noticed is an error; damage that is not noticed is a violation.
func (r *System) readLog(n world.Node, records []protocol.Record) ([]protocol.Record, error) {
	d, nd := &r.logs[n], &r.run.Nodes[n]
	var log []byte
	starts := make([]int, 0, len(records)+1)
	for i := range records {
		starts = append(starts, len(log))
		log = append(log, d.entry(i, &records[i])...)
	}
	starts = append(starts, len(log))
	log = append(log, d.tail...)
	d.tail = nil
	if nd.Damage != "" {
		gone := uint64(0)
		if len(records) > 0 {
			gone = uint64(records[0].Position - 1)
		}
		log = r.damage(n, log, starts, gone)
	}
	read, _, err := d.codec.ReadLog(log)
	switch {
	case err != nil:
		return nil, err
	case nd.Damage != "":
		r.run.Fail("S5", "server %d starts with %s, of %s that its disk held: it does not notice that its log is damaged (%s)",
			n, words.Count(len(read), "record"), words.Count(len(records), "record"), nd.Damage)
	case len(read) != len(records):
		r.run.Fail("S5", "server %d reads %s, and its log holds %d", n, words.Count(len(read), "record"), len(records))
	}
	return read, nil
}

// damage flips a bit of a record that a later one vouches for, or puts another in its place. Where
// there is no such record nobody could notice, and nothing happens.
func (r *System) damage(n world.Node, log []byte, starts []int, gone uint64) []byte {
	d, nd := &r.logs[n], &r.run.Nodes[n]
	vouched := uint64(0)
	if len(d.bases) > 0 {
		vouched = uint64(d.bases[len(d.bases)-1])
		vouched -= min(vouched, gone)
	}
	if vouched == 0 || nd.Damage == plan.Misread && vouched == 1 {
		nd.Damage = ""
		return log
	}
	draw := world.Draw(r.run.Plan.Seed, uint64(n), uint64(nd.Damages), engine.DrawRot)
	hit := int(world.Below(draw, vouched))
	from, to := starts[hit], starts[hit+1]
	if nd.Damage == plan.Misread {
		other := (hit + 1) % int(vouched)
		return append(append(append([]byte(nil), log[:from]...), log[starts[other]:starts[other+1]]...), log[to:]...)
	}
	bit := world.Below(world.Draw(draw, 1), uint64(to-from)*8)
	log[from+int(bit/8)] ^= 1 << (bit % 8)
	return log
}

// recordBytes is the size of a record in a log, about.
func recordBytes(r *protocol.Record) int {
	size := 40
	if r.Checkpoint != nil {
		size += len(r.Checkpoint.Snapshot.Body)
	}
	if r.Batch != nil {
		for i := range r.Batch.Updates {
			size += 16 + len(r.Batch.Updates[i].Op)
		}
	}
	return size
}
