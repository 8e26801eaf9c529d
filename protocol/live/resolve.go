package live

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"time"

	"github.com/fauer4effect/paxos/protocol"
)

// lookup finds the IPv4 addresses of a name.
type lookup func(ctx context.Context, name string) ([]netip.Addr, error)

func lookupIP4(ctx context.Context, name string) ([]netip.Addr, error) {
	return net.DefaultResolver.LookupNetIP(ctx, "ip4", name)
}

// resolve looks the peers' addresses up. It asks often for peers that have none yet. The others'
// names it looks up again now and then: a peer may come back with another address.
func (s *socket) resolve(hosts Hosts, own protocol.ServerID, port int, find lookup) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() { // a name server may take its time
		select {
		case <-s.done:
			cancel()
		case <-ctx.Done():
		}
	}()
	due := make([]time.Time, len(hosts))
	for {
		next := time.Now().Add(lookAgain)
		for i, h := range hosts {
			if i+1 == int(own) || due[i].IsZero() && s.peers[i+1].Load() != nil {
				continue
			}
			if h.Port == 0 {
				h.Port = port
			}
			if !time.Now().Before(due[i]) {
				due[i] = s.resolveOne(ctx, i+1, h, find)
			}
			if !due[i].IsZero() && due[i].Before(next) {
				next = due[i]
			}
		}
		select {
		case <-s.done:
			return
		case <-time.After(time.Until(next)):
		}
	}
}

// resolveOne looks one peer up, and says when to do so again, zero for never.
func (s *socket) resolveOne(ctx context.Context, id int, h Host, find lookup) time.Time {
	if literal, err := netip.ParseAddr(h.Name); err == nil {
		s.peers[id].Store(net.UDPAddrFromAddrPort(netip.AddrPortFrom(literal, uint16(h.Port))))
		return time.Time{}
	}
	found, err := find(ctx, h.Name)
	for i := range found {
		found[i] = found[i].Unmap()
	}
	known := s.peers[id].Load()
	switch {
	case (err != nil || len(found) == 0) && known == nil:
		return time.Now().Add(resolveEvery)
	case err != nil || len(found) == 0: // keep the one that it had
	case known == nil || !slices.Contains(found, known.AddrPort().Addr().Unmap()):
		s.peers[id].Store(net.UDPAddrFromAddrPort(netip.AddrPortFrom(found[0], uint16(h.Port))))
	}
	return time.Now().Add(lookAgain)
}
