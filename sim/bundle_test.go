package sim

import (
	"testing"

	"github.com/fauer4effect/paxos/protocol"
)

// The hash of a run must tell bundles apart by all that they carry.
func TestDigestOfABundle(t *testing.T) {
	request := func(client protocol.ClientID) *protocol.Batch {
		return protocol.NewBatch(protocol.Update{Client: client, Timestamp: 1})
	}
	reply := func(client protocol.ClientID, status protocol.ReplyStatus, result string) protocol.Reply {
		return protocol.Reply{Client: client, Timestamp: 1, Status: status, Result: []byte(result)}
	}
	seen := map[uint64]int{}
	all := []bundle{
		{},
		{requests: []*protocol.Batch{request(1)}},
		{requests: []*protocol.Batch{request(1), request(2)}},
		{requests: []*protocol.Batch{request(2), request(1)}},
		{requests: []*protocol.Batch{request(1), request(3)}},
		{replies: []protocol.Reply{reply(1, protocol.ReplyOK, "a")}},
		{replies: []protocol.Reply{reply(1, protocol.ReplyOK, "b")}},
		{replies: []protocol.Reply{reply(1, protocol.ReplyBusy, "")}},
		{replies: []protocol.Reply{reply(1, protocol.ReplyOK, "a"), reply(2, protocol.ReplyOK, "b")}},
		{replies: []protocol.Reply{reply(1, protocol.ReplyOK, "a"), reply(2, protocol.ReplyOK, "c")}},
	}
	for i := range all {
		if other, twice := seen[all[i].digest()]; twice {
			t.Errorf("bundles %d and %d have one digest", other, i)
		}
		seen[all[i].digest()] = i
	}
}
