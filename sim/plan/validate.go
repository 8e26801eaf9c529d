package plan

import (
	"fmt"
	"slices"

	"github.com/fauer4effect/paxos/sim/world"
)

// MaxDrift bounds a clock's drift: a few percent, where real clocks have some hundred ppm.
const MaxDrift = 100_000

// MaxServers bounds a cluster, of whatever protocol.
const MaxServers = 9

// MaxValueBytes is the longest that value_bytes may make a value: a request of it fits where requests must.
const MaxValueBytes = 50_000

// MaxClients bounds a plan's clients. They must fit beside the servers among the world's nodes; if they
// share hosts, only the hosts must.
const MaxClients = world.MaxNodes - 1 - MaxServers

// ClientsPerKey is how many clients contend for one key: porcupine's search explodes with operations that
// overlap without end.
const ClientsPerKey = 4

// Other limits of a plan.
const (
	MaxOnHosts = 10_000                        // clients
	MaxTime    = 31 * 24 * 3600 * world.Second // a virtual month
	maxFaults  = 100_000
)

// Validate says what is wrong with a plan of the protocol, if anything, and where. It does not look at
// the protocol's settings.
func (p *Plan) Validate(s System) error {
	if err := s.Names(p); err != nil {
		return err
	}
	if err := s.refused(p); err != nil {
		return err
	}
	switch {
	case s.Name != "" && (p.Servers < s.MinServers || p.Servers > s.MaxServers):
		return fmt.Errorf("servers is %d; %s takes %d to %d", p.Servers, s.Name, s.MinServers, s.MaxServers)
	case p.Version != Version:
		return fmt.Errorf("version is %d; this program reads version %d", p.Version, Version)
	case p.Seed >= 1<<53:
		return fmt.Errorf("seed %d is not below 2^53", p.Seed)
	case p.Servers < 1 || p.Servers > MaxServers:
		return fmt.Errorf("servers is %d; a cluster has 1 to %d", p.Servers, MaxServers)
	case p.Faulty < 0 || p.Faulty > MaxTime:
		return fmt.Errorf("faulty_ns %d is not within 0 … %d", p.Faulty, MaxTime)
	case p.Endless && p.Workload.Mix.Append > 0:
		return fmt.Errorf("endless, and its clients append: values grow without end")
	case len(p.Faults) > maxFaults:
		return fmt.Errorf("%d faults are more than %d", len(p.Faults), maxFaults)
	}
	for _, check := range []func() error{p.validateNetwork, p.validateDisk, p.validateClocks, p.validateWorkload, p.validateTail} {
		if err := check(); err != nil {
			return err
		}
	}
	for i := range p.Faults {
		if err := p.ValidateFault(p.Faults[i], s.Kinds); err != nil {
			return fmt.Errorf("fault %d: %w", i+1, err)
		}
	}
	return p.validateLosses()
}

// validateLosses refuses plans that lose more disks than the protocol can bear, and losses
// that the plan's disks do not know.
func (p *Plan) validateLosses() error {
	var lost []int
	for i := range p.Faults {
		f := &p.Faults[i]
		switch {
		case f.Do == Wipe && !p.Formation:
			return fmt.Errorf("fault %d: wipe takes formation: without it servers trust their disks", i+1)
		case (f.Do == Rot || f.Do == Misread) && !p.Disk.Log:
			return fmt.Errorf("fault %d: %s takes a disk with log: else nothing could notice", i+1, f.Do)
		case f.Do != Wipe && f.Do != Rot && f.Do != Misread:
			continue
		}
		for _, id := range f.Servers {
			if p.InCore(id) {
				return fmt.Errorf("fault %d: server %d belongs to the tail's core: without its disk it can never take part again", i+1, id)
			}
			if !slices.Contains(lost, id) {
				lost = append(lost, id)
			}
		}
	}
	if len(lost) > (p.Servers-1)/2 {
		return fmt.Errorf("servers %v lose their disks: no majority is left of %d", lost, p.Servers)
	}
	return nil
}

