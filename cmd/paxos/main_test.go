package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/fauer4effect/paxos/sim"
	"github.com/fauer4effect/paxos/sim/testbed/cli"
)

// result is what a command left behind.
type result struct {
	status         int
	stdout, stderr string
}

// paxos runs the program in-process.
func paxos(t *testing.T, args ...string) result {
	t.Helper()
	return paxosUntil(t, t.Context(), args...)
}

func paxosUntil(t *testing.T, ctx context.Context, args ...string) result {
	t.Helper()
	var stdout, stderr bytes.Buffer
	status := run(ctx, args, &stdout, &stderr)
	return result{status, stdout.String(), stderr.String()}
}

// wants fails unless the command ended so, and without a word on stderr where it ended well.
func (r result) wants(t *testing.T, status int) result {
	t.Helper()
	if r.status != status || status < statusUsage && r.stderr != "" {
		t.Fatalf("status %d, want %d\nstdout: %s\nstderr: %s", r.status, status, r.stdout, r.stderr)
	}
	return r
}

// decode reads stdout strictly: one JSON object of known fields, and nothing else.
func decode[T any](t *testing.T, r result) T {
	t.Helper()
	var v T
	d := json.NewDecoder(strings.NewReader(r.stdout))
	d.DisallowUnknownFields()
	if err := d.Decode(&v); err != nil {
		t.Fatalf("stdout is not the object: %v\n%s", err, r.stdout)
	}
	if d.More() || strings.Count(r.stdout, "\n") != 1 {
		t.Fatalf("stdout holds more than one object in a line:\n%s", r.stdout)
	}
	return v
}

// A command that starts servers starts this program, which under test is the test binary. Then it
// must do as the program would, and not run all the tests again.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && !strings.HasPrefix(os.Args[1], "-test.") {
		main()
	}
	os.Exit(m.Run())
}

