package cluster

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/gomodule/redigo/redis"

	"github.com/fauer4effect/paxos/protocol"
)

// Config says what to run.
type Config struct {
	Program string // the paxos program
	Dir     string // where stores, logs and recordings go; it must exist
	Nodes   int
	// Tested clusters are there to be broken. Their disks lose what is not synced, their clients
	// come over Unix sockets, and their servers record all inputs and outputs.
	Tested bool
	// Namespaces gives each server a network of its own, so that links can be cut in the
	// kernel. It takes root, ip and iptables.
	Namespaces bool
}

// Cluster is some servers and the links between them. Its methods may be called from any
// goroutine.
type Cluster struct {
	cfg   Config
	hosts string // the host file
	net   network
	nodes []*node // by id; 0 unused
}

// testedSettings have tested servers truncate within a second: so a server that was down returns by
// snapshot. They allow two sessions for each client. Pipelines ask for more, so that sessions end.
// Idle sessions stay: if they ended, that would hide an update that is stuck in one.
var testedSettings = protocol.Settings{SnapshotSlots: 30, HistorySlots: 60, SessionLimit: 2 * clients}

// node is one server, over all its lives.
type node struct {
	id     int
	client string // address of clients: host:port, or a path
	port   int
	mu     sync.Mutex
	cmd    *exec.Cmd // nil while it is down
	orders io.WriteCloser
	paused bool
	killed bool // by us: its end is no surprise
	ended  chan struct{}
	err    error // how its last life ended, if that was a surprise
}

// Check says why there can be no such cluster, before anything is made.
func (cfg Config) Check() error {
	if name := foreignIn(cfg.Dir); name != "" {
		return fmt.Errorf("it holds no cluster, but other files, such as %s", name)
	}
	if !cfg.Tested {
		return nil
	}
	c := &Cluster{cfg: cfg}
	if err := SocketPath(c.path(cfg.Nodes, "sock")); err != nil {
		return fmt.Errorf("%s: %w", c.path(cfg.Nodes, "sock"), err)
	}
	return nil
}

// foreignIn is a file in the folder that no cluster has put there, "" for none.
func foreignIn(dir string) string {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return "" // MkdirAll says what is wrong, if anything
	}
	for _, e := range entries {
		if name := e.Name(); !strings.HasPrefix(name, "server-") && !strings.HasPrefix(name, "cluster-") && name != "history.jsonl" {
			return name
		}
	}
	return ""
}

