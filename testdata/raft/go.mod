module github.com/fauer4effect/paxos/testdata/raft

go 1.26.0

require (
	github.com/fauer4effect/paxos v0.0.0
	go.etcd.io/raft/v3 v3.6.0
)

require (
	github.com/anishathalye/porcupine v1.3.1 // indirect
	github.com/gogo/protobuf v1.3.2 // indirect
	github.com/golang/protobuf v1.5.4 // indirect
	golang.org/x/sys v0.49.0 // indirect
	golang.org/x/term v0.47.0 // indirect
	google.golang.org/protobuf v1.36.12 // indirect
)

replace github.com/fauer4effect/paxos => ../..
