package live

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"golang.org/x/net/ipv4"

	"github.com/fauer4effect/paxos/protocol"
	"github.com/fauer4effect/paxos/protocol/live/store"
	"github.com/fauer4effect/paxos/protocol/wire"
)

// Config says which server of which cluster to run, and on what.
type Config struct {
	Hosts    Hosts
	ID       protocol.ServerID   // its line in Hosts
	Port     int                 // UDP; of this server, and of hosts without one
	Address  netip.Addr          // to bind; the zero Addr is all interfaces
	Dir      string              // of the store
	FS       vfs.FS              // nil: the machine's
	Key      []byte              // authenticates datagrams; empty: nothing does
	Settings protocol.Settings   // see the function Settings
	App      func() protocol.App // a fresh one
	Tape     *Tape               // nil: nothing is recorded
	Meter    Meter               // nil: nobody measures
	// Watch sees each input and what came of it, in the server's own loop: it may not
	// block, nor keep them. Nil: nobody watches.
	Watch func(in *protocol.Input, out *protocol.Output)
}

const (
	inboxBatches    = 256     // of messages, between socket and loop
	maxWaitingBytes = 4 << 20 // of the operations of commands that wait: each is sent to all, again and again
	maxSessions     = 32768   // of all servers' commands, and of those of former lives
	stepsAtOnce     = 512     // inputs, before what came of them is written and sent
)

// Errors that a command can end with. After ErrUnknown it may have been executed, or may be
// yet; after the others it was not.
var (
	ErrUnknown = errors.New("outcome unknown")
	ErrBusy    = errors.New("too many commands are waiting")
	ErrTooBig  = fmt.Errorf("more than %d bytes", MaxOpBytes)
	ErrStopped = errors.New("the server stops")
	// ErrRefused: the others know another store as this server's, so that it can serve nothing.
	ErrRefused = errors.New("the others refuse this server's store")

	// ErrNotBegun: the caller's context ended before the server took the command.
	ErrNotBegun = errors.New("not begun")
)

// MaxOpBytes bounds an operation, so that every message fits the datagrams of one.
const MaxOpBytes = 64 << 10

// MaxWaiting bounds the commands that wait for their answers; more are refused, with ErrBusy.
const MaxWaiting = 4096

// Server is a running server. Its methods may be called from any goroutine.
type Server struct {
	cfg       Config
	started   time.Time
	store     *store.Store
	machine   *protocol.Server // the loop's
	socket    *socket
	disk      *disk
	out       protocol.Output
	held      []protocol.Outgoing // messages that wait for records
	synced    protocol.Position
	calls     sessions
	peers     peers
	truncated protocol.Seq
	refused   bool    // by the others: its store is not the one that it had (X18)
	again     []*call // to be asked once more, after what came of the last steps is done

	inbox    chan []protocol.Message
	requests chan *call
	elect    chan struct{}
	handOver chan protocol.ServerID
	cut      atomic.Uint32
	status   atomic.Pointer[Status]
	counts   Counts

	stop    chan struct{}
	ending  sync.Once
	ended   chan struct{} // closed when all goroutines are gone
	err     error         // why it ended; nil if it was asked to
	workers sync.WaitGroup
}

// Status is where a server stands.
type Status struct {
	At       time.Time // when it was so: the loop says it again every publishEvery
	ID       protocol.ServerID
	State    protocol.State
	View     protocol.View
	Leader   protocol.ServerID // of View; zero where the server is in an election
	ARU      protocol.Seq
	AppHash  uint64
	Formed   bool
	Life     uint64
	Store    protocol.StoreID
	Pending  int // updates that the machine keeps until they are executed
	Waiting  int // commands of clients
	Sessions int // that this server's commands use
	// OpenSessions are those of all servers' commands, by what this one has executed.
	OpenSessions int
	Truncated    protocol.Seq      // 1…Truncated is forgotten, since this life's beginning; zero for none
	Peers        []Peer            // that were heard of
	Refused      map[string]uint64 // datagrams, by reason
	Foreign      uint64            // the last other cluster that a datagram came from; zero for none
	Drops        map[string]uint64 // messages, by reason
}

