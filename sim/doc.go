// Package sim runs Paxos clusters in a simulated world and checks every step. It is the front of the
// packages below it.
//
// A Plan is everything that decides a run: cluster, laws of network, disks and clocks, clients,
// faults, and a calm end. Run executes a plan and returns a Report. It is single-threaded
// and a pure function of the plan:
//
//	p := sim.Swarm(23, sim.SwarmOptions{Servers: 5}) // or LoadPlan, or write one
//	report := sim.Run(p)
//	if !report.OK() {
//		fmt.Println(report.Violation)
//	}
//
// Swarm draws a plan from a seed. Sweep draws and runs many. Shrink makes a failing one small.
//
// A run has two phases. While faults happen, safety is checked (S1…S10). Then comes the calm, which a plan
// calls the tail. A core of servers, at least a majority, is healed, and liveness is asked for (L1…L4). The
// other servers may stay down, cut off, deaf or mute for good.
//
// # A map
//
// The packages, from the ground up. Each imports only those above it in this list:
//
//	world            virtual time, network and disks; draws
//	trace, finding   what is written down, and what is found
//	history          what clients saw: JSON lines, Jepsen's logs, porcupine's opinion and page
//	plan             what decides a run: Plan, Fault, the table of kinds, Validate, the bounds of the calm
//	swarm            a seed becomes a plan
//	internal/engine  one execution: strikes faults, keeps clocks and clients, drives a System
//	internal/sweep   many executions
//	shrink           a failing plan becomes small
//	script           scripts: the part of the language that every protocol has
//	testbed          a protocol of your own as a System; its program and its test
//	paxos            our machine as a System: sessions, wire, disk log; paxos/check has its properties
//	sim              this package
//
// mutants stands aside: it builds the machine with planted bugs, and hunts them. Only paxos and sim know
// our Paxos; the others know any protocol. docs/ARCHITECTURE.md follows one run from end to end.
package sim
