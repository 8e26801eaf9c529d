package cluster

import (
	"context"
	"fmt"
	"net/netip"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fauer4effect/paxos/protocol"
	"github.com/fauer4effect/paxos/protocol/kv"
	"github.com/fauer4effect/paxos/protocol/live"
)

// BenchmarkEmbedded drives the cluster from within the leader's process, as a service does that
// embeds a server. It puts 64 bytes to random keys, durably. The two other servers are processes
// of their own. A sync serves all records that wait, so there are fewer than commits.
func BenchmarkEmbedded(b *testing.B) {
	for _, clients := range []int{1, 64, 256} {
		b.Run(fmt.Sprintf("clients=%d", clients), func(b *testing.B) {
			c, s := embedded(b)
			before := counts(s)
			var left atomic.Int64
			left.Store(int64(b.N))
			b.ResetTimer()
			var all sync.WaitGroup
			for range clients {
				all.Go(func() { putAll(b, s, &left) })
			}
			all.Wait()
			b.StopTimer()
			after := counts(s)
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "commits/s")
			b.ReportMetric(float64(b.N)/float64(after["syncs"]-before["syncs"]), "commits/sync")
			if err := c.Surprise(); err != nil {
				b.Fatal(err)
			}
		})
	}
}

// embedded starts a cluster whose server 1 runs in this process, and leads.
func embedded(b *testing.B) (*Cluster, *live.Server) {
	c, err := New(Config{Program: program(b), Dir: b.TempDir(), Nodes: 3})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := c.Close(); err != nil {
			b.Error(err)
		}
	})
	hosts, err := live.LoadHosts(c.hosts)
	if err != nil {
		b.Fatal(err)
	}
	s, err := live.Start(live.Config{
		Hosts: hosts, ID: 1, Port: hosts[0].Port, Address: netip.AddrFrom4([4]byte{127, 0, 0, 1}),
		Dir: filepath.Join(c.cfg.Dir, "server-1"), App: func() protocol.App { return kv.New() },
	})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := s.Close(); err != nil {
			b.Error(err)
		}
	})
	for _, id := range []int{2, 3} {
		if err := c.Start(id); err != nil {
			b.Fatal(err)
		}
	}
	for deadline := time.Now().Add(startLimit); s.Status().State != protocol.RegLeader; time.Sleep(publishWait) {
		s.Elect()
		if time.Now().After(deadline) {
			b.Fatalf("this server does not lead after %v: %+v", startLimit, s.Status())
		}
	}
	return c, s
}

const publishWait = 200 * time.Millisecond

// putAll is one client: it puts until none is left.
func putAll(b *testing.B, s *live.Server, left *atomic.Int64) {
	value := string(make([]byte, 64))
	for {
		n := left.Add(-1)
		if n < 0 {
			return
		}
		key := fmt.Sprintf("key:%012d", uint64(n)*0x9e3779b97f4a7c15>>32%100_000)
		if _, err := s.Do(context.Background(), kv.Op{Kind: kv.Put, Key: key, Value: value}.Encode()); err != nil {
			b.Error(err)
			return
		}
	}
}

func counts(s *live.Server) map[string]uint64 {
	counts := map[string]uint64{}
	s.Counts().Each(func(name string, n uint64) { counts[name] = n })
	return counts
}