func (p *Plan) validateClocks() error {
	for i, c := range p.Clocks {
		switch {
		case p.Server(c.Server) != nil:
			return fmt.Errorf("clock %d: %w", i+1, p.Server(c.Server))
		case c.Skew < 0 || c.Skew > MaxTime:
			return fmt.Errorf("clock %d: skew_ns %d is not within 0 … %d", i+1, c.Skew, MaxTime)
		case c.Drift < -MaxDrift || c.Drift > MaxDrift:
			return fmt.Errorf("clock %d: drift_ppm %d is not within ±%d", i+1, c.Drift, MaxDrift)
		case slices.ContainsFunc(p.Clocks[:i], func(other Clock) bool { return other.Server == c.Server }):
			return fmt.Errorf("clock %d: server %d has two", i+1, c.Server)
		}
	}
	return nil
}

// Server is an error where the plan has no server of that number.
func (p *Plan) Server(id int) error {
	if id < 1 || id > p.Servers {
		return fmt.Errorf("no server %d of %d", id, p.Servers)
	}
	return nil
}

func (p *Plan) servers(ids []int) error {
	for i, id := range ids {
		if err := p.Server(id); err != nil {
			return err
		}
		if slices.Contains(ids[:i], id) {
			return fmt.Errorf("server %d is named twice", id)
		}
	}
	return nil
}

func (p *Plan) validateNetwork() error {
	if err := validateLink(p.Network.All); err != nil {
		return fmt.Errorf("network: all: %w", err)
	}
	if p.Network.Flips > 1_000_000 || p.Network.Flips > 0 && !p.Network.Wire {
		return fmt.Errorf("network: flips_ppm %d is over 1000000, or there is no wire", p.Network.Flips)
	}
	for i, l := range p.Network.Links {
		if err := p.servers([]int{l.From, l.To}); err != nil {
			return fmt.Errorf("network: link %d: %w", i+1, err)
		}
		if err := validateLink(l.Law); err != nil {
			return fmt.Errorf("network: link %d: %w", i+1, err)
		}
	}
	return nil
}

func validateLink(l world.LinkLaw) error {
	if max(l.Loss, l.Duplicate, l.Late) > 1_000_000 {
		return fmt.Errorf("a share is over 1000000 ppm: %+v", l)
	}
	if err := l.Delay.Validate(); err != nil {
		return fmt.Errorf("delay: %w", err)
	}
	if err := l.LateBy.Validate(); err != nil {
		return fmt.Errorf("late_by: %w", err)
	}
	return nil
}

func (p *Plan) validateDisk() error {
	d := &p.Disk
	switch {
	case d.Crash != "" && d.Crash != CrashTorn && d.Crash != CrashScattered:
		return fmt.Errorf("disk: crash: unknown way %q (torn or scattered)", d.Crash)
	case d.Lies > 1_000_000:
		return fmt.Errorf("disk: lies_ppm %d is over 1000000", d.Lies)
	}
	if err := p.Disk.Sync.Validate(); err != nil {
		return fmt.Errorf("disk: sync: %w", err)
	}
	for i, d := range p.Disk.Servers {
		if err := p.Server(d.Server); err != nil {
			return fmt.Errorf("disk: entry %d: %w", i+1, err)
		}
		if err := d.Sync.Validate(); err != nil {
			return fmt.Errorf("disk: entry %d: %w", i+1, err)
		}
	}
	return nil
}

