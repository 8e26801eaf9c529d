//go:build !simonly

package main

import (
	"errors"
	"net"
	"os"
	"strings"
	"syscall"

	"github.com/fauer4effect/paxos/cmd/internal/cluster"
	"github.com/fauer4effect/paxos/sim/testbed/cli"
)

// doors are the listeners of a server, beside its UDP socket. They are bound when all flags are
// known to be right, and before a store is opened.
type doors struct {
	clients, metrics net.Listener // nil: not wanted
}

func (o *serveFlags) open() (*doors, error) {
	d := &doors{}
	for _, door := range []struct {
		flag, address string
		to            *net.Listener
	}{{"--client", o.client, &d.clients}, {"--metrics", o.metrics, &d.metrics}} {
		if door.address == "" {
			continue
		}
		l, err := listenAt(door.address)
		if err != nil {
			var op *net.OpError
			if errors.As(err, &op) {
				err = op.Err // the flag says the rest
			}
			d.close()
			return nil, usage("", "%s %s: %v", door.flag, cli.Quote(door.address), cause(err))
		}
		*door.to = l
	}
	return d, nil
}

func (d *doors) close() {
	for _, l := range []net.Listener{d.clients, d.metrics} {
		if l != nil {
			l.Close()
		}
	}
}

// checkAddress refuses what is neither host:port nor a path that a socket can have.
func checkAddress(address string) error {
	if strings.Contains(address, "/") {
		return cluster.SocketPath(address)
	}
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return errors.New("it is host:port, such as localhost:6379, or a path")
	}
	if _, err := net.LookupPort("tcp", port); err != nil || port == "" {
		return errors.New("its port is a number from 1 to 65535")
	}
	return nil
}

// listenAt listens on host:port, or on a path.
func listenAt(address string) (net.Listener, error) {
	if !strings.Contains(address, "/") {
		return net.Listen("tcp", address)
	}
	if info, err := os.Lstat(address); err == nil && info.Mode()&os.ModeSocket != 0 {
		c, err := net.Dial("unix", address)
		switch {
		case err == nil:
			c.Close()
			return nil, errors.New("a server listens there already")
		case errors.Is(err, syscall.ECONNREFUSED): // a server that was killed left it behind
			os.Remove(address)
		}
	}
	return net.Listen("unix", address)
}
