// Package paxos is our machine (package protocol) as a System of the engine.
//
// Start with system.go (System: messages, clients, observer) and server.go (a driver as thin as a live
// one). session.go opens sessions, bundle.go carries what clients of one host ask together, wire.go and
// disklog.go make bytes of messages and records, records.go keeps disks small. plan.go has what plans of
// our machine must keep, and the bounds of liveness; target.go has what the swarm draws for it. effects.go
// names what is counted, story.go tells events, stage.go is for scripts. check has the properties.
package paxos
