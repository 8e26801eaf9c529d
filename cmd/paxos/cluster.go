//go:build !simonly

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/fauer4effect/paxos/cmd/internal/cluster"
	"github.com/fauer4effect/paxos/sim/testbed/cli"
)

// clusterFlags say what a live cluster goes through.
type clusterFlags struct {
	nodes  int
	data   string
	time   time.Duration
	chaos  bool
	check  bool
	filter bool
}

const chaosTime = 30 * time.Second // where --for says nothing

func clusterCommand() *cobra.Command {
	var o clusterFlags
	c := &cobra.Command{
		Use:   "cluster [flags]",
		Short: "run a live cluster on this machine, and break it if asked",
		Long: `Cluster runs a live cluster on this machine, a process for each server. Without
other flags it is the quickest way to a running cluster. It prints where Redis
clients find the servers, and runs until it is interrupted. Clients find server 1
on port 6381, server 2 on 6382, and so on, unless another program has that port.

With --chaos clients work while faults strike. Servers are killed with kill -9,
and lose what their disks had not synced. Servers are stopped, and cut off from
each other.

With --check three things must hold at the end. The clients' history must be
linearizable. All servers' logs must be equal, slot by slot. Each server's
recorded inputs must give the same outputs again, byte for byte.`,
		Example: `$ paxos cluster
$ paxos cluster --nodes 5 --data ./five
$ paxos cluster --chaos --check --for 30s`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error { return o.run(c) },
	}
	f := c.Flags()
	f.SortFlags = false
	flag(f, &o.nodes, "--nodes N", "3", "servers", parseNodes)
	flag(f, &o.data, "--data DIR", "", "stores, logs and recordings go there, and stay (default: a folder that is removed at the end, unless something was found)", parsePath)
	flag(f, &o.time, "--for DUR", "", "how long on the clock (default: 30s with --chaos or --check, else until interrupted)", parseBudget)
	f.BoolVar(&o.chaos, "chaos", false, "kill, stop and cut off servers while clients work")
	f.BoolVar(&o.check, "check", false, "have clients work, and check what they saw and what the servers recorded")
	f.BoolVar(&o.filter, "no-namespaces", false, "cut links in the servers instead of in network namespaces, which take root")
	return c
}

func (o *clusterFlags) run(c *cobra.Command) error {
	w := c.OutOrStdout()
	ctx, cancel := context.WithCancel(c.Context())
	defer cancel()
	// Whoever reads may leave: then the servers, and the folder, must not stay.
	signal.Ignore(syscall.SIGPIPE)
	if out, ok := w.(*cli.Output); ok {
		out.Failed = cancel
	}
	program, err := os.Executable()
	if err != nil {
		return usage("", "this program's own file: %v", err)
	}
	cfg := cluster.Config{Program: program, Nodes: o.nodes, Dir: o.data, Tested: o.chaos || o.check}
	remove := func() {}
	if o.data == "" {
		if cfg.Dir, err = os.MkdirTemp("", "paxos-cluster-"); err != nil {
			return usage("--data DIR names another place", "no folder in %s: %v", cli.Quote(os.TempDir()), cause(err))
		}
		remove = func() { os.RemoveAll(cfg.Dir) }
	}
	if cfg.Dir, err = filepath.Abs(cfg.Dir); err != nil {
		return usage("", "--data %s: %v", cli.Quote(o.data), err)
	}
	if err := cfg.Check(); err != nil {
		remove()
		return usage("", "--data %s: %v", cli.Quote(o.data), err)
	}
	if err := os.MkdirAll(cfg.Dir, 0o777); err != nil {
		return usage("", "--data %s: %v", cli.Quote(o.data), cause(err))
	}
	if !cfg.Tested {
		defer remove()
		return o.serve(ctx, w, cfg)
	}
	for _, name := range []string{"server-*", "history.jsonl"} {
		if held, _ := filepath.Glob(filepath.Join(cfg.Dir, name)); len(held) > 0 {
			return usage("", "--data %s: it holds %s already; a checked cluster begins with fresh stores", cli.Quote(o.data), filepath.Base(held[0]))
		}
	}
	found, err := o.torture(ctx, w, cfg)
	if found {
		fmt.Fprintf(w, "stores, logs, recordings and history: %s\n", cfg.Dir)
	} else {
		remove()
	}
	return err
}

