package live

import (
	"strings"
	"testing"

	"github.com/fauer4effect/paxos/protocol"
)

func TestHosts(t *testing.T) {
	hosts, err := ReadHosts(strings.NewReader("# three\nalpha\n beta:7001 # the second\n\n10.0.0.3:7\n"))
	if err != nil || len(hosts) != 3 || hosts[1] != (Host{"beta", 7001}) || hosts[0] != (Host{"alpha", 0}) {
		t.Fatalf("%v, %v", hosts, err)
	}
	same, _ := ReadHosts(strings.NewReader("\ufeffalpha\nbeta:7001\n10.0.0.3:7"))
	other, _ := ReadHosts(strings.NewReader("beta:7001\nalpha\n10.0.0.3:7"))
	if hosts.Cluster() != same.Cluster() || hosts.Cluster() == other.Cluster() {
		t.Error("the cluster's id is not that of the lines in order, comments aside")
	}
	for text, want := range map[string]string{
		"":                               "it names no host",
		"# nobody\n":                     "it names no host",
		"a b\n":                          `line 1: "a b": one host a line`,
		"a\na:x\n":                       `line 2: "a:x": port "x": it is a number from 1 to 65535`,
		"a:0\n":                          `line 1: "a:0": port "0"`,
		":7\n":                           `line 1: ":7": a host is a name`,
		"[::1]:7\n":                      `line 1: "[::1]:7": a host is a name or an IPv4 address`,
		"a\n\na\n":                       "line 3: a stands in line 1 already",
		"1\n2\n3\n4\n5\n6\n7\n8\n9\n10":  "line 10: a cluster has 1 to 9 servers",
		"a\x00\n":                        `line 1: "a\x00": no host has such characters`,
		"\xff\xfea\n":                    `line 1: "\xff\xfea": no host has such characters`,
		"a\n\ufeffb\n":                   "line 2: ",
		strings.Repeat("#", maxHostFile): "more than 65536 bytes",
	} {
		if _, err := ReadHosts(strings.NewReader(text)); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%.20q: %v, want %s", text, err, want)
		}
	}
	local := Hosts{{"127.0.0.1", 7001}, {"127.0.0.1", 7002}, {"192.0.2.1", 0}}
	if id, err := local.Own(7002); id != 2 || err != nil {
		t.Errorf("port 7002 is line %d, %v", id, err)
	}
	for _, c := range []struct {
		hosts Hosts
		want  string
	}{
		{local, "line 1 is this machine, but its port is 7001, not 9"},
		{Hosts{{"192.0.2.1", 0}}, "no line of the host file is this machine"},
		{Hosts{{"127.0.0.1", 0}, {"127.0.0.2", 0}}, "lines 1 and 2 are this machine"},
	} {
		if _, err := c.hosts.Own(9); err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%v: %v, want %s", c.hosts, err, c.want)
		}
	}
}

// Whatever a host file holds, it is hosts or an error of one line.
func FuzzHosts(f *testing.F) {
	f.Add("alpha\nbeta:7001 # the second\n")
	f.Fuzz(func(t *testing.T, text string) {
		hosts, err := ReadHosts(strings.NewReader(text))
		switch {
		case err == nil && (len(hosts) == 0 || len(hosts) > protocol.MaxServers):
			t.Errorf("%d hosts", len(hosts))
		case err != nil && strings.Contains(err.Error(), "\n"):
			t.Errorf("an error of several lines: %q", err)
		}
	})
}