func (p *Plan) validateWorkload() error {
	w := &p.Workload
	switch {
	case w.Hosts < 0 || w.Hosts > MaxClients:
		return fmt.Errorf("workload: hosts is %d, not within 0 … %d", w.Hosts, MaxClients)
	case w.Hosts == 0 && w.Clients > MaxClients:
		return fmt.Errorf("workload: clients is %d, not within 0 … %d (or %d, with hosts that they share)", w.Clients, MaxClients, MaxOnHosts)
	case w.Clients < 0 || w.Clients > MaxOnHosts:
		return fmt.Errorf("workload: clients is %d, not within 0 … %d", w.Clients, MaxOnHosts)
	case w.Clients > 0 && (w.Keys < 1 || w.Keys > 1000):
		return fmt.Errorf("workload: keys is %d, not within 1 … 1000", w.Keys)
	case p.Endless && w.Clients > ClientsPerKey*w.Keys:
		return fmt.Errorf("endless, and its keys bear %d clients of %d (%d a key): the others would take new ones without end",
			ClientsPerKey*w.Keys, w.Clients, ClientsPerKey)
	case w.Clients > 0 && (w.Timeout < world.Millisecond || w.Timeout > MaxTime):
		return fmt.Errorf("workload: timeout_ns is %d, not within %d … %d", w.Timeout, world.Millisecond, MaxTime)
	case len(w.Readers) > 0 && !w.Home:
		return fmt.Errorf("workload: readers are the servers whose clients only get: that takes home")
	case len(w.Homes) > 0 && !w.Home:
		return fmt.Errorf("workload: homes are the servers that clients begin at: that takes home")
	case p.servers(w.Homes) != nil:
		return fmt.Errorf("workload: homes: %w", p.servers(w.Homes))
	case p.servers(w.Readers) != nil:
		return fmt.Errorf("workload: readers: %w", p.servers(w.Readers))
	case w.Reads > 1_000_000:
		return fmt.Errorf("workload: reads_ppm %d is over 1000000", w.Reads)
	case w.Bytes < 0 || w.Bytes > MaxValueBytes:
		return fmt.Errorf("workload: value_bytes is %d, not within 0 … %d", w.Bytes, MaxValueBytes)
	case w.Tries < 0 || w.Limit < 0 || w.Gaps > 500_000:
		return fmt.Errorf("workload: tries %d or limit %d is negative, or gaps_ppm %d over 500000", w.Tries, w.Limit, w.Gaps)
	}
	total := 0
	for _, weight := range w.Mix.weights() {
		if weight < 0 || weight > 1_000_000 {
			return fmt.Errorf("workload: mix: a weight of %d is not within 0 … 1000000", weight)
		}
		total += weight
	}
	if w.Clients > 0 && total == 0 {
		return fmt.Errorf("workload: mix: no kind of operation has a weight")
	}
	if err := w.Pause.Validate(); err != nil {
		return fmt.Errorf("workload: pause: %w", err)
	}
	return nil
}

func (p *Plan) validateTail() error {
	t := &p.Tail
	if err := p.servers(t.Core); err != nil {
		return fmt.Errorf("tail: core: %w", err)
	}
	if n := len(t.Core); n > 0 && n < p.Servers/2+1 {
		return fmt.Errorf("tail: core %v is not a majority of %d servers", t.Core, p.Servers)
	}
	for i, b := range t.Broken {
		if err := p.Server(b.Server); err != nil {
			return fmt.Errorf("tail: broken %d: %w", i+1, err)
		}
		if !slices.Contains([]string{"down", "cut", string(Deaf), string(Mute)}, b.How) {
			return fmt.Errorf("tail: broken %d: unknown way %q (down, cut, deaf or mute)", i+1, b.How)
		}
		if slices.ContainsFunc(t.Broken[:i], func(other Broken) bool { return other.Server == b.Server }) {
			return fmt.Errorf("tail: broken %d: server %d is broken twice", i+1, b.Server)
		}
		if len(t.Core) == 0 || slices.Contains(t.Core, b.Server) {
			return fmt.Errorf("tail: broken %d: server %d belongs to the core", i+1, b.Server)
		}
	}
	for _, c := range t.Clients {
		if c < 1 || c > p.Workload.Clients {
			return fmt.Errorf("tail: clients: no client %d of %d", c, p.Workload.Clients)
		}
	}
	if err := t.Delay.Validate(); err != nil {
		return fmt.Errorf("tail: delay: %w", err)
	}
	if err := t.Sync.Validate(); err != nil {
		return fmt.Errorf("tail: sync: %w", err)
	}
	if err := t.Pause.Validate(); err != nil {
		return fmt.Errorf("tail: pause: %w", err)
	}
	if min(t.Settle, t.Answer, t.For) < 0 || max(t.Settle, t.Answer, t.For) > MaxTime {
		return fmt.Errorf("tail: a time is not within 0 … %d", MaxTime)
	}
	return nil
}

