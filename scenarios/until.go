package scenarios

import (
	"fmt"
	"strconv"

	"github.com/fauer4effect/paxos/protocol"
	"github.com/fauer4effect/paxos/sim/script"
)

func conditions() []script.Condition {
	return []script.Condition{
		{Form: "view N", Parse: func(_ *script.Parser, args []string) (script.Wait, error) {
			return script.UntilNumber(args, "view %d to be led", ledView)
		}},
		{Form: "ordered N", Parse: func(_ *script.Parser, args []string) (script.Wait, error) {
			return script.UntilNumber(args, "%d slots to be ordered", func(st *script.Story) uint64 { return uint64(ours(st).Log().ARU()) })
		}},
		{Form: "executed N on SERVERS", Parse: untilExecuted},
		{Form: "state SERVER STATE", Parse: untilState},
	}
}

func untilExecuted(p *script.Parser, args []string) (script.Wait, error) {
	if len(args) != 3 || args[1] != "on" {
		return script.Wait{}, script.ErrUsage
	}
	n, err := strconv.ParseUint(args[0], 10, 53)
	if err != nil {
		return script.Wait{}, fmt.Errorf("%q is not a number", args[0])
	}
	who, err := p.Who(args[2])
	return script.Wait{Holds: func(st *script.Story) bool {
		ids, err := who(st)
		for _, id := range ids {
			if machine(st, id).LocalARU() < protocol.Seq(n) {
				return false
			}
		}
		return err == nil
	}, Words: fmt.Sprintf("slot %d to be executed on %s", n, args[2])}, err
}

func untilState(p *script.Parser, args []string) (script.Wait, error) {
	if len(args) != 2 {
		return script.Wait{}, script.ErrUsage
	}
	id, err := p.Server(args[0])
	if err != nil {
		return script.Wait{}, err
	}
	state, err := stateNamed(args[1])
	return script.Wait{Holds: func(st *script.Story) bool {
		return st.Stage.Up(id) && machine(st, id).State() == state
	}, Words: fmt.Sprintf("server %d to be in %v", id, state)}, err
}

func stateNamed(name string) (protocol.State, error) {
	for s := protocol.LeaderElection; s <= protocol.RegNonLeader; s++ {
		if s.String() == name {
			return s, nil
		}
	}
	return 0, fmt.Errorf("unknown state %q: there are LeaderElection, Preparing, RegLeader and RegNonLeader", name)
}
