package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/fauer4effect/paxos/cmd/internal/cluster"
	"github.com/fauer4effect/paxos/protocol"
	"github.com/fauer4effect/paxos/protocol/kv"
	"github.com/fauer4effect/paxos/protocol/live"
	"github.com/fauer4effect/paxos/protocol/live/powercut"
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

The host file names the servers, one a line, as name or name:port; # begins a
comment. All servers need the same file. A server finds its own line by host
name or address, or is told by --id.

With --key-file datagrams are authenticated, and all interfaces are bound;
without it only the loopback interface is, unless --insecure says that the
network is trusted. Clients of --client speak Redis's protocol: docs/LIVE.md
lists the commands, and COMMAND does.`,
		Example: `$ paxos serve -p 55555 -h hosts --key-file key --client :6379
$ printf 'localhost:7001\nlocalhost:7002\nlocalhost:7003\n' >hosts
$ paxos serve -p 7001 -h hosts --id 1 --client localhost:6379
$ redis-cli SET greeting hello`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error { return o.run(c) },
	}
	c.Flags().SortFlags = false
	o.register(c.Flags())
	c.Flags().BoolVar(&o.insecure, "insecure", false, "bind all interfaces without a key: whoever reaches the port can forge")
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
	flag(f, &o.keyFile, "--key-file FILE", "", "authenticate datagrams with the key in FILE, at least 16 bytes", parsePath)
	flag(f, &o.record, "--record FILE", "", "record all inputs and outputs, for paxos replay --recorded", parsePath)
}

// run serves until it is interrupted.
func (o *serveFlags) run(c *cobra.Command) error {
	cfg, err := o.config()
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(c.Context())
	defer stop()
	n := newNarrator(c.OutOrStdout(), cfg, o.trial)
	cfg.Watch = n.watch
	var listener net.Listener
	if o.client != "" {
		if listener, err = listenClients(o.client); err != nil {
			return usage("", "--client %s: %v", quote(o.client), cause(err))
		}
		defer listener.Close()
	}
	if o.record != "" {
		if cfg.Tape, err = live.OpenTape(o.record); err != nil {
			return usage("", "--%v", err)
		}
	}
	s, err := live.Start(*cfg)
	if err != nil {
		return usage("", "%v", err)
	}
	o.introduce(n, cfg, s)
	var clients *live.Clients
	if listener != nil {
		clients = live.ServeClients(listener, s)
	}
	if o.child {
		go func() {
			obey(os.Stdin, s)
			stop()
		}()
	}
	err = n.narrate(ctx, s)
	if clients != nil {
		clients.Close()
	}
	if closed := s.Close(); closed != nil {
		return &failure{status: statusFailed, line: closed.Error()}
	}
	return err
}

// config is what the flags mean.
func (o *serveFlags) config() (*live.Config, error) {
	hint := "for example: paxos serve -p 55555 -h hosts"
	switch {
	case o.port == 0:
		return nil, usage(hint, "-p PORT is missing")
	case o.hosts == "":
		return nil, usage(hint, "-h HOSTFILE is missing")
	}
	hosts, err := live.LoadHosts(o.hosts)
	if err != nil {
		return nil, usage("", "-h: %v", err)
	}
	cfg := &live.Config{Hosts: hosts, ID: protocol.ServerID(o.id), Port: o.port, Dir: o.data, App: func() protocol.App { return kv.New() }}
	switch {
	case o.id > len(hosts):
		return nil, usage("", "--id %d: %s has %s", o.id, o.hosts, plural(uint64(len(hosts)), "host"))
	case o.id == 0:
		if cfg.ID, err = hosts.Own(o.port); err != nil {
			return nil, usage("--id N says which line this server is", "-h %s: %v", quote(o.hosts), err)
		}
	}
	if own := hosts[cfg.ID-1]; own.Port != 0 && own.Port != o.port {
		return nil, usage("", "-p %d: line %d of %s has port %d", o.port, cfg.ID, o.hosts, own.Port)
	}
	if o.data == "" {
		cfg.Dir = fmt.Sprintf("paxos-data-%d", cfg.ID)
	}
	if o.keyFile != "" {
		if cfg.Key, err = loadKey(o.keyFile); err != nil {
			return nil, usage("", "--key-file %s: %v", quote(o.keyFile), cause(err))
		}
	}
	if cfg.Key == nil && !o.insecure {
		cfg.Address = netip.AddrFrom4([4]byte{127, 0, 0, 1})
		for i, h := range hosts {
			switch here, err := loopback(h.Name); {
			case err != nil:
				return nil, usage("", "host %d, %s: %v", i+1, h.Name, err)
			case !here:
				return nil, usage("--key-file FILE authenticates them, --insecure trusts the network",
					"host %d, %s, is not on the loopback interface, and nothing authenticates its datagrams", i+1, h.Name)
			}
		}
	}
	if o.settings != "" {
		if err := json.Unmarshal([]byte(o.settings), &cfg.Settings); err != nil {
			return nil, usage("", "--settings: %v", err)
		}
	}
	if o.cuts {
		cfg.FS = powercut.New(vfs.Default, func() time.Duration {
			return time.Duration(rand.Int64N(int64(50*time.Millisecond))) * time.Duration(rand.Int64N(8)/7)
		})
	}
	return cfg, nil
}

// loopback says whether a host is this machine for itself.
func loopback(name string) (bool, error) {
	ips, err := net.LookupIP(name)
	var dns *net.DNSError
	if errors.As(err, &dns) {
		return false, errors.New(dns.Err)
	}
	for _, ip := range ips {
		if !ip.IsLoopback() {
			return false, err
		}
	}
	return err == nil, err
}

const (
	minKeyBytes = 16
	maxKeyBytes = 4096 // of a key file: it may be anything, and without an end
)

func loadKey(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxKeyBytes+1))
	key := []byte(strings.TrimSpace(string(text)))
	switch {
	case err != nil:
		return nil, err
	case len(text) > maxKeyBytes:
		return nil, fmt.Errorf("it has more than %d bytes: is it a key?", maxKeyBytes)
	case len(key) < minKeyBytes:
		return nil, fmt.Errorf("a key of %d bytes; it takes at least %d (head -c 32 /dev/urandom | base64 makes one)", len(key), minKeyBytes)
	}
	return key, nil
}

// listenClients listens on host:port, or on a path.
func listenClients(address string) (net.Listener, error) {
	if strings.Contains(address, "/") {
		if err := cluster.SocketPath(address); err != nil {
			return nil, err
		}
		if info, err := os.Stat(address); err == nil && info.Mode()&os.ModeSocket != 0 {
			if c, err := net.Dial("unix", address); err == nil {
				c.Close()
				return nil, errors.New("a server listens there already")
			}
			os.Remove(address) // a server that was killed left it behind
		}
		return net.Listen("unix", address)
	}
	if !strings.Contains(address, ":") {
		return nil, errors.New("it is host:port, such as localhost:6379, or a path")
	}
	return net.Listen("tcp", address)
}

// obey takes orders of whoever tests the server, one a line: `ignore MASK` makes it deaf to
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