// New lays a cluster out. Close undoes it.
func New(cfg Config) (*Cluster, error) {
	c := &Cluster{cfg: cfg, nodes: make([]*node, cfg.Nodes+1), hosts: filepath.Join(cfg.Dir, hostsName)}
	known, err := c.ports()
	if err != nil {
		return nil, err
	}
	for id := 1; id <= cfg.Nodes; id++ {
		n := &node{id: id, port: known[id-1]}
		n.client = c.path(id, "sock")
		if !cfg.Tested {
			if n.client, err = clientAddress(id); err != nil {
				return nil, err
			}
		}
		c.nodes[id] = n
	}
	c.net = newFilter(c)
	if cfg.Namespaces {
		if err := c.writeKey(); err != nil {
			return nil, err
		}
		if c.net, err = newNamespaces(cfg.Nodes); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// path is a file of a server.
func (c *Cluster) path(id int, what string) string {
	return filepath.Join(c.cfg.Dir, fmt.Sprintf("server-%d.%s", id, what))
}

// Store, Log and Tape are where a server keeps its records, its output and its recording.
func (c *Cluster) Store(id int) string { return filepath.Join(c.cfg.Dir, fmt.Sprintf("server-%d", id)) }
func (c *Cluster) Log(id int) string   { return c.path(id, "log") }
func (c *Cluster) Tape(id int) string  { return c.path(id, "tape.jsonl") }

// Client is the address for Redis clients of a server.
func (c *Cluster) Client(id int) string { return c.nodes[id].client }

// PID is the process of a server, zero while it is down.
func (c *Cluster) PID(id int) int {
	n := c.nodes[id]
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.cmd == nil {
		return 0
	}
	return n.cmd.Process.Pid
}

// Start begins a life of a server. It does nothing if it is up.
func (c *Cluster) Start(id int) error {
	n := c.nodes[id]
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.cmd != nil {
		return nil
	}
	args := []string{
		"serve", "-p", strconv.Itoa(n.port), "-h", c.hosts, "--id", strconv.Itoa(id),
		"--data", c.Store(id), "--client", n.client, "--child",
	}
	if c.cfg.Tested {
		settings, err := json.Marshal(testedSettings)
		if err != nil {
			return err
		}
		args = append(args, "--power-cuts", "--record", c.Tape(id), "--settings", string(settings))
	}
	if c.cfg.Namespaces {
		args = append(args, "--key-file", filepath.Join(c.cfg.Dir, keyName))
	}
	command := c.net.command(id, c.cfg.Program, args)
	log, err := os.OpenFile(c.Log(id), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o666)
	if err != nil {
		return err
	}
	defer log.Close() // the child has its own
	command.Stdout, command.Stderr = log, log
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // a terminal's Ctrl-C is for us
	orders, err := command.StdinPipe()
	if err != nil {
		return err
	}
	if err := command.Start(); err != nil {
		return fmt.Errorf("server %d: %w", id, err)
	}
	n.cmd, n.orders, n.killed, n.paused, n.ended = command, orders, false, false, make(chan struct{})
	go n.wait(command, n.ended)
	c.net.started(id)
	return nil
}

// wait notes the end of a life.
func (n *node) wait(command *exec.Cmd, ended chan struct{}) {
	_ = command.Wait() // the state says how it went
	n.mu.Lock()
	if !n.killed && n.err == nil {
		n.err = fmt.Errorf("server %d ended by itself: %v", n.id, command.ProcessState)
	}
	n.cmd = nil
	n.mu.Unlock()
	close(ended)
}

// signal sends a signal; false where the server is down.
func (n *node) signal(s syscall.Signal) bool {
	return n.cmd != nil && n.cmd.Process.Signal(s) == nil
}

// Kill ends a server's life as a power cut would, and waits for the end.
func (c *Cluster) Kill(id int) { c.stop(id, syscall.SIGKILL) }

// Stop asks a server to end, and waits until it has.
func (c *Cluster) Stop(id int) { c.stop(id, syscall.SIGTERM) }

const stopLimit = 20 * time.Second

func (c *Cluster) stop(id int, s syscall.Signal) {
	n := c.nodes[id]
	n.mu.Lock()
	if n.cmd == nil {
		n.mu.Unlock()
		return
	}
	n.killed = true
	n.signal(s)
	n.signal(syscall.SIGCONT) // a stopped process takes no SIGTERM
	n.paused = false
	ended := n.ended
	n.mu.Unlock()
	select {
	case <-ended:
	case <-time.After(stopLimit):
		n.mu.Lock()
		n.err = fmt.Errorf("server %d did not end within %v", id, stopLimit)
		n.signal(syscall.SIGKILL)
		n.mu.Unlock()
		<-ended
	}
}

// Pause stops a server's process for a while, without its noticing; Resume lets it go on.
func (c *Cluster) Pause(id int) {
	n := c.nodes[id]
	n.mu.Lock()
	defer n.mu.Unlock()
	n.paused = n.signal(syscall.SIGSTOP)
}

// Resume ends a Pause.
func (c *Cluster) Resume(id int) {
	n := c.nodes[id]
	n.mu.Lock()
	defer n.mu.Unlock()
	n.signal(syscall.SIGCONT)
	n.paused = false
}

// Cut closes the link from one server to another, Heal opens it.
func (c *Cluster) Cut(from, to int)  { c.net.cut(from, to) }
func (c *Cluster) Heal(from, to int) { c.net.heal(from, to) }

// HandOver asks a server, which leads, to give way to another; an error says that it does not.
func (c *Cluster) HandOver(from, to int) error {
	conn, err := dial(c.Client(from), infoLimit)
	if err != nil {
		return err
	}
	defer conn.Close()
	_, err = conn.Do("PAXOS", "HANDOVER", to)
	return err
}

// order tells a server something on its standard input.
func (c *Cluster) order(id int, line string) {
	n := c.nodes[id]
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.cmd != nil && !n.paused {
		fmt.Fprintln(n.orders, line) // a server that ends does not mind
	}
}

// Surprise is the first end of a server that nobody asked for, with what it wrote last.
func (c *Cluster) Surprise() error {
	for _, n := range c.nodes[1:] {
		n.mu.Lock()
		err := n.err
		n.mu.Unlock()
		if err != nil {
			return fmt.Errorf("%w; its log ends with: %s", err, lastLine(c.Log(n.id)))
		}
	}
	return nil
}

func lastLine(path string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return lines[len(lines)-1]
}

// Info is what a server says of itself.
type Info struct {
	State     string
	View      uint64
	Leader    int
	ARU       uint64
	StateHash string
	Waiting   int // commands of clients
}

// Leads says whether the server believes to lead.
func (i Info) Leads() bool { return i.State == "RegLeader" }

const infoLimit = 500 * time.Millisecond

// Info asks a server where it stands.
func (c *Cluster) Info(id int) (Info, error) {
	conn, err := dial(c.Client(id), infoLimit)
	if err != nil {
		return Info{}, err
	}
	defer conn.Close()
	text, err := redis.String(conn.Do("INFO"))
	if err != nil {
		return Info{}, err
	}
	var i Info
	for s := bufio.NewScanner(strings.NewReader(text)); s.Scan(); {
		name, value, _ := strings.Cut(s.Text(), ":")
		switch name {
		case "state":
			i.State = value
		case "view":
			i.View, _ = strconv.ParseUint(value, 10, 64)
		case "leader":
			i.Leader, _ = strconv.Atoi(value)
		case "aru":
			i.ARU, _ = strconv.ParseUint(value, 10, 64)
		case "waiting":
			i.Waiting, _ = strconv.Atoi(value)
		case "state_hash":
			i.StateHash = value
		}
	}
	return i, nil
}

func dial(address string, limit time.Duration) (redis.Conn, error) {
	kind := "tcp"
	if strings.Contains(address, "/") {
		kind = "unix"
	}
	return redis.Dial(kind, address, redis.DialConnectTimeout(limit), redis.DialReadTimeout(limit), redis.DialWriteTimeout(limit))
}

// Leader is the server that leads now, zero for none, by asking all.
func (c *Cluster) Leader() int {
	leader, view := 0, uint64(0)
	for id := 1; id <= c.cfg.Nodes; id++ {
		if i, err := c.Info(id); err == nil && i.Leads() && i.View > view {
			leader, view = id, i.View
		}
	}
	return leader
}

// AwaitLeader waits until a server leads.
func (c *Cluster) AwaitLeader(ctx context.Context) (int, error) {
	for {
		if leader := c.Leader(); leader != 0 {
			return leader, nil
		}
		if err := c.Surprise(); err != nil {
			return 0, err
		}
		select {
		case <-ctx.Done():
			return 0, fmt.Errorf("no leader: %w", ctx.Err())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// StartAll begins a life of each server that is down.
func (c *Cluster) StartAll() error {
	for id := 1; id <= c.cfg.Nodes; id++ {
		if err := c.Start(id); err != nil {
			return err
		}
	}
	return nil
}

// Close ends all servers and takes the network down.
func (c *Cluster) Close() error {
	var all sync.WaitGroup
	for id := 1; id <= c.cfg.Nodes; id++ {
		all.Go(func() { c.Stop(id) })
	}
	all.Wait()
	return c.net.close()
}
