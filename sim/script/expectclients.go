package script

import (
	"fmt"
	"strings"

	"github.com/fauer4effect/paxos/sim/internal/engine"
)

func (p *Parser) expectReply(args []string) (func(*Story) error, error) {
	if len(args) != 2 {
		return nil, ErrUsage
	}
	i, err := p.Client(args[0])
	want := args[1]
	return func(st *Story) error {
		switch {
		case st.Via[i] == 0:
			return fmt.Errorf("expected client %s to be answered %s; it has asked nothing", args[0], want)
		case st.Stage.Waiting(i):
			return fmt.Errorf("expected client %s to be answered %s; it still waits", args[0], want)
		case st.Stage.Answer(i).Lapsed:
			return fmt.Errorf("expected client %s to be answered %s; it was told that its session is expired", args[0], want)
		}
		if got := strings.Trim(st.Stage.Answer(i).Result.String(), `"`); got != want {
			return fmt.Errorf("expected client %s to be answered %s; it was answered %s", args[0], want, got)
		}
		return nil
	}, err
}

func (p *Parser) expectNoReply(args []string) (func(*Story) error, error) {
	if len(args) > 1 {
		return nil, ErrUsage
	}
	named := 0
	if len(args) == 1 {
		var err error
		if named, err = p.Client(args[0]); err != nil {
			return nil, err
		}
	}
	return func(st *Story) error {
		i := named
		if i == 0 {
			i = st.asked
		}
		switch {
		case i == 0 || st.Via[i] == 0:
			return fmt.Errorf("expected a client to wait; it has asked nothing")
		case !st.Stage.Waiting(i) && st.Stage.Answer(i).Lapsed:
			return fmt.Errorf("expected client %s to wait; server %d said that its session is expired", engine.DirectedName(i), st.Stage.Answer(i).By)
		case !st.Stage.Waiting(i):
			return fmt.Errorf("expected client %s to wait; server %d answered %v", engine.DirectedName(i), st.Stage.Answer(i).By, st.Stage.Answer(i).Result)
		}
		return nil
	}, nil
}
