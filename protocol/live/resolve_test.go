package live

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// A peer that comes back with another address is found there. A peer whose name is not known for
// a while keeps the address that it had.
func TestAPeerMoves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		answers := map[string][]netip.Addr{}
		asked := map[string]int{}
		find := func(_ context.Context, name string) ([]netip.Addr, error) {
			mu.Lock()
			defer mu.Unlock()
			asked[name]++
			if answers[name] == nil {
				return nil, errors.New("no such host")
			}
			return answers[name], nil
		}
		set := func(name string, to []netip.Addr) {
			mu.Lock()
			defer mu.Unlock()
			answers[name] = to
		}
		at := netip.MustParseAddr
		done := make(chan struct{})
		s := &socket{done: done, peers: make([]atomic.Pointer[net.UDPAddr], 5)}
		hosts := Hosts{{"own", 1}, {"mover", 0}, {"late", 7}, {"192.0.2.4", 8}}
		set("mover", []netip.Addr{at("192.0.2.2"), at("192.0.2.22")})
		go s.resolve(hosts, 1, 9, find)
		expect := func(id int, want string) {
			t.Helper()
			synctest.Wait()
			got := "none"
			if a := s.peers[id].Load(); a != nil {
				got = a.String()
			}
			if got != want {
				t.Errorf("server %d is at %s, want %s", id, got, want)
			}
		}
		expect(2, "192.0.2.2:9")
		expect(3, "none")
		expect(4, "192.0.2.4:8")
		set("late", []netip.Addr{at("192.0.2.3")})
		time.Sleep(resolveEvery + time.Millisecond)
		expect(3, "192.0.2.3:7")
		set("mover", []netip.Addr{at("192.0.2.22"), at("192.0.2.2")}) // in another order
		time.Sleep(lookAgain)
		expect(2, "192.0.2.2:9")
		set("mover", nil)
		time.Sleep(lookAgain)
		expect(2, "192.0.2.2:9")
		set("mover", []netip.Addr{at("192.0.2.222")})
		time.Sleep(lookAgain)
		expect(2, "192.0.2.222:9")
		close(done)
		synctest.Wait()
		if asked["own"]+asked["192.0.2.4"] > 0 || asked["mover"] > 6 {
			t.Errorf("it asked %v", asked)
		}
	})
}