// ValidateFault says what is wrong with a fault of this plan, if anything. A field that its
// kind does not use is an error: it would not do what it seems to.
func (p *Plan) ValidateFault(f Fault, kinds []string) error {
	row, known := f.Do.Row()
	if !known || row.Of != "" {
		return fmt.Errorf("unknown do %q", f.Do)
	}
	want := row.Takes
	if f.Do == Crash && f.On != nil {
		want = Fields{On: true, For: true}
	}
	if f.Leader && want.Leader {
		want.Servers = false
	}
	switch {
	case f.At < 0 || f.For < 0 || f.At > MaxTime || f.For > MaxTime:
		return fmt.Errorf("a time is not within 0 … %d", MaxTime)
	case want.On && f.On == nil:
		return fmt.Errorf("%s takes on: the event it is for", f.Do)
	case !want.On && f.On != nil:
		return fmt.Errorf("%s takes at_ns, and no on", f.Do)
	case f.Leader && !want.Leader:
		return fmt.Errorf("%s takes no leader", f.Do)
	case want.Servers && len(f.Servers) == 0:
		return fmt.Errorf("%s takes servers", f.Do)
	case !want.Servers && len(f.Servers) > 0:
		return fmt.Errorf("%s takes no servers%s", f.Do, besideLeader(f.Leader))
	case !want.From && f.From != 0 || !want.To && f.To != 0:
		return fmt.Errorf("%s takes no from and to", f.Do)
	case !want.For && f.For != 0:
		return fmt.Errorf("%s takes no for_ns", f.Do)
	case want.By && (f.By == 0 || f.By < 0 && !want.Back || max(f.By, -f.By) > MaxTime):
		return fmt.Errorf("%s takes by_ns, within 1 … %d%s", f.Do, MaxTime, map[bool]string{true: ", or below zero"}[want.Back])
	case want.Kind && slices.Index(kinds, f.Kind) < 1:
		return fmt.Errorf("%s: unknown kind of message %q", f.Do, f.Kind)
	case !want.Kind && f.Kind != "":
		return fmt.Errorf("%s takes no kind", f.Do)
	case !want.By && f.By != 0:
		return fmt.Errorf("%s takes no by_ns", f.Do)
	case f.Do == Flap && f.For/f.By > maxFlaps:
		return fmt.Errorf("flap opens and closes more than %d times: by_ns is too small for for_ns", maxFlaps)
	case want.On && f.At != 0:
		return fmt.Errorf("%s on an event takes no at_ns", f.Do)
	case f.On == nil && f.At >= p.Faulty:
		return fmt.Errorf("at_ns %d is not before the end of the faulty phase, %d", f.At, p.Faulty)
	case want.On:
		return p.validateName(f.Do, f.On, kinds)
	case want.To && !want.From:
		return p.Server(f.To)
	case want.To:
		return p.servers([]int{f.From, f.To})
	case want.From: // a bridge
		if slices.Contains(f.Servers, f.From) {
			return fmt.Errorf("server %d is the bridge, and on a side", f.From)
		}
		return p.servers(append([]int{f.From}, f.Servers...))
	}
	return p.servers(f.Servers)
}

// maxFlaps bounds what one flapping partition schedules.
const maxFlaps = 10_000

func besideLeader(leader bool) string {
	if leader {
		return " beside leader"
	}
	return ""
}

func (p *Plan) validateName(do Kind, n *Name, kinds []string) error {
	own := n.Kind == OnSync || n.Kind == OnStart // events of one server
	switch {
	case n.N == 0:
		return fmt.Errorf("on: n counts from 1")
	case !own && slices.Index(kinds, n.Kind) < 1:
		return fmt.Errorf("on: unknown kind of message %q", n.Kind)
	case do != Crash && (own || n.Arrives):
		return fmt.Errorf("on: only a crash comes on sync, on start and on what arrives")
	case own && (n.To != 0 || n.Unsynced || n.Arrives):
		return fmt.Errorf("on: %s takes from and n only", n.Kind)
	case n.Arrives && n.Unsynced:
		return fmt.Errorf("on: unsynced is said of what leaves, and arrives of what comes")
	}
	for _, id := range []int{n.From, n.To} {
		if id != 0 {
			if err := p.Server(id); err != nil {
				return fmt.Errorf("on: %w", err)
			}
		}
	}
	return nil
}
