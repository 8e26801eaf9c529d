package sim_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/fauer4effect/paxos/protocol"
	"github.com/fauer4effect/paxos/sim"
	"github.com/fauer4effect/paxos/sim/plan"
	"github.com/fauer4effect/paxos/sim/world"
)

// apart gives each server of a plan some limits of its own.
func apart(t *testing.T, p *sim.Plan) {
	t.Helper()
	var all protocol.Settings
	if err := p.DecodeSettings(&all); err != nil {
		t.Fatal(err)
	}
	// The fewer tombstones, the sooner servers that keep other ones differ. (Where servers stay deaf
	// the swarm keeps more: they send old openings again and again.)
	if deaf := func(b plan.Broken) bool { return b.How == "deaf" }; all.SessionLimit > 0 && !slices.ContainsFunc(p.Tail.Broken, deaf) {
		all.Tombstones = 1
		raw, err := json.Marshal(all)
		if err != nil {
			t.Fatal(err)
		}
		p.Settings = raw
	}
	all = all.WithDefaults()
	for id := 1; id <= p.Servers; id++ {
		d := world.NewDice(world.Draw(p.Seed, 1, uint64(id)))
		own := []string{}
		draw := func(name string, lo, hi int64) {
			if d.One(2) {
				own = append(own, fmt.Sprintf("%q: %d", name, d.Log(lo, hi)))
			}
		}
		draw("window_slots", 1, 16)
		draw("batch_bytes", 1, 4096)
		draw("snapshot_slots", 4, 64)
		draw("history_slots", 4, 64)
		draw("prepare_slots", 1, 256)
		draw("part_bytes", 1, 1200)
		draw("tombstones", int64(all.Tombstones), 4*int64(all.Tombstones))
		if all.SessionLimit > 0 {
			draw("session_limit", int64(all.SessionLimit), 2*int64(all.SessionLimit))
		}
		p.Apart = append(p.Apart, plan.ServerSettings{Server: id, Settings: []byte("{" + strings.Join(own, ", ") + "}")})
	}
}

// Servers need not agree on their limits (protocol.Settings says so): nothing breaks, in the swarm's
// plans, where they have limits of their own.
func TestServersThatDiffer(t *testing.T) {
	seeds := uint64(600)
	if testing.Short() {
		seeds = 200 // the tombstones of docs/BUGS.md are found in 17
	}
	differ := uint64(0)
	for seed := range seeds {
		p := sim.Swarm(1000+seed, sim.SwarmOptions{})
		alike := sim.Run(p).Hash
		apart(t, p)
		if err := sim.Validate(p); err != nil {
			t.Fatalf("seed %d: %v", p.Seed, err)
		}
		r := sim.Run(p)
		if !r.OK() {
			t.Fatalf("seed %d: %v\n%s", p.Seed, r.Violation, p.Encode())
		}
		if r.Hash != alike {
			differ++
		}
	}
	if differ < seeds*9/10 {
		t.Errorf("in %d of %d runs limits of single servers change nothing", seeds-differ, seeds)
	}
}

func TestBadServerSettings(t *testing.T) {
	for want, own := range map[string][]plan.ServerSettings{ // the order does not matter
		"server_settings 1: no server 9 of 3":         {{Server: 9, Settings: []byte("{}")}},
		"server_settings 2: server 1 has two":         {{Server: 1, Settings: []byte("{}")}, {Server: 1, Settings: []byte("{}")}},
		"server_settings 1: settings: it ends":        {{Server: 1, Settings: []byte("{")}},
		"window_slots 5000000 is not within":          {{Server: 1, Settings: []byte(`{"window_slots": 5000000}`)}},
		"may not differ in overlapped_write":          {{Server: 1, Settings: []byte(`{"overlapped_write": true}`)}},
		"timers and queue_updates are the plan's":     {{Server: 1, Settings: []byte(`{"retransmit_ns": 7000000}`)}},
		"no fewer sessions or tombstones than the pl": {{Server: 1, Settings: []byte(`{"tombstones": 7}`)}},
	} {
		p := calmPlan(3, 10)
		p.Apart = own
		if err := sim.Validate(p); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q, got %v", want, err)
		}
	}
}
