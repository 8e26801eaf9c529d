package sim_test

import (
	"flag"
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/fauer4effect/paxos/protocol"
	"github.com/fauer4effect/paxos/sim"
	"github.com/fauer4effect/paxos/sim/paxos"
	"github.com/fauer4effect/paxos/sim/plan"
	"github.com/fauer4effect/paxos/sim/world"
)

var week = flag.Bool("week", false, "let TestWeek simulate a week, which takes minutes")

const (
	aSecond = 1000 * ms
	aDay    = 24 * 3600 * aSecond
)

// endlessPlan is a cluster under an even load of about 100 updates a second. Every so often one
// server or another is down for a while, longer than the others keep the history for it.
func endlessPlan(length, every, down world.Instant, settings string) *sim.Plan {
	p := &sim.Plan{
		Version: plan.Version, Seed: 1, Servers: 3, Endless: true, Settings: []byte(settings),
		Network: plan.Network{All: world.LinkLaw{Delay: world.Uniform(ms/2, 3*ms/2)}},
		Disk:    plan.Disk{Sync: world.Uniform(ms/10, ms/2)},
		Workload: plan.Workload{
			Clients: 12, Keys: 8, Timeout: 100 * ms, Pause: world.Uniform(0, 220*ms),
			Mix: plan.Mix{Get: 2, Put: 4, CAS: 1, Incr: 3},
		},
		Faulty: length,
		Tail: plan.Tail{
			Delay: world.Uniform(ms/2, 3*ms/2), Pause: world.Uniform(0, 220*ms),
			Settle: 10 * aSecond, Answer: 2 * aSecond, For: aSecond,
		},
	}
	for at := every / 2; at+down < length; at += every {
		p.Faults = append(p.Faults, plan.Fault{At: at, Do: "crash", Servers: []int{1 + len(p.Faults)%3}, For: down})
	}
	return p
}

// size is what a run keeps at one time, of the server that keeps most.
type size struct {
	at        world.Instant
	ordered   uint64
	updates   uint64
	history   uint64 // slots that a server can still tell of
	records   uint64 // on a disk
	remembers uint64 // slots that the checker does
	heap      uint64 // bytes in use, of servers, disks, network, clients and checkers together
	views     uint64
	installs  uint64
}

func sizeOf(s *paxos.Stage, servers int) size {
	z := size{at: s.Now(), ordered: uint64(s.Log().ARU()), updates: s.Updates(), views: s.Views()}
	z.remembers = z.ordered - uint64(s.Log().Forgotten())
	for id := 1; id <= servers; id++ {
		m := s.Server(id)
		z.history = max(z.history, uint64(m.LocalARU()-m.Truncated()))
		z.records = max(z.records, s.Kept(id))
	}
	for _, e := range sim.Effects().All() {
		if sim.Effects()[e].Name == "install" {
			z.installs = s.Effects()[e]
		}
	}
	runtime.GC()
	var mem runtime.MemStats
	runtime.ReadMemStats(&mem)
	z.heap = mem.HeapAlloc
	return z
}

// curve runs the plan and measures after each step.
func curve(t *testing.T, p *sim.Plan, step world.Instant) []size {
	t.Helper()
	if err := sim.Validate(p); err != nil {
		t.Fatal(err)
	}
	s := paxos.Open(p, 0, nil)
	var sizes []size
	for s.Now() < p.Faulty {
		s.Run(min(step, p.Faulty-s.Now()))
		if v := s.Violation(); v != nil {
			t.Fatal(v)
		}
		sizes = append(sizes, sizeOf(s, p.Servers))
	}
	runtime.KeepAlive(s)
	return sizes
}

// Under endless load nothing grows without end. The servers' history, their disks and what the
// checkers remember level off, and with them the heap. Yet servers are down for longer than the
// others wait for them, and return by snapshot.
func TestEndlessLoad(t *testing.T) {
	const snapshot, history = 500, 2000
	p := endlessPlan(400*aSecond, 100*aSecond, 40*aSecond,
		fmt.Sprintf(`{"snapshot_slots": %d, "history_slots": %d}`, snapshot, history))
	sizes := curve(t, p, 10*aSecond)
	period := len(sizes) / 4 // with one outage each
	early, late := largest(sizes[period:2*period]), largest(sizes[3*period:])
	end := sizes[len(sizes)-1]
	switch {
	case end.ordered < 10*history || end.installs < 2:
		t.Fatalf("this tests little: %+v", end)
	case late.history < history/2:
		t.Errorf("of the history %d slots are kept at most: with a server down it should come near its limit, %d", late.history, history)
	case late.history > history+2*snapshot:
		t.Errorf("of the history %d slots are kept, where %d is the limit", late.history, history)
	case late.records > 3*(history+4*snapshot):
		t.Errorf("a disk holds %d records", late.records)
	case late.remembers > 60*aSecondsSlots:
		t.Errorf("the checker remembers %d slots", late.remembers)
	case late.heap > early.heap+early.heap/10+1<<18:
		t.Errorf("the heap takes %d bytes about the last outage, and took %d about the second", late.heap, early.heap)
	}
}

func largest(sizes []size) (z size) {
	for _, s := range sizes {
		z.heap, z.records = max(z.heap, s.heap), max(z.records, s.records)
		z.history, z.remembers = max(z.history, s.history), max(z.remembers, s.remembers)
	}
	return z
}

// aSecondsSlots is more than a second of the load.
const aSecondsSlots = 130

// TestWeek prints the curve of a simulated week, or of an hour: go test ./sim -run TestWeek -week -v
// Each line has the largest of several looks, so that outages do not fall between them.
func TestWeek(t *testing.T) {
	const looks = 12
	length, step, every, down := 7*aDay, aDay/2/looks, aDay, aDay/24
	if !*week {
		if testing.Short() {
			t.Skip("an hour of simulated time takes seconds")
		}
		length, step, every, down = aDay/24, aDay/24/6/looks, aDay/24, aDay/24/4
	}
	began := time.Now()
	p := endlessPlan(length, every, down, "")
	sizes := curve(t, p, step)
	t.Logf("until %3s %12s %15s %18s %14s %9s", "day", "updates", "history slots", "records on disk", "checker slots", "heap MB")
	for i := looks; i <= len(sizes); i += looks {
		z, at := largest(sizes[i-looks:i]), sizes[i-1]
		z.at, z.updates = at.at, at.updates
		t.Logf("%9.3f %12d %15d %18d %14d %9.1f", float64(z.at)/float64(aDay), z.updates, z.history, z.records, z.remembers, float64(z.heap)/(1<<20))
	}
	end := sizes[len(sizes)-1]
	t.Logf("%.1f updates a second, %d views, %d snapshots installed, %.0f s", float64(end.updates)/(float64(end.at)/float64(aSecond)), end.views, end.installs, time.Since(began).Seconds())
	if !*week {
		return // TestEndlessLoad says as much of less time
	}
	d := protocol.DefaultSettings()
	most := uint64(d.HistorySlots + 2*d.SnapshotSlots)
	day := 2 * looks
	early, late := largest(sizes[day:2*day]), largest(sizes[len(sizes)-day:])
	if late.history > most || late.records > 3*most || late.heap > early.heap+early.heap/10 || late.remembers > early.remembers+early.remembers/10 {
		t.Errorf("the last day needs more than the second, or than %d slots: %+v, %+v", most, late, early)
	}
}
