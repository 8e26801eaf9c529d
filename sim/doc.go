// package sim runs Paxos clusters in a simulated world and checks every step.
//
// A Plan is everything that decides a run: cluster, laws of network, disks and clocks, clients,
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
// Start here: plan.go (Plan), fault.go (Fault), run.go (run: what is the same for every protocol
// under test). schedule.go makes a plan's faults happen, named.go those that wait for an event,
// clock.go has the servers' clocks, client.go and keyring.go the workload. swarm.go and
// swarmfaults.go draw plans; sweep.go runs many.
//
// Of our own protocol: paxos.go is the system that a run drives, server.go a driver as thin as
// a live one, disklog.go and wire.go its disks and messages as bytes, effects.go what is
// counted, story.go how a violation is told. Of somebody else's: protocol.go (Protocol, Env)
// and custom.go; package testbed makes a program and a test of one.
//
// The world itself is in sim/world, the properties in sim/check, delta debugging in sim/shrink.
package sim
