package testbed_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/anishathalye/porcupine"

	"github.com/fauer4effect/paxos/protocol/kv"
	"github.com/fauer4effect/paxos/sim/plan"
	"github.com/fauer4effect/paxos/sim/swarm"
	"github.com/fauer4effect/paxos/sim/testbed"
	"github.com/fauer4effect/paxos/sim/world"
)

// odd is a protocol in which server 1 serves alone, from memory. Besides, it does what a test is
// about: odd's fields are called where they are not nil.
type odd struct {
	start    func(env *testbed.Env, records []any) error
	request  func(s *oddServer, r testbed.Request)
	receive  func(s *oddServer, m any)
	deadline func(env *testbed.Env) world.Instant
	wake     func(s *oddServer)
	silent   bool // nobody is answered
}

type oddServer struct {
	odd
	env *testbed.Env
	app func(op []byte) []byte
}

func (o odd) protocol() *testbed.Protocol {
	return &testbed.Protocol{
		Name: "odd", Kinds: []string{"note"},
		Start: func(env *testbed.Env, records []any) (testbed.Machine, error) {
			if o.start != nil {
				if err := o.start(env, records); err != nil {
					return nil, err
				}
			}
			return &oddServer{odd: o, env: env, app: kv.New().Apply}, nil
		},
	}
}

func (s *oddServer) Request(r testbed.Request) {
	if s.request != nil {
		s.request(s, r)
	}
	if !s.silent && s.env.ID() == 1 {
		s.env.Reply(r.Client, r.Timestamp, s.app(r.Op))
	}
}

func (s *oddServer) Receive(_ int, m any) {
	if s.receive != nil {
		s.receive(s, m)
	}
}

func (s *oddServer) Deadline() world.Instant {
	if s.deadline != nil {
		return s.deadline(s.env)
	}
	return world.Never
}
func (s *oddServer) Synced(uint64) {}
func (s *oddServer) Wake() {
	if s.wake != nil {
		s.wake(s)
	}
}
func (s *oddServer) Leads() bool { return s.env.ID() == 1 }

// plan is one of three servers and two clients, without faults.
func (o odd) plan() *plan.Plan {
	const ms = world.Instant(1_000_000)
	return &plan.Plan{
		Version: plan.Version, Seed: 1, Protocol: "odd", Servers: 3, Faulty: 400 * ms, Bodies: true,
		Network:  plan.Network{All: world.LinkLaw{Delay: world.Uniform(ms, 5*ms)}},
		Disk:     plan.Disk{Sync: world.Constant(ms)},
		Workload: plan.Workload{Clients: 2, Keys: 2, Timeout: 100 * ms, Mix: plan.Mix{Get: 1, Put: 1}},
	}
}

// What a machine may not do is a finding that says what it is, and soon.
func TestMisuse(t *testing.T) {
	var first *testbed.Env
	type note struct{ words []string }
	for want, o := range map[string]odd{ // the order does not matter
		"the Env of server 1 is used while it is not called": {
			start: func(env *testbed.Env, _ []any) error {
				if env.ID() == 1 {
					first = env
				}
				return nil
			},
			request: func(*oddServer, testbed.Request) { first.Send(2, "note", 0, 1) },
		},
		`"gossip" is not among the kinds of odd`: {
			request: func(s *oddServer, _ testbed.Request) { s.env.Send(2, "gossip", 0, 1) },
		},
		"is for server 4 of 3": {
			request: func(s *oddServer, _ testbed.Request) { s.env.Send(4, "note", 0, 1) },
		},
		"is for server 0 of 3": {
			request: func(s *oddServer, _ testbed.Request) { s.env.Send(0, "note", 0, 1) },
		},
		"server 1 was woken 1000 times at one instant: its Deadline is not in the future": {
			deadline: func(env *testbed.Env) world.Instant { return 1000 },
		},
		"boom at sim/testbed_test.TestMisuse": {
			request: func(*oddServer, testbed.Request) { panic("boom") },
		},
		"changed since it was sent": {
			request: func(s *oddServer, _ testbed.Request) {
				n := &note{[]string{"a"}}
				s.env.Send(s.env.ID()%3+1, "note", 0, n)
				n.words[0] = "b"
			},
		},
		"unnamed violated": {
			request: func(s *oddServer, _ testbed.Request) { s.env.Fail("", "something") },
		},
	} {
		p := o.protocol()
		if r := p.Run(o.plan()); r.OK() || !strings.Contains(r.Violation.String(), want) {
			t.Errorf("want %q, got %v", want, r.Violation)
		}
	}
}

