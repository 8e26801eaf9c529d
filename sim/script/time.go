package script

import (
	"fmt"
	"strconv"
)

func timeCommands(l *Language) []Command {
	until := forms(append(untils(), l.Until...), func(c Condition) string { return c.Form })
	return []Command{
		{"run", "TIME", "let time pass", false, parseRun},
		{"until", until + " [within TIME]", "let time pass until it is so; it fails if it is not within 10s, or the time given", false, parseUntil},
	}
}

func parseRun(_ *Parser, args []string) (func(*Story) error, error) {
	if len(args) != 1 {
		return nil, ErrUsage
	}
	d, err := Duration(args[0])
	return func(st *Story) error {
		st.until(d, func() bool { return false })
		return nil
	}, err
}

const patience = 10 * second

// Wait is what a story waits for, and how one says so.
type Wait struct {
	Holds func(*Story) bool
	Words string
}

func parseUntil(p *Parser, args []string) (func(*Story) error, error) {
	args, limit, err := within(args, patience)
	if err != nil {
		return nil, err
	}
	c, err := p.condition(args)
	return func(st *Story) error {
		if st.until(limit, func() bool { return c.Holds(st) }) || st.Stage.Violation() != nil {
			return nil
		}
		return fmt.Errorf("expected %s within %v; %s", c.Words, wall(limit), st.now())
	}, err
}

func (p *Parser) condition(args []string) (Wait, error) {
	if len(args) == 0 {
		return Wait{}, ErrUsage
	}
	for _, c := range append(untils(), p.Script.lang.Until...) {
		if named(c.Form, args[0]) {
			return c.Parse(p, args[1:])
		}
	}
	return Wait{}, ErrUsage
}

// untils are what any protocol's scripts may wait for.
func untils() []Condition {
	return []Condition{
		{"leader [N]", (*Parser).untilLeader},
		{"reply CLIENT", (*Parser).untilReply},
		{"held KIND LINK", (*Parser).untilHeld},
	}
}

func (p *Parser) untilLeader(args []string) (Wait, error) {
	switch len(args) {
	case 0:
		return Wait{func(st *Story) bool { return st.Leader() != 0 }, "a server to lead"}, nil
	case 1:
		id, err := p.Server(args[0])
		return Wait{func(st *Story) bool { return st.Stage.Leads(id) }, fmt.Sprintf("server %d to lead", id)}, err
	}
	return Wait{}, ErrUsage
}

// UntilNumber reads N, and waits until a value of the story is at least that. words say so, with a %d.
func UntilNumber(args []string, words string, value func(*Story) uint64) (Wait, error) {
	if len(args) != 1 {
		return Wait{}, ErrUsage
	}
	n, err := strconv.ParseUint(args[0], 10, 53)
	if err != nil {
		return Wait{}, fmt.Errorf("%q is not a number", args[0])
	}
	return Wait{func(st *Story) bool { return value(st) >= n }, fmt.Sprintf(words, n)}, nil
}

func (p *Parser) untilReply(args []string) (Wait, error) {
	if len(args) != 1 {
		return Wait{}, ErrUsage
	}
	i, err := p.Client(args[0])
	return Wait{func(st *Story) bool { return st.Via[i] != 0 && !st.Stage.Waiting(i) }, "an answer to client " + args[0]}, err
}

func (p *Parser) untilHeld(args []string) (Wait, error) {
	rule, err := p.messages(args)
	return Wait{func(st *Story) bool { return st.held(rule) > 0 }, "a message to be held"}, err
}
