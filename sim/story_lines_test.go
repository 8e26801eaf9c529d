package sim_test

import (
	"strings"
	"testing"

	"github.com/fauer4effect/paxos/sim"
)

// Each violation of a lying disk is told in at most ten lines, in order of time, ending with
// itself. Telling it does not change the run.
func TestStories(t *testing.T) {
	told := 0
	for seed := uint64(0); told < 25; seed++ {
		p := sim.Swarm(seed, sim.SwarmOptions{Lies: true})
		plain := sim.Run(p)
		if plain.OK() {
			continue
		}
		told++
		var s sim.Story
		r := sim.Run(p, sim.WithStory(&s), sim.WithHistory())
		if r.Hash != plain.Hash || r.Violation.String() != plain.Violation.String() {
			t.Fatalf("seed %d: telling the story changes the run", seed)
		}
		lines := s.Lines(r.Violation)
		if len(lines) < 2 || len(lines) > 10 || !strings.Contains(lines[len(lines)-1], r.Violation.Named()+" is violated: ") {
			t.Errorf("seed %d is told in %d lines:\n%s", seed, len(lines), strings.Join(lines, "\n"))
		}
		last := ""
		for _, l := range lines {
			at, _, _ := strings.Cut(strings.TrimSpace(l), "ms")
			if at = strings.Repeat(" ", 12-len(at)) + at; at < last {
				t.Errorf("seed %d: the story goes back in time:\n%s", seed, strings.Join(lines, "\n"))
			}
			last = at
		}
	}
}

// A disk that lies is found out, soon.
func TestLyingDisksAreFound(t *testing.T) {
	found := 0
	for seed := range uint64(60) {
		if !sim.Run(sim.Swarm(seed, sim.SwarmOptions{Servers: 3, Lies: true})).OK() {
			found++
		}
	}
	if found < 15 {
		t.Errorf("of 60 clusters on lying disks only %d are found out", found)
	}
	t.Logf("%d of 60", found)
}
