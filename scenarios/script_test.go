package scenarios_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fauer4effect/paxos/scenarios"
	"github.com/fauer4effect/paxos/sim"
	"github.com/fauer4effect/paxos/sim/script"
)

// A bad line is told in one line: where, what is wrong, what would be right. Nothing of the
// script can be run then: there is no script.
func TestBadScripts(t *testing.T) {
	const h = "# About. A test.\ncluster 5\n"
	for _, c := range []struct{ text, want string }{
		// The script as a whole.
		{"", "1: no step: a script is a list of steps, such as `cluster 3` and `until leader 1`"},
		{"# About. A test.\n\n# No more.\n", "1: no step"},
		{"cluster 3\nrun 1s\n", "1: a script opens with # and what it shows, in a sentence or more"},
		{"\n# About. A test.\ncluster 3\nrun 1s\n", "1: a script opens with #"},
		{"# About. A test.\nrun 1s\ncluster 3\n", "2: no cluster yet: begin with `cluster 3`"},
		{"# About. A test.\nat 1s crash 1\ncluster 3\n", "2: at: no cluster yet: begin with `cluster 3`"},
		{h + "cluster 5\n", "3: cluster: there is a cluster already"},
		{h + "run 1s\nseeds 5\n", "4: seeds sets the scene: it must stand before the first step"},
		{h + "! seeds 5\n", "3: seeds sets the scene and cannot fail: leave the ! out"},
		{h + "set timeout 100ms\ndelay 1ms\nrun 1s\n", "3: settings: heartbeat_ns 50000000 is over a fifth"},
		{h + "set timeout 100ms\nset window_slots 4\nclients 4 timeout 0.1ms\nset heartbeat 20ms\nset retransmit 20ms\nrun 1s\n", "5: workload: timeout_ns is 100000"},
		{"# About. A test.\nset timeout 100ms\ncluster 3\nsync 1ms\nrun 1s\n", "2: settings: heartbeat_ns 50000000 is over a fifth"},
		{h + "set timeout 500ms\nset heartbeat 100ms\nset timeout 300ms\nsync 1ms\nrun 1s\n", "5: settings: heartbeat_ns 100000000 is over a fifth"},
		{h + "set timeout 100ms\n", "3: settings: heartbeat_ns 50000000 is over a fifth of timeout_ns 100000000: idle servers would suspect a working leader"},
		{h + "run 1s\n-- a --\n-- a --\n", "1: file a stands in it twice"},
		{h + "cmp transcript want.txt\n", "3: cmp: no file want.txt stands in the script; add it below as `-- want.txt --`"},
		{"# About. A test.\nplan p.json\n", "2: plan: no file p.json stands in the script; add it below as `-- p.json --`"},
		{"# About. A test.\nplan p.json\n-- p.json --\n{\n", "2: plan: p.json: "},
		{"# About. A test.\ndelay 1ms\nplan p.json\n-- p.json --\n{}\n", "3: plan: it must stand before what it would overwrite"},
		{"# About. A test.\ncluster 3 seed 9007199254740991\nseeds 3\nrun 1s\n", "3: 3 seeds from 9007199254740991 on do not stay below 2^53"},
		{h + "cmp transcript w\nrun 1s\ncmp transcript w\n-- w --\n", "5: cmp: w is compared twice"},
		{h + "! cmp transcript w\n-- w --\n", "3: cmp with a !"},
		{h + "'!' expect leader 1\n", "3: the step's name stands in quotes"},
		{h + "'until' leader\n", "3: the step's name stands in quotes"},
		{h + "ex'pect' leader 1\n", "3: the step's name stands in quotes"},
		{h + "put a x 1 via 1,2\n", "3: put: via 1,2: a client asks one server"},
		{h + "crash 1 for 0s\n", "3: crash: for 0s: it lasts some time"},

		// The line.
		{h + "elekt 3\n", `3: unknown step "elekt"; did you mean elect?`},
		{h + "partion 1 / 2\n", `3: unknown step "partion"; did you mean partition?`},
		{h + "sleep 1s\n", `3: unknown step "sleep"; did you mean`},
		{h + "wait 1s\n", `3: unknown step "wait"; there are cluster, `},
		{h + "exec ls\n", `3: unknown step "exec"; did you mean expect?`},
		{h + "!\n", "3: the ! stands alone"},
		{h + "! ! run 1s\n", `3: unknown step "!"; there are `},
		{h + "put a x 'one\n", "3: a quote ' is not closed"},
		{h + "put a x $HOME\n", `3: "$" means nothing here: there are no variables, conditions or background steps`},
		{h + "run 1s &\n", `3: "&" means nothing here`},
		{h + "[linux] run 1s\n", `3: "[" means nothing here`},
		{h + "? run 1s\n", `3: "?" means nothing here`},

		// Servers and links.
		{h + "crash 9\n", "3: crash: no server 9: they are 1 to 5"},
		{h + "crash 0\n", "3: crash: no server 0: they are 1 to 5"},
		{h + "crash one\n", `3: crash: "one" is not a server: servers are 1 to 5`},
		{h + "crash 1,,2\n", `3: crash: "" is not a server: servers are 1 to 5`},
		{h + "pause 2,3,2\n", "3: pause: server 2 is named twice"},
		{h + "put a x 1 via 6\n", "3: put: no server 6: they are 1 to 5"},
		{h + "until executed 1 on 6\n", "3: until: no server 6: they are 1 to 5"},
		{h + "at 1s crash 6\n", "3: at: no server 6: they are 1 to 5"},
		{h + "partition 1,2 / 2,3,4,5\n", "3: partition: server 2 is on two sides; for a bridge, cut single links"},
		{h + "partition 1,1 / 2,3,4,5\n", "3: partition: server 1 is named twice"},
		{h + "partition 1,2 / 3,4\n", "3: partition: server 5 is on no side"},
		{h + "partition 1,2,3,4,5\n", "3: usage: partition SERVERS / SERVERS [/ SERVERS…]"},
		{h + "partition 1,2 3,4,5\n", "3: usage: partition "},
		{h + "partition 1,2 / 3,4,5 /\n", "3: usage: partition "},
		{h + "cut 1>2\n", `3: cut: "1>2" is not a link, such as 1->3 or 2->*`},
		{h + "cut 1->1\n", "3: cut: link 1->1: a server hears itself"},
		{h + "heal 1->6\n", "3: heal: no server 6: they are 1 to 5"},
		{h + "drop Acept 1->2\n", `3: drop: unknown kind of message "Acept": there are ClientUpdate, `},
		{h + "hold Accept\n", "3: usage: hold KIND LINK"},
		{h + "on Accept 1->2 crash\n", "3: usage: on KIND LINK n N [unsynced|arrives] FAULT…"},
		{h + "on Accept 1->2 n 0 crash\n", `3: on: "0" is not a number from 1 to 1073741824`},
		{h + "on Accept 1->2 n 1 explode\n", `3: on: unknown do "explode"`},
		{h + "at 1s explode 1\n", `3: at: unknown do "explode"`},
		{h + "at 1s drop 1\n", "3: at: drop takes on: the event it is for"},

		// Times, shares, numbers, names.
		{h + "run 5\n", `3: run: "5" is not a time from 0s to 24h, such as 250ms or 1.5s`},
		{h + "run -1s\n", `3: run: "-1s" is not a time`},
		{h + "run 25h\n", `3: run: "25h" is not a time`},
		{h + "until leader within soon\n", `3: until: "soon" is not a time`},
		{h + "delay 2ms..1ms\n", `3: delay: "2ms..1ms" ends before it begins`},
		{h + "loss 10\n", `3: loss: "10" is not a share from 0% to 100%`},
		{h + "loss 101%\n", `3: loss: "101%" is not a share`},
		{h + "loss NaN%\n", `3: loss: "NaN%" is not a share`},
		{h + "seeds 0\n", `3: seeds: "0" is not a number from 1 to 1000000`},
		{h + "clients 9\n", `3: clients: "9" is not a number from 1 to 8`},
		{h + "set tiemout 2s\n", `3: set: no setting "tiemout": there are timeout, ceiling, heartbeat, retransmit, stagger, update_timer, session_idle, part_bytes, window_slots, batch_bytes, prepare_slots, queue_updates, session_limit, tombstones, snapshot_slots, history_slots and overlapped_write`},
		{h + "set overlapped_write off\n", `3: set: "off" is not on: leave the line out`},
		{h + "put f x 1\n", `3: put: "f" is not a client: clients are a to e`},
		{h + "put a x\n", "3: usage: put CLIENT KEY VALUE [via SERVER] [within TIME]"},
		{h + "send a frob x\n", "3: usage: send CLIENT put|get|read|append|incr|cas|delete KEY … [via SERVER]"},
		{h + "clients 2\nput a k0 1\n", "4: put: key k0 may be one of the background clients' own"},
		{h + "formation soon\n", "3: usage: formation"},
		{h + "wipe 1\n", "3: wipe: wipe takes formation: without it servers trust their disks"},
		{h + "expect expired f\n", `3: expect: "f" is not a client: clients are a to e`},
		{h + "expect session a\n", "3: usage: expect leader N|none"},
		{h + "expect session a 6\n", "3: expect: no server 6: they are 1 to 5"},
		{h + "expect sessions 6 1\n", "3: expect: no server 6: they are 1 to 5"},
		{h + "expect\n", "3: usage: expect leader N|none"},
		{h + "expect laeder 1\n", `3: expect: unknown expectation "laeder": there are leader, reply, `},
		{h + "expect view => 2\n", `3: expect: "=>" compares nothing: there are = != < <= > >=`},
		{h + "expect view two\n", `3: expect: "two" is not a number`},
		{h + "expect state 1 Leader\n", `3: expect: unknown state "Leader": there are LeaderElection, Preparing, RegLeader and RegNonLeader`},
		{h + "expect effect boom 1\n", `3: expect: unknown effect "boom": there are loss, `},
		{h + "expect ordered-on 1,2 0\n", `3: expect: "0" is not a seq`},
		{h + "until bored\n", "3: usage: until leader [N]"},
		{h + "check everything\n", "3: usage: check linearizable"},
		{h + "elect 1 for 2s\n", "3: usage: elect SERVERS"},
	} {
		s, err := scenarios.Parse("s.txtar", []byte(c.text))
		var wrong *script.Error
		switch {
		case err == nil:
			t.Errorf("%q is taken for a script, want s.txtar:%s", c.text, c.want)
		case !strings.HasPrefix(err.Error(), "s.txtar:"+c.want) || strings.Contains(err.Error(), "\n"):
			t.Errorf("%q: error\n\t%v\nwant\n\ts.txtar:%s", c.text, err, c.want)
		case !errors.As(err, &wrong) || wrong.Story || s != nil:
			t.Errorf("%q: a script %v, and an error of the story: %v", c.text, s, err)
		}
	}
}