// file writes a file of that text and returns its path.
func file(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// planFile writes the plan of a seed, changed as told.
func planFile(t *testing.T, seed uint64, change func(*sim.Plan)) string {
	t.Helper()
	p := sim.Swarm(seed, sim.SwarmOptions{})
	if change != nil {
		change(p)
	}
	return file(t, "plan.json", string(p.Encode()))
}

// impatient makes L1 fail: what a client asked must be answered in no time.
func impatient(p *sim.Plan) {
	p.Tail.Clients, p.Faults, p.Clocks = nil, nil, nil
	p.Tail.Settle, p.Tail.Answer, p.Tail.For = 1, 1, 1_000_000_000
	p.Workload.Tries, p.Workload.Timeout = 0, 1_000_000 // it looks at its watch before any answer can come
}

// Bad input ends with status 2 and exactly one line that says what and where, before
// anything is run or written.
func TestBadInputIsToldInOneLine(t *testing.T) {
	good := string(sim.Swarm(1, sim.SwarmOptions{}).Encode())
	plain := file(t, "plain", "x")
	hosts := file(t, "hosts", "127.0.0.1:7001\n127.0.0.1:7002\n127.0.0.1:7003\n")
	abroad := file(t, "abroad", "127.0.0.1\n192.0.2.1\n")
	foreign := filepath.Dir(file(t, "precious", "x"))
	lost := file(t, "lost", "127.0.0.1:7001\nnowhere.invalid:7002\n")
	wide := file(t, "wide", "\xff\xfe1\x00\n")
	full := filepath.Dir(file(t, "history.jsonl", "x"))
	others := filepath.Dir(file(t, "cluster-hosts", "127.0.0.1:7001\nalpha:7001\nbeta:7001\n"))
	for _, c := range []struct {
		args string
		want string
	}{
		{"swep", `paxos: unknown command "swep" (did you mean sweep?`},
		{"explain plan.json", `unknown command "explain"`},
		{"shrink", "it takes one plan, not 0"},
		{"shrink nowhere.json", "plan nowhere.json: no such file"},
		{"shrink " + planFile(t, 1, nil), "the plan does not fail: there is nothing to shrink"},
		{"shrink -o", "paxos: shrink: -o: its value is missing"},
		{"--nodes 3", "unknown flag --nodes"},
		{"-p 7001 -h", "paxos: -h: its value is missing (paxos --help"},
		{"-p", "paxos: -p: its value is missing"},
		{"-t", "paxos: -p PORT is missing (for example: paxos serve -p 55555 -h hosts)"},
		{"-p 7001", "paxos: -h HOSTFILE is missing"},
		{"-p 0 -h hosts", "--port 0: port \"0\": it is a number from 1 to 65535"},
		{"-p 65536 -h hosts", "--port 65536"},
		{"-p 7001 -h nowhere", "paxos: -h: host file nowhere: no such file"},
		{"-p 7001 -h " + t.TempDir(), "is a directory"},
		{"-p 7001 -h " + file(t, "none", "# nobody\n"), "it names no host"},
		{"-p 7001 -h " + file(t, "words", "a b\n"), `line 1: "a b": one host a line`},
		{"-p 7001 -h " + file(t, "far", "192.0.2.1\n"), "no line of the host file is this machine"},
		{"-p 7001 -h hosts extra", "extra"},
		{"serve", "paxos: serve: -p PORT is missing"},
		{"serve -p 7004 -h " + hosts, "is this machine, but its port is 7001, not 7004"},
		{"serve -p 7001 --id 2 -h " + hosts, "-p 7001: line 2 of " + hosts + " has port 7002"},
		{"serve -p 7001 --id 4 -h " + hosts, "--id 4: " + hosts + " has 3 hosts"},
		{"serve -p 7001 --id 0 -h " + hosts, "--id 0: a cluster has 1 to 9 servers"},
		{"serve -p 7001 -h " + abroad, "host 2, 192.0.2.1, is not on the loopback interface, and nothing authenticates"},
		{"serve -p 7001 -h " + hosts + " --key-file nowhere", "--key-file nowhere: no such file"},
		{"serve -p 7001 -h " + hosts + " --key-file " + plain, "a key of 1 bytes; it takes at least 16"},
		{"serve -p 7001 -h " + hosts + " --key-file /dev/zero", "--key-file /dev/zero: it has more than 4096 bytes: is it a key?"},
		{"serve -p 7001 --id 1 -h " + lost, "host 2, nowhere.invalid: no such host"},
		{"serve -p 7001 -h " + wide, "no host has such characters: the file must be plain text"},
		{"serve -p 7001 -h " + hosts + " --client /" + strings.Repeat("x", 110), "a path of 111 bytes; that of a Unix socket has at most 107"},
		{"serve -p 7001 -h " + hosts + " --record " + plain, "--record " + plain + ": it is there, and holds something else than a recording"},
		{"serve -p 7001 -h " + hosts + " --client nowhere", "--client nowhere: it is host:port"},
		{"serve -p 7001 -h " + hosts + " --client 127.0.0.1:x", "--client 127.0.0.1:x: "},
		{"serve -p 7001 -h " + hosts + " --client localhost:", "--client localhost:: its port is a number from 1 to 65535"},
		{"serve -p 7001 -h " + hosts + " --client localhost:99999", "--client localhost:99999: its port is a number from 1 to 65535"},
		{"serve -p 7001 -h " + hosts + " --metrics 9601", "--metrics 9601: it is host:port"},
		{"serve -p 7001 -h " + hosts + " --metrics :x", "--metrics :x: its port is a number from 1 to 65535"},
		{"serve -p 7001 -h " + hosts + " --metrics=", "--metrics '': it has no name"},
		{"serve -p 7001 -h " + hosts + " --log xml", "--log xml: it is text or json"},
		{"serve -p 7001 -h " + hosts + " --data " + plain + "/store", plain + "/store: not a directory"},
		{"serve -p 7001 -h " + hosts + " --record " + t.TempDir(), ": is a directory"},
		{"-p 7001 -h " + hosts + " --metrics 9601", "--metrics 9601: it is host:port"},
		{"serve -p 7001 -h " + hosts + " --record nowhere/tape", "--record nowhere/tape: no such file"},
		{"serve -p 7001 -h " + hosts + " --data " + plain, plain + ": not a directory"},
		{"serve -p 7001 -h " + hosts + " --data " + foreign, "it holds no store, but other files, such as precious"},
		{"cluster 3", "unexpected argument 3"},
		{"cluster --nodes 10", "--nodes 10: a cluster has"},
		{"cluster --for 0s", "--for 0s: a duration is above zero"},
		{"cluster --data " + plain, "--data " + plain + ": "},
		{"cluster --data " + foreign, "--data " + foreign + ": it holds no cluster, but other files, such as precious"},
		{"cluster --check --data " + full, "--data " + full + ": it holds history.jsonl already"},
		{"cluster --data " + others, "cluster-hosts: host 2 is alpha:7001: a cluster on this machine has 127.0.0.1 and a port there"},
		{"cluster --check --data " + strings.Repeat("x", 110), "that of a Unix socket has at most 107"},
		{"check", "paxos: check: "},
		{"check " + file(t, "nothing", "\n"), "it holds no operation"},
		{"help nope", "paxos: help: no command"},
		{"sweep -x", "unknown flag -x"},
		{"sweep 3", "unexpected argument 3"},
		{"sweep --seeds", "--seeds: its value is missing"},
		{"sweep --seeds 0", "--seeds 0: how many"},
		{"sweep --seeds -3", "--seeds -3: how many"},
		{"sweep --seeds 1e3", "--seeds 1e3: how many"},
		{"sweep --seeds 9007199254740993", "2^53"},
		{"sweep --from 9007199254740992", "--from 9007199254740992: seeds stay below 2^53"},
		{"sweep --from 9007199254740991 --seeds 2", "seeds stay below 2^53"},
		{"sweep --nodes 0", "paxos: sweep: --nodes 0: a cluster has 1 to 9 servers"},
		{"sweep --nodes 10", "paxos: sweep: --nodes 10: a cluster has 1 to 9 servers"},
		{"sweep --nodes three", "--nodes three: a cluster has"},
		{"sweep --for 0s", "--for 0s: a duration is above zero"},
		{"sweep --for -3s", "--for -3s: a duration is above zero"},
		{"sweep --for 3", "has a unit"},
		{"sweep --for 24h", "a run has at most"},
		{"sweep --budget 0s", "--budget 0s"},
		{"sweep --jobs 0", "--jobs 0"},
		{"sweep --jobs -1", "--jobs -1"},
		{"sweep --shard 3/2", "--shard 3/2: shards are"},
		{"sweep --shard 0/2", "--shard 0/2: shards are"},
		{"sweep --shard 4/3", "--shard 4/3: shards are"},
		{"sweep --shard x", "--shard x: shards are"},
		{"sweep --shard 1/", "--shard 1/: shards are"},
		{"sweep --shard 1/2/3", "--shard 1/2/3: shards are"},
		{"sweep --shard 3/3 --seeds 2", "--shard 3/3: 2 seeds cannot be split"},
		{"sweep --out " + plain, "--out " + plain},
		{"sweep --out " + plain + "/below/it", "--out " + plain + "/below/it: mkdir"},
		{"sweep --out=", "--out '': it has no name"},
		{"sweep --json=maybe", "--json maybe"},
		{"run", "--seed is missing (for example: paxos run --seed 42)"},
		{"run 17", "unexpected argument 17"},
		{"run --seed x", "--seed x: a seed is a whole number"},
		{"run --seed 9007199254740992", "seeds stay below 2^53"},
		{"run --seed 1 --nodes 10", "--nodes 10: a cluster has"},
		{"run --seed 1 --trace " + plain + "/t", "--trace " + plain + "/t"},
		{"run --seed 1 --as-scenario --json", "--as-scenario goes with neither"},
		{"replay", "it takes one plan or seed, not 0"},
		{"replay 1 2", "it takes one plan or seed, not 2"},
		{"replay --recorded nowhere", "--recorded nowhere: no such file"},
		{"replay --recorded " + plain, "--recorded " + plain + ": it holds no life of a server"},
		{"replay --recorded " + plain + " 17", "replays that file, and no plan or seed"},
		{"replay --recorded " + plain + " --nodes 3", "--recorded goes with no other flag"},
		{"replay 9007199254740992", "seeds stay below 2^53"},
		{"replay nowhere.json", "plan nowhere.json: no such file (a sweep keeps plans in ./failures"},
		{"replay " + t.TempDir(), "is a directory"},
		{"replay " + file(t, "empty.json", ""), "empty.json: it is empty"},
		{"replay " + file(t, "cut.json", good[:len(good)/2]), "cut.json: it ends in the middle"},
		{"replay " + file(t, "bad.json", "{\n\"version\" 1}"), "bad.json: byte"},
		{"replay " + file(t, "unknown.json", `{"version": 1, "colour": "red"}`), "colour"},
		{"replay " + file(t, "v2.json", strings.Replace(good, `"version": 1`, `"version": 2`, 1)), "version is 2"},
		{"replay " + file(t, "trailing.json", good+"{}"), "something follows the plan"},
		{"replay " + planFile(t, 1, func(p *sim.Plan) { p.Servers = 10 }), "servers is 10; a cluster has 1 to 9"},
		{"replay " + planFile(t, 1, func(p *sim.Plan) { p.Servers = 0 }), "servers is 0"},
		{"replay --nodes 3 " + planFile(t, 1, nil), "--nodes 3: a plan of a file decides this"},
		{"replay --for 3s " + planFile(t, 1, nil), "--for 3s: a plan of a file decides this"},
		{"break a b", "it takes one mutant, not 2"},
		{"version 2", "unexpected argument 2"},
	} {
		t.Run(c.args, func(t *testing.T) {
			t.Chdir(t.TempDir())
			r := paxos(t, strings.Fields(c.args)...).wants(t, statusUsage)
			if r.stdout != "" || strings.Count(r.stderr, "\n") != 1 || !strings.HasPrefix(r.stderr, "paxos: ") {
				t.Errorf("want one line on stderr alone\nstdout: %s\nstderr: %s", r.stdout, r.stderr)
			}
			if !strings.Contains(r.stderr, c.want) {
				t.Errorf("stderr: %swant: %s", r.stderr, c.want)
			}
			if left, _ := os.ReadDir("."); len(left) > 0 {
				t.Errorf("it left %v behind", left[0].Name())
			}
		})
	}
}

// What a person reads fits 80 columns, and help ends with a session that works.
func TestTextFitsTheColumns(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, args := range []string{
		"", "--help", "sweep --help", "run --help", "replay --help", "break --help",
		"scenario --help", "check --help", "serve --help", "cluster --help", "version --help", "version",
		"sweep --seeds 20", "sweep --seeds 1", "run --seed 0", "run --seed 3 --nodes 9", "replay 17 --nodes 5",
	} {
		r := paxos(t, strings.Fields(args)...).wants(t, 0)
		fits(t, args, r.stdout)
		if strings.HasSuffix(args, "--help") && args != "version --help" {
			if _, session, _ := strings.Cut(r.stdout, "For example:\n"); !strings.HasPrefix(session, "  $ ") {
				t.Errorf("paxos %s ends without an example:\n%s", args, r.stdout)
			}
		}
	}
}

// fits lets only what must be copied be longer.
func fits(t *testing.T, what, text string) {
	t.Helper()
	for line := range strings.Lines(text) {
		if f := strings.Fields(line); len(f) > 0 && (f[0] == "plan" || f[0] == "replay" || f[0] == "or" || f[0] == "$") {
			continue
		}
		if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > cli.Columns {
			t.Errorf("paxos %s: %d columns: %s", what, n, line)
		}
	}
}

func TestHelpOfACommand(t *testing.T) {
	want := paxos(t, "sweep", "--help").wants(t, 0).stdout
	if got := paxos(t, "help", "sweep").wants(t, 0).stdout; got != want {
		t.Errorf("help sweep prints\n%s\nsweep --help prints\n%s", got, want)
	}
}

// Help is what one gets who asks for it in any of the usual ways: -h alone, --help, help, nothing at all.
func TestWaysToAskForHelp(t *testing.T) {
	for _, same := range [][]string{
		{"--help", "-h", "help", ""},
		{"sweep --help", "sweep -h", "help sweep", "sweep --seeds 3 -h"},
		{"serve --help", "serve -h", "help serve"},
		{"break --help", "break -h"},
	} {
		want := paxos(t, strings.Fields(same[0])...).wants(t, 0).stdout
		for _, args := range same[1:] {
			if got := paxos(t, strings.Fields(args)...).wants(t, 0).stdout; got != want {
				t.Errorf("paxos %s prints\n%s\npaxos %s prints\n%s", args, got, same[0], want)
			}
		}
	}
}

// The program's own help fits a terminal of 24 lines, and its session has a run of several servers in it.
func TestTheFirstScreenOfHelp(t *testing.T) {
	help := paxos(t).wants(t, 0).stdout
	if lines := strings.Count(help, "\n"); lines > 26 {
		t.Errorf("%d lines:\n%s", lines, help)
	}
	for line := range strings.Lines(help) {
		if n := utf8.RuneCountInString(line); n > 80 {
			t.Errorf("%d columns: %s", n, line)
		}
	}
	var seed uint64
	_, session, _ := strings.Cut(help, "paxos run --seed ")
	if _, err := fmt.Sscan(session, &seed); err != nil {
		t.Fatalf("no seed to run in\n%s", help)
	}
	if p := sim.Swarm(seed, sim.SwarmOptions{}); p.Servers < 3 || p.Workload.Clients < 2 || len(p.Faults) < 3 {
		t.Errorf("seed %d of the help has %d servers, %d clients, %d faults: take another", seed, p.Servers, p.Workload.Clients, len(p.Faults))
	}
}

func TestCompletion(t *testing.T) {
	fakeCheckout(t)
	t.Chdir("..") // the root
	for path, text := range map[string]string{"failures/seed-3/plan.json": "{}", "failures/seed-3/report.json": "{}", "own.txtar": "", "left.json": ""} {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct{ typed, offered, not string }{
		{"break ,", "small-quorum\tA title of small-quorum\n", ""},
		{"break small-quorum,", ":4\n", "small-quorum\t"}, // one is enough
		{"scenario ,partitions/", "partitions/minority-leader\t", "reads/"},
		{"scenario ,ow", "own.txtar\n", "reads/"},
		{"replay ,", "failures/seed-3/plan.json\n", "report.json"},
		{"shrink ,l", "left.json\n", "plan.json"},
		{"check --model ,", "kv\nregister\n", ""},
		{"check --format ,", "jsonl\njepsen\n", ""},
		{"serve --log ,", "text\njson\n", ""},
		{"sweep --nodes ,", "1\n2\n3\n4\n5\n6\n7\n8\n9\n", "10"},
		{"sweep --for ,", "3s\n", ""},
		{"sweep --out ,", ":16\n", ""},          // folders
		{"sweep --seeds ,", ":4\n", "failures"}, // no files
		{",sw", "sweep\trun thousands", "serve"},
	} {
		words, begun, _ := strings.Cut(c.typed, ",")
		args := append(append([]string{"__complete"}, strings.Fields(words)...), begun)
		out := paxos(t, args...).stdout
		if !strings.Contains(out, c.offered) || c.not != "" && strings.Contains(out, c.not) {
			t.Errorf("paxos %s: want %q and not %q in\n%s", c.typed, c.offered, c.not, out)
		}
	}
}

func TestVersionNamesTheBuild(t *testing.T) {
	out := paxos(t, "version").wants(t, 0).stdout
	if !strings.Contains(out, sim.Build()+"\ngo1.") {
		t.Error(out)
	}
	if flag := paxos(t, "--version").wants(t, 0).stdout; flag != out {
		t.Errorf("--version prints %s, version %s", flag, out)
	}
}

// A full disk behind standard output is not success.
func TestUnwritableStdout(t *testing.T) {
	for _, args := range [][]string{{"version"}, {"run", "--seed", "1", "--json"}, {"run", "--seed", "1"}} {
		var stderr bytes.Buffer
		if status := run(t.Context(), args, full{}, &stderr); status != statusUsage || !strings.Contains(stderr.String(), "standard output") {
			t.Errorf("%v: status %d: %s", args, status, &stderr)
		}
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, os.ErrClosed }
