package cluster

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"

	"github.com/fauer4effect/paxos/protocol/live"
)

// The cluster's own files in its folder, which may be a folder with others in it.
const (
	hostsName = "cluster-hosts"
	keyName   = "cluster-key"
)

// ports are those of the host file that an earlier cluster left in the folder: the stores there know
// that file. Without one they are free ports, and it writes the file.
func (c *Cluster) ports() ([]int, error) {
	hosts, err := live.LoadHosts(c.hosts)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return c.makeHosts()
	case err != nil:
		return nil, err
	case len(hosts) != c.cfg.Nodes:
		return nil, fmt.Errorf("%s: it is of a cluster of %d servers, not %d", c.hosts, len(hosts), c.cfg.Nodes)
	}
	var ports []int
	for i, h := range hosts {
		if own := c.hostName(i + 1); h.Name != own || h.Port == 0 {
			return nil, fmt.Errorf("%s: host %d is %v: a cluster on this machine has %s and a port there; take another --data", c.hosts, i+1, h, own)
		}
		ports = append(ports, h.Port)
	}
	return ports, nil
}

func (c *Cluster) makeHosts() ([]int, error) {
	ports, err := freeUDP(c.cfg.Nodes)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	for i, port := range ports {
		fmt.Fprintf(&b, "%s:%d\n", c.hostName(i+1), port)
	}
	return ports, writeNew(c.hosts, b.Bytes(), 0o666)
}

// hostName is what the host file calls a server.
func (c *Cluster) hostName(id int) string {
	if c.cfg.Namespaces {
		return namespaceHost(id)
	}
	return "127.0.0.1"
}

// writeKey makes the key with which the servers authenticate, unless it is there.
func (c *Cluster) writeKey() error {
	err := writeNew(filepath.Join(c.cfg.Dir, keyName), []byte(rand.Text()), 0o600)
	if errors.Is(err, os.ErrExist) {
		return nil
	}
	return err
}

// writeNew writes a file that is not there yet.
func writeNew(path string, text []byte, mode os.FileMode) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	return errors.Join(err, f.Close())
}

const maxSocketPath = 107 // bytes: the kernel's sockaddr_un holds no more

// SocketPath refuses a path that a Unix socket can't have. The kernel says only "invalid
// argument".
func SocketPath(path string) error {
	if len(path) > maxSocketPath {
		return fmt.Errorf("a path of %d bytes; that of a Unix socket has at most %d", len(path), maxSocketPath)
	}
	return nil
}

// freeUDP finds ports that nobody uses now.
func freeUDP(n int) ([]int, error) {
	var ports []int
	for range n {
		conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err != nil {
			return nil, err
		}
		defer conn.Close() // all at the end, so that they differ
		ports = append(ports, conn.LocalAddr().(*net.UDPAddr).Port)
	}
	return ports, nil
}

// firstClientPort is where clients find server 1 of a cluster that is not tested; server 2 is at the next one,
// and so on. Redis's own port stays free.
const firstClientPort = 6381

// clientAddress is a server's usual address for clients or, where somebody else has that, another one.
func clientAddress(id int) (string, error) {
	usual := fmt.Sprintf("127.0.0.1:%d", firstClientPort+id-1)
	l, err := net.Listen("tcp4", usual)
	if err != nil {
		return freeTCP()
	}
	return usual, l.Close()
}

func freeTCP() (string, error) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}
