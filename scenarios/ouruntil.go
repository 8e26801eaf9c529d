package scenarios

import (
	"fmt"
	"strconv"

	"github.com/fauer4effect/paxos/protocol"
)

func conditions() []condition {
	return []condition{
		{"view N", func(_ *parser, args []string) (hope, error) {
			return untilNumber(args, "view %d to be led", ledView)
		}},
		{"ordered N", func(_ *parser, args []string) (hope, error) {
			return untilNumber(args, "%d slots to be ordered", func(st *story) uint64 { return uint64(ours(st).Log().ARU()) })
		}},
		{"executed N on SERVERS", untilExecuted},
		{"state SERVER STATE", untilState},
	}
}

func untilExecuted(p *parser, args []string) (hope, error) {
	if len(args) != 3 || args[1] != "on" {
		return hope{}, errUsage
	}
	n, err := strconv.ParseUint(args[0], 10, 53)
	if err != nil {
		return hope{}, fmt.Errorf("%q is no number", args[0])
	}
	who, err := p.who(args[2])
	return hope{func(st *story) bool {
		ids, err := who(st)
		for _, id := range ids {
			if machine(st, id).LocalARU() < protocol.Seq(n) {
				return false
			}
		}
		return err == nil
	}, fmt.Sprintf("slot %d to be executed on %s", n, args[2])}, err
}

func untilState(p *parser, args []string) (hope, error) {
	if len(args) != 2 {
		return hope{}, errUsage
	}
	id, err := p.server(args[0])
	if err != nil {
		return hope{}, err
	}
	state, err := stateNamed(args[1])
	return hope{func(st *story) bool {
		return st.stage.Up(id) && machine(st, id).State() == state
	}, fmt.Sprintf("server %d to be in %v", id, state)}, err
}

func stateNamed(name string) (protocol.State, error) {
	for s := protocol.LeaderElection; s <= protocol.RegNonLeader; s++ {
		if s.String() == name {
			return s, nil
		}
	}
	return 0, fmt.Errorf("unknown state %q: there are LeaderElection, Preparing, RegLeader and RegNonLeader", name)
}
