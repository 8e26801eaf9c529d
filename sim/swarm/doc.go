// Package swarm draws a plan from a seed.
//
// Each seed first picks which kinds of fault exist at all, then how strong they are (swarm testing: Groce
// et al., ISSTA 2012). laws.go draws network, disks, clocks, clients and the calm; faults.go has a
// function for each kind of fault. What the swarm must know of the protocol under test is its Target.
//
// A draw goes by the name of what it is for (Roll). So a new kind of fault, or a new law, re-rolls
// nothing: in every seed all else stays as it was.
package swarm
