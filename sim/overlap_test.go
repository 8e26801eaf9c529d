package sim_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/fauer4effect/paxos/sim"
	"github.com/fauer4effect/paxos/sim/world"
)

// With overlapped writes (X16) an update waits for one write on its way, not for two: the
// leader's goes on while the Proposal travels. The table is docs/BENCHMARKS.md's.
func TestOverlappedWritesCommitSooner(t *testing.T) {
	latency := func(overlap bool, clients int, sync world.Law) (median, p99 time.Duration) {
		p := calmPlan(5, 2_000)
		p.Workload.Clients, p.Disk.Sync = clients, sync
		p.Settings = json.RawMessage(fmt.Sprintf(`{"overlapped_write": %v}`, overlap))
		r := sim.Run(p, sim.WithHistory())
		if !r.OK() {
			t.Fatal(r.Violation)
		}
		var took []int64
		for _, o := range r.History {
			if o.Answered {
				took = append(took, o.Return-o.Call)
			}
		}
		slices.Sort(took)
		return time.Duration(took[len(took)/2]), time.Duration(took[len(took)*99/100])
	}
	t.Logf("%-10s %7s | %10s %10s | %10s %10s | %5s", "a sync", "clients", "in turn", "99%", "overlapped", "99%", "ratio")
	for _, sync := range []struct {
		name string
		law  world.Law
	}{
		{"0.1–0.5ms", world.Uniform(ms/10, ms/2)},
		{"1ms", world.Constant(ms)},
		{"5ms", world.Constant(5 * ms)},
	} {
		for _, clients := range []int{1, 12} {
			before, before99 := latency(false, clients, sync.law)
			after, after99 := latency(true, clients, sync.law)
			t.Logf("%-10s %7d | %10v %10v | %10v %10v | %5.2f", sync.name, clients,
				before.Round(time.Microsecond), before99.Round(time.Microsecond),
				after.Round(time.Microsecond), after99.Round(time.Microsecond), float64(after)/float64(before))
			if after >= before {
				t.Errorf("a sync of %s, %d clients: the median is %v, and %v with overlapped writes", sync.name, clients, before, after)
			}
		}
	}
}