// What a line may look like: quotes, comments, blanks, a carriage return.
func TestLines(t *testing.T) {
	s := parse(t, "\ufeff# About. A test.\n#\n\n\tcluster  3   # three\r\nuntil leader\n"+
		"put a 'a key' 'it''s'\nexpect value 'a key' 'it''s'\nput b '' '$1 & [x] # y'\n"+
		"expect value '' '$1 & [x] # y'\n!  expect leader 2\n! expect leader none\nexpect reply a done\n")
	if o, err := s.Run(t.Context(), false); err != nil {
		t.Errorf("%v\n%s", err, o.Transcript)
	}
}

// A long step can be interrupted: what is left of it is not told.
func TestAStoryCanBeInterrupted(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	s := parse(t, "# About. A test.\ncluster 5\nclients 8\nuntil leader\n! run 24h\n")
	if o, err := s.Run(ctx, false); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(o.Transcript, "leads view 1") {
		t.Errorf("error %v, want that of the context\n%s", err, o.Transcript)
	}
}

// long is a time of minutes or more, which takes its time even in virtual time.
var long = regexp.MustCompile(`[0-9]{2}s|[0-9][mh]([^s]|$)|[0-9]{5}`)

// A script that the parser takes runs to an end: it holds, or fails at a line of its own.
// The engine that runs it reads the lines once more, and may not read them otherwise.
func FuzzScript(f *testing.F) {
	for _, s := range []string{"basics/first-update.txtar", "paper/x7-holes-are-filled.txtar", "crashes/power-cut.txtar"} {
		text, err := os.ReadFile(s)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Add([]byte("# A.\ncluster 2\nput a 'x y' ''\nheal 1->*\nslow all 1ms\nrelease\n"))
	f.Add([]byte("# A.\ncluster 3\nset session_limit 1\nformation\nput a x 1\nwipe 2 for 1s\nput b x 1\n! put a x 2\nexpect expired a\nexpect session b 1,3\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		if len(text) > 2000 {
			return
		}
		s, err := scenarios.Parse("s.txtar", text)
		if err != nil {
			if strings.Count(err.Error(), "\n") > 0 {
				t.Errorf("more than a line: %q", err)
			}
			return
		}
		if s.Seeds > 2 || long.Match(text) {
			return
		}
		var wrong *script.Error
		if _, err := s.Run(t.Context(), false); err != nil && !errors.As(err, &wrong) {
			t.Errorf("neither a failure of the story nor of a line: %v", err)
		}
	})
}

