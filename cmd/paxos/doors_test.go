//go:build unix

package main

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/fauer4effect/paxos/sim/testbed/cli"
)

// A socket's file is taken away only where a server that is gone has left it behind.
func TestListenAtLeavesOthersSockets(t *testing.T) {
	dir, err := os.MkdirTemp("", "doors") // short: a socket's path is
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	left := filepath.Join(dir, "left")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: left})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	l.Close()
	if l, err := listenAt(left); err != nil {
		t.Errorf("one that was left behind: %v", err)
	} else {
		l.Close()
	}
	datagrams := filepath.Join(dir, "datagrams")
	other, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: datagrams, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	for _, path := range []string{datagrams, link(t, datagrams)} {
		if l, err := listenAt(path); err == nil {
			l.Close()
			t.Errorf("%s: another program's socket is taken", path)
		}
	}
	if _, err := os.Stat(datagrams); err != nil {
		t.Errorf("another program's socket is gone: %v", err)
	}
}

func link(t *testing.T, to string) string {
	t.Helper()
	path := to + ".link"
	if err := os.Symlink(to, path); err != nil {
		t.Fatal(err)
	}
	return path
}

// A server that is told to end before its cluster is formed tells its clients that nothing was
// executed, and ends at once.
func TestTerminatedBeforeFormation(t *testing.T) {
	port, _ := hostFile(t)
	address := freePort(t)
	hosts := filepath.Join(t.TempDir(), "hosts")
	if err := os.WriteFile(hosts, fmt.Appendf(nil, "localhost:%d\nlocalhost:1\n", port), 0o666); err != nil {
		t.Fatal(err)
	}
	metrics := freePort(t)
	r := serving(t, fmt.Sprintf("serve -p %d -h %s --id 1 --data %s --client %s --metrics %s", port, hosts, filepath.Join(t.TempDir(), "store"), address, metrics))
	awaits(t, "http://"+metrics+"/metrics", "\npaxos_up 1\n")
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprint(conn, "INCR n\n")
	awaits(t, "http://"+metrics+"/metrics", "\npaxos_waiting_commands 1\n")
	if status := r.ends(errTerminated); status != 0 {
		t.Errorf("status %d: %s", status, &r.stderr)
	}
	reply := make([]byte, 100)
	n, _ := conn.Read(reply)
	if want := "-STOPPING the server stops; nothing was executed\r\n"; string(reply[:n]) != want {
		t.Errorf("its client hears %q, not %q", reply[:n], want)
	}
}

// What is written as a whole goes through a link to what it names, and into a pipe.
func TestWriteWholeKeepsLinksAndPipes(t *testing.T) {
	target := file(t, "target", "old")
	path := link(t, target)
	if err := cli.WriteWhole(path, []byte("new")); err != nil {
		t.Fatal(err)
	}
	if text, _ := os.ReadFile(target); string(text) != "new" {
		t.Errorf("the target holds %q", text)
	}
	if info, _ := os.Lstat(path); info.Mode()&os.ModeSymlink == 0 {
		t.Error("the link is gone")
	}
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	read := make(chan string)
	go func() {
		text, _ := os.ReadFile(pipe)
		read <- string(text)
	}()
	if err := cli.WriteWhole(pipe, []byte("page")); err != nil || <-read != "page" {
		t.Errorf("into the pipe: %v", err)
	}
}
