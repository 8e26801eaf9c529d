package live

import (
	"bufio"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"unicode"

	"github.com/fauer4effect/paxos/protocol"
)

// Hosts are a cluster's servers, as its host file lists them: server 1 is the first line.
type Hosts []Host

// Host is one line of a host file: `name`, or `name:port`.
type Host struct {
	Name string // or an address
	Port int    // 0: the one that the program was given
}

func (h Host) String() string {
	if h.Port == 0 {
		return h.Name
	}
	return net.JoinHostPort(h.Name, strconv.Itoa(h.Port))
}

const maxHostFile = 64 << 10 // bytes; nine lines need no more

// LoadHosts reads the host file of that name.
func LoadHosts(path string) (Hosts, error) {
	f, err := os.Open(path)
	if err != nil {
		var p *os.PathError
		if errors.As(err, &p) {
			err = p.Err
		}
		return nil, fmt.Errorf("host file %s: %w", path, err)
	}
	defer f.Close()
	hosts, err := ReadHosts(f)
	if err != nil {
		return nil, fmt.Errorf("host file %s: %w", path, err)
	}
	return hosts, nil
}

// ReadHosts reads a host file: a server a line, `#` begins a comment.
func ReadHosts(r io.Reader) (Hosts, error) {
	var hosts Hosts
	lines := map[Host]int{}
	s := bufio.NewScanner(io.LimitReader(r, maxHostFile+1))
	s.Buffer(nil, maxHostFile+2)
	read := 0
	for n := 1; s.Scan(); n++ {
		if read += len(s.Bytes()) + 1; read > maxHostFile {
			return nil, fmt.Errorf("more than %d bytes: is it a host file?", maxHostFile)
		}
		text := s.Text()
		if n == 1 {
			text = strings.TrimPrefix(text, "\ufeff") // some editors begin UTF-8 with it
		}
		line, _, _ := strings.Cut(text, "#")
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		host, err := parseHost(line)
		switch {
		case err != nil:
			return nil, fmt.Errorf("line %d: %w", n, err)
		case lines[host] > 0:
			return nil, fmt.Errorf("line %d: %v stands in line %d already", n, host, lines[host])
		case len(hosts) == protocol.MaxServers:
			return nil, fmt.Errorf("line %d: a cluster has 1 to %d servers", n, protocol.MaxServers)
		}
		lines[host] = n
		hosts = append(hosts, host)
	}
	if err := s.Err(); err != nil {
		return nil, err
	}
	if len(hosts) == 0 {
		return nil, errors.New("it names no host")
	}
	return hosts, nil
}

func parseHost(line string) (Host, error) {
	if strings.ContainsFunc(line, func(r rune) bool { return r != '\t' && !unicode.IsPrint(r) || r == unicode.ReplacementChar }) {
		return Host{}, fmt.Errorf("%q: no host has such characters: the file must be plain text, in UTF-8", line)
	}
	if strings.ContainsAny(line, " \t") {
		return Host{}, fmt.Errorf("%q: one host a line, as name or name:port", line)
	}
	name, portText, found := line, "", false
	if i := strings.LastIndexByte(line, ':'); i >= 0 {
		name, portText, found = line[:i], line[i+1:], true
	}
	switch {
	case name == "" || strings.ContainsAny(name, ":[]"):
		return Host{}, fmt.Errorf("%q: a host is a name or an IPv4 address, as in name:port", line)
	case !found:
		return Host{Name: name}, nil
	}
	port, err := ParsePort(portText)
	if err != nil {
		return Host{}, fmt.Errorf("%q: %w", line, err)
	}
	return Host{Name: name, Port: port}, nil
}

// ParsePort reads a port number.
func ParsePort(text string) (int, error) {
	port, err := strconv.Atoi(text)
	if err != nil || port < 1 || port > 65535 {
		return 0, fmt.Errorf("port %q: it is a number from 1 to 65535", text)
	}
	return port, nil
}

// Cluster identifies the cluster: a hash of the lines in their order, comments aside. Servers
// whose host files differ refuse each other.
func (h Hosts) Cluster() uint64 {
	sum := sha256.New()
	for _, host := range h {
		fmt.Fprintln(sum, host)
	}
	return binary.BigEndian.Uint64(sum.Sum(nil))
}

// Own finds the server that this machine is, by host name or address; port is the one that
// lines without one mean. Where several servers share a machine, their ports tell them
// apart, or the caller must.
func (h Hosts) Own(port int) (protocol.ServerID, error) {
	var local, bound []protocol.ServerID
	here := newHere()
	for i, host := range h {
		if !here.is(host.Name) {
			continue
		}
		id := protocol.ServerID(i + 1)
		local = append(local, id)
		if host.Port == 0 || host.Port == port {
			bound = append(bound, id)
		}
	}
	switch {
	case len(bound) == 1:
		return bound[0], nil
	case len(local) == 0:
		return 0, fmt.Errorf("no line of the host file is this machine (%s)", here)
	case len(bound) == 0:
		return 0, fmt.Errorf("line %d is this machine, but its port is %d, not %d", local[0], h[local[0]-1].Port, port)
	}
	return 0, fmt.Errorf("lines %s are this machine", joined(bound))
}

func joined(ids []protocol.ServerID) string {
	var words []string
	for _, id := range ids {
		words = append(words, strconv.Itoa(int(id)))
	}
	return strings.Join(words[:len(words)-1], ", ") + " and " + words[len(words)-1]
}

// here is this machine: its name and its addresses.
type here struct {
	name      string
	addresses map[string]bool
}

func newHere() here {
	h := here{addresses: map[string]bool{}}
	h.name, _ = os.Hostname() // without a name the addresses must do
	found, _ := net.InterfaceAddrs()
	for _, a := range found {
		if n, ok := a.(*net.IPNet); ok {
			h.addresses[n.IP.String()] = true
		}
	}
	return h
}

func (h here) is(name string) bool {
	if h.name != "" && strings.EqualFold(name, h.name) {
		return true
	}
	ips, err := net.LookupIP(name)
	if err != nil {
		return false // a peer's name may not resolve yet
	}
	for _, ip := range ips {
		if ip.IsLoopback() || h.addresses[ip.String()] {
			return true
		}
	}
	return false
}

func (h here) String() string {
	if h.name == "" {
		return "which has no name"
	}
	return h.name
}