// Start binds the socket, opens the store and begins to serve. The caller must Close it. Where
// the port is taken the store is not touched.
func Start(cfg Config) (*Server, error) {
	port := cfg.Port
	if own := cfg.Hosts[cfg.ID-1].Port; own != 0 {
		port = own
	}
	udp, err := listen(cfg.Address, port)
	if err != nil {
		return nil, err
	}
	st, err := store.Open(cfg.Dir, store.Identity{
		Cluster: cfg.Hosts.Cluster(), Server: cfg.ID, Servers: len(cfg.Hosts),
	}, cfg.FS)
	if err != nil {
		return nil, errors.Join(err, udp.Close())
	}
	s, err := start(cfg, st, udp)
	if err != nil {
		return nil, errors.Join(err, st.Close(), udp.Close())
	}
	return s, nil
}

// Defaults of a live server. Here a write costs a sync, and each message system calls. A few
// slots at once, each with all that waits, do 1.4 times as much as many small ones.
const (
	liveWindow     = 2
	liveBatchBytes = 32 << 10
)

// Settings are the settings of a live server: those given, with defaults of its own. Its sessions
// always expire. Its writes overlap (X16), unless the cluster was formed without: older versions
// did not overlap them.
func Settings(s protocol.Settings, stable *protocol.Stable) protocol.Settings {
	for _, f := range []struct {
		value    *int
		fallback int
	}{{&s.SessionLimit, maxSessions}, {&s.WindowSlots, liveWindow}, {&s.BatchBytes, liveBatchBytes}} {
		if *f.value == 0 {
			*f.value = f.fallback
		}
	}
	f, known := stable.Format()
	s.Overlap = !known || f&protocol.FormatOverlap != 0
	return s
}

func start(cfg Config, st *store.Store, udp *net.UDPConn) (*Server, error) {
	s := &Server{
		cfg: cfg, store: st, started: time.Now(),
		inbox: make(chan []protocol.Message, inboxBatches), requests: make(chan *call),
		elect: make(chan struct{}, 1), handOver: make(chan protocol.ServerID, 1), stop: make(chan struct{}), ended: make(chan struct{}),
	}
	stable := st.Stable()
	cfg.Settings = Settings(cfg.Settings, &stable)
	machine := protocol.Config{ID: cfg.ID, Servers: len(cfg.Hosts), Settings: cfg.Settings, Store: st.ID()}
	m, err := protocol.New(machine, 0, cfg.App(), stable)
	if err != nil {
		return nil, fmt.Errorf("store %s: %w", cfg.Dir, err)
	}
	s.machine = m
	s.synced = stable.Last()
	s.calls.init(cfg.ID, st.Life())
	if err := s.open(udp); err != nil {
		return nil, err
	}
	if err := cfg.Tape.begin(machine, stable, st.Life()); err != nil {
		return nil, err
	}
	s.disk = newDisk(st, st.Peers(), &s.counts)
	s.disk.meter = cfg.Meter
	s.publish()
	s.workers.Add(4)
	go s.works(s.loop)
	go s.works(func() error { return s.disk.run(s.stop) })
	go s.works(func() error { return s.socket.read(s.deliver) })
	go s.works(func() error { s.socket.resolve(cfg.Hosts, cfg.ID, cfg.Port, lookupIP4); return nil })
	go s.finish()
	return s, nil
}

// open makes the bound socket speak our datagrams.
func (s *Server) open(udp *net.UDPConn) error {
	encoder, err := wire.NewEncoder(wire.Identity{
		Cluster: s.cfg.Hosts.Cluster(), Server: s.cfg.ID, Life: s.store.Incarnation(),
	}, 0, s.cfg.Key)
	if err != nil {
		return err
	}
	s.socket = &socket{
		udp: udp, conn: ipv4.NewPacketConn(udp), encoder: encoder, cut: &s.cut, counts: &s.counts, done: s.stop,
		peers:   make([]atomic.Pointer[net.UDPAddr], len(s.cfg.Hosts)+1),
		decoder: wire.NewDecoder(s.cfg.Hosts.Cluster(), len(s.cfg.Hosts), s.cfg.Key),
	}
	s.socket.decoder.SetLives(s.store.Peers())
	return nil
}