// Faults that were scheduled and came under no seed are told, each with its line and why.
func TestFaultsThatNeverCame(t *testing.T) {
	for _, c := range []struct{ steps, want string }{
		{"run 500ms\n", "line 3: `at 1s crash 1 for 100ms` did not trigger: the script ends at 500ms; " +
			"line 4: `on Accept *->* n 400 drop` did not trigger: there were 0; line 5: `on Proposal *->* n 1 drop` did not trigger: there were 0"},
		{"until leader\nput a x 1\nrun 2s\n", "line 4: `on Accept *->* n 400 drop` did not trigger: there were 2"},
		{"seeds 3\nuntil leader\nput a x 1\nrun 2s\n", "line 4: `on Accept *->* n 400 drop` did not trigger: there were at most 2"},
		{"seeds 6\nclients 3\nuntil leader\nrun 100ms\n", "line 3: `at 1s crash 1 for 100ms` did not trigger: the script ends at 105.817952ms; " +
			"line 4: `on Accept *->* n 400 drop` did not trigger: there were at most 42"},
	} {
		s, err := scenarios.Parse("s", []byte("# About. A test.\ncluster 3\nat 1s crash 1 for 100ms\non Accept *->* n 400 drop\non Proposal *->* n 1 drop\n"+c.steps))
		if err != nil {
			t.Fatal(err)
		}
		o, err := s.Run(context.Background(), false)
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(o.NeverCame, "; "); got != c.want {
			t.Errorf("%q: %s\nwant %s", c.steps, got, c.want)
		}
	}
}

