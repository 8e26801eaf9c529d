package protocol

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

// ledger is an App that numbers what it executes. An operation that is executed twice, left out
// or out of order shows in every later result, and in the hash.
type ledger struct{ entries, hash uint64 }

func (l *ledger) Apply(op []byte) []byte {
	l.entries++
	l.hash = mixBytes(l.hash, op)
	return fmt.Appendf(nil, "%d %s", l.entries, op)
}

func (l *ledger) Query(op []byte) []byte { return fmt.Appendf(nil, "%d ? %s", l.entries, op) }

func (l *ledger) Snapshot() []byte {
	return binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64(nil, l.entries), l.hash)
}

func (l *ledger) Restore(b []byte) error {
	if len(b) != 16 {
		return errors.New("no ledger")
	}
	l.entries, l.hash = binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[8:])
	return nil
}

func (l *ledger) Clone() App   { c := *l; return &c }
func (l *ledger) Hash() uint64 { return l.hash }

// cluster is a network for stories. Unless the test says otherwise, messages arrive at once and
// in order, and records are durable at once. (Lazy records become durable with the next that are
// not.) Time stands still but for wait.
type cluster struct {
	t       fataler
	n       int
	cfg     Settings
	now     Instant
	servers []*Server // by id, nil for none and for one that is down
	disks   []testDisk
	stores  []StoreID // of the disks; nil: no formation
	wire    []letter  // in order of sending
	lose    func(letter) bool
	events  [][]Event
	replies []said
	log     map[Seq]uint64 // what was executed, by hash
	out     Output
}

// fataler is what testing.TB and rapid.T have in common.
type fataler interface {
	Helper()
	Fatalf(format string, args ...any)
}

// letter is a message to one server.
type letter struct {
	to ServerID
	Message
}

// said is a reply and who gave it.
type said struct {
	by ServerID
	Reply
}

type testDisk struct {
	gone    int // records, truncated
	records []Record
	durable int  // of these
	held    bool // nothing becomes durable for now
	waiting []Outgoing
}

const ms = Instant(time.Millisecond)

// newCluster starts n servers, at time 0. Nothing has happened yet.
func newCluster(t fataler, n int) *cluster { return newClusterAt(t, n, 0, Settings{}) }

func newClusterAt(t fataler, n int, now Instant, cfg Settings) *cluster {
	c := &cluster{
		t: t, n: n, cfg: cfg, now: now, log: make(map[Seq]uint64),
		servers: make([]*Server, n+1), disks: make([]testDisk, n+1), events: make([][]Event, n+1),
	}
	for id := 1; id <= n; id++ {
		c.start(ServerID(id))
	}
	return c
}

// newView1 is a cluster in which server 1 leads view 1.
func newView1(t fataler, n int) *cluster {
	t.Helper()
	c := newCluster(t, n)
	c.wake()
	c.settle()
	if s := c.servers[1]; s.state != RegLeader || s.lastInstalled != 1 {
		t.Fatalf("server 1 does not lead view 1: %v", s)
	}
	return c
}

// start begins a life of the server, with what its disk holds.
func (c *cluster) start(id ServerID) {
	cfg := Config{ID: id, Servers: c.n, Settings: c.cfg}
	if c.stores != nil {
		cfg.Store = c.stores[id]
	}
	s, err := New(cfg, c.now, &ledger{}, Stable{c.disks[id].records})
	if err != nil {
		c.t.Fatalf("%v", err)
	}
	c.servers[id] = s
}

// crash ends a life: what is not durable is gone, and what waits for it.
func (c *cluster) crash(id ServerID) {
	d := &c.disks[id]
	c.servers[id] = nil
	d.records = d.records[:d.durable:d.durable]
	d.waiting, d.held = nil, false
}

// step hands the server an input and takes what follows from it.
func (c *cluster) step(id ServerID, in Input) {
	s, d := c.servers[id], &c.disks[id]
	c.out.Reset()
	s.Step(c.now, in, &c.out)
	c.events[id] = append(c.events[id], c.out.Events...)
	for _, e := range c.out.Events {
		c.agree(id, e)
	}
	for _, r := range c.out.Replies {
		c.replies = append(c.replies, said{id, r})
	}
	d.records = append(d.records, c.out.Records...)
	d.waiting = append(d.waiting, c.out.Messages...)
	if c.out.Truncate > 0 {
		c.truncate(id, int(c.out.Truncate)-1-d.gone)
	}
	c.release(id)
	for _, r := range d.records[d.durable:] {
		if !d.held && !r.Lazy {
			c.sync(id)
			return
		}
	}
}

// truncate drops the first n records of the disk, which must be durable, as a snapshot behind
// them is.
func (c *cluster) truncate(id ServerID, n int) {
	c.t.Helper()
	d := &c.disks[id]
	if n < 1 || n >= d.durable || d.records[n].Kind != RecordSnapshot {
		c.t.Fatalf("server %d gives up %d of its %d durable records, and no snapshot follows", id, n, d.durable)
	}
	d.gone, d.durable, d.records = d.gone+n, d.durable-n, d.records[n:]
}

