//go:build !simonly

package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/gomodule/redigo/redis"
	"github.com/spf13/cobra"

	"github.com/fauer4effect/paxos/protocol"
	"github.com/fauer4effect/paxos/protocol/live/client"
	"github.com/fauer4effect/paxos/sim/testbed/cli"
)

const statusLimit = 3 * time.Second // for a server's answer

// standing is where a server stands, by its own word or as another one heard it.
type standing struct {
	Server  uint64 `json:"server"`
	State   string `json:"state"`
	View    uint64 `json:"view"`
	ARU     uint64 `json:"aru"`
	Address string `json:"address,omitempty"` // that was asked; "": this is what another one heard

	// Of those that were asked.
	Servers uint64 `json:"servers,omitempty"`
	Leader  uint64 `json:"leader,omitempty"`
	Hash    string `json:"hash,omitempty"`
	Life    uint64 `json:"life,omitempty"`
	Pending uint64 `json:"pending,omitempty"`
	Formed  *bool  `json:"formed,omitempty"`
	Cluster string `json:"-"`

	// Of the others.
	HeardBy uint64  `json:"heard_by,omitempty"`
	Heard   *uint64 `json:"heard_ms,omitempty"` // ago
}

func statusCommand() *cobra.Command {
	var json bool
	c := &cobra.Command{
		Use:   "status ADDR... [flags]",
		Short: "where a live cluster stands",
		Long: `Status asks servers of a live cluster where they stand. An ADDR is where a
server's Redis clients find it: host:port, or the path of a Unix socket. A
server that was not asked is shown as the others heard it last.

Exit status 1: a server did not answer. Exit status 2: an ADDR is not an address,
or not that of a server of this cluster.`,
		Example: `$ paxos cluster &
$ paxos status localhost:6381
$ paxos status localhost:6381 localhost:6382 localhost:6383 --json`,
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usage("for example, for paxos cluster: paxos status localhost:6381", "no ADDR: where do clients find a server?")
			}
			return status(c.Context(), c.OutOrStdout(), args, json)
		},
	}
	c.Flags().BoolVar(&json, "json", false, "print one JSON object")
	return c
}

// status prints what the servers at the addresses say, also where not all of them answer.
func status(ctx context.Context, w io.Writer, addresses []string, json bool) error {
	var asked []*standing
	var heard []standing
	var first error
	for _, address := range addresses {
		own, peers, err := askStatus(ctx, address)
		if err == nil && len(asked) > 0 && asked[0].Cluster != own.Cluster {
			err = usage("", "%s: it is of cluster %s, and %s of cluster %s", address, own.Cluster, asked[0].Address, asked[0].Cluster)
		}
		if err != nil {
			first = cmp.Or(first, err)
			continue
		}
		asked, heard = append(asked, own), append(heard, peers...)
	}
	if len(asked) > 0 {
		all := together(asked, heard)
		if json {
			cli.PrintJSON(w, struct {
				Cluster string     `json:"cluster"`
				Servers []standing `json:"servers"`
			}{asked[0].Cluster, all})
		} else {
			printStandings(w, asked[0], all)
		}
	}
	return first
}

// together has each server once: by its own word, or as it was heard last.
func together(asked []*standing, heard []standing) []standing {
	var all []standing
	for _, s := range asked {
		all = append(all, *s)
	}
	slices.SortStableFunc(heard, func(a, b standing) int { return cmp.Compare(*a.Heard, *b.Heard) })
	all = append(all, heard...)
	slices.SortStableFunc(all, func(a, b standing) int { return cmp.Compare(a.Server, b.Server) })
	return slices.CompactFunc(all, func(a, b standing) bool { return a.Server == b.Server })
}

func printStandings(w io.Writer, asked *standing, all []standing) {
	fmt.Fprintf(w, "cluster %s, %s\n", asked.Cluster, cli.Plural(asked.Servers, "server"))
	t := tabwriter.NewWriter(w, 0, 0, 1, ' ', 0)
	fmt.Fprintln(t, "server\tstate\tview\tleader\taru\thash\tlife\tformed\tfrom")
	for _, s := range all {
		if s.Heard != nil {
			fmt.Fprintf(t, "%d\t%s\t%d\t-\t%d\t-\t-\t-\theard by %d, %dms ago\n", s.Server, s.State, s.View, s.ARU, s.HeardBy, *s.Heard)
			continue
		}
		leader, formed := "-", "no"
		if s.Leader > 0 {
			leader = fmt.Sprint(s.Leader)
		}
		if *s.Formed {
			formed = "yes"
		}
		fmt.Fprintf(t, "%d\t%s\t%d\t%s\t%d\t%s\t%d\t%s\t%s\n", s.Server, s.State, s.View, leader, s.ARU, s.Hash, s.Life, formed, s.Address)
	}
	t.Flush()
	for id := uint64(1); id <= asked.Servers; id++ {
		if !slices.ContainsFunc(all, func(s standing) bool { return s.Server == id }) {
			fmt.Fprintf(w, "server %d: nobody who was asked has heard of it\n", id)
		}
	}
}

