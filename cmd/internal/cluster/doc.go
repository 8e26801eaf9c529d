// Package cluster runs a whole live cluster on this machine, each server a process of its own. If
// asked, it breaks the cluster: it kills, stops and cuts off servers while clients work. Then it
// compares what the clients saw with what the servers recorded.
//
//	cluster.go  the processes
//	hosts.go    the files that they share
//	network.go  the links between them: network namespaces, or a filter in the servers
//	chaos.go    the faults
//	load.go     the clients, and their history
//	verdict.go  what is checked at the end
package cluster
