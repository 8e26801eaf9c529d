package sim
import ("testing";"flag";"time";"context";"fmt";"os"; "github.com/fauer4effect/paxos/sim/trace")
var qn = flag.Uint64("qn", 200, "")
var qs = flag.Int64("qseed", -1, "")
var qnodes = flag.Int("qnodes", 0, "")
func TestQuick(t *testing.T) {
	if *qs >= 0 {
		f,_ := os.Create("/tmp/trace.jsonl")
		w := trace.New(f)
		r := Run(Swarm(uint64(*qs), SwarmOptions{Servers:*qnodes}), WithTrace(w))
		w.Close()
		os.WriteFile("/tmp/plan.json", r.Plan.Encode(), 0644)
		fmt.Println(r.Violation, r.Events, r.Messages, r.Updates, r.Views)
		return
	}
	start := time.Now()
	s := Sweep(context.Background(), SweepOptions{Seeds: *qn, Swarm: SwarmOptions{Servers:*qnodes}})
	fmt.Println(s.Seeds, "failures", len(s.Failures), "unknown", s.Unknown, "events", s.Events, "msgs", s.Messages, "updates", s.Updates, "changed", s.Changed, time.Since(start), "simsec", s.End/second)
	by := map[string]int{}
	for i, f := range s.Failures { by[f.Violation.Property]++; if i < 12 { fmt.Println(f.Plan.Seed, f.Plan.Servers, f.Violation) } }
	fmt.Println(by)
	for _, e := range AllEffects() { fmt.Printf("%-14s planned %6d took %8d\n", e, s.Planned[e], s.Effects[e]) }
}
