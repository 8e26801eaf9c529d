// Package redis speaks Redis's protocol (RESP 2) with clients of a live server. [Serve] takes their
// connections from a listener. It answers commands on the replicated key-value store and on the
// server itself. It keeps no data: package live executes what was asked, once and in order. So any
// server takes any command.
//
//	clients.go     Clients: connections come and go. Start here
//	conn.go        one connection: commands in, replies out
//	commands.go    what commands there are
//	data.go        those on data: their operations, and replies
//	run.go         the ones that wait on a connection become one update
//	server.go, client.go, paxos.go   those that the server answers by itself
//	drain.go       clients at the end of a server
//	patient.go     a listener that rests after errors
//
// Package resp cuts what clients send into commands, in bounded memory.
package redis