// A server may write and send as soon as it starts.
func TestActsInStart(t *testing.T) {
	heard := 0
	o := odd{
		start: func(env *testbed.Env, records []any) error {
			for _, r := range records {
				if r != env.ID() {
					return fmt.Errorf("server %d has a record of server %v", env.ID(), r)
				}
			}
			at := env.Write(env.ID())
			env.Send(env.ID()%env.Servers()+1, "note", at, env.ID())
			return nil
		},
		receive: func(s *oddServer, m any) {
			if heard++; m.(int)%s.env.Servers()+1 != s.env.ID() {
				s.env.Fail("sender", "server %d hears of server %d", s.env.ID(), m)
			}
		},
	}
	p := o.protocol()
	for seed := range uint64(60) {
		if r := p.Run(p.Swarm(seed, swarm.Options{Servers: 3})); !r.OK() && r.Violation.Property != "S8" {
			t.Fatalf("seed %d: %v", seed, r.Violation)
		}
	}
	if heard == 0 {
		t.Error("nothing that was sent in Start arrives")
	}
}

// The hash tells apart what differs in the content of messages and records alone.
func TestHashOfContent(t *testing.T) {
	type deep struct {
		words  map[string][]byte
		number *int
	}
	hash := func(number int) uint64 {
		o := odd{request: func(s *oddServer, _ testbed.Request) {
			s.env.Send(2, "note", 0, deep{map[string][]byte{"a": {1}, "b": {2}, "c": {3}}, &number})
		}}
		return o.protocol().Run(o.plan()).Hash
	}
	written := func(number int) uint64 {
		o := odd{request: func(s *oddServer, _ testbed.Request) { s.env.Write(deep{number: &number}) }}
		return o.protocol().Run(o.plan()).Hash
	}
	for name, hash := range map[string]func(int) uint64{"messages": hash, "records": written} {
		one, again, two := hash(1), hash(1), hash(2)
		if one != again {
			t.Errorf("%s: equal content, and two hashes", name)
		}
		if one == two {
			t.Errorf("%s: other content, and the same hash", name)
		}
	}
}

// A machine that is not a function of its inputs is found out, by the program and by a test.
func TestNotRepeatable(t *testing.T) {
	calls := 0
	o := odd{request: func(s *oddServer, _ testbed.Request) {
		calls++
		s.env.Send(2, "note", 0, calls)
	}}
	status, out, errs := run(o.protocol(), "sweep", "-seeds", "5", "-nodes", "3", "-out", t.TempDir())
	if status != 1 || errs != "" || !strings.Contains(out, "two runs of one plan differ") {
		t.Errorf("status %d, output %q, errors %q", status, out, errs)
	}
}

// A sweep that tested nothing fails.
func TestVain(t *testing.T) {
	status, out, _ := run(odd{silent: true}.protocol(), "sweep", "-seeds", "5", "-out", t.TempDir())
	if status != 1 || !strings.Contains(out, "no operation of 5 seeds was answered: nothing was tested") {
		t.Errorf("nobody was answered: status %d, output %q", status, out)
	}
}

// A protocol for three servers is drawn, and shrunk, with three.
func TestSizes(t *testing.T) {
	o := odd{start: func(env *testbed.Env, _ []any) error {
		if env.Servers() != 3 {
			return errors.New("not three")
		}
		return nil
	}, request: func(s *oddServer, r testbed.Request) {
		if r.Timestamp > 4 {
			panic("the fifth")
		}
	}}
	p := o.protocol()
	p.MinServers, p.MaxServers = 3, 3
	for seed := range uint64(20) {
		if plan := p.Swarm(seed, swarm.Options{}); plan.Servers != 3 {
			t.Fatalf("seed %d draws %d servers", seed, plan.Servers)
		}
	}
	small, err := testbed.Shrink(p, o.plan(), nil)
	if err != nil || small.Plan.Servers != 3 {
		t.Errorf("shrunk to %v, %v", small, err)
	}
	refused(t, p, "sweep: -nodes 2 is not within 3 … 3", "sweep", "-nodes", "2")
}

// A smaller plan that fails by another panic, or at the start, does not pass for the bug.
func TestShrinksToTheSamePanic(t *testing.T) {
	o := odd{start: func(env *testbed.Env, _ []any) error {
		if env.Servers() != 3 {
			return errors.New("not three")
		}
		return nil
	}, request: func(s *oddServer, r testbed.Request) {
		if r.Timestamp > 2 {
			panic("the third")
		}
	}}
	small, err := testbed.Shrink(o.protocol(), o.plan(), nil)
	if err != nil || !strings.Contains(small.Report.Violation.Detail, "the third") {
		t.Errorf("shrunk to another failure: %v, %v", small, err)
	}
}