// serve runs a cluster until its time is over or it is interrupted.
func (o *clusterFlags) serve(ctx context.Context, w io.Writer, cfg cluster.Config) error {
	c, err := cluster.New(cfg)
	if err != nil {
		return usage("", "%v", err)
	}
	defer c.Close()
	if err := c.StartAll(); err != nil {
		return usage("", "%v", err)
	}
	leader, err := c.AwaitLeader(ctx)
	if err != nil {
		return ended(ctx, err)
	}
	for id := 1; id <= o.nodes; id++ {
		fmt.Fprintf(w, "server %d  pid %-7d  redis %s  log %s\n", id, c.PID(id), c.Client(id), c.Log(id))
	}
	_, port, _ := net.SplitHostPort(c.Client(leader))
	addresses := make([]string, o.nodes)
	for i := range addresses {
		addresses[i] = c.Client(i + 1)
	}
	fmt.Fprintf(w, "\nserver %d leads; any server takes any command:\n  redis-cli -p %s SET greeting hello\n  %s status %s\n\nCtrl-C ends the cluster\n",
		leader, port, self(), strings.Join(addresses, " "))
	var over <-chan time.Time
	if o.time > 0 {
		over = time.After(o.time)
	}
	for watch := time.NewTicker(200 * time.Millisecond); ; {
		select {
		case <-ctx.Done():
			return errInterrupted
		case <-over:
			return nil
		case <-watch.C:
			if err := c.Surprise(); err != nil {
				return &failure{status: statusFailed, line: err.Error()}
			}
		}
	}
}

// ended is how a cluster that did not get going failed.
func ended(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return errInterrupted
	}
	return &failure{status: statusFailed, line: err.Error()}
}

// torture has clients and faults at a cluster, and says what came of it; true where there is
// something to look at.
func (o *clusterFlags) torture(ctx context.Context, w io.Writer, cfg cluster.Config) (bool, error) {
	why := errors.New("--no-namespaces")
	if !o.filter {
		why = cluster.CanNamespaces()
	}
	cfg.Namespaces = why == nil && o.chaos
	if o.chaos && why == nil {
		fmt.Fprintln(w, "links are cut in network namespaces, by iptables")
	} else if o.chaos {
		fmt.Fprintf(w, "links are cut by a filter in the servers (%v)\n", why)
	}
	t := cluster.Trial{For: o.time, Chaos: o.chaos, Check: o.check}
	if t.For == 0 {
		t.For = chaosTime
	}
	begun := time.Now()
	t.Say = func(format string, args ...any) {
		fmt.Fprintf(w, "%7.2fs  %s\n", time.Since(begun).Seconds(), fmt.Sprintf(format, args...))
	}
	r, err := t.Run(ctx, cfg)
	if r != nil {
		o.report(w, r, err == nil)
	}
	if err != nil {
		return ctx.Err() == nil, ended(ctx, err)
	}
	if len(r.Findings) > 0 {
		return true, errFailed
	}
	return o.data != "", nil
}

// report says what came of a trial; one that was not brought to its end is not judged.
func (o *clusterFlags) report(w io.Writer, r *cluster.Report, judged bool) {
	fmt.Fprintf(w, "\n%s answered in %v, %.0f/s; %d of unknown outcome\n",
		cli.Plural(uint64(r.Answered), "operation"), cli.Brief(r.Took), cli.PerSecond(uint64(r.Answered), r.Took), r.Open)
	if r.Leaders > 0 {
		fmt.Fprintf(w, "%s killed, alone or with others\n", cli.Plural(uint64(r.Leaders), "leader"))
	}
	r.EachFault(func(name string, times int) { fmt.Fprintf(w, "  %5d  %s\n", times, name) })
	if r.Gaps == 0 {
		fmt.Fprintf(w, "no gap of %v or more\n", cluster.GapLength)
	} else {
		fmt.Fprintf(w, "%s of %v or more without an answer: %v together, the longest %v\n",
			cli.Plural(uint64(r.Gaps), "gap"), cluster.GapLength, cli.Brief(r.Without), cli.Brief(r.Longest))
	}
	if r.Replayed.Lives > 0 {
		fmt.Fprintf(w, "%s compared; %s replayed, %s\n", cli.Plural(uint64(r.Slots), "slot"),
			counted(r.Replayed.Lives, "recorded life", "recorded lives"), cli.Plural(r.Replayed.Steps, "step"))
	}
	if r.Replayed.Lives > 0 {
		r.EachSeen(func(name string, times int) { fmt.Fprintf(w, "  %5d  %s\n", times, name) })
	}
	for _, f := range r.Findings {
		cli.Wrapped(w, f.Property+" is violated: ", f.Detail)
	}
	if o.check && judged && len(r.Findings) == 0 {
		fmt.Fprintln(w, "ok: linearizable, logs and states equal, recordings reproduced byte for byte")
	}
}
