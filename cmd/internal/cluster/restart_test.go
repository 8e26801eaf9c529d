package cluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gomodule/redigo/redis"
)

const (
	plannedRestarts = 3
	// handOverGap is how long clients may go without an answer while a leader that is told to end
	// gives way. It is half a timeout: then the first server would suspect it.
	handOverGap = 125 * time.Millisecond
)

// worker increments a counter of its own at one server, command by command, over one
// connection, and takes down what it hears.
type worker struct {
	at       int // server
	key      string
	answered int64
	longest  time.Duration // between two answers
	err      error         // the first, at which it ends
}

func (w *worker) run(ctx context.Context, address string) {
	conn, err := dial(address, 10*time.Second)
	if err != nil {
		w.err = err
		return
	}
	defer conn.Close()
	for last := time.Now(); ctx.Err() == nil; {
		n, err := redis.Int64(conn.Do("INCR", w.key))
		switch {
		case err != nil:
			w.err = err
			return
		case n != w.answered+1:
			w.err = errors.New("an increment is lost, or executed twice")
			return
		}
		w.answered = n
		w.longest, last = max(w.longest, time.Since(last)), time.Now()
	}
}

// stands fails unless the counter is at what the worker heard last. The worker's last command was
// refused, or came when its server had closed the connection. Whatever was under way has its
// answer.
func (w *worker) stands(t *testing.T, c *Cluster, at int) {
	t.Helper()
	conn, err := dial(c.Client(at), 10*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if n, err := redis.Int64(conn.Do("GET", w.key)); err != nil || n != w.answered {
		t.Errorf("after %d answered increments, and one that ended with %v, there are %d, %v", w.answered, w.err, n, err)
	}
}

// The leader of a cluster under load is told to end (SIGTERM). It hands its leadership over,
// answers what it was asked, and ends with status 0. Not one command fails that other servers
// have, nor is one of its own left open; nobody waits for a timeout.
func TestPlannedRestart(t *testing.T) {
	c, end := three(t)
	defer end()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	shortest := time.Hour // of the longest gaps: the machine may have been busy in some
	for round := 0; round < plannedRestarts || shortest > handOverGap && round < 3*plannedRestarts; round++ {
		leader, err := c.AwaitLeader(ctx)
		if err != nil {
			t.Fatal(err)
		}
		gap := restart(t, c, leader, round)
		shortest = min(shortest, gap)
		t.Logf("server %d gives way: no answer for %v at most", leader, gap.Round(time.Millisecond))
		if err := c.Start(leader); err != nil {
			t.Fatal(err)
		}
		for i := (Info{}); i.State != "RegNonLeader"; i, _ = c.Info(leader) {
			if time.Sleep(20 * time.Millisecond); ctx.Err() != nil {
				t.Fatalf("server %d does not come back", leader)
			}
		}
	}
	if shortest > handOverGap {
		t.Errorf("clients of other servers waited for %v or more, each time", shortest)
	}
}

// restart ends the leader under load, and returns how long clients of others went without an
// answer.
func restart(t *testing.T, c *Cluster, leader, round int) time.Duration {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var workers []*worker
	var all sync.WaitGroup
	for i := range 9 {
		w := &worker{at: i%3 + 1, key: fmt.Sprintf("round-%d-client-%d", round, i)}
		workers = append(workers, w)
		all.Go(func() { w.run(ctx, c.Client(w.at)) })
	}
	time.Sleep(200 * time.Millisecond)
	before, err := os.ReadFile(c.Log(leader))
	if err != nil {
		t.Fatal(err)
	}
	life := c.nodes[leader].cmd
	c.Stop(leader)
	if status := life.ProcessState.ExitCode(); status != 0 {
		t.Errorf("server %d is told to end, and ends with status %d", leader, status)
	}
	time.Sleep(200 * time.Millisecond)
	cancel()
	all.Wait()
	log, err := os.ReadFile(c.Log(leader))
	if err != nil {
		t.Fatal(err)
	}
	said := string(log[len(before):])
	for _, want := range []string{"told to end: no new clients", "hand-over: this server has given way, and view ", " leads now\n"} {
		if !strings.Contains(said, want) {
			t.Errorf("server %d does not say %q:\n%s", leader, want, said)
		}
	}
	var longest time.Duration
	for _, w := range workers {
		if w.at == leader {
			w.stands(t, c, leader%3+1)
			continue
		}
		longest = max(longest, w.longest)
		if w.err != nil {
			t.Errorf("a command at server %d, which goes on, after %d: %v", w.at, w.answered, w.err)
		}
	}
	return longest
}