// A model that panics is a finding, and one that is not whole is refused.
func TestBadModel(t *testing.T) {
	p := odd{}.protocol()
	p.Model = &testbed.Model{
		Operation: func(uint64, string, string) []byte { return []byte("op") },
		Porcupine: porcupine.Model{
			Init: func() any { return 0 },
			Step: func(state, input, output any) (bool, any) { return output.([]byte)[99] == 0, state },
		},
	}
	if r := p.Run(odd{}.plan()); r.OK() || !strings.Contains(r.Violation.Detail, "the model panics: runtime error: index out of range") {
		t.Errorf("a Step that panics: %v", r.Violation)
	}
	p.Model = &testbed.Model{}
	refused(t, p, "the Model takes an Operation", "sweep")
}

// Of many seeds that fail alike the first is told.
func TestAlike(t *testing.T) {
	o := odd{request: func(*oddServer, testbed.Request) { panic("boom") }}
	status, out, errs := run(o.protocol(), "sweep", "-seeds", "12", "-out", t.TempDir())
	if status != 1 || errs != "" || strings.Count(out, "\nreplay: ") != 1 || !strings.Contains(out, "alike: seed 1, seed 2, ") ||
		!strings.HasSuffix(out, "12 of 12 seeds failed\n") {
		t.Errorf("status %d, errors %q, output:\n%s", status, errs, out)
	}
}

// Plans that ask for what the protocol does not have are refused.
func TestForeignFields(t *testing.T) {
	p := odd{}.protocol()
	for want, change := range map[string]func(*plan.Plan){ // the order does not matter
		"does not have workload.reads_ppm":                        func(p *plan.Plan) { p.Workload.Reads = 5 },
		"does not have workload.hosts":                            func(p *plan.Plan) { p.Workload.Hosts = 2 },
		"settings, and odd":                                       func(p *plan.Plan) { p.Settings = []byte(`{}`) },
		"fault 1: protocol \"odd\" does not have elect on demand": func(p *plan.Plan) { p.Faults = []plan.Fault{{At: 1, Do: "elect", Servers: []int{1}}} },
	} {
		plan := odd{}.plan()
		change(plan)
		if err := p.Validate(plan); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q, got %v", want, err)
		}
	}
	defer func() {
		if p := fmt.Sprint(recover()); !strings.Contains(p, "Run of an invalid plan: servers is 0") {
			t.Errorf("Run of a plan without servers: %s", p)
		}
	}()
	p.Run(&plan.Plan{Version: plan.Version, Protocol: "odd"})
}

func TestHelpOfACommand(t *testing.T) {
	status, out, errs := run(odd{}.protocol(), "sweep", "-h")
	if status != 0 || errs != "" || !strings.HasPrefix(out, "usage:\n") {
		t.Errorf("status %d, output %q, errors %q", status, out, errs)
	}
}

// What is told comes at its time and under its server, whatever the machine was called for.
func TestStoryOfTimers(t *testing.T) {
	const ms = world.Instant(1_000_000)
	next := map[int]world.Instant{}
	o := odd{silent: true, start: func(env *testbed.Env, _ []any) error {
		next[env.ID()] = 100 * ms
		return nil
	}, deadline: func(env *testbed.Env) world.Instant { return next[env.ID()] }, wake: func(s *oddServer) {
		s.env.Tell("wakes at %d ms", s.env.Now()/ms)
		next[s.env.ID()] += 100 * ms
		if s.env.Now() >= 300*ms {
			s.env.Fail("late", "it is late")
		}
	}}
	text := strings.Join(testbed.Tell(o.protocol(), o.plan()), "\n")
	for _, want := range []string{"100.000ms  server 1 wakes at 100 ms", "200.000ms  server 3 wakes at 200 ms", "300.000ms  late is violated"} {
		if !strings.Contains(text, want) {
			t.Errorf("the story does not say %q:\n%s", want, text)
		}
	}
}

// A digest of content comes to its end in circles, and tells the ends of long lists apart.
func TestDigestOfCircles(t *testing.T) {
	type peer struct {
		id    int
		peers []*peer
	}
	type list struct {
		next *list
		word int
	}
	hash := func(m any) uint64 {
		o := odd{request: func(s *oddServer, _ testbed.Request) { s.env.Send(2, "note", 0, m) }}
		r := o.protocol().Run(o.plan())
		if !r.OK() && strings.Contains(r.Violation.Detail, "Digest") {
			t.Errorf("%T: %v", m, r.Violation)
		}
		return r.Hash
	}
	circle := func(last int) any {
		peers := make([]*peer, 9)
		for i := range peers {
			peers[i] = &peer{id: i, peers: peers}
		}
		peers[8].id = last
		return peers[0]
	}
	long := func(last int) any {
		l := &list{word: last}
		for range 1000 {
			l = &list{next: l}
		}
		return l
	}
	for name, content := range map[string]func(int) any{"a circle": circle, "a list": long} {
		one, again, two := hash(content(1)), hash(content(1)), hash(content(2))
		if one != again || one == two {
			t.Errorf("%s: the hash does not go by the content", name)
		}
	}
	endless := odd{request: func(s *oddServer, _ testbed.Request) { s.env.Send(2, "note", 0, make([]int, 1<<20)) }}
	if r := endless.protocol().Run(endless.plan()); r.OK() || !strings.Contains(r.Violation.Detail, "it needs a method Digest() uint64 at sim/testbed_test.") {
		t.Errorf("a message of a million values: %v", r.Violation)
	}
}

