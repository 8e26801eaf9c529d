//go:build !simonly

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"strings"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/fauer4effect/paxos/protocol"
	"github.com/fauer4effect/paxos/protocol/kv"
	"github.com/fauer4effect/paxos/protocol/live"
	"github.com/fauer4effect/paxos/protocol/live/powercut"
	"github.com/fauer4effect/paxos/protocol/live/store"
	"github.com/fauer4effect/paxos/sim/testbed/cli"
)

// config is what the flags mean. Whatever is wrong with them is found here: nothing is bound,
// made or written yet.
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
		return nil, usage("", "--id %d: %s has %s", o.id, o.hosts, cli.Plural(uint64(len(hosts)), "host"))
	case o.id == 0:
		if cfg.ID, err = hosts.Own(o.port); err != nil {
			return nil, usage("--id N says which line this server is", "-h %s: %v", cli.Quote(o.hosts), err)
		}
	}
	if own := hosts[cfg.ID-1]; own.Port != 0 && own.Port != o.port {
		return nil, usage("", "-p %d: line %d of %s has port %d", o.port, cfg.ID, o.hosts, own.Port)
	}
	if o.data == "" {
		cfg.Dir = fmt.Sprintf("paxos-data-%d", cfg.ID)
	}
	if err := o.checkPlaces(cfg); err != nil {
		return nil, err
	}
	if o.keyFile != "" {
		if cfg.Key, err = loadKey(o.keyFile); err != nil {
			return nil, usage("", "--key-file %s: %v", cli.Quote(o.keyFile), cause(err))
		}
	}
	if cfg.Key == nil && !o.insecure {
		cfg.Address = netip.AddrFrom4([4]byte{127, 0, 0, 1})
		if err := checkLoopback(hosts); err != nil {
			return nil, err
		}
	}
	if o.settings != "" {
		err := json.Unmarshal([]byte(o.settings), &cfg.Settings)
		if err == nil {
			err = cfg.Settings.Validate()
		}
		if err != nil {
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

// checkPlaces checks where the server is to listen and to write.
func (o *serveFlags) checkPlaces(cfg *live.Config) error {
	for _, at := range []struct{ flag, address string }{{"--client", o.client}, {"--metrics", o.metrics}} {
		if at.address == "" {
			continue
		}
		if err := checkAddress(at.address); err != nil {
			return usage("", "%s %s: %v", at.flag, cli.Quote(at.address), err)
		}
	}
	if err := store.Examine(cfg.Dir); err != nil {
		return usage("", "%v", err)
	}
	if o.record == "" {
		return nil
	}
	var err error
	if cfg.Tape, err = live.OpenTape(o.record); err != nil {
		return usage("", "--%v", err)
	}
	return nil
}

// checkLoopback refuses hosts beyond this machine.
func checkLoopback(hosts live.Hosts) error {
	for i, h := range hosts {
		switch here, err := loopback(h.Name); {
		case err != nil:
			return usage("", "host %d, %s: %v", i+1, h.Name, err)
		case !here:
			return usage("--key-file FILE authenticates them, --insecure trusts the network",
				"host %d, %s, is not on the loopback interface, and nothing authenticates its datagrams", i+1, h.Name)
		}
	}
	return nil
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
	text, err := readUpTo(path, maxKeyBytes)
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
