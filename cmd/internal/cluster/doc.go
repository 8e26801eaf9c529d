// Package cluster runs a whole live cluster on this machine, each server a process of its
// own, and, if asked, breaks it: it kills, stops and cuts off servers while clients work,
// and then holds what the clients saw and what the servers recorded against each other.
//
//	cluster.go  the processes
//	hosts.go    the files that they share
//	network.go  the links between them: network namespaces, or a filter in the servers
//	chaos.go    the faults
//	load.go     the clients, and their history
//	verdict.go  what is checked at the end
package cluster
