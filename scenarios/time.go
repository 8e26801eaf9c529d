package scenarios

import (
	"fmt"
	"strconv"
)

func timeCommands(l *Language) []command {
	until := forms(append(untils(), l.Until...), func(c condition) string { return c.form })
	return []command{
		{"run", "TIME", "let time pass", false, parseRun},
		{"until", until + " [within TIME]", "let time pass until it is so; it fails if it is not within 10s, or the time given", false, parseUntil},
	}
}

func parseRun(_ *parser, args []string) (func(*story) error, error) {
	if len(args) != 1 {
		return nil, errUsage
	}
	d, err := duration(args[0])
	return func(st *story) error {
		st.until(d, func() bool { return false })
		return nil
	}, err
}

const patience = 10 * second

// hope is what a story waits for, and how one says so.
type hope struct {
	holds func(*story) bool
	words string
}

func parseUntil(p *parser, args []string) (func(*story) error, error) {
	args, limit, err := within(args, patience)
	if err != nil {
		return nil, err
	}
	c, err := p.condition(args)
	return func(st *story) error {
		if st.until(limit, func() bool { return c.holds(st) }) || st.stage.Violation() != nil {
			return nil
		}
		return fmt.Errorf("expected %s within %v; %s", c.words, wall(limit), st.now())
	}, err
}

func (p *parser) condition(args []string) (hope, error) {
	if len(args) == 0 {
		return hope{}, errUsage
	}
	for _, c := range append(untils(), p.script.lang.Until...) {
		if named(c.form, args[0]) {
			return c.parse(p, args[1:])
		}
	}
	return hope{}, errUsage
}

// untils are what any protocol's scripts may wait for.
func untils() []condition {
	return []condition{
		{"leader [N]", (*parser).untilLeader},
		{"reply CLIENT", (*parser).untilReply},
		{"held KIND LINK", (*parser).untilHeld},
	}
}

func (p *parser) untilLeader(args []string) (hope, error) {
	switch len(args) {
	case 0:
		return hope{func(st *story) bool { return st.leader() != 0 }, "a server to lead"}, nil
	case 1:
		id, err := p.server(args[0])
		return hope{func(st *story) bool { return st.stage.Leads(id) }, fmt.Sprintf("server %d to lead", id)}, err
	}
	return hope{}, errUsage
}

func untilNumber(args []string, words string, value func(*story) uint64) (hope, error) {
	if len(args) != 1 {
		return hope{}, errUsage
	}
	n, err := strconv.ParseUint(args[0], 10, 53)
	if err != nil {
		return hope{}, fmt.Errorf("%q is no number", args[0])
	}
	return hope{func(st *story) bool { return value(st) >= n }, fmt.Sprintf(words, n)}, nil
}

func (p *parser) untilReply(args []string) (hope, error) {
	if len(args) != 1 {
		return hope{}, errUsage
	}
	i, err := p.client(args[0])
	return hope{func(st *story) bool { return st.via[i] != 0 && !st.stage.Waiting(i) }, "an answer to client " + args[0]}, err
}

func (p *parser) untilHeld(args []string) (hope, error) {
	rule, err := p.messages(args)
	return hope{func(st *story) bool { return st.held(rule) > 0 }, "a message to be held"}, err
}
