package protocol

import (
	"bytes"
	"fmt"
	"testing"
)

// newSessions is a cluster whose sessions are opened and expire, in which server 1 leads.
func newSessions(t fataler, n, limit int) *cluster {
	t.Helper()
	return newWith1(t, n, Settings{SessionLimit: limit, SessionIdle: 1000 * ms, WindowSlots: 1})
}

// openAt has the client open a session, by way of the server, and returns it.
func (c *cluster) openAt(to ServerID, client ClientID, ts Timestamp) Seq {
	c.t.Helper()
	c.replies = nil
	c.receive(to, Message{Kind: ClientUpdate, Batch: NewBatch(Update{Client: client, Kind: OpenSession, Timestamp: ts})})
	c.settle()
	if len(c.replies) != 1 || c.replies[0].by != to {
		c.t.Fatalf("the opening is answered with %+v", c.replies)
	}
	session, ok := SessionOf(c.replies[0].Result)
	if !ok {
		c.t.Fatalf("the opening is answered with %+v", c.replies)
	}
	c.replies = nil
	return session
}

// within hands a server an update of a session.
func (c *cluster) within(to ServerID, client ClientID, session Seq, ts Timestamp, op string) {
	c.receive(to, Message{Kind: ClientUpdate, Batch: NewBatch(Update{Client: client, Timestamp: ts, Session: session, Op: []byte(op)})})
}

// mustSay fails unless the servers have said just that since the last look.
func (c *cluster) mustSay(want ...string) {
	c.t.Helper()
	var got []string
	for _, r := range c.replies {
		got = append(got, fmt.Sprintf("%d: %v %s", r.by, r.Status, r.Result))
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		c.t.Fatalf("said is %q, want %q", got, want)
	}
	c.replies = nil
}

// An update needs a session, that of the slot which opened it.
func TestSessionsAreOpened(t *testing.T) {
	c := newSessions(t, 3, 10)
	c.within(1, 7, 0, 1, "a")
	c.mustSay("1: expired ")
	session := c.openAt(2, 7, 2)
	if again := c.openAt(3, 7, 2); again != session {
		t.Fatalf("one opening, repeated elsewhere, opens %d and %d", session, again)
	}
	c.within(2, 7, session, 3, "a")
	c.settle()
	c.within(3, 7, session, 3, "a")
	c.mustSay("2: ok 1 a", "3: ok 1 a")
	c.within(1, 7, session-1, 4, "b")
	c.mustSay("1: expired ")
	c.within(1, 0, session, 4, "b")
	c.receive(1, Message{Kind: ClientUpdate, Batch: NewBatch(Update{Client: 7, Kind: ExpireSessions, Timestamp: 9})})
	c.mustSay()
	c.mustAllHave(2)
	if c.servers[1].Sessions() != 1 || c.servers[3].SessionAt(7) != session || c.servers[3].SessionAt(8) != 0 {
		t.Errorf("%d sessions; that of client 7 is %d", c.servers[1].Sessions(), c.servers[3].SessionAt(7))
	}
}

// The table is bounded: the session used the longest ago goes, everywhere at the same slot. Its
// client hears of it, and nothing more of it is executed.
func TestTheLeastUsedSessionGoes(t *testing.T) {
	c := newSessions(t, 3, 2)
	one, two := c.openAt(1, 1, 1), c.openAt(2, 2, 1)
	c.within(1, 1, one, 2, "a")
	c.settle()
	c.disks[1].held = true // until the leader has bound the next session's opening
	c.receive(1, Message{Kind: ClientUpdate, Batch: NewBatch(Update{Client: 3, Kind: OpenSession, Timestamp: 1})})
	c.replies = nil
	c.within(1, 2, two, 2, "b")
	c.disks[1].held = false
	c.sync(1)
	c.settle()
	for id := 1; id <= 3; id++ {
		s := c.servers[id]
		if s.Sessions() != 2 || s.SessionAt(1) != one || s.SessionAt(2) != 0 || s.SessionAt(3) != 4 {
			t.Fatalf("server %d has %d sessions: %d, %d, %d", id, s.Sessions(), s.SessionAt(1), s.SessionAt(2), s.SessionAt(3))
		}
	}
	if len(c.replies) != 3 || c.replies[1].Client != 2 || c.replies[1].Status != ReplyExpired || c.replies[2].Status != ReplyExpired {
		t.Fatalf("replies %+v", c.replies)
	}
	if got := c.happened(3, Lapsed); got == "" {
		t.Error("nobody refused the update that was queued")
	}
	c.replies = nil
	c.within(2, 2, two, 2, "b")
	c.mustSay("2: expired ")
	if a := c.servers[3].app.(*ledger); a.entries != 1 {
		t.Errorf("%d updates executed, want one", a.entries)
	}
}

// An idle session goes by the leader's clock, at one slot, and a used one stays. What was pending
// of a session that goes is dropped.
func TestIdleSessionsGo(t *testing.T) {
	c := newSessions(t, 3, 10)
	idle, busy := c.openAt(2, 1, 1), c.openAt(2, 2, 1)
	for ts := Timestamp(2); ts < 10; ts++ {
		c.wait(200 * ms)
		c.within(1, 2, busy, ts, "a")
		c.settle()
	}
	c.replies = nil
	for id := 1; id <= 3; id++ {
		if s := c.servers[id]; s.SessionAt(1) != 0 || s.SessionAt(2) != busy {
			t.Fatalf("server %d has sessions %d and %d", id, s.SessionAt(1), s.SessionAt(2))
		}
	}
	c.within(3, 1, idle, 2, "b")
	c.mustSay("3: expired ")
	if again := c.openAt(3, 1, 3); again <= busy {
		t.Errorf("the next session is that of slot %d", again)
	}
}

