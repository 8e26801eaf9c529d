package plan

import (
	"fmt"
	"strings"
)

// System is what a plan must know of the protocol under test.
type System struct {
	Name                   string   // as in Plan.Protocol: empty for our own
	Kinds                  []string // of message, by number; the one of number 0 is none
	MinServers, MaxServers int
	Can                    Features
}

// Features are what plans may ask of some protocols only.
type Features struct {
	Elect     bool // it starts an election when it is told to
	HandOver  bool // its leader gives way when it is told to
	Formation bool // fresh disks meet
	Wire      bool // its messages have a form as bytes, …
	Log       bool // … and so have its records
	Reads     bool // clients may ask without a log append
	Hosts     bool // clients may share machines
	Apart     bool // servers may have settings of their own
	Endless   bool // its checkers can forget
}

// refused names what the plan asks for and the protocol does not have.
func (s System) refused(p *Plan) error {
	var lacks []string
	for _, f := range []struct {
		name     string
		has, can bool
	}{
		{"formation", p.Formation, s.Can.Formation},
		{"network.wire", p.Network.Wire, s.Can.Wire},
		{"disk.log", p.Disk.Log, s.Can.Log},
		{"workload.reads_ppm", p.Workload.Reads > 0, s.Can.Reads},
		{"workload.hosts", p.Workload.Hosts > 0, s.Can.Hosts},
		{"server_settings", len(p.Apart) > 0, s.Can.Apart},
		{"endless", p.Endless, s.Can.Endless},
	} {
		if f.has && !f.can {
			lacks = append(lacks, f.name)
		}
	}
	if len(lacks) > 0 {
		return fmt.Errorf("protocol %q does not have %s", s.Name, strings.Join(lacks, ", "))
	}
	for i := range p.Faults {
		if do := p.Faults[i].Do; do == Elect && !s.Can.Elect || do == HandOver && !s.Can.HandOver {
			return fmt.Errorf("fault %d: protocol %q does not have %s on demand", i+1, s.Name, do)
		}
	}
	return nil
}

// Names says that the plan is of another protocol, if it is.
func (s System) Names(p *Plan) error {
	switch {
	case p.Protocol == s.Name:
		return nil
	case p.Protocol == "":
		return fmt.Errorf("it is a plan for our own Paxos, not for %q", s.Name)
	case s.Name == "":
		return fmt.Errorf("it is a plan for protocol %q: the program of that protocol replays it", p.Protocol)
	}
	return fmt.Errorf("it is a plan for protocol %q, not for %q", p.Protocol, s.Name)
}
