package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/gomodule/redigo/redis"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
)

const (
	startLimit = 30 * time.Second
	stopLimit  = 10 * time.Second
	etcdConns  = 16 // shared by the clients: more only cost etcd its time
)

// etcdCluster is three etcd-servers on this machine.
type etcdCluster struct {
	servers []*exec.Cmd
	conns   []*clientv3.Client
}

func startEtcd(ctx context.Context, dir string) (cluster, error) {
	program, err := exec.LookPath("etcd")
	if err != nil {
		return nil, errors.New("it is not installed: apt-get install etcd-server")
	}
	ports, err := freePorts(6)
	if err != nil {
		return nil, err
	}
	url := func(port int) string { return fmt.Sprintf("http://127.0.0.1:%d", port) }
	var members, endpoints []string
	for i := range 3 {
		members = append(members, fmt.Sprintf("s%d=%s", i+1, url(ports[i])))
		endpoints = append(endpoints, url(ports[3+i]))
	}
	c := &etcdCluster{}
	for i := range 3 {
		s := exec.Command(program, "--name", fmt.Sprintf("s%d", i+1), "--data-dir", filepath.Join(dir, fmt.Sprint(i+1)),
			"--listen-peer-urls", url(ports[i]), "--initial-advertise-peer-urls", url(ports[i]),
			"--listen-client-urls", url(ports[3+i]), "--advertise-client-urls", url(ports[3+i]),
			"--initial-cluster", strings.Join(members, ","), "--log-level", "error")
		s.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
		if err := s.Start(); err != nil {
			c.close()
			return nil, err
		}
		c.servers = append(c.servers, s)
	}
	if err := c.connect(ctx, endpoints); err != nil {
		c.close()
		return nil, err
	}
	return c, nil
}

// connect opens the connections, to the leader: that saves a way within the cluster.
func (c *etcdCluster) connect(ctx context.Context, endpoints []string) error {
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	leader := ""
	for leader == "" {
		for _, at := range endpoints {
			one, err := clientv3.New(clientv3.Config{Endpoints: []string{at}, DialTimeout: time.Second, Logger: zap.NewNop()})
			if err != nil {
				continue
			}
			asking, cancel := context.WithTimeout(ctx, time.Second)
			if st, err := one.Status(asking, at); err == nil && st.Leader == st.Header.MemberId {
				leader = at
			}
			cancel()
			one.Close()
		}
		if ctx.Err() != nil {
			return fmt.Errorf("no leader within %v", startLimit)
		}
	}
	for range etcdConns {
		one, err := clientv3.New(clientv3.Config{Endpoints: []string{leader}, DialTimeout: 5 * time.Second, Logger: zap.NewNop()})
		if err != nil {
			return err
		}
		c.conns = append(c.conns, one)
	}
	return nil
}

func (c *etcdCluster) client(i int) (func(context.Context, string, string) error, error) {
	conn := c.conns[i%len(c.conns)]
	return func(ctx context.Context, key, value string) error {
		_, err := conn.Put(ctx, key, value)
		return err
	}, nil
}

func (c *etcdCluster) close() {
	for _, conn := range c.conns {
		conn.Close()
	}
	for _, s := range c.servers {
		end(s)
	}
}

// paxosCluster is what `paxos cluster` runs.
type paxosCluster struct {
	program *exec.Cmd
	leader  string
	mu      sync.Mutex
	conns   []redis.Conn
}

var (
	clientLine = regexp.MustCompile(`^server (\d+) .* redis (\S+)`)
	leadsLine  = regexp.MustCompile(`^server (\d+) leads`)
)

func startPaxos(ctx context.Context, dir string) (cluster, error) {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, err
	}
	program := filepath.Join(dir, "paxos")
	build := exec.CommandContext(ctx, "go", "build", "-o", program, "./cmd/paxos")
	build.Dir = filepath.Join("..", "..")
	if out, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("go build: %w\n%s", err, out)
	}
	c := &paxosCluster{program: exec.Command(program, "cluster", "--nodes", "3", "--data", filepath.Join(dir, "data"))}
	c.program.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	var problem bytes.Buffer
	c.program.Stderr = &problem
	out, err := c.program.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := c.program.Start(); err != nil {
		return nil, err
	}
	clients := map[string]string{}
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if m := clientLine.FindStringSubmatch(lines.Text()); m != nil {
			clients[m[1]] = m[2]
		}
		if m := leadsLine.FindStringSubmatch(lines.Text()); m != nil {
			c.leader = clients[m[1]]
			return c, nil
		}
	}
	end(c.program)
	return nil, fmt.Errorf("it does not start: %s", problem.String())
}

func (c *paxosCluster) client(int) (func(context.Context, string, string) error, error) {
	conn, err := redis.Dial("tcp", c.leader)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	c.conns = append(c.conns, conn)
	c.mu.Unlock()
	return func(_ context.Context, key, value string) error {
		_, err := conn.Do("SET", key, value)
		return err
	}, nil
}

func (c *paxosCluster) close() {
	for _, conn := range c.conns {
		conn.Close()
	}
	end(c.program)
}

// end asks a process to end, and makes it.
func end(p *exec.Cmd) {
	_ = p.Process.Signal(syscall.SIGTERM)
	late := time.AfterFunc(stopLimit, func() { _ = p.Process.Kill() })
	_ = p.Wait()
	late.Stop()
}

// freePorts finds TCP ports that nobody uses now.
func freePorts(n int) ([]int, error) {
	var ports []int
	for range n {
		l, err := net.Listen("tcp4", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer l.Close() // all at the end, so that they differ
		ports = append(ports, l.Addr().(*net.TCPAddr).Port)
	}
	return ports, nil
}
