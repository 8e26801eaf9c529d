package protocol

import (
	"strings"
	"testing"
)

// newFresh is a cluster of fresh disks, with ids of their own. Nothing has happened yet.
func newFresh(t fataler, n int) *cluster {
	c := newCluster(t, n)
	c.stores = make([]StoreID, n+1)
	for id := 1; id <= n; id++ {
		c.stores[id] = StoreID(100 + id)
		c.start(ServerID(id))
	}
	return c
}

// newFormed is a cluster that has formed, and in which server 1 leads view 1.
func newFormed(t fataler, n int) *cluster {
	t.Helper()
	c := newFresh(t, n)
	c.wait(2 * ms)
	if s := c.servers[1]; s.state != RegLeader || s.lastInstalled != 1 {
		t.Fatalf("server 1 does not lead view 1: %v", s)
	}
	return c
}

// wipe gives a server an empty disk and begins a life on it.
func (c *cluster) wipe(id ServerID) {
	c.servers[id] = nil
	c.disks[id] = testDisk{}
	c.stores[id] += 100
	c.start(id)
}

// Fresh disks meet, each records the roster first, and then the cluster works as any other.
func TestFormation(t *testing.T) {
	for _, n := range []int{1, 2, 3, 5, 9} {
		c := newFormed(t, n)
		for id := 1; id <= n; id++ {
			first := c.disks[id].records[0]
			if first.Kind != RecordFormed || !first.Roster.Formed || first.Roster.Stores[n] != c.stores[n] {
				t.Fatalf("%d servers: the first record of server %d is %+v", n, id, first)
			}
		}
		c.request(ServerID(n), 9, 1, "a")
		c.settle()
		c.mustReply(ServerID(n), "1 a")
	}
}

// A server that named our disk and comes back with another one of its own must name ours again.
// What it said before came from a disk that is gone.
func TestANewDiskMustNameUsAnew(t *testing.T) {
	c := newFresh(t, 3)
	c.lose = func(letter) bool { return true }
	s := c.servers[1]
	tell := func(from ServerID, store, named StoreID) {
		roster := Roster{}
		roster.Stores[from], roster.Stores[1] = store, named
		roster.Format = s.disks.roster.Format
		c.receive(1, Message{Kind: Formation, Server: from, Store: store, Roster: &roster})
	}
	tell(2, 202, 101)
	tell(2, 302, 0)
	tell(3, 103, 101)
	if s.disks.pos > 0 {
		t.Fatal("a roster is recorded with a disk that has not named ours")
	}
	if tell(2, 302, 101); s.disks.pos == 0 {
		t.Fatal("all have named our disk, and no roster is recorded")
	}
}

// While one server is missing nobody takes part: no vote, no acceptance, no heartbeat.
func TestFormationTakesAll(t *testing.T) {
	c := newFresh(t, 3)
	c.servers[3] = nil
	c.lose = func(l letter) bool {
		if l.Kind != Formation {
			t.Errorf("server %d sends %v before the cluster is formed", l.Server, &l.Message)
		}
		return false
	}
	c.wait(500 * ms)
	c.request(1, 9, 1, "a")
	c.wait(500 * ms)
	if c.servers[1].dropped(notFormed) == 0 {
		t.Error("the client's update was not dropped")
	}
	c.lose = nil
	c.start(3)
	c.wait(100 * ms)
	c.request(1, 9, 1, "a")
	c.settle()
	c.mustReply(1, "1 a")
}

// The roster is durable before a server takes part, and a crash before that leaves the disk
// as fresh as it was.
func TestFormationIsDurable(t *testing.T) {
	c := newFresh(t, 3)
	c.disks[2].held = true
	c.wait(200 * ms)
	if s := c.servers[2]; !s.forming() || s.lastInstalled > 0 {
		t.Fatalf("it takes part without a durable roster: %v", s)
	}
	if len(c.disks[1].records) != 1 || len(c.disks[3].records) != 1 {
		t.Fatal("the others have no roster, though all had named their stores")
	}
	c.crash(2)
	c.start(2)
	c.wait(300 * ms)
	c.request(2, 9, 1, "a")
	c.settle()
	c.mustReply(2, "1 a")
}

// A server whose disk was emptied is refused by name, at both ends, for ever. It votes for
// nothing and accepts nothing, while the two others go on.
func TestEmptiedDiskNeverVotes(t *testing.T) {
	c := newFormed(t, 3)
	c.request(1, 9, 1, "a")
	c.settle()
	c.wipe(2)
	c.wait(3000 * ms)
	c.request(1, 9, 2, "b")
	c.wait(100 * ms)
	c.mustReply(1, "1 a", "2 b")
	if len(c.disks[2].records) > 0 || c.servers[2].lastInstalled > 0 || !c.servers[2].forming() {
		t.Fatalf("the emptied disk takes part: %v, %v", c.servers[2], c.disks[2].records)
	}
	for _, at := range []ServerID{1, 2, 3} {
		if got := c.happened(at, Refused); !strings.Contains(got, "refused") {
			t.Errorf("server %d does not say that a disk is refused", at)
		}
	}
	if c.servers[1].dropped(otherStore) == 0 {
		t.Error("server 1 dropped nothing of the emptied disk's server")
	}
	// With server 1 gone there is no majority, whatever server 2 does.
	c.crash(1)
	c.replies = nil
	c.request(3, 9, 3, "c")
	c.wait(5000 * ms)
	c.mustReply(3)
}

