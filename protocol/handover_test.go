package protocol

import (
	"fmt"
	"testing"
)

// Under load, with no timer but the heartbeat's, the leader gives way to any other server. Each
// update is answered once, within a few heartbeats.
func TestHandOver(t *testing.T) {
	for _, n := range []int{2, 3, 5} {
		for to := ServerID(2); int(to) <= n; to++ {
			c := newView1(t, n)
			ts := Timestamp(0)
			for range 10 {
				ts++
				for id := 1; id <= n; id++ {
					c.request(ServerID(id), ClientID(id), ts, "a")
				}
				if ts == 5 {
					c.step(1, Input{Kind: HandOver, To: to})
				}
				c.settle()
			}
			c.wait(60 * ms)
			s := c.servers[to]
			if s.state != RegLeader || s.lastInstalled != View(to) {
				t.Fatalf("%d servers: server %d does not lead view %d: %v", n, to, to, s)
			}
			if got, want := c.happened(1, HandedOver), fmt.Sprintf("handed over %d/0", to); got != want {
				t.Errorf("at server 1: %q, want %q", got, want)
			}
			c.settle()
			c.mustAllHave(Seq(len(c.log)))
			for id := 1; id <= n; id++ {
				if s := c.servers[id]; s.Pending() != 0 || s.LastExecuted(ClientID(id)) != ts {
					t.Errorf("%d servers, to %d: client %d's update %d is not executed: %v", n, to, id, ts, s)
				}
			}
		}
	}
}

// While a hand-over is under way nothing new is bound; what was stays so, and is settled first.
func TestAHandOverWaitsUntilAllIsSettled(t *testing.T) {
	c := newView1(t, 3)
	c.lose = func(l letter) bool { return l.Kind == Accept }
	c.request(1, 1, 1, "a")
	c.step(1, Input{Kind: HandOver, To: 3})
	c.step(1, Input{Kind: HandOver, To: 2})
	c.request(1, 2, 1, "b")
	c.settle()
	s := c.servers[1]
	if s.lastProposed != 1 || s.handOver.told || s.dropped(handingOver) != 1 {
		t.Fatalf("server 1 binds on, or hands over what is under way: %v", s)
	}
	c.lose = func(l letter) bool { return l.to == 3 && l.Kind == Accept || l.Kind == Proposal } // the heir lags
	c.receive(1, Message{Kind: Accept, Server: 2, View: 1, Seq: 1})
	if s.localARU != 1 || s.handOver.told {
		t.Fatalf("an heir at aru 0 is told: %v", s)
	}
	c.lose = nil
	c.wait(100 * ms)
	if s := c.servers[3]; s.state != RegLeader || s.lastInstalled != 3 {
		t.Errorf("server 3 does not lead view 3: %v", s)
	}
	c.mustAllHave(2)
}

// An heir that is dead, or that nobody hears, costs half a timeout and no view.
func TestAHandOverToNobody(t *testing.T) {
	for name, lose := range map[string]func(l letter) bool{
		"dead": func(l letter) bool { return l.to == 3 || l.Server == 3 },
		"mute": func(l letter) bool { return l.Server == 3 && l.Kind == ViewChange },
	} {
		c := newView1(t, 3)
		c.lose = lose
		c.step(1, Input{Kind: HandOver, To: 3})
		c.request(1, 1, 1, "a")
		c.wait(200 * ms)
		if s := c.servers[1]; s.state != RegLeader || s.lastInstalled != 1 || s.localARU != 1 {
			t.Errorf("%s: server 1 does not go on: %v", name, s)
		}
		c.mustReply(1, "1 a")
	}
}

// Nobody but the leader hands over, nor to nobody; and nobody joins an attempt but that.
func TestWhoMayHandOver(t *testing.T) {
	c := newView1(t, 3)
	for id, to := range map[ServerID]ServerID{1: 1, 2: 3, 3: 0} {
		c.step(id, Input{Kind: HandOver, To: to})
	}
	c.step(1, Input{Kind: HandOver, To: 4})
	for _, m := range []Message{
		{Kind: YourTurn, Server: 2, View: 1, Seq: 3},
		{Kind: YourTurn, Server: 1, View: 1, Seq: 1},
		{Kind: YourTurn, Server: 1, View: 1, Seq: 9},
		{Kind: YourTurn, Server: 1, View: 4, Seq: 3},
		{Kind: YourTurn, Server: 1, View: 1, Seq: 3, ARU: 5},
		{Kind: ViewChange, Server: 2, View: 2},
	} {
		c.receive(3, m)
	}
	c.receive(2, Message{Kind: YourTurn, Server: 1, View: 1, Seq: 3})
	c.receive(2, Message{Kind: ViewChange, Server: 3, View: 2})
	c.receive(2, Message{Kind: ViewChange, Server: 3, View: 6})
	c.wait(200 * ms)
	c.receive(2, Message{Kind: ViewChange, Server: 3, View: 3}) // too late
	c.wait(200 * ms)
	for id := ServerID(1); id <= 3; id++ {
		if s := c.servers[id]; s.lastAttempted != 1 {
			t.Errorf("an attempt without a cause: %v", s)
		}
	}
	c.receive(2, Message{Kind: YourTurn, Server: 1, View: 1, Seq: 3})
	c.receive(2, Message{Kind: ViewChange, Server: 3, View: 3})
	if s := c.servers[2]; s.lastAttempted != 3 {
		t.Errorf("server 2 does not join the heir: %v", s)
	}
}