// A session that was used after its leader had named it stays: by the log, so that all servers keep it.
func TestASessionThatIsUsedMeanwhileStays(t *testing.T) {
	c := newSessions(t, 3, 10)
	used, idle := c.openAt(2, 7, 1), c.openAt(2, 8, 1)
	c.within(2, 7, used, 2, "a")
	c.settle()
	e := expiry{named: []expiring{{client: 7, opened: used, last: 1}, {client: 8, opened: idle, last: 1}}}
	c.servers[1].expiring = BatchOf(e.update())
	c.within(1, 7, used, 3, "b")
	c.settle()
	for id, s := range c.servers[1:] {
		if s.SessionAt(7) != used || s.SessionAt(8) != 0 {
			t.Errorf("server %d has sessions %d and %d, want %d and none", id+1, s.SessionAt(7), s.SessionAt(8), used)
		}
	}
}

// A server that is behind calls no session expired that it has yet to hear of.
func TestAServerBehindTurnsNobodyAway(t *testing.T) {
	c := newSessions(t, 3, 10)
	c.lose = func(l letter) bool { return l.to == 3 }
	session := c.openAt(1, 7, 1)
	c.within(3, 7, session, 2, "a")
	c.mustSay()
	c.lose = nil
	c.wait(500 * ms)
	c.mustSay("3: ok 1 a")
}

// Copies of an opening whose session is gone open nothing, as long as it is remembered.
func TestACopyOfAnOpeningOpensNothing(t *testing.T) {
	c := newSessions(t, 3, 1)
	c.openAt(1, 1, 5)
	c.openAt(1, 2, 5)
	c.within(1, 2, 0, 1, "x") // of no session, as a marker
	c.replies = nil
	c.receive(1, Message{Kind: ClientUpdate, Server: 2, Batch: NewBatch(Update{Client: 1, Server: 2, Kind: OpenSession, Timestamp: 5})})
	c.settle()
	if s := c.servers[1]; s.SessionAt(1) != 0 || s.pendings != 0 {
		t.Fatalf("a copy opens session %d, %d pending", s.SessionAt(1), s.pendings)
	}
	c.receive(1, Message{Kind: ClientUpdate, Batch: NewBatch(Update{Client: 1, Kind: OpenSession, Timestamp: 5})})
	c.mustSay("1: expired ")
	for client := ClientID(10); client < 10+ClientID(DefaultSettings().Tombstones); client++ {
		c.openAt(1, client, 1)
	}
	for id := 1; id <= 3; id++ {
		if s := c.servers[id]; s.Sessions() != 1 || len(s.tombs) != DefaultSettings().Tombstones || len(s.sessionOf) > DefaultSettings().Tombstones+1 {
			t.Fatalf("server %d: %d sessions, %d tombstones, %d places", id, s.Sessions(), len(s.tombs), len(s.sessionOf))
		}
	}
	if len(c.servers[1].sessions) > DefaultSettings().Tombstones+4 {
		t.Errorf("the table has grown to %d places", len(c.servers[1].sessions))
	}
}

// How many are remembered is the leader's to say, in the log: servers of other settings hold the same.
func TestTheLeadersTombstonesCount(t *testing.T) {
	c := newSessions(t, 3, 1)
	for id := 1; id <= 3; id++ {
		c.servers[id].settings.Tombstones = 5 - id
	}
	leader := c.servers[1]
	for client := ClientID(1); client <= 8; client++ {
		c.openAt(1, client, 1)
	}
	c.receive(2, Message{Kind: ClientUpdate, Batch: NewBatch(Update{Client: 4, Kind: OpenSession, Timestamp: 1})})
	c.settle()
	for id := 1; id <= 3; id++ {
		if s := c.servers[id]; len(s.tombs) != 4 || !bytes.Equal(s.encodeSnapshot(), leader.encodeSnapshot()) {
			t.Errorf("server %d remembers %v, the leader %v", id, s.tombs, leader.tombs)
		}
	}
}

// The table is part of every snapshot, with who is remembered.
func TestSnapshotsHoldSessions(t *testing.T) {
	c := newSessions(t, 3, 2)
	for client := ClientID(1); client <= 5; client++ {
		c.openAt(1, client, 1)
	}
	s := c.servers[1]
	body := s.encodeSnapshot()
	other, err := New(Config{ID: 2, Servers: 3, Settings: s.settings}, 0, &ledger{}, Stable{})
	if err != nil {
		t.Fatal(err)
	}
	if err := other.adopt(SnapshotOf(s.localARU, body)); err != nil {
		t.Fatal(err)
	}
	if got := other.encodeSnapshot(); !bytes.Equal(got, body) || other.Sessions() != 2 || len(other.tombs) != 3 {
		t.Errorf("%d sessions and %d tombstones from a snapshot of %d and %d", other.Sessions(), len(other.tombs), s.Sessions(), len(s.tombs))
	}
	if fmt.Sprint(other.tombs) != fmt.Sprint(s.tombs) {
		t.Errorf("tombstones %v, want %v", other.tombs, s.tombs)
	}
}

// What nobody could have written is no expiry.
func TestGarbageExpiry(t *testing.T) {
	for _, op := range [][]byte{nil, {0x80}, {0}, {0, 8, 1}, {0, 8, 1, 2}, {0, 8, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f, 1, 1}} {
		if _, _, ok := Expiry(op, func(ClientID, Seq, Timestamp) {}); ok {
			t.Errorf("% x passes for an expiry", op)
		}
	}
}