// works runs one of the server's goroutines; its failure, or a bug of the machine, ends the
// server.
func (s *Server) works(do func() error) {
	defer s.workers.Done()
	defer func() {
		if p := recover(); p != nil {
			s.end(fmt.Errorf("server %d: a bug: %v", s.cfg.ID, p))
		}
	}()
	if err := do(); err != nil {
		s.end(err)
	}
}

// end stops all goroutines. The first reason stands.
func (s *Server) end(why error) {
	s.ending.Do(func() {
		s.err = why
		close(s.stop)
		s.socket.udp.Close() // ends its reader
	})
}

func (s *Server) finish() {
	s.workers.Wait()
	err := s.store.Close()
	if s.err == nil {
		s.err = err
	}
	if err := s.cfg.Tape.end(); s.err == nil {
		s.err = err
	}
	close(s.ended)
}

// Close stops the server and waits until all is written. It returns what ended the server,
// if it was not Close.
func (s *Server) Close() error {
	s.end(nil)
	<-s.ended
	return s.err
}

// Done is closed when the server has ended, by Close or by a failure, which Close returns.
func (s *Server) Done() <-chan struct{} { return s.ended }

// Stopped is closed when the server begins to end: it takes no more commands. Done follows.
func (s *Server) Stopped() <-chan struct{} { return s.stop }

// Status is where the server stood a moment ago.
func (s *Server) Status() Status { return *s.status.Load() }

// Elect makes the server start an election.
func (s *Server) Elect() {
	select {
	case s.elect <- struct{}{}:
	default: // one is on its way
	}
}

// HandOver makes the server, if it leads, give way to another one, without a failed command.
// Whether that comes about Status tells, of either.
func (s *Server) HandOver(to protocol.ServerID) {
	select {
	case s.handOver <- to:
	default: // one is on its way
	}
}

// Ignore makes the server deaf to those whose bit, counted by id, is set: a cut link, for
// tests of faults.
func (s *Server) Ignore(servers uint32) { s.cut.Store(servers) }

// Do executes one operation on the replicated application and returns its result. When ctx
// ends first the outcome is unknown, and ErrUnknown is returned.
func (s *Server) Do(ctx context.Context, op []byte) ([]byte, error) {
	return s.do(ctx, &call{op: op})
}

// Read is Do for an operation that changes nothing. The App's Query answers it, and it uses no
// slot of the log, unless the answer takes long.
func (s *Server) Read(ctx context.Context, op []byte) ([]byte, error) {
	return s.do(ctx, &call{op: op, read: true})
}

func (s *Server) do(ctx context.Context, c *call) ([]byte, error) {
	var begun time.Time
	if s.cfg.Meter != nil {
		begun = time.Now()
	}
	result, err := s.execute(ctx, c)
	s.counts.command(err)
	if s.cfg.Meter != nil && err == nil {
		s.cfg.Meter.Command(time.Since(begun))
	}
	return result, err
}

// execute hands a command to the loop and waits for what becomes of it.
func (s *Server) execute(ctx context.Context, c *call) ([]byte, error) {
	if len(c.op) > MaxOpBytes {
		return nil, ErrTooBig
	}
	c.done = make(chan answer, 1)
	select {
	case s.requests <- c:
	case <-s.stop:
		return nil, ErrStopped
	case <-ctx.Done():
		return nil, fmt.Errorf("%w: %w", ErrNotBegun, ctx.Err())
	}
	select {
	case a := <-c.done:
		return a.result, a.err
	case <-s.ended: // the loop answers all that it has taken before it ends; the two may come at once
		select {
		case a := <-c.done:
			return a.result, a.err
		default:
			return nil, ErrUnknown
		}
	case <-ctx.Done():
		return nil, ErrUnknown
	}
}

// deliver hands messages to the loop, or drops them while it is busy, as a network would.
func (s *Server) deliver(messages []protocol.Message) {
	select {
	case s.inbox <- messages:
	default:
		s.counts.overflow.Add(uint64(len(messages)))
	}
}