// askStatus asks one server.
func askStatus(ctx context.Context, address string) (*standing, []standing, error) {
	network := "tcp"
	switch {
	case strings.Contains(address, "/"):
		network = "unix"
	case !strings.Contains(address, ":"):
		return nil, nil, usage("", "%s: an ADDR is host:port, such as localhost:6379, or a path", cli.Quote(address))
	}
	ctx, cancel := context.WithTimeout(ctx, statusLimit)
	defer cancel()
	raw, err := new(net.Dialer).DialContext(ctx, network, address)
	if err != nil {
		return nil, nil, unreachable(address, err)
	}
	defer raw.Close()
	defer context.AfterFunc(ctx, func() { raw.Close() })()
	text, err := redis.String(redis.NewConn(client.Limit(raw), statusLimit, statusLimit).Do("PAXOS", "STATUS"))
	var timeout net.Error
	switch {
	case errors.As(err, &timeout) && timeout.Timeout() || ctx.Err() != nil:
		return nil, nil, &failure{status: statusFailed, line: fmt.Sprintf("%s: no answer within %v", address, statusLimit)}
	case err != nil:
		return nil, nil, stranger(address)
	}
	own, peers, ok := readStatus(text)
	if !ok {
		return nil, nil, stranger(address)
	}
	own.Address = address
	return own, peers, nil
}

func stranger(address string) error {
	return usage("", "%s: what answers there is not a server of this program", address)
}

// unreachable is a failure: the address may be right, and the server down. One that no server
// can have is bad input.
func unreachable(address string, err error) error {
	var wrong *net.AddrError
	var dns *net.DNSError
	var op *net.OpError
	switch {
	case errors.As(err, &wrong):
		return usage("", "%s: %s", cli.Quote(address), wrong.Err)
	case errors.As(err, &dns):
		return usage("", "%s: %s", cli.Quote(address), dns.Err)
	case errors.Is(err, context.DeadlineExceeded):
		err = fmt.Errorf("no connection within %v", statusLimit)
	case errors.As(err, &op):
		err = op.Err
		if inner := errors.Unwrap(err); inner != nil {
			err = inner
		}
	}
	return &failure{status: statusFailed, line: fmt.Sprintf("%s: %v", address, err)}
}

// readStatus reads what PAXOS STATUS answers.
func readStatus(text string) (own *standing, peers []standing, ok bool) {
	own = &standing{}
	formed := false
	for line := range strings.Lines(text) {
		name, value, found := strings.Cut(strings.TrimSpace(line), ":")
		if id, peer := strings.CutPrefix(name, "peer"); found && peer {
			p, ok := readPeer(id, value)
			if !ok {
				return nil, nil, false
			}
			peers = append(peers, p)
			continue
		}
		number, _ := strconv.ParseUint(value, 10, 64)
		switch name {
		case "server":
			own.Server = number
		case "servers":
			own.Servers = number
		case "state":
			own.State = value
		case "view":
			own.View = number
		case "leader":
			own.Leader = number
		case "aru":
			own.ARU = number
		case "state_hash":
			own.Hash = value
		case "life":
			own.Life = number
		case "pending":
			own.Pending = number
		case "cluster":
			own.Cluster = value
		case "formed":
			formed = value == "true"
		}
	}
	own.Formed = &formed
	for i := range peers {
		peers[i].HeardBy = own.Server
	}
	ok = own.Server > 0 && own.Servers >= own.Server && own.Servers <= protocol.MaxServers &&
		isState(own.State) && isHash(own.Cluster) && isHash(own.Hash)
	return own, peers, ok
}

// isState and isHash keep a stranger's words off the terminal.
func isState(text string) bool {
	for s := range protocol.NumStates {
		if text == s.String() {
			return true
		}
	}
	return false
}

func isHash(text string) bool {
	_, err := strconv.ParseUint(text, 16, 64)
	return err == nil && len(text) == 16
}

// readPeer reads what a server tells of another one.
func readPeer(id, value string) (p standing, ok bool) {
	p.Heard = new(uint64)
	var err error
	if p.Server, err = strconv.ParseUint(id, 10, 64); err != nil {
		return p, false
	}
	state, numbers, _ := strings.Cut(value, ",")
	p.State, ok = strings.CutPrefix(state, "state=")
	n, err := fmt.Sscanf(numbers, "view=%d,aru=%d,heard_ms=%d", &p.View, &p.ARU, p.Heard)
	return p, ok && n == 3 && err == nil && isState(p.State) && p.Server >= 1 && p.Server <= protocol.MaxServers
}
