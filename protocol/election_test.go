package protocol

import (
	"testing"
)

// At first start all suspect, and server 1 attempts at once. The others follow, and in one
// round it leads view 1.
func TestFirstElection(t *testing.T) {
	for n := 1; n <= MaxServers; n++ {
		c := newCluster(t, n)
		c.wake()
		c.settle()
		want := "attempted 1/0\npreinstalled 1/0\ninstalled 1/0\nprepared 1/0"
		if got := c.happened(1, Attempted, Preinstalled, Installed, Prepared, Returned); got != want {
			t.Errorf("%d servers: server 1 saw\n%s\nwant\n%s", n, got, want)
		}
		for id, s := range c.servers[1:] {
			state := RegNonLeader
			if id == 0 {
				state = RegLeader
			}
			if s.state != state || s.lastInstalled != 1 || s.lastAttempted != 1 {
				t.Errorf("%d servers: %v, want %v in view 1", n, s, state)
			}
		}
	}
}

// An idle cluster keeps its leader, which it hears (X8); a dead one it replaces, once.
func TestOneViewChangeForADeadLeader(t *testing.T) {
	c := newView1(t, 5)
	c.wait(3000 * ms)
	for id := ServerID(1); id <= 5; id++ {
		if got := c.happened(id, Installed); got != "installed 1/0" {
			t.Fatalf("idle server %d saw\n%s", id, got)
		}
	}
	c.crash(1)
	c.wait(3000 * ms)
	for id := ServerID(2); id <= 5; id++ {
		if got := c.happened(id, Installed); got != "installed 1/0\ninstalled 2/0" {
			t.Errorf("server %d saw\n%s", id, got)
		}
	}
	c.request(4, 1, 1, "a")
	c.settle()
	c.mustAllHave(1)
	c.mustReply(4, "1 a")
}

// A server that does not suspect joins no attempt, so a slow one unseats nobody (X10).
func TestALoneAttemptIsIgnored(t *testing.T) {
	c := newView1(t, 3)
	c.step(3, Input{Kind: Elect})
	c.settle()
	if c.servers[1].dropped(notSuspecting) != 1 || c.servers[2].dropped(notSuspecting) != 1 {
		t.Fatal("the attempt of server 3 reached nobody")
	}
	c.wait(50 * ms) // a heartbeat of the leader shows it that the others work on (X21)
	if s := c.servers[3]; s.state != LeaderElection {
		t.Fatalf("nothing new was executed, and still: %v", s)
	}
	c.request(1, 1, 1, "a")
	c.wait(60 * ms)
	if s := c.servers[3]; s.state != RegNonLeader || s.lastInstalled != 1 {
		t.Errorf("server 3 is not back in view 1: %v", s)
	}
	c.mustAllHave(1)
}

// A server that has installed view 2 takes no proposal of view 1, whose leader still lives.
func TestAnOlderViewIsRefused(t *testing.T) {
	c := newView1(t, 3)
	c.receive(3, Message{Kind: Prepare, Server: 2, View: 2})
	s, records := c.servers[3], len(c.disks[3].records)
	if s.state != RegNonLeader || s.lastInstalled != 2 {
		t.Fatalf("server 3 did not follow server 2: %v", s)
	}
	c.take()
	c.receive(3, Message{Kind: Proposal, Server: 1, View: 1, Seq: 1, Batch: one(1)})
	c.receive(3, Message{Kind: Prepare, Server: 1, View: 1})
	if s.dropped(wrongView) != 1 || s.dropped(oldView) != 1 || len(c.wire) != 0 || len(c.disks[3].records) != records {
		t.Errorf("server 3 takes view 1 for alive: %v, sent %v, wrote %v", s, c.wire, c.disks[3].records[records:])
	}
}

// A view that was not led by the sender, and a proposal that the leader did not make.
func TestOnlyTheLeaderLeads(t *testing.T) {
	c := newView1(t, 3)
	c.receive(3, Message{Kind: Prepare, Server: 1, View: 2})
	c.receive(3, Message{Kind: Proposal, Server: 2, View: 1, Seq: 1, Batch: one(1)})
	if s := c.servers[3]; s.dropped(notLeader) != 2 || s.lastInstalled != 1 || len(c.wire) != 0 {
		t.Errorf("server 3 follows anybody: %v", s)
	}
}

// The votes of a majority start the timer once. Later votes may not start it again: else a dead
// leader would hold all up for good (q).
func TestRepeatedVotesPreinstallOnce(t *testing.T) {
	c := newCluster(t, 5)
	s := c.servers[5]
	for _, from := range []ServerID{3, 4, 3} {
		c.receive(5, Message{Kind: ViewChange, Server: from, View: 2})
	}
	deadline := s.attemptAt()
	c.now += 100 * ms
	for _, from := range []ServerID{1, 2, 3, 4} {
		c.receive(5, Message{Kind: ViewChange, Server: from, View: 2})
	}
	if got := c.happened(5, Preinstalled); got != "preinstalled 2/0" || s.attemptAt() != deadline {
		t.Errorf("preinstalled\n%s\nand the next attempt moved from %d to %d", got, deadline, s.attemptAt())
	}
}
