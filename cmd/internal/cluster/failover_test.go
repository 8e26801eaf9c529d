package cluster

import (
	"context"
	"flag"
	"testing"
	"time"

	"github.com/gomodule/redigo/redis"
)

var failoversFlag = flag.Int("failovers", 0, "TestFailover: how often the leader is killed; it measures time, so it wants the machine for itself")

const servedAgain = time.Second // after kill -9 of the leader, at default timeouts

// After kill -9 of the leader a client of another server is answered again within a second,
// every time, and nothing that was answered is lost.
func TestFailover(t *testing.T) {
	if *failoversFlag == 0 {
		t.Skip("seconds each: go test ./cmd/internal/cluster -run TestFailover -failovers=20 -v")
	}
	c, err := New(Config{Program: program(t), Dir: t.TempDir(), Nodes: 3})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}()
	if err := c.StartAll(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	incremented := int64(0)
	increment := func(id int) {
		t.Helper()
		conn, err := dial(c.Client(id), 10*time.Second)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		n, err := redis.Int64(conn.Do("INCR", "n"))
		if incremented++; err != nil || n != incremented {
			t.Fatalf("increment %d: %d, %v", incremented, n, err)
		}
	}
	var longest time.Duration
	for try := 1; try <= *failoversFlag; try++ {
		leader, err := c.AwaitLeader(ctx)
		if err != nil {
			t.Fatal(err)
		}
		other := leader%3 + 1
		increment(leader)
		increment(other)
		c.Kill(leader)
		killed := time.Now()
		increment(other)
		took := time.Since(killed)
		longest = max(longest, took)
		t.Logf("try %d: server %d is killed, and server %d answers after %v", try, leader, other, took.Round(time.Millisecond))
		if took > servedAgain {
			t.Errorf("that is over %v", servedAgain)
		}
		if err := c.Start(leader); err != nil {
			t.Fatal(err)
		}
		for caughtUp := false; !caughtUp; {
			own, err := c.Info(leader)
			their, err2 := c.Info(other)
			caughtUp = err == nil && err2 == nil && own.ARU == their.ARU && own.State == "RegNonLeader"
			if ctx.Err() != nil {
				t.Fatalf("server %d does not come back: %+v %v; server %d: %+v %v", leader, own, err, other, their, err2)
			}
			time.Sleep(10 * time.Millisecond)
		}
	}
	t.Logf("served again within %v in %d of %d tries, the longest %v", servedAgain, *failoversFlag, *failoversFlag, longest.Round(time.Millisecond))
}
