package cluster

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"time"

	"github.com/fauer4effect/paxos/protocol"
	"github.com/fauer4effect/paxos/protocol/live"
)

// Trial is what a cluster goes through.
type Trial struct {
	For   time.Duration
	Chaos bool
	Check bool
	Say   func(format string, args ...any) // what happens, a line each
}

// Report is what came of a trial.
type Report struct {
	Took     time.Duration // under load
	Answered int
	Open     int // operations whose outcome nobody knows
	Faults   map[string]int
	Leaders  int // killed
	Gaps     int // times of at least GapLength without an answer
	Longest  time.Duration
	Without  time.Duration // all gaps together
	History  string        // file
	Replayed live.Replayed
	Slots    int
	Seen     [len(seen)]int
	Findings []*Finding
}

const (
	// GapLength is how long no operation may be answered before it counts as a time without
	// service.
	GapLength = 500 * time.Millisecond

	clients     = 12
	clientPause = 15 * time.Millisecond
	startLimit  = 30 * time.Second
	calmLimit   = 10 * time.Second
	searchLimit = 2 * time.Minute

	// What a trial must at least have seen, or it proved nothing. A minute takes 10,000 operations
	// and, under chaos, 5 killed leaders. Any trial takes 100 operations.
	leastOperations = 10_000
	leastLeaders    = 5
	leastEver       = 100
)

// seen are the kinds of event that a minute of chaos must have brought about.
var seen = [...]struct {
	kind protocol.EventKind
	name string
}{
	{protocol.SnapshotInstalled, "snapshots installed"},
	{protocol.Expired, "sessions expired"},
	{protocol.ReadAnswered, "reads answered without the log"},
	{protocol.HandedOver, "hand-overs done"},
}

// EachSeen calls f with how often the servers recorded what a minute of chaos must bring about,
// in a fixed order.
func (r *Report) EachSeen(f func(name string, times int)) {
	for i, n := range r.Seen {
		f(seen[i].name, n)
	}
}

// EachFault calls f with the faults that happened, in a fixed order.
func (r *Report) EachFault(f func(name string, times int)) {
	for k := range numFaults {
		if n := r.Faults[k.String()]; n > 0 {
			f(k.String(), n)
		}
	}
}

// Run lays a cluster out, has clients work on it, breaks it if asked, and judges. What it
// found goes into the report; an error means that it could not be judged. Where that is
// because ctx ended, the report says what happened until then.
func (t Trial) Run(ctx context.Context, cfg Config) (*Report, error) {
	c, err := New(cfg)
	if err != nil {
		return nil, err
	}
	defer c.Close() // a second time does nothing
	if err := c.StartAll(); err != nil {
		return nil, err
	}
	starting, cancel := context.WithTimeout(ctx, startLimit)
	leader, err := c.AwaitLeader(starting)
	cancel()
	if err != nil {
		return nil, err
	}
	t.Say("server %d leads, %d clients begin", leader, clients)
	return t.judge(ctx, c)
}

func (t Trial) judge(ctx context.Context, c *Cluster) (*Report, error) {
	l := &load{cluster: c, clients: clients, pause: clientPause, begun: time.Now()}
	faults := &chaos{cluster: c, say: t.Say}
	if err := t.work(ctx, c, l, faults); err != nil && ctx.Err() == nil {
		return nil, err
	}
	r := &Report{Took: time.Since(l.begun), Faults: map[string]int{}, Leaders: faults.leaders}
	for f, n := range faults.counts {
		r.Faults[Fault(f).String()] = n
	}
	r.sum(l)
	r.History = filepath.Join(c.cfg.Dir, "history.jsonl")
	if err := l.write(r.History); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return r, err
	}
	v := &verdict{cluster: c}
	if t.Check {
		v.settle(calmLimit)
	}
	if err := c.Close(); err != nil {
		return nil, err
	}
	if err := c.Surprise(); err != nil {
		v.find("invariant", "%v", err)
	}
	if t.Check {
		t.Say("checking")
		v.history(l.history, searchLimit)
		if c.cfg.Tested {
			v.recordings()
			v.stores()
		}
	}
	r.Findings, r.Replayed, r.Slots = v.findings, v.replayed, len(v.log)
	for i := range seen {
		r.Seen[i] = v.events[seen[i].kind]
	}
	t.demand(r)
	return r, nil
}

// work has clients and faults go on for the trial's time, and undoes the last fault.
func (t Trial) work(ctx context.Context, c *Cluster, l *load, faults *chaos) error {
	working, cancel := context.WithTimeout(ctx, t.For)
	defer cancel()
	var all sync.WaitGroup
	all.Go(func() { l.run(working) })
	var err error
	if t.Chaos {
		err = faults.run(working)
	}
	if err != nil {
		cancel()
	}
	all.Wait()
	if c.Surprise() != nil {
		return nil // a finding
	}
	if err == nil {
		err = ctx.Err()
	}
	return err
}

// sum counts what the clients saw.
func (r *Report) sum(l *load) {
	for i := range l.history {
		if l.history[i].Answered {
			r.Answered++
		} else {
			r.Open++
		}
	}
	for _, g := range l.gaps(GapLength, int64(r.Took)) {
		r.Gaps++
		r.Longest = max(r.Longest, g.length())
		r.Without += g.length()
	}
}

// demand finds fault with a trial that saw too little to prove anything.
func (t Trial) demand(r *Report) {
	share := t.For.Seconds() / 60
	if least := max(leastEver, int(leastOperations*share)); r.Answered < least {
		r.Findings = append(r.Findings, &Finding{"idle", fmt.Sprintf("only %d operations were answered: less than %d prove nothing", r.Answered, least)})
	}
	if least := int(leastLeaders * share); t.Chaos && r.Leaders < least {
		r.Findings = append(r.Findings, &Finding{"idle", fmt.Sprintf("only %d leaders were killed: less than %d prove nothing", r.Leaders, least)})
	}
	if !t.Chaos || !t.Check || t.For < time.Minute {
		return
	}
	r.EachSeen(func(name string, times int) {
		if times == 0 {
			r.Findings = append(r.Findings, &Finding{"idle", "in a minute of chaos there were no " + name})
		}
	})
}