// A run that does not come to its end is a finding.
func TestEndlessRuns(t *testing.T) {
	storm := odd{request: func(s *oddServer, _ testbed.Request) { s.env.Send(2, "note", 0, 1) }, receive: func(s *oddServer, _ any) {
		for to := 1; to <= 3; to++ {
			s.env.Send(to, "note", 0, 1)
		}
	}}
	if r := storm.protocol().Run(storm.plan()); r.OK() || !strings.Contains(r.Violation.Detail, "and most that came were a note") {
		t.Errorf("a storm: %v", r.Violation)
	}
	moving := odd{deadline: func(env *testbed.Env) world.Instant { return env.Now() + 1 }}
	if r := moving.protocol().Run(moving.plan()); r.OK() || !strings.Contains(r.Violation.Detail, "0 messages are under way after 10000000 calls") {
		t.Errorf("a Deadline that moves on: %v", r.Violation)
	}
}

// A machine that fails once only does not pass for one that fails.
func TestFlaky(t *testing.T) {
	once := false
	o := odd{request: func(s *oddServer, _ testbed.Request) {
		if s.env.Servers() == 3 && !once {
			once = true
			panic("flaky")
		}
	}}
	for _, shrink := range []string{"-shrink=false", "-shrink"} {
		once = false
		status, out, errs := run(o.protocol(), "sweep", "-from", "1", "-seeds", "40", "-out", t.TempDir(), shrink)
		if status != 1 || errs != "" || !strings.Contains(out, "flaky") && !strings.Contains(out, "two runs") || !strings.Contains(out, "two runs of one plan differ") {
			t.Errorf("%s: status %d, errors %q, output:\n%s", shrink, status, errs, out)
		}
	}
}

// Machines without timers and without records are no worse tested for it.
func TestMootFaults(t *testing.T) {
	status, out, _ := run(odd{request: func(s *oddServer, r testbed.Request) {}}.protocol(), "sweep", "-seeds", "600", "-nodes", "3", "-out", t.TempDir())
	for _, moot := range []string{"drift", "fail-sync", "stall", "crash-on-sync", "survived"} {
		if strings.Contains(out, "never took effect") && strings.Contains(out, moot) {
			t.Errorf("status %d, and %s is asked for:\n%s", status, moot, out)
		}
	}
}

// A model's other functions may panic, too, and states may be what can't be compared.
func TestModelsThatPanic(t *testing.T) {
	operation := func(_ uint64, _, unique string) []byte { return []byte(unique) }
	// It goes back and forth, and compares states, before it gives up at an operation that never fits.
	wrong := func(state, input, _ any) (bool, any) { return !strings.HasSuffix(string(input.([]byte)), "3"), state }
	for want, m := range map[string]porcupine.Model{ // the order does not matter
		"comparing uncomparable type map[string]bool": {Init: func() any { return map[string]bool{} }, Step: wrong},
		"the model panics: init":                      {Init: func() any { panic("init") }, Step: wrong},
		"the model panics: equal":                     {Init: func() any { return 0 }, Step: wrong, Equal: func(any, any) bool { panic("equal") }},
	} {
		p := odd{}.protocol()
		p.Model = &testbed.Model{Operation: operation, Porcupine: m}
		plan := odd{}.plan()
		plan.Workload.Clients, plan.Workload.Keys = 6, 1
		if r := p.Run(plan); r.OK() || !strings.Contains(r.Violation.Detail, want) {
			t.Errorf("want %q, got %v", want, r.Violation)
		}
	}
}

// A record that was changed after it was written is found when its server starts again.
func TestChangedRecord(t *testing.T) {
	last := map[int]*[]int{}
	o := odd{request: func(s *oddServer, _ testbed.Request) {
		if r := last[s.env.ID()]; r != nil {
			(*r)[0]++
		}
		r := []int{1}
		last[s.env.ID()] = &r
		s.env.Write(r)
	}}
	const ms = world.Instant(1_000_000)
	failing := o.plan()
	failing.Faults = []plan.Fault{{At: 200 * ms, Do: "crash", Servers: []int{1}, For: 20 * ms}}
	if r := o.protocol().Run(failing); r.OK() || !strings.Contains(r.Violation.Detail, "of server 1 changed since it was written") {
		t.Errorf("got %v", r.Violation)
	}
}