// A plan may leave no room for clients that a script directs.
func TestNoRoomForDirectedClients(t *testing.T) {
	for _, c := range []struct {
		servers, clients, hosts int
		want                    string
	}{
		{9, 86, 0, "5: the plan's servers and clients leave room for 0 more clients, not for 1"},
		{9, 85, 0, ""},
		{3, 200, 86, ""},
	} {
		p := sim.Swarm(1, sim.SwarmOptions{Servers: c.servers})
		p.Workload.Clients, p.Workload.Hosts, p.Faulty, p.Faults, p.Tail.Clients, p.Settings = c.clients, c.hosts, 0, nil, nil, nil
		s, err := scenarios.Parse("s", slices.Concat([]byte("# About. A test.\nplan p.json\nset session_limit 5000\nset tombstones 5000\nsync 1ms\nput a x 1\n-- p.json --\n"), p.Encode()))
		if got := fmt.Sprint(err); err == nil && c.want != "" || err != nil && !strings.Contains(got, c.want) {
			t.Errorf("%d servers, %d clients: %v, want %q", c.servers, c.clients, err, c.want)
		}
		if err == nil {
			if _, err := s.Run(context.Background(), false); err != nil {
				t.Errorf("%d servers, %d clients: %v", c.servers, c.clients, err)
			}
		}
	}
}

// A property that breaks fails the story, even in a step that is expected to fail.
func TestAViolationBehindAnExclamationMark(t *testing.T) {
	p := sim.Swarm(1, sim.SwarmOptions{Servers: 3})
	p.Faults, p.Formation, p.Settings, p.Tail.Core, p.Tail.Broken, p.Tail.Clients = nil, false, nil, nil, nil, nil
	p.Network.All.Loss, p.Network.All.Late, p.Network.Links, p.Clocks, p.Workload.Clients = 0, 0, nil, nil, 0
	p.Disk.Lies, p.Disk.Crash, p.Disk.Log = 1_000_000, "", false
	text := slices.Concat([]byte("# About. A test.\nplan p.json\nuntil leader\nput a x 1\ncrash 1,2,3\nrestart 1,2,3\nuntil leader\n! put b y 2\n-- p.json --\n"), p.Encode())
	s, err := scenarios.Parse("s", text)
	if err != nil {
		t.Fatal(err)
	}
	var failed *script.Error
	if _, err := s.Run(context.Background(), false); !errors.As(err, &failed) || failed.Line != 8 || !strings.Contains(err.Error(), ") is violated: ") {
		t.Errorf("disks lie, and the story ends with %v", err)
	}
}
