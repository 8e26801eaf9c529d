package script

import (
	"fmt"
	"strings"

	"github.com/fauer4effect/paxos/sim/plan"
	"github.com/fauer4effect/paxos/sim/world"
)

// parseAt reads a fault with a time, for the plan.
func parseAt(p *Parser, args []string) (func(*Story) error, error) {
	switch {
	case !p.cluster:
		return nil, fmt.Errorf("no cluster yet: begin with `cluster 3`")
	case len(args) < 2:
		return nil, ErrUsage
	}
	at, err := Duration(args[0])
	if err != nil {
		return nil, err
	}
	f, err := p.fault(args[1:])
	if err != nil {
		return nil, err
	}
	f.At = at
	p.Script.Plan.Faults = append(p.Script.Plan.Faults, f)
	return nil, p.Script.Plan.ValidateFault(f, p.Script.lang.System.Kinds)
}

// fault reads `crash 1,2 for 300ms`, `slow leader for 1s by 20ms`, `bridge 1,2 over 3` and the like.
func (p *Parser) fault(args []string) (f plan.Fault, err error) {
	args, span, spanned := Option(args, "for")
	args, by, moved := Option(args, "by")
	args, over, bridged := Option(args, "over")
	if len(args) == 3 && args[0] == "omit" {
		f.Kind, args = args[1], []string{args[0], args[2]}
	}
	if len(args) != 2 {
		return f, ErrUsage
	}
	switch f.Do = plan.Kind(args[0]); {
	case f.Do == "cut":
		f.From, f.To, err = p.link(args[1])
	case args[1] == "leader":
		f.Leader = true
	case f.Do == "hand-over":
		var ids []int
		if ids, err = p.Servers(args[1]); err == nil && len(ids) != 1 {
			err = ErrUsage
		}
		if err == nil {
			f.To = ids[0]
		}
	default:
		f.Servers, err = p.Servers(args[1])
	}
	if bridged && err == nil {
		var ids []int
		if ids, err = p.Servers(over); err == nil {
			if len(ids) != 1 {
				return f, ErrUsage
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
func parseOn(p *Parser, args []string) (func(*Story) error, error) {
	if !p.cluster {
		return nil, fmt.Errorf("no cluster yet: begin with `cluster 3`")
	}
	args, nth, counted := Option(args, "n")
	if len(args) < 3 || !counted {
		return nil, ErrUsage
	}
	on, err := p.event(args[0], args[1])
	if err != nil {
		return nil, err
	}
	n, err := Number(nth, 1, 1<<30)
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
	args, span, spanned := Option(args, "for")
	f.Do = plan.Kind(args[0])
	if f.Do == "delay" && len(args) == 2 {
		args, span, spanned = args[:1], args[1], true
	}
	if len(args) != 1 {
		return nil, ErrUsage
	}
	if spanned {
		if f.For, err = spell(span); err != nil {
			return nil, err
		}
	}
	p.Script.Plan.Faults = append(p.Script.Plan.Faults, f)
	return nil, p.Script.Plan.ValidateFault(f, p.Script.lang.System.Kinds)
}

// event reads the kind and the link of a message, or `sync 3` and `start 3`.
func (p *Parser) event(kind, where string) (*plan.Name, error) {
	if kind == "sync" || kind == "start" {
		if where == "*" {
			return &plan.Name{Kind: kind}, nil
		}
		ids, err := p.Servers(where)
		if err == nil && len(ids) != 1 {
			err = ErrUsage
		}
		if err != nil {
			return nil, err
		}
		return &plan.Name{Kind: kind, From: ids[0]}, nil
	}
	rule, err := p.messages([]string{kind, where})
	return &plan.Name{Kind: kind, From: int(rule.From), To: int(rule.To)}, err
}
