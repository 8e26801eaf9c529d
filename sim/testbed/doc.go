// Package testbed puts a protocol of your own to the test as ours is: under the same network, disks,
// clocks and faults, with sweeps, replays and shrinking, its clients' histories checked.
//
// You write a Machine, which is one life of one server. The world calls it, and it answers through its Env.
// A Protocol says how to start one, and what else there is to know. Then
//
//	func main() { testbed.Main(proto) }                        // sweep, replay, shrink
//	func TestProtocol(t *testing.T) { testbed.Test(t, proto) } // go test -seed=17
//
// docs/YOUR-PROTOCOL.md walks through an example. protocol.go has what you meet (Protocol, Machine, Env),
// program.go and testbed.go the program and the test, system.go the Protocol as a System of the engine,
// digest.go how messages are told apart. cli has what all command lines share.
package testbed
