package scenarios

import (
	"fmt"
	"strings"

	"github.com/fauer4effect/paxos/sim/plan"
	"github.com/fauer4effect/paxos/sim/world"
)

// parseAt reads a fault with a time, for the plan.
func parseAt(p *parser, args []string) (func(*story) error, error) {
	switch {
	case !p.cluster:
		return nil, fmt.Errorf("no cluster yet: begin with `cluster 3`")
	case len(args) < 2:
		return nil, errUsage
	}
	at, err := duration(args[0])
	if err != nil {
		return nil, err
	}
	f, err := p.fault(args[1:])
	if err != nil {
		return nil, err
	}
	f.At = at
	p.script.plan.Faults = append(p.script.plan.Faults, f)
	return nil, p.script.plan.ValidateFault(f, p.script.lang.System.Kinds)
}

// fault reads `crash 1,2 for 300ms`, `slow leader for 1s by 20ms`, `bridge 1,2 over 3` and the like.
func (p *parser) fault(args []string) (f plan.Fault, err error) {
	args, span, spanned := option(args, "for")
	args, by, moved := option(args, "by")
	args, over, bridged := option(args, "over")
	if len(args) == 3 && args[0] == "omit" {
		f.Kind, args = args[1], []string{args[0], args[2]}
	}
	if len(args) != 2 {
		return f, errUsage
	}
	switch f.Do = plan.Kind(args[0]); {
	case f.Do == "cut":
		f.From, f.To, err = p.link(args[1])
	case args[1] == "leader":
		f.Leader = true
	case f.Do == "hand-over":
		var ids []int
		if ids, err = p.servers(args[1]); err == nil && len(ids) != 1 {
			err = errUsage
		}
		if err == nil {
			f.To = ids[0]
		}
	default:
		f.Servers, err = p.servers(args[1])
	}
	if bridged && err == nil {
		var ids []int
		if ids, err = p.servers(over); err == nil {
			if len(ids) != 1 {
				return f, errUsage
			}
			f.From = ids[0]
		}
	}
	if spanned && err == nil {
		f.For, err = spell(span)
	}
	if moved && err == nil {
		f.By, err = shift(by)
	}
	return f, err
}

// shift is a time that may be below zero: a clock jumps back.
func shift(text string) (world.Instant, error) {
	back, negative := strings.CutPrefix(text, "-")
	d, err := spell(back)
	if negative {
		d = -d
	}
	return d, err
}

// parseOn reads a fault that waits for a message, for the plan.
func parseOn(p *parser, args []string) (func(*story) error, error) {
	if !p.cluster {
		return nil, fmt.Errorf("no cluster yet: begin with `cluster 3`")
	}
	args, nth, counted := option(args, "n")
	if len(args) < 3 || !counted {
		return nil, errUsage
	}
	on, err := p.event(args[0], args[1])
	if err != nil {
		return nil, err
	}
	n, err := number(nth, 1, 1<<30)
	if err != nil {
		return nil, err
	}
	on.N = uint32(n)
	f := plan.Fault{On: on}
	args = args[2:]
	for len(args) > 1 && (args[0] == "unsynced" || args[0] == "arrives") {
		on.Unsynced, on.Arrives = on.Unsynced || args[0] == "unsynced", on.Arrives || args[0] == "arrives"
		args = args[1:]
	}
	args, span, spanned := option(args, "for")
	f.Do = plan.Kind(args[0])
	if f.Do == "delay" && len(args) == 2 {
		args, span, spanned = args[:1], args[1], true
	}
	if len(args) != 1 {
		return nil, errUsage
	}
	if spanned {
		if f.For, err = spell(span); err != nil {
			return nil, err
		}
	}
	p.script.plan.Faults = append(p.script.plan.Faults, f)
	return nil, p.script.plan.ValidateFault(f, p.script.lang.System.Kinds)
}

// event reads the kind and the link of a message, or `sync 3` and `start 3`.
func (p *parser) event(kind, where string) (*plan.Name, error) {
	if kind == "sync" || kind == "start" {
		if where == "*" {
			return &plan.Name{Kind: kind}, nil
		}
		ids, err := p.servers(where)
		if err == nil && len(ids) != 1 {
			err = errUsage
		}
		if err != nil {
			return nil, err
		}
		return &plan.Name{Kind: kind, From: ids[0]}, nil
	}
	rule, err := p.messages([]string{kind, where})
	return &plan.Name{Kind: kind, From: int(rule.From), To: int(rule.To)}, err
}
