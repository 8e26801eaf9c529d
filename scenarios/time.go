package scenarios

import (
	"fmt"
	"strconv"

	"github.com/fauer4effect/paxos/protocol"
)

func timeCommands() []command {
	return []command{
		{"run", "TIME", "let time pass", false, parseRun},
		{"until", "leader [N] | view N | ordered N | executed N on SERVERS | reply CLIENT | state SERVER STATE | held KIND LINK [within TIME]", "let time pass until it is so; it fails if it is not within 10s, or the time given", false, parseUntil},
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

// condition is something that comes to hold, and how one says so.
type condition struct {
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

func (p *parser) condition(args []string) (condition, error) {
	if len(args) == 0 {
		return condition{}, errUsage
	}
	switch rest := args[1:]; args[0] {
	case "leader":
		return p.untilLeader(rest)
	case "view":
		return untilNumber(rest, "view %d to be led", func(st *story) uint64 { return st.ledView() })
	case "ordered":
		return untilNumber(rest, "%d slots to be ordered", func(st *story) uint64 { return uint64(st.stage.Log().ARU()) })
	case "executed":
		return p.untilExecuted(rest)
	case "reply":
		return p.untilReply(rest)
	case "state":
		return p.untilState(rest)
	case "held":
		return p.untilHeld(rest)
	}
	return condition{}, errUsage
}

func (p *parser) untilLeader(args []string) (condition, error) {
	switch len(args) {
	case 0:
		return condition{func(st *story) bool { return st.leader() != 0 }, "a server to lead"}, nil
	case 1:
		id, err := p.server(args[0])
		return condition{func(st *story) bool { return st.leads(id) }, fmt.Sprintf("server %d to lead", id)}, err
	}
	return condition{}, errUsage
}

func untilNumber(args []string, words string, value func(*story) uint64) (condition, error) {
	if len(args) != 1 {
		return condition{}, errUsage
	}
	n, err := strconv.ParseUint(args[0], 10, 53)
	if err != nil {
		return condition{}, fmt.Errorf("%q is no number", args[0])
	}
	return condition{func(st *story) bool { return value(st) >= n }, fmt.Sprintf(words, n)}, nil
}

func (p *parser) untilExecuted(args []string) (condition, error) {
	if len(args) != 3 || args[1] != "on" {
		return condition{}, errUsage
	}
	n, err := strconv.ParseUint(args[0], 10, 53)
	if err != nil {
		return condition{}, fmt.Errorf("%q is no number", args[0])
	}
	who, err := p.who(args[2])
	return condition{func(st *story) bool {
		ids, err := who(st)
		for _, id := range ids {
			if st.stage.Server(id).LocalARU() < protocol.Seq(n) {
				return false
			}
		}
		return err == nil
	}, fmt.Sprintf("slot %d to be executed on %s", n, args[2])}, err
}

func (p *parser) untilReply(args []string) (condition, error) {
	if len(args) != 1 {
		return condition{}, errUsage
	}
	i, err := p.client(args[0])
	return condition{func(st *story) bool { return st.via[i] != 0 && !st.stage.Waiting(i) }, "an answer to client " + args[0]}, err
}

func (p *parser) untilState(args []string) (condition, error) {
	if len(args) != 2 {
		return condition{}, errUsage
	}
	id, err := p.server(args[0])
	if err != nil {
		return condition{}, err
	}
	state, err := stateNamed(args[1])
	return condition{func(st *story) bool {
		return st.stage.Up(id) && st.stage.Server(id).State() == state
	}, fmt.Sprintf("server %d to be in %v", id, state)}, err
}

func (p *parser) untilHeld(args []string) (condition, error) {
	rule, err := p.messages(args)
	return condition{func(st *story) bool { return st.held(rule) > 0 }, "a message to be held"}, err
}

func stateNamed(name string) (protocol.State, error) {
	for s := protocol.LeaderElection; s <= protocol.RegNonLeader; s++ {
		if s.String() == name {
			return s, nil
		}
	}
	return 0, fmt.Errorf("unknown state %q: there are LeaderElection, Preparing, RegLeader and RegNonLeader", name)
}
