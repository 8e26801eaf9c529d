package script

import (
	"bytes"
	"fmt"
	"strconv"

	"github.com/fauer4effect/paxos/sim/plan"
	"github.com/fauer4effect/paxos/sim/world"
)

func setupCommands() []Command {
	return []Command{
		{"cluster", "N [seed S]", "N servers, 1 to 9; the seed decides what the script leaves open (1 if not given)", true, parseCluster},
		{"seeds", "N", "tell the whole story under N seeds, from the cluster's on", true, parseSeeds},
		{"delay", "TIME[..TIME]", "how long a message takes (0.5ms..1.5ms if not given)", true, parseLaw(func(p *plan.Plan, l world.Law) { p.Network.All.Delay = l })},
		{"sync", "TIME[..TIME]", "how long a disk takes to make records durable (0.2ms..1ms)", true, parseLaw(func(p *plan.Plan, l world.Law) { p.Disk.Sync = l })},
		{"loss", "SHARE%", "this share of messages is lost", true, parseShare(func(p *plan.Plan, ppm uint32) { p.Network.All.Loss = ppm })},
		{"duplicate", "SHARE%", "this share of messages arrives twice", true, parseShare(func(p *plan.Plan, ppm uint32) { p.Network.All.Duplicate = ppm })},
		{"late", "SHARE% TIME..TIME", "this share of messages takes so much longer", true, parseLate},
		{"clients", "N [pause TIME[..TIME]] [keys K] [timeout TIME]", "N clients in the background, which work on K keys of their own", true, parseClients},
		{"plan", "FILE", "take the cluster, its laws, clients and tail from a plan that stands in the script as a file", true, parsePlan},
		{"at", "TIME FAULT…", "schedule a fault of plans: `crash 1,2 for 1s`, `pause leader for 1s`, `slow 1 for 1s by 5ms`, `bridge 1 over 2`, `cut 1->2`, `omit Accept 1,2 for 1s` …", true, parseAt},
		{"on", "KIND LINK n N [unsynced|arrives] FAULT…", "when the N-th such message leaves: drop it, `delay TIME`, or crash its sender `for TIME`. unsynced: count only messages that leave while a crash of the sender would take records. arrives: a crash is the receiver's, once it has taken the message", true, parseOn},
	}
}

func parseCluster(p *Parser, args []string) (func(*Story) error, error) {
	args, seed, seeded := Option(args, "seed")
	if len(args) != 1 || p.cluster {
		if p.cluster {
			return nil, fmt.Errorf("there is a cluster already")
		}
		return nil, ErrUsage
	}
	n, err := Number(args[0], max(1, p.Script.lang.System.MinServers), p.Script.lang.System.MaxServers)
	if err != nil {
		return nil, err
	}
	if seeded {
		s, err := strconv.ParseUint(seed, 10, 53)
		if err != nil {
			return nil, fmt.Errorf("%q is not a seed below 2^53", seed)
		}
		p.Script.Plan.Seed = s
	}
	p.Script.Plan.Servers, p.cluster = n, true
	return nil, nil
}

func parseSeeds(p *Parser, args []string) (func(*Story) error, error) {
	if len(args) != 1 {
		return nil, ErrUsage
	}
	n, err := Number(args[0], 1, 1_000_000)
	p.Script.Seeds = uint64(n)
	return nil, err
}

func parseLaw(set func(*plan.Plan, world.Law)) func(*Parser, []string) (func(*Story) error, error) {
	return func(p *Parser, args []string) (func(*Story) error, error) {
		if len(args) != 1 {
			return nil, ErrUsage
		}
		l, err := law(args[0])
		set(p.Script.Plan, l)
		return nil, err
	}
}

func parseShare(set func(*plan.Plan, uint32)) func(*Parser, []string) (func(*Story) error, error) {
	return func(p *Parser, args []string) (func(*Story) error, error) {
		if len(args) != 1 {
			return nil, ErrUsage
		}
		ppm, err := share(args[0])
		set(p.Script.Plan, ppm)
		return nil, err
	}
}

func parseLate(p *Parser, args []string) (func(*Story) error, error) {
	if len(args) != 2 {
		return nil, ErrUsage
	}
	ppm, err := share(args[0])
	if err != nil {
		return nil, err
	}
	p.Script.Plan.Network.All.Late = ppm
	p.Script.Plan.Network.All.LateBy, err = law(args[1])
	return nil, err
}

func parseClients(p *Parser, args []string) (func(*Story) error, error) {
	w := &p.Script.Plan.Workload
	args, pause, paused := Option(args, "pause")
	args, keys, keyed := Option(args, "keys")
	args, timeout, timed := Option(args, "timeout")
	if len(args) != 1 {
		return nil, ErrUsage
	}
	var err error
	if w.Clients, err = Number(args[0], 1, 8); err != nil {
		return nil, err
	}
	if paused {
		if w.Pause, err = law(pause); err != nil {
			return nil, err
		}
	}
	if keyed {
		if w.Keys, err = Number(keys, 1, 100); err != nil {
			return nil, err
		}
	}
	if timed {
		w.Timeout, err = Duration(timeout)
	}
	return nil, err
}

func parsePlan(p *Parser, args []string) (func(*Story) error, error) {
	if len(args) != 1 {
		return nil, ErrUsage
	}
	text, ok := p.Script.files[args[0]]
	if !ok {
		return nil, fmt.Errorf("no file %s stands in the script; add it below as `-- %s --`", args[0], args[0])
	}
	if p.cluster {
		return nil, fmt.Errorf("there is a cluster already")
	}
	if p.laws {
		return nil, fmt.Errorf("it must stand before what it would overwrite: put it first")
	}
	read, err := p.Script.lang.ReadPlan(bytes.NewReader(text))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", args[0], err)
	}
	p.Script.Plan, p.cluster = read, true
	return nil, nil
}
