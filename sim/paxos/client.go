package paxos

import (
	"fmt"

	"github.com/fauer4effect/paxos/protocol"
	"github.com/fauer4effect/paxos/sim/history"
	"github.com/fauer4effect/paxos/sim/internal/engine"
	"github.com/fauer4effect/paxos/sim/paxos/check"
	"github.com/fauer4effect/paxos/sim/world"
)

// client is a client of our machine: with its session (session.go), and what it sends. It is a
// Process of the world where it has a machine of its own.
type client struct {
	*engine.Client
	System  *System
	seat    *host // nil: a machine of its own
	batch   *protocol.Batch
	session protocol.Seq    // zero: none
	opening *protocol.Batch // to be answered before batch is sent; nil: none
	// Of the answer that the client is about to get: it took no slot, but is from the state after index.
	gotRead  bool
	gotIndex protocol.Seq
}

// machineID is the client as the machine names it.
func (c *client) machineID() protocol.ClientID { return protocol.ClientID(c.Client.ID) }

// Receive takes a reply.
func (c *client) Receive(from world.Node, p *packet) {
	if p.isReply() {
		c.System.hear(c, from, p.act, &protocol.Reply{
			Timestamp: protocol.Timestamp(p.Seq), Status: p.status, Read: p.View > 0, Index: p.ARU, Result: p.result,
		})
	}
}

// hear gives the client a reply, which an act of its server sent.
func (r *System) hear(c *client, from world.Node, act int32, of *protocol.Reply) {
	if r.run.Story != nil {
		r.run.Story.Begin(r.world.Now(), c.Node, act)
	}
	switch {
	case of.Status == protocol.ReplyBusy:
		r.busy(c, from, uint64(of.Timestamp))
	case of.Status == protocol.ReplyExpired:
		r.expired(c, from, uint64(of.Timestamp))
	case c.opening != nil && c.Waiting && uint64(of.Timestamp) == c.Timestamp-1 && !of.Read:
		r.opened(c, of.Result)
	default:
		c.gotRead, c.gotIndex = of.Read, of.Index
		c.Reply(from, uint64(of.Timestamp), of.Result)
	}
}

// busy takes the word that a server's queue is full. The client's timer has it ask another.
func (r *System) busy(c *client, from world.Node, timestamp uint64) {
	r.run.Effects[busy]++
	if c.Directed && c.Waiting && timestamp == c.Timestamp {
		r.run.Say("client %s hears from server %d that it is busy", c.Name(), from)
	}
}

func (r *System) StartClient(base *engine.Client) {
	c := &client{Client: base, System: r}
	if r.clients[base.ID] = c; base.Host == nil {
		r.world.Start(c.Node, c)
		return
	}
	r.startOnHost(c)
}

func (r *System) Began(base *engine.Client) {
	c := r.clients[base.ID]
	if r.sessionsExpire() {
		r.prepareSession(c)
	}
	c.batch = r.update(c)
	r.checker.Invoked(r.now(), c.machineID(), protocol.Timestamp(c.Timestamp), c.Input)
	if r.run.Story != nil {
		r.run.Story.Tell(r.world.Now(), c.Node, engine.Line{Kind: engine.Told, Client: c.ID, Object: c.Key.Name, Text: fmt.Sprintf("client %d asks for operation %d: %v", c.ID, c.Timestamp, c.Op)})
	}
}

// update is the client's operation as its machine gets it.
func (r *System) update(c *client) *protocol.Batch {
	return r.batches.Of(c.machineID(), protocol.ServerID(c.Target), protocol.Timestamp(c.Timestamp), c.session, c.Input)
}

func (r *System) Ask(base *engine.Client) {
	c := r.clients[base.ID]
	kind, batch := protocol.ClientUpdate, c.batch
	switch {
	case c.Reads():
		kind = protocol.ClientRead
	case c.opening != nil:
		batch = c.opening
	}
	if c.seat != nil {
		c.seat.ask(c.Target, kind, batch)
		return
	}
	p := r.draft(c.Node)
	p.Kind, p.Batch = kind, batch
	r.world.SendDraft(world.Parcel{To: world.Node(c.Target), Kind: uint8(kind), Digest: p.Digest()})
}

// draft is the place of the node's next message. It is empty, except for the act that it belongs to. It
// is emptied field by field: all at once takes longer.
func (r *System) draft(n world.Node) *packet {
	p := r.world.Draft()
	p.Kind, p.State, p.Server, p.Store = 0, 0, 0, 0
	p.View, p.Seq, p.ARU = 0, 0, 0
	p.Batch, p.List, p.Roster, p.Part = nil, nil, nil, nil
	p.result, p.status, p.act, p.datagrams, p.bundle = nil, 0, r.run.Acting(n), nil, nil
	return p
}

func (r *System) Ended(base *engine.Client, output []byte) history.Place {
	c := r.clients[base.ID]
	place := check.After(c.gotIndex)
	if c.gotRead {
		r.checker.Read(r.now(), c.machineID(), protocol.Timestamp(c.Timestamp), c.gotIndex, output)
	} else {
		place = r.checker.Replied(r.now(), c.machineID(), protocol.Timestamp(c.Timestamp), output)
	}
	if r.run.Story != nil {
		r.run.Story.Say(c.Node, engine.Line{Kind: engine.Told, Client: c.ID, Object: c.Key.Name, Text: fmt.Sprintf("client %d has its answer to operation %d (%v)", c.ID, c.Timestamp, c.Op)})
	}
	return place
}

func (r *System) Waits(c *engine.Client, now int64) {
	if r.lostForming && !r.run.CoreReady() {
		// Some had recorded the lost disk as the cluster's, and others no longer can. No cluster
		// came about, and none is promised (X18).
		return
	}
	r.checker.Answered.Waiting(now, protocol.ClientID(c.ID), protocol.Timestamp(c.Timestamp), int64(c.WaitsSince()))
}
