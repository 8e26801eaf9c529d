// Package sim runs Paxos clusters in a simulated world and checks every step.
//
// A Plan is everything that decides a run: cluster, laws of network and disk, clients,
// faults, and a calm end. Run executes a plan and returns a Report; it is single-threaded
// and a pure function of the plan:
//
//	plan := sim.Swarm(23, sim.SwarmOptions{Servers: 5}) // or LoadPlan, or write one
//	report := sim.Run(plan)
//	if !report.OK() {
//		fmt.Println(report.Violation)
//	}
//
// Swarm draws a plan from a seed; Sweep draws and runs many. A Stage is a run that somebody
// directs step by step: package scenarios does.
//
// A run has two phases. While faults happen, safety is checked (S1…S8). Then comes the tail,
// in which a core of servers, at least a majority, is healed, and liveness is asked for
// (L1…L3); the rest may stay down, cut off, deaf or mute for good.
//
// # Where things are
//
// Start here: plan.go (Plan), run.go (Run). schedule.go makes a plan's faults happen,
// server.go drives the machine as a live driver would, client.go and keyring.go are the
// workload, effects.go counts what took effect. swarm.go and swarmfaults.go draw plans;
// sweep.go runs many. The world itself is in sim/world, the properties in sim/check.
package sim
