package live

import (
	"testing"
	"time"

	"github.com/fauer4effect/paxos/protocol"
)

// A server tells what its peers said last; the heir is the one that is furthest, of those that
// were heard lately.
func TestPeersAreTold(t *testing.T) {
	c := newTrio(t, nil)
	c.startAll()
	for range 3 {
		c.do(0, incr)
	}
	leader := c.agreed()
	st := c.servers[leader-1].Status()
	for begun := time.Now(); len(st.Peers) < 2 || st.Peers[0].ARU < st.ARU || st.Peers[1].ARU < st.ARU; {
		if time.Since(begun) > 10*time.Second {
			t.Fatalf("%+v", st)
		}
		time.Sleep(5 * time.Millisecond)
		st = c.servers[leader-1].Status()
	}
	for _, p := range st.Peers {
		if p.State != protocol.RegNonLeader || p.View != st.View || int(p.ID) == leader || p.Silent > 5*time.Second {
			t.Errorf("%+v", p)
		}
	}
	other := leader%3 + 1
	c.stop(other - 1)
	for begun := time.Now(); int(st.Heir()) != 6-leader-other; {
		if time.Since(begun) > 10*time.Second {
			t.Fatalf("server %d is to inherit: %+v", st.Heir(), st)
		}
		time.Sleep(20 * time.Millisecond)
		st = c.servers[leader-1].Status()
	}
}

func TestHeir(t *testing.T) {
	st := Status{Peers: []Peer{{ID: 1, ARU: 5}, {ID: 2, ARU: 9, Silent: heirSilence}, {ID: 4, ARU: 7}, {ID: 5, ARU: 7}}}
	if heir := st.Heir(); heir != 4 {
		t.Errorf("server %d", heir)
	}
	if heir := st.Heir(4, 1); heir != 5 {
		t.Errorf("server %d after 4 and 1", heir)
	}
	if heir := new(Status).Heir(); heir != 0 {
		t.Errorf("server %d of none", heir)
	}
}
