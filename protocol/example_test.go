package protocol_test

import (
	"fmt"

	"github.com/fauer4effect/paxos/protocol"
	"github.com/fauer4effect/paxos/protocol/kv"
)

// A cluster of one: the loop that every driver has, with a disk that never fails.
func Example() {
	now := protocol.Instant(0)
	server, err := protocol.New(protocol.Config{ID: 1, Servers: 1}, now, kv.New(), protocol.Stable{})
	if err != nil {
		fmt.Println(err)
		return
	}
	var out protocol.Output
	step := func(in protocol.Input) {
		for more := true; more; {
			out.Reset()
			server.Step(now, in, &out)
			for _, r := range out.Replies {
				result, _ := kv.DecodeResult(r.Result)
				fmt.Printf("client %d, update %d: %v\n", r.Client, r.Timestamp, result)
			}
			// Write and sync out.Records here; then send out.Messages, and report:
			more = len(out.Records) > 0
			if more {
				in = protocol.Input{Kind: protocol.Durable, UpTo: out.Records[len(out.Records)-1].Position}
			}
		}
	}
	request := func(ts protocol.Timestamp, op kv.Op) {
		step(protocol.Input{Kind: protocol.Receive, Message: protocol.Message{
			Kind:  protocol.ClientUpdate,
			Batch: protocol.NewBatch(protocol.Update{Client: 7, Timestamp: ts, Op: op.Encode()}),
		}})
	}

	now = server.Deadline()
	step(protocol.Input{Kind: protocol.Timer}) // at first start all suspect: an election
	fmt.Println(server.State(), "of view", server.LastInstalled())
	request(1, kv.Op{Kind: kv.Put, Key: "x", Value: "1"})
	request(2, kv.Op{Kind: kv.Incr, Key: "x"})
	request(2, kv.Op{Kind: kv.Incr, Key: "x"}) // asked again: answered again, executed once
	// Output:
	// RegLeader of view 1
	// client 7, update 1: done
	// client 7, update 2: 2
	// client 7, update 2: 2
}
