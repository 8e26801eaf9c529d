package scenarios

import (
	"fmt"
	"slices"
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

// expectExpired wants the client to have been told, of its last operation, that it will not be
// executed.
func (p *parser) expectExpired(args []string) (func(*story) error, error) {
	if len(args) != 1 {
		return nil, errUsage
	}
	i, err := p.client(args[0])
	return func(st *story) error {
		switch a := st.stage.Answer(i); {
		case st.via[i] == 0:
			return fmt.Errorf("expected client %s's session to be expired; it has asked nothing", args[0])
		case st.stage.Waiting(i):
			return fmt.Errorf("expected client %s's session to be expired; it still waits", args[0])
		case !a.Lapsed:
			return fmt.Errorf("expected client %s's session to be expired; server %d answered %v", args[0], a.By, a.Result)
		}
		return nil
	}, err
}

func (p *parser) expectSession(args []string) (func(*story) error, error) {
	if len(args) != 2 {
		return nil, errUsage
	}
	i, err := p.client(args[0])
	if err != nil {
		return nil, err
	}
	var want []int
	if args[1] != "none" {
		if want, err = p.servers(args[1]); err != nil {
			return nil, err
		}
	}
	slices.Sort(want)
	return func(st *story) error {
		var got []int
		for _, id := range st.all() {
			if st.stage.Server(id).SessionAt(st.clientID(i)) > 0 {
				got = append(got, id)
			}
		}
		if !slices.Equal(got, want) {
			return fmt.Errorf("expected client %s to have a session on servers %s; it has one on %s", args[0], list(want), list(got))
		}
		return nil
	}, nil
}