// position is up to where the disk is durable.
func (d *testDisk) position() Position { return Position(d.gone + d.durable) }

// sync makes all records of the server durable and tells it so.
func (c *cluster) sync(id ServerID) {
	d := &c.disks[id]
	d.durable = len(d.records)
	c.release(id)
	c.step(id, Input{Kind: Durable, UpTo: d.position()})
}

// release posts what need not wait any longer.
func (c *cluster) release(id ServerID) {
	d := &c.disks[id]
	var waiting []Outgoing
	for _, o := range d.waiting {
		switch {
		case o.After > d.position():
			waiting = append(waiting, o)
		case o.To == 0:
			for to := 1; to <= c.n; to++ {
				if ServerID(to) != id {
					c.post(letter{ServerID(to), o.Message})
				}
			}
		default:
			c.post(letter{o.To, o.Message})
		}
	}
	d.waiting = waiting
}

func (c *cluster) post(l letter) {
	if c.lose == nil || !c.lose(l) {
		c.wire = append(c.wire, l)
	}
}

// agree is S1 in a line, for all stories.
func (c *cluster) agree(id ServerID, e Event) {
	if e.Kind != Executed {
		return
	}
	if h, ok := c.log[e.Seq]; ok && h != e.Batch.Hash() {
		c.t.Fatalf("server %d executes %v at seq %d, another server executed something else", id, e.Batch, e.Seq)
	}
	c.log[e.Seq] = e.Batch.Hash()
}

func (c *cluster) receive(to ServerID, m Message) {
	if c.servers[to] != nil {
		c.step(to, Input{Kind: Receive, Message: m})
	}
}

// take empties the wire and returns what was on it.
func (c *cluster) take() []letter {
	wire := c.wire
	c.wire = nil
	return wire
}

// settle delivers until nothing is on its way.
func (c *cluster) settle() {
	c.t.Helper()
	for delivered := 0; len(c.wire) > 0; delivered++ {
		if delivered > 100_000 {
			c.t.Fatalf("the servers never stop talking")
		}
		l := c.wire[0]
		c.wire = c.wire[1:]
		c.receive(l.to, l.Message)
	}
}

// wake calls the servers whose deadline has come.
func (c *cluster) wake() {
	for id, s := range c.servers {
		if s != nil && s.Deadline() <= c.now {
			c.step(ServerID(id), Input{Kind: Timer})
		}
	}
}

// wait lets time pass, a millisecond at a time.
func (c *cluster) wait(d Instant) {
	c.t.Helper()
	for end := c.now + d; c.now < end; {
		c.now += ms
		c.wake()
		c.settle()
	}
}

// request hands a server an update of a client.
func (c *cluster) request(to ServerID, client ClientID, ts Timestamp, op string) {
	c.receive(to, Message{Kind: ClientUpdate, Batch: NewBatch(Update{Client: client, Timestamp: ts, Op: []byte(op)})})
}

// happened lists the events of the given kinds at a server, one a line.
func (c *cluster) happened(id ServerID, kinds ...EventKind) string {
	var lines []string
	for _, e := range c.events[id] {
		for _, k := range kinds {
			if e.Kind == k {
				lines = append(lines, fmt.Sprintf("%v %d/%d %v", e.Kind, e.View, e.Seq, e.Batch))
			}
		}
	}
	return strings.ReplaceAll(strings.Join(lines, "\n"), " <nil>", "")
}

// mustAllHave fails unless every server that is up has executed 1…aru, to one state.
func (c *cluster) mustAllHave(aru Seq) {
	c.t.Helper()
	var first *Server
	for _, s := range c.servers[1:] {
		switch {
		case s == nil:
		case s.localARU != aru:
			c.t.Fatalf("not at aru %d: %v", aru, s)
		case first == nil:
			first = s
		case s.app.Hash() != first.app.Hash():
			c.t.Fatalf("two states after seq %d: %v and %v", aru, first, s)
		}
	}
}

func (c *cluster) mustReply(by ServerID, results ...string) {
	c.t.Helper()
	var got []string
	for _, r := range c.replies {
		if r.by != by {
			c.t.Fatalf("server %d replies, not only server %d: %+v", r.by, by, r.Reply)
		}
		got = append(got, string(r.Result))
	}
	if strings.Join(got, "; ") != strings.Join(results, "; ") {
		c.t.Fatalf("server %d replied %q, want %q", by, got, results)
	}
}

// dropped is how often the server dropped an input for this reason.
func (s *Server) dropped(why reason) uint64 { return s.drops[why] }

// one is the batch of an update that client 9 numbers ts.
func one(ts Timestamp) *Batch {
	return NewBatch(Update{Client: 9, Timestamp: ts, Op: fmt.Appendf(nil, "op %d", ts)})
}

var _ fataler = testing.TB(nil)
