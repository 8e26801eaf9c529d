// Package testbed tests a protocol of your own as ours is tested: under the same network, disks, clocks
// and faults, with sweeps, replays and shrinking. It checks the histories of its clients.
//
// You write a Machine, which is one life of one server. The world calls it, and it answers through its Env.
// A Protocol says how to start one, and what else there is to know. Then
//
//	func main() { testbed.Main(proto) }                        // sweep, replay, shrink
//	func TestProtocol(t *testing.T) { testbed.Test(t, proto) } // go test -seed=17
//
// docs/YOUR-PROTOCOL.md walks through an example. protocol.go has what you write and call (Protocol,
// Machine, Env), program.go and testbed.go have the program and the test. system.go makes a Protocol a
// System of the engine, and digest.go tells messages apart. cli has what all command lines share.
package testbed
