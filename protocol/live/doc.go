// Package live runs the machine of package protocol on a real computer: one UDP socket, a
// durable store, the wall clock. It is a thin adapter, and the only impure part of the
// protocol: it decides nothing that the machine could decide.
//
//	hosts.go     who the servers are: the host file
//	server.go    Server: the loop that owns the machine. Start here
//	disk.go      group commit, beside the loop
//	socket.go    datagrams, in batches
//	sender.go    what waits for the socket
//	resolve.go   the peers' addresses
//	sessions.go  commands become updates of sessions, and replies find their commands
//	peers.go     what the others said last
//	giveway.go   a leader that ends hands over first
//	observe.go   what others may know of a server
//	counts.go    what it has done so far
//	tape.go      the record of what a machine was fed with, and what came of it
//	replay.go    the same, fed to a machine again
//
// What it keeps to is what protocol's package comment asks of a driver:
//
//   - Records are written in order, and synced: one batch has those of all steps since the
//     last sync. The machine goes on meanwhile.
//   - A message leaves once the records it depends on are durable.
//   - A failed sync ends the server. It is never tried again: nobody knows what the kernel did
//     with the pages.
//   - Time never goes back: it is the monotonic clock since the server's start.
//
// Programs that do not embed the server reach it through packages that build on this one.
// protocol/live/redis takes the commands of clients; protocol/live/metrics shows the server's
// state.
//
// A client's command is executed exactly once while the server that took it lives. If the
// server dies, or the client leaves, the outcome is unknown. Sessions are the server's, not the
// client's. Their timestamps begin with the number of the server's life, which its store keeps.
// So no life goes on with a session of an earlier one.
package live
