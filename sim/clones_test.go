package sim_test

import (
	"testing"

	"github.com/fauer4effect/paxos/sim"
)

// Servers that are replaced by their clones in mid-run, while what they were goes astray, make the same run.
func TestClonesMakeTheSameRun(t *testing.T) {
	seeds := uint64(150)
	if testing.Short() {
		seeds = 40
	}
	for seed := range seeds {
		p := sim.Swarm(seed, sim.SwarmOptions{})
		p.Bodies = false
		plain := sim.Run(p)
		p.Bodies = true
		if cloned := sim.Run(p); cloned.Hash != plain.Hash || cloned.Verdict() != plain.Verdict() {
			t.Errorf("seed %d: hash %s with clones (%v), %s without", seed, sim.HashString(cloned.Hash), cloned.Violation, sim.HashString(plain.Hash))
		}
	}
}
