//go:build !simonly

package main

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"strconv"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/fauer4effect/paxos/protocol/live"
	"github.com/fauer4effect/paxos/protocol/live/metrics"
	"github.com/fauer4effect/paxos/protocol/live/redis"
)

// serveFlags say which server to run. The program's own form, `paxos -p PORT -h HOSTFILE`,
// has the same ones but --insecure, which it implies.
type serveFlags struct {
	port     int
	hosts    string
	trial    bool
	id       int
	data     string
	client   string
	metrics  string
	log      logFormat
	keyFile  string
	insecure bool
	record   string
	child    bool   // of paxos cluster: takes orders on standard input, and ends with it
	settings string // of the machine, JSON: for tests of what takes long by default
	cuts     bool   // a kill is a power cut: what is not synced is lost
}

func serveCommand() *cobra.Command {
	var o serveFlags
	c := &cobra.Command{
		Use:   "serve -p PORT -h HOSTFILE [flags]",
		Short: "run one server of a live cluster, on UDP",
		Long: `Serve runs one server on this machine: the same state machine that the sweep
tests, on UDP, with a durable store.

The host file names the servers, one a line, as name or name:port. # begins a
comment. All servers need the same file. A server finds its own line by host
name or address, or by --id.

With --key-file datagrams are authenticated, and all interfaces are bound. Without
a key the server binds the loopback interface only. --insecure binds all
interfaces without a key, on a network that you trust.

--client is for clients of Redis. docs/LIVE.md lists the commands.

--metrics serves four things over HTTP: Prometheus metrics at /metrics, life at
/healthz, readiness at /readyz, profiles at /debug/pprof/. Bind it where only your
own programs reach it.

On SIGTERM the server hands its leadership over, answers what it was asked, and
ends with status 0. A second SIGTERM ends it at once. Ctrl-C ends it at once, with
status 130.`,
		Example: `$ printf 'localhost:7001\nlocalhost:7002\nlocalhost:7003\n' >hosts
$ paxos serve -p 7001 -h hosts --client localhost:6381 &
$ paxos serve -p 7002 -h hosts --client localhost:6382 &
$ paxos serve -p 7003 -h hosts --client localhost:6383 &
$ redis-cli -p 6381 SET greeting hello`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error { return o.run(c) },
	}
	c.Flags().SortFlags = false
	o.register(c.Flags())
	c.Flags().BoolVar(&o.insecure, "insecure", false, "bind all interfaces without a key: anyone who reaches the port can forge")
	c.Flags().BoolVar(&o.child, "child", false, "")
	c.Flags().BoolVar(&o.cuts, "power-cuts", false, "")
	c.Flags().StringVar(&o.settings, "settings", "", "")
	for _, hidden := range []string{"child", "power-cuts", "settings"} {
		if err := c.Flags().MarkHidden(hidden); err != nil {
			panic(err) // it was added above
		}
	}
	return c
}

func (o *serveFlags) register(f *pflag.FlagSet) {
	shortFlag(f, &o.port, "p", "--port PORT", "UDP port to bind, and that of hosts without one", live.ParsePort)
	shortFlag(f, &o.hosts, "h", "--hosts HOSTFILE", "the cluster's servers, one a line: name or name:port", parsePath)
	f.BoolVarP(&o.trial, "trial", "t", false, "print elections, proposals, accepts and executions; server 1 issues an update")
	flag(f, &o.id, "--id N", "", "which line of the host file this server is (default: found by name or address)", parseNodes)
	flag(f, &o.data, "--data DIR", "", "the server's store (default: ./paxos-data-ID)", parsePath)
	flag(f, &o.client, "--client ADDR", "", "serve Redis clients there: host:port, or a path for a Unix socket", parsePath)
	flag(f, &o.metrics, "--metrics ADDR", "", "metrics, health, readiness and profiles there, over HTTP: host:port, or a path", parsePath)
	flag(f, &o.log, "--log text|json", "", "write what operators need to know as records to standard error (default: as lines to standard output)", parseLogFormat)
	flag(f, &o.keyFile, "--key-file FILE", "", "authenticate datagrams with the key in FILE, at least 16 bytes", parsePath)
	flag(f, &o.record, "--record FILE", "", "record all inputs and outputs, for paxos replay --recorded", parsePath)
}

// run serves until it is told to end.
func (o *serveFlags) run(c *cobra.Command) error {
	signal.Ignore(syscall.SIGPIPE) // a server goes on when the reader of its output is gone
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(100) // a server's memory is mostly its state: four times that is too much
	}
	cfg, err := o.config()
	if err != nil {
		return err
	}
	d, err := o.open()
	if err != nil {
		return err
	}
	defer d.close()
	var m *metrics.Metrics
	if d.metrics != nil {
		m = metrics.New()
		m.Serve(d.metrics) // so that a caller hears that it starts
		defer m.Close()
		cfg.Meter = m
	}
	n := newNarrator(unheeded(c.OutOrStdout()), o.log.handler(c.ErrOrStderr()), cfg, o.trial)
	cfg.Watch = n.watch
	s, err := live.Start(*cfg)
	if err != nil {
		return usage("", "%v", err)
	}
	n.begin(s, o.introduction(cfg, s, d))
	defer n.end()
	serving := &service{server: s, metrics: m, tell: n}
	if d.clients != nil {
		serving.clients = redis.Serve(d.clients, s)
	}
	if m != nil {
		m.Watch(s, serving.clients)
	}
	return n.stopped(o.serve(c.Context(), serving))
}

// serve goes on until the server ends, or ctx does.
func (o *serveFlags) serve(ctx context.Context, s *service) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	if o.child {
		go func() {
			obey(os.Stdin, s.server)
			stop()
		}()
	}
	err := s.tell.await(ctx, s.server)
	switch {
	case errors.Is(err, errTerminated):
		err = s.drain()
	case err != nil:
		err = errInterrupted
	}
	if closed := s.close(); closed != nil {
		return &failure{status: statusFailed, line: closed.Error()}
	}
	return err
}

// obey takes orders of a test of the server, one a line: `ignore MASK` makes it deaf to
// those servers, `elect` starts an election.
func obey(r io.Reader, s *live.Server) {
	for in := bufio.NewScanner(r); in.Scan(); {
		word, rest, _ := strings.Cut(in.Text(), " ")
		switch word {
		case "ignore":
			if mask, err := strconv.ParseUint(rest, 10, 32); err == nil {
				s.Ignore(uint32(mask))
			}
		case "elect":
			s.Elect()
		}
	}
}