// What a peer said to an earlier disk, or of an earlier disk of its own, names nobody.
func TestDelayedFormation(t *testing.T) {
	c := newFresh(t, 3)
	var kept []letter
	c.lose = func(l letter) bool {
		if l.to == 1 && l.Roster != nil && l.Roster.Stores[1] != 0 {
			kept = append(kept, l)
			return true
		}
		return false
	}
	c.wait(50 * ms) // 2 and 3 have heard of server 1's first disk, and are to form with it
	if len(kept) == 0 || !c.servers[2].mayEnter() || !c.servers[3].mayEnter() {
		t.Fatalf("the story did not happen: %d messages, %v, %v", len(kept), c.servers[2].disks, c.servers[3].disks)
	}
	c.lose = nil
	c.wipe(1)
	for _, l := range kept {
		c.receive(1, l.Message)
	}
	c.wait(1000 * ms)
	if !c.servers[1].forming() {
		t.Fatal("messages to the former disk let the new one take part")
	}
	c.request(2, 9, 1, "a")
	c.settle()
	c.mustReply(2, "1 a") // the two wait no more: the disk that they waited for is lost
}

// No server takes part while another might still forget who named it. If server 1 were then lost
// for good, that one could never form beside a working majority. Once its roster is durable,
// whoever takes part lets it in, however little it heard before it was killed.
func TestNobodyIsLeftBehindWhileTheClusterForms(t *testing.T) {
	c := newFresh(t, 3)
	c.disks[2].held = true
	c.wait(500 * ms)
	if c.happened(1, Formed) != "" || c.happened(3, Formed) != "" {
		t.Fatal("servers 1 and 3 take part, and server 2's roster is not durable")
	}
	c.crash(2)
	c.start(2)
	c.wait(100 * ms)
	c.crash(2)
	c.crash(1) // for good
	c.start(2)
	c.wait(1000 * ms)
	c.request(3, 9, 1, "a")
	c.settle()
	c.mustReply(3, "1 a")
}

// A restart does not end the wait. Servers 2 and 3 have the roster, and server 1 missed it. Their
// records must tell the two after a restart that they still wait. With server 2's disk lost,
// server 1 may form with another in its place, and nobody has settled anything that it does not
// know.
func TestARestartDoesNotEndTheWait(t *testing.T) {
	c := newFresh(t, 3)
	c.lose = func(l letter) bool { return l.to == 1 && (l.Roster == nil || l.Roster.Stores[1] != 0) }
	c.wait(50 * ms)
	for _, id := range []ServerID{2, 3} {
		if len(c.disks[id].records) != 1 {
			t.Fatalf("server %d's disk holds %v", id, c.disks[id].records)
		}
		c.crash(id)
		c.start(id)
	}
	c.wait(1000 * ms)
	c.request(3, 9, 1, "a")
	c.wait(100 * ms)
	if len(c.replies) > 0 || !c.servers[2].forming() || !c.servers[3].forming() {
		t.Fatalf("servers 2 and 3 take part without server 1: %v", c.servers[2])
	}
	c.lose = nil
	c.wait(1000 * ms)
	c.request(3, 9, 1, "a")
	c.settle()
	c.mustReply(3, "1 a")
}

// Whoever takes part does so in its next life at once, whoever is missing by then: entering is
// durable.
func TestEnteringIsRecorded(t *testing.T) {
	c := newFresh(t, 3)
	c.wait(20 * ms)
	for _, id := range []ServerID{1, 2} {
		d := &c.disks[id]
		if len(d.records) < 2 || d.records[1].Kind != RecordFormed {
			t.Fatalf("server %d's disk holds %v", id, d.records)
		}
		d.records, d.durable = d.records[:2:2], 2 // nothing but that came to last
		c.servers[id] = nil
	}
	c.servers[3] = nil // for good
	c.start(1)
	c.start(2)
	c.wait(1000 * ms)
	c.request(2, 9, 1, "a")
	c.settle()
	c.mustReply(2, "1 a")
}

// A disk that was emptied before anybody formed may still form: nobody relies on it.
func TestWipeBeforeFormation(t *testing.T) {
	c := newFresh(t, 3)
	c.servers[3] = nil
	c.wait(100 * ms)
	c.wipe(2)
	c.wait(100 * ms)
	c.start(3)
	c.wait(200 * ms)
	c.request(2, 9, 1, "a")
	c.settle()
	c.mustReply(2, "1 a")
}

// A disk that comes to another server, or comes back under another id, is refused at once.
func TestSwappedDisks(t *testing.T) {
	c := newFormed(t, 3)
	records := c.disks[2].records
	for name, cfg := range map[string]Config{
		"another server":   {ID: 1, Servers: 3, Store: c.stores[2]},
		"another store id": {ID: 2, Servers: 3, Store: 7},
		"no store id":      {ID: 2, Servers: 3},
	} {
		if _, err := New(cfg, 0, &ledger{}, Stable{records}); err == nil {
			t.Errorf("%s: the disk is taken", name)
		}
	}
	if _, err := New(Config{ID: 2, Servers: 3, Store: c.stores[2]}, 0, &ledger{}, Stable{records[1:]}); err == nil {
		t.Error("a disk without its roster is taken")
	}
	if _, err := New(Config{ID: 2, Servers: 3, Store: c.stores[2]}, 0, &ledger{}, Stable{records}); err != nil {
		t.Errorf("the server's own disk: %v", err)
	}
}

// Formation survives loss: what is lost is asked for again.
func TestFormationUnderLoss(t *testing.T) {
	c := newFresh(t, 5)
	n := 0
	c.lose = func(l letter) bool { n++; return l.Kind == Formation && n%3 != 0 }
	c.wait(2000 * ms)
	c.lose = nil
	c.wait(500 * ms)
	c.request(4, 9, 1, "a")
	c.settle()
	c.mustReply(4, "1 a")
}
