package store

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"github.com/fauer4effect/paxos/protocol"
)

// Identity says whose store it is.
type Identity struct {
	Cluster uint64 // a hash of its host file
	Server  protocol.ServerID
	Servers int
}

const format = 4 // of the keys and values below, and of the updates in them

// format makes a new store's identity durable.
func (s *Store) format(id Identity) error {
	var random [8]byte
	for binary.BigEndian.Uint64(random[:]) == 0 {
		if _, err := rand.Read(random[:]); err != nil {
			return err
		}
	}
	m := meta{
		Format: format, Cluster: id.Cluster, Server: uint8(id.Server), Servers: uint8(id.Servers),
		Store: binary.BigEndian.Uint64(random[:]),
	}
	value, err := m.MarshalMsg(nil)
	if err != nil {
		return err
	}
	if err := s.db.Set(metaKey, value, pebble.Sync); err != nil {
		return err
	}
	return s.quarrel.problem()
}

// identify refuses a store that is not the caller's.
func (s *Store) identify(id Identity) error {
	value, closer, err := s.db.Get(metaKey)
	if errors.Is(err, pebble.ErrNotFound) {
		return damaged(errors.New("it does not say whose it is"))
	}
	if err != nil {
		return damaged(err)
	}
	defer closer.Close()
	if rest, err := s.meta.UnmarshalMsg(value); err != nil || len(rest) > 0 {
		return damaged(fmt.Errorf("its description is unreadable: %v", err))
	}
	m := &s.meta
	switch {
	case m.Format != format:
		return fmt.Errorf("it has format %d, and this program reads format %d: use the program that wrote it", m.Format, format)
	case m.Cluster != id.Cluster:
		return fmt.Errorf("it belongs to cluster %016x, and the host file says %016x: bring back the host file that it was made with, or give this server another --data", m.Cluster, id.Cluster)
	case m.Servers != uint8(id.Servers):
		return fmt.Errorf("it belongs to a cluster of %d servers, not %d: bring back the host file that it was made with", m.Servers, id.Servers)
	case m.Server != uint8(id.Server):
		return fmt.Errorf("it is the store of server %d, not %d: give each server its own --data", m.Server, id.Server)
	case m.Store == 0:
		return damaged(errors.New("its id is zero"))
	}
	return nil
}
