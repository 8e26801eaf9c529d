package cluster

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
)

// network is the links between the servers.
type network interface {
	command(id int, program string, args []string) *exec.Cmd
	started(id int) // a life of the server has begun
	cut(from, to int)
	heal(from, to int)
	close() error
}

// CanNamespaces says whether this process may make network namespaces and cut links there:
// nil, or why not.
func CanNamespaces() error {
	if os.Geteuid() != 0 {
		return errors.New("it takes root")
	}
	for _, program := range []string{"ip", "iptables"} {
		if _, err := exec.LookPath(program); err != nil {
			return fmt.Errorf("%s is not installed", program)
		}
	}
	n := &namespaces{name: fmt.Sprintf("paxos-%d-try", os.Getpid())}
	defer n.close()
	if err := n.add(0); err != nil {
		return err
	}
	return ip("netns", "exec", n.of(0), "iptables", "-w", "-A", "INPUT", "-s", "10.77.0.1", "-j", "DROP")
}

// filter cuts links in the servers themselves: each is told whom to ignore. It is there for
// those who are not root.
type filter struct {
	cluster *Cluster
	mu      sync.Mutex
	ignored []uint32 // by server: bits of those it does not hear
}

func newFilter(c *Cluster) *filter {
	return &filter{cluster: c, ignored: make([]uint32, c.cfg.Nodes+1)}
}

func (f *filter) command(_ int, program string, args []string) *exec.Cmd {
	return exec.Command(program, args...)
}

func (f *filter) started(id int) {
	f.mu.Lock()
	mask := f.ignored[id]
	f.mu.Unlock()
	if mask != 0 {
		// The caller holds the server's lock.
		fmt.Fprintf(f.cluster.nodes[id].orders, "ignore %d\n", mask)
	}
}

func (f *filter) cut(from, to int) { f.set(to, func(mask uint32) uint32 { return mask | 1<<from }) }
func (f *filter) heal(from, to int) {
	f.set(to, func(mask uint32) uint32 { return mask &^ (1 << from) })
}

func (f *filter) set(id int, change func(uint32) uint32) {
	f.mu.Lock()
	f.ignored[id] = change(f.ignored[id])
	mask := f.ignored[id]
	f.mu.Unlock()
	f.cluster.order(id, fmt.Sprintf("ignore %d", mask))
}

func (f *filter) close() error { return nil }

// namespaces gives each server a network namespace, all joined by a bridge in one more. Links
// are cut by the receiver's packet filter.
type namespaces struct {
	name  string
	made  []int
	mu    sync.Mutex
	holes map[[2]int]bool
	err   error
}

func newNamespaces(servers int) (*namespaces, error) {
	if err := sweepNamespaces(); err != nil {
		return nil, err
	}
	n := &namespaces{name: fmt.Sprintf("paxos-%d", os.Getpid()), holes: map[[2]int]bool{}}
	if err := n.lay(servers); err != nil {
		return nil, errors.Join(err, n.close())
	}
	return n, nil
}

// sweepNamespaces removes the namespaces that killed processes of ours left behind.
func sweepNamespaces() error {
	out, err := exec.Command("ip", "netns", "list").Output()
	if err != nil {
		return fmt.Errorf("ip netns list: %w", err)
	}
	for line := range strings.Lines(string(out)) {
		name, _, _ := strings.Cut(strings.TrimSpace(line), " ")
		var pid int
		if n, _ := fmt.Sscanf(name, "paxos-%d-", &pid); n != 1 || !errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
			continue
		}
		_ = ip("netns", "delete", name) // another of ours may sweep, too
	}
	return nil
}

// lay makes the namespaces; number 0 holds the bridge.
func (n *namespaces) lay(servers int) error {
	for id := range servers + 1 {
		if err := n.add(id); err != nil {
			return err
		}
	}
	hub := n.of(0)
	if err := all(
		[]string{"-n", hub, "link", "add", "bridge", "type", "bridge"},
		[]string{"-n", hub, "link", "set", "bridge", "up"},
	); err != nil {
		return err
	}
	for id := 1; id <= servers; id++ {
		port := fmt.Sprintf("port%d", id)
		if err := all(
			[]string{"-n", n.of(id), "link", "add", "eth0", "type", "veth", "peer", "name", port, "netns", hub},
			[]string{"-n", n.of(id), "address", "add", n.host(id) + "/24", "dev", "eth0"},
			[]string{"-n", n.of(id), "link", "set", "lo", "up"},
			[]string{"-n", n.of(id), "link", "set", "eth0", "up"},
			[]string{"-n", hub, "link", "set", port, "master", "bridge", "up"},
		); err != nil {
			return err
		}
	}
	return nil
}

func all(commands ...[]string) error {
	for _, args := range commands {
		if err := ip(args...); err != nil {
			return err
		}
	}
	return nil
}

func ip(args ...string) error {
	out, err := exec.Command("ip", args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("ip %s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(string(out)))
	}
	return nil
}

func (n *namespaces) of(id int) string { return n.name + "-" + strconv.Itoa(id) }

func (n *namespaces) add(id int) error {
	err := ip("netns", "add", n.of(id))
	if err == nil {
		n.made = append(n.made, id)
	}
	return err
}

// namespaceHost is a server's address among those of its namespace's cluster.
func namespaceHost(id int) string { return fmt.Sprintf("10.77.0.%d", id) }

func (n *namespaces) host(id int) string { return namespaceHost(id) }
func (n *namespaces) started(int)        {}

func (n *namespaces) command(id int, program string, args []string) *exec.Cmd {
	return exec.Command("ip", append([]string{"netns", "exec", n.of(id), program}, args...)...)
}

func (n *namespaces) cut(from, to int)  { n.set(from, to, true) }
func (n *namespaces) heal(from, to int) { n.set(from, to, false) }

func (n *namespaces) set(from, to int, cut bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	link := [2]int{from, to}
	if n.holes[link] == cut {
		return
	}
	n.holes[link] = cut
	action := "-D"
	if cut {
		action = "-A"
	}
	err := ip("netns", "exec", n.of(to), "iptables", "-w", action, "INPUT", "-s", n.host(from), "-j", "DROP")
	n.err = errors.Join(n.err, err)
}

// close removes what was made, and says what went wrong since then.
func (n *namespaces) close() error {
	for _, id := range n.made {
		n.err = errors.Join(n.err, ip("netns", "delete", n.of(id)))
	}
	n.made = nil
	return n.err
}
