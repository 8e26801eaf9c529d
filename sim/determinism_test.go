package sim_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/fauer4effect/paxos/sim"
	"github.com/fauer4effect/paxos/sim/plan"
	"github.com/fauer4effect/paxos/sim/trace"
	"github.com/fauer4effect/paxos/sim/world"
)

// The same plan gives the same run: twice, traced or not, on one processor or two.
func TestDeterminism(t *testing.T) {
	seeds := uint64(40)
	if testing.Short() {
		seeds = 10
	}
	for seed := uint64(1000); seed < 1000+seeds; seed++ {
		first := sim.Run(sim.Swarm(seed, sim.SwarmOptions{}))
		for _, processors := range []int{1, 2} {
			before := runtime.GOMAXPROCS(processors)
			again := sim.Run(sim.Swarm(seed, sim.SwarmOptions{}))
			runtime.GOMAXPROCS(before)
			if again.Hash != first.Hash {
				t.Fatalf("seed %d: hash %016x, then with GOMAXPROCS=%d %016x: %s",
					seed, first.Hash, processors, again.Hash, firstDifference(traced(first.Plan), traced(first.Plan)))
			}
		}
		var out bytes.Buffer
		w := trace.New(&out)
		watched := sim.Run(first.Plan, sim.WithTrace(w))
		if err := w.Close(); err != nil || out.Len() == 0 {
			t.Fatalf("seed %d: trace of %d bytes: %v", seed, out.Len(), err)
		}
		if watched.Hash != first.Hash || watched.Events != first.Events {
			t.Fatalf("seed %d: hash %016x after %d events, but traced %016x after %d",
				seed, first.Hash, first.Events, watched.Hash, watched.Events)
		}
	}
}

// A plan that went through its JSON is the same plan.
func TestReplayOfWrittenPlan(t *testing.T) {
	for seed := uint64(0); seed < 20; seed++ {
		p := sim.Swarm(seed, sim.SwarmOptions{})
		read, err := sim.ReadPlan(bytes.NewReader(p.Encode()))
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if a, b := sim.Run(p), sim.Run(read); a.Hash != b.Hash {
			t.Fatalf("seed %d: hash %016x, from its file %016x: %s", seed, a.Hash, b.Hash, firstDifference(traced(p), traced(read)))
		}
	}
}

func traced(p *sim.Plan) []string {
	var out bytes.Buffer
	w := trace.New(&out)
	sim.Run(p, sim.WithTrace(w))
	w.Close() // a buffer takes all
	return strings.Split(out.String(), "\n")
}

// firstDifference names the first event at which two traces part.
func firstDifference(a, b []string) string {
	for i := range a {
		if i >= len(b) {
			return fmt.Sprintf("the second run ends before event %d: %s", i+1, a[i])
		}
		if a[i] != b[i] {
			return fmt.Sprintf("event %d differs:\n  %s\n  %s", i+1, a[i], b[i])
		}
	}
	return "the traces are equal"
}

func TestFirstDifference(t *testing.T) {
	p := sim.Swarm(3, sim.SwarmOptions{})
	q := *p
	q.Network.All.Delay.Min += 1000
	q.Network.All.Delay.Max += 1000
	if q.Network.All.Delay.Validate() != nil {
		q.Network.All.Delay.Max = 0
	}
	if got := firstDifference(traced(p), traced(p)); got != "the traces are equal" {
		t.Errorf("equal plans: %s", got)
	}
	if got := firstDifference(traced(p), traced(&q)); !strings.HasPrefix(got, "event ") {
		t.Errorf("other plans: %s", got)
	}
}

// pins are hashes that every machine must reproduce.
type pins map[string]string

// A few seeds have their hashes pinned, so that no change of behaviour goes unnoticed and
// every architecture agrees. After an intended change: go test ./sim -run TestPins -update.
func TestPins(t *testing.T) {
	path := filepath.Join("testdata", "pins.json")
	got := pins{}
	for seed := uint64(1); seed <= 12; seed++ {
		r := sim.Run(sim.Swarm(seed, sim.SwarmOptions{}))
		got[fmt.Sprintf("seed %d", seed)] = fmt.Sprintf("%016x after %d events", r.Hash, r.Events)
	}
	// A kept plan means for ever what it meant, whatever becomes of the swarm.
	paths, err := filepath.Glob(filepath.Join("..", "testdata", "plans", "*.json"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no plans in testdata/plans (%v)", err)
	}
	for _, path := range paths {
		p, err := sim.LoadPlan(path)
		if err != nil {
			t.Fatal(err)
		}
		r := sim.Run(p)
		got["plan "+filepath.Base(path)] = fmt.Sprintf("%016x after %d events", r.Hash, r.Events)
	}
	pinTables(t, got)
	if *updateFlag {
		b, err := json.MarshalIndent(got, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, append(b, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	want := pins{}
	if err := json.Unmarshal(b, &want); err != nil {
		t.Fatal(err)
	}
	if len(want) != len(got) {
		t.Errorf("%s has %d pins, not %d", path, len(want), len(got))
	}
	for seed, hash := range got {
		if want[seed] != hash {
			t.Errorf("%s: hash %s, pinned %s on another build or machine", seed, hash, want[seed])
		}
	}
}

// What each kind of fault does is pinned, by its example in the table: the run's hash, and how often the
// kind took effect. And so is what the swarm draws for 2,000 seeds, of which the pins run only a few.
func pinTables(t *testing.T, got pins) {
	t.Helper()
	for _, row := range plan.Kinds {
		p := &sim.Plan{
			Version: plan.Version, Seed: 7, Servers: 4, Formation: true, Faulty: 1500 * ms, Faults: []plan.Fault{row.Example, row.Example},
			Network:  plan.Network{All: world.LinkLaw{Delay: world.Uniform(ms/2, 3*ms/2)}},
			Disk:     plan.Disk{Sync: world.Uniform(ms/5, ms), Log: true},
			Workload: plan.Workload{Clients: 4, Keys: 2, Timeout: 100 * ms, Pause: world.Constant(5 * ms), Mix: plan.Mix{Put: 1, Get: 1}},
			Tail:     plan.Tail{Core: []int{1, 2, 4}, Delay: world.Constant(ms), Pause: world.Constant(20 * ms), Settle: 20_000 * ms, Answer: 3000 * ms, For: 500 * ms},
		}
		if second := &p.Faults[1]; second.On == nil { // they overlap: the second begins later, and is shorter
			second.At += 40 * ms
			second.For /= 4
		}
		if err := sim.Validate(p); err != nil {
			t.Fatalf("%s: %v", row.Kind, err)
		}
		r := sim.Run(p)
		requireOK(t, r)
		got["kind "+string(row.Kind)] = fmt.Sprintf("%016x, %d times", r.Hash, r.Effects[row.Kind.Effect()])
	}
	digest := uint64(0)
	for seed := range uint64(2000) {
		for _, b := range sim.Swarm(seed, sim.SwarmOptions{}).Encode() {
			digest = world.Mix(digest, uint64(b))
		}
	}
	got["drawn plans"] = fmt.Sprintf("%016x", digest)
}
