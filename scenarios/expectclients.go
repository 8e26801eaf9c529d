package scenarios

import (
	"fmt"
	"strings"

	"github.com/fauer4effect/paxos/sim/paxos"
)

func (p *parser) expectReply(args []string) (func(*story) error, error) {
	if len(args) != 2 {
		return nil, errUsage
	}
	i, err := p.client(args[0])
	want := args[1]
	return func(st *story) error {
		switch {
		case st.via[i] == 0:
			return fmt.Errorf("expected client %s to be answered %s; it has asked nothing", args[0], want)
		case st.stage.Waiting(i):
			return fmt.Errorf("expected client %s to be answered %s; it still waits", args[0], want)
		case st.stage.Answer(i).Lapsed:
			return fmt.Errorf("expected client %s to be answered %s; it was told that its session is expired", args[0], want)
		}
		if got := strings.Trim(st.stage.Answer(i).Result.String(), `"`); got != want {
			return fmt.Errorf("expected client %s to be answered %s; it was answered %s", args[0], want, got)
		}
		return nil
	}, err
}

func (p *parser) expectNoReply(args []string) (func(*story) error, error) {
	if len(args) > 1 {
		return nil, errUsage
	}
	named := 0
	if len(args) == 1 {
		var err error
		if named, err = p.client(args[0]); err != nil {
			return nil, err
		}
	}
	return func(st *story) error {
		i := named
		if i == 0 {
			i = st.asked
		}
		switch {
		case i == 0 || st.via[i] == 0:
			return fmt.Errorf("expected a client to wait; it has asked nothing")
		case !st.stage.Waiting(i) && st.stage.Answer(i).Lapsed:
			return fmt.Errorf("expected client %s to wait; server %d said that its session is expired", paxos.DirectedName(i), st.stage.Answer(i).By)
		case !st.stage.Waiting(i):
			return fmt.Errorf("expected client %s to wait; server %d answered %v", paxos.DirectedName(i), st.stage.Answer(i).By, st.stage.Answer(i).Result)
		}
		return nil
	}, nil
}
