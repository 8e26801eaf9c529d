package cluster

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gomodule/redigo/redis"

	"github.com/fauer4effect/paxos/protocol/kv"
	"github.com/fauer4effect/paxos/sim/history"
)

const (
	opLimit = 2 * time.Second // before a client gives an operation up

	// Porcupine's search explodes where a key has many operations that nobody saw end.
	keyClients    = 4 // at once
	keyAbandoned  = 3
	keyOperations = 250
)

// load is clients that work on the cluster, and the history of what they saw.
type load struct {
	cluster *Cluster
	clients int
	pause   time.Duration // between two operations of a client, on average
	begun   time.Time

	mu      sync.Mutex
	history []history.Operation
	keys    []*key
	made    int
	owned   int // keys of pipelines
}

// key is one that clients work on for a while.
type key struct {
	name       string
	users      int
	abandoned  int
	operations int
}

// run works until ctx ends.
func (l *load) run(ctx context.Context) {
	var all sync.WaitGroup
	for id := 1; id <= l.clients; id++ {
		all.Go(func() {
			c := &client{load: l, id: id, target: 1 + id%l.cluster.cfg.Nodes}
			c.run(ctx)
		})
	}
	all.Wait()
}

// now is the history's clock: monotonic, from the load's beginning.
func (l *load) now() int64 { return int64(time.Since(l.begun)) }

// take gives a client a key that it may use for one operation.
func (l *load) take() *key {
	l.mu.Lock()
	defer l.mu.Unlock()
	var free []*key
	for _, k := range l.keys {
		if k.users < keyClients {
			free = append(free, k)
		}
	}
	if len(free) < 2 {
		l.made++
		k := &key{name: fmt.Sprintf("k%d", l.made)}
		l.keys = append(l.keys, k)
		free = append(free, k)
	}
	k := free[rand.IntN(len(free))]
	k.users++
	k.operations++
	return k
}

// done takes the operation into the history and the key back. One that never happened is
// left out.
func (l *load) done(k *key, o history.Operation, happened bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	k.users--
	if happened {
		l.history = append(l.history, o)
		if !o.Answered {
			k.abandoned++
		}
	}
	if k.abandoned >= keyAbandoned || k.operations >= keyOperations {
		l.keys = slices.DeleteFunc(l.keys, func(other *key) bool { return other == k })
	}
}

// write writes the history as JSON lines.
func (l *load) write(path string) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	slices.SortStableFunc(l.history, func(a, b history.Operation) int { return cmp.Compare(a.Call, b.Call) })
	return errors.Join(history.Write(f, l.history), f.Close())
}

// gap is a time in which no operation was answered.
type gap struct{ from, to int64 }

func (g gap) length() time.Duration { return time.Duration(g.to - g.from) }

// gaps are the times of at least the given length without an answer, up to the end.
func (l *load) gaps(least time.Duration, end int64) []gap {
	var ends []int64
	for i := range l.history {
		if l.history[i].Answered {
			ends = append(ends, l.history[i].Return)
		}
	}
	slices.Sort(ends)
	var gaps []gap
	last := int64(0)
	for _, at := range append(ends, end) {
		if time.Duration(at-last) >= least {
			gaps = append(gaps, gap{last, at})
		}
		last = max(last, at)
	}
	return gaps
}

// client is one connection at a time, and one operation at a time.
type client struct {
	load   *load
	id     int
	target int
	conn   redis.Conn // nil: none
	count  int
	own    *key // for pipelines; nil: none yet
}

func (c *client) run(ctx context.Context) {
	defer c.leave()
	for ctx.Err() == nil {
		if c.conn == nil && !c.connect() {
			c.next()
			wait(ctx, 10*time.Millisecond)
			continue
		}
		if rand.IntN(pipelineOdds) == 0 {
			c.pipeline()
		} else {
			c.operate()
		}
		wait(ctx, time.Duration(rand.ExpFloat64()*float64(c.load.pause)))
	}
}

func wait(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

func (c *client) connect() bool {
	conn, err := dial(c.load.cluster.Client(c.target), opLimit)
	if err != nil {
		return false
	}
	c.conn = conn
	return true
}

func (c *client) leave() {
	if c.conn != nil {
		c.conn.Close()
		c.conn = nil
	}
}

func (c *client) next() { c.target = c.target%c.load.cluster.cfg.Nodes + 1 }

// operate does one operation.
func (c *client) operate() {
	k := c.load.take()
	o := history.Operation{Client: uint32(c.id), Op: c.draw(k.name), Call: c.load.now()}
	name, args := resp(o.Op)
	reply, err := c.conn.Do(name, args...)
	o.Return = c.load.now()
	happened := judge(&o, reply, err)
	c.load.done(k, o, happened)
	if !o.Answered {
		c.leave()
		c.next()
	}
}

// judge takes a reply into the operation. Only what was never sent, or what the server says it
// did not execute, did not happen; any other failure leaves it open.
func judge(o *history.Operation, reply any, err error) (happened bool) {
	var refused redis.Error
	switch {
	case err == nil:
		o.Result, err = result(o.Op, reply)
		o.Answered = err == nil
	case errors.As(err, &refused) && strings.HasPrefix(string(refused), "ERR value is not an integer"):
		o.Result, o.Answered = kv.Result{Status: kv.NotInteger}, true
	case errors.As(err, &refused) && strings.HasSuffix(string(refused), "nothing was executed"):
		return false
	}
	return true
}

// draw picks an operation; what it writes nobody else writes.
func (c *client) draw(key string) kv.Op {
	c.count++
	op := kv.Op{Key: key}
	switch value := fmt.Sprint(c.count*100 + c.id); rand.IntN(10) {
	case 0, 1, 2:
		op.Kind = kv.Get
	case 3, 4:
		op.Kind, op.Value = kv.Put, value
	case 5, 6:
		op.Kind, op.Value = kv.Append, fmt.Sprint(c.id)
	case 7, 8:
		op.Kind = kv.Incr
	default:
		op.Kind = kv.Delete
	}
	return op
}

// resp is the command of an operation.
func resp(op kv.Op) (string, []any) {
	switch op.Kind {
	case kv.Get:
		return "GET", []any{op.Key}
	case kv.Put:
		return "SET", []any{op.Key, op.Value}
	case kv.Append:
		return "APPEND", []any{op.Key, op.Value}
	case kv.Incr:
		return "INCR", []any{op.Key}
	}
	return "DEL", []any{op.Key}
}

// result is what a reply says of an operation.
func result(op kv.Op, reply any) (kv.Result, error) {
	switch r := reply.(type) {
	case nil:
		if op.Kind == kv.Get {
			return kv.Result{Status: kv.Missing}, nil
		}
	case []byte:
		if op.Kind == kv.Get {
			return kv.Result{Status: kv.HasValue, Value: string(r)}, nil
		}
	case string:
		if op.Kind == kv.Put && r == "OK" {
			return kv.Result{Status: kv.Done}, nil
		}
	case int64:
		switch {
		case op.Kind == kv.Append || op.Kind == kv.Incr:
			return kv.Result{Status: kv.HasNumber, Number: r}, nil
		case op.Kind == kv.Delete && r == 1:
			return kv.Result{Status: kv.Done}, nil
		case op.Kind == kv.Delete && r == 0:
			return kv.Result{Status: kv.Missing}, nil
		}
	}
	return kv.Result{}, fmt.Errorf("%v is answered with %v", op, reply)
}
