package scenarios

import (
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/fauer4effect/paxos/protocol"
	"github.com/fauer4effect/paxos/protocol/kv"
	"github.com/fauer4effect/paxos/sim"
)

func expectations() []expectation {
	seq := func(what string, of func(*protocol.Server) protocol.Seq) func(*parser, []string) (func(*story) error, error) {
		return func(p *parser, args []string) (func(*story) error, error) { return expectSeq(p, args, what, of) }
	}
	return []expectation{
		{"view [OP] N", "", func(_ *parser, args []string) (func(*story) error, error) { return expectNumber(args, "view", ledView) }},
		{"ordered [OP] N", "", func(_ *parser, args []string) (func(*story) error, error) {
			return expectNumber(args, "slots ordered", func(st *story) uint64 { return uint64(ours(st).Log().ARU()) })
		}},
		{"executed SERVER [OP] N", "", seq("slots executed", (*protocol.Server).LocalARU)},
		{"truncated SERVER [OP] N", "the slots that the server has forgotten", seq("slots truncated", (*protocol.Server).Truncated)},
		{"ordered-on SERVERS [SEQ]", "exactly these servers have executed the slot, the highest ordered one if none is named", expectOrderedOn},
		{"value KEY VALUE|missing [on SERVER]", "", expectValue},
		{"expired CLIENT", "the client was told that its session is gone (X26)", expectExpired},
		{"session CLIENT SERVERS|none", "exactly these servers have one of the client", expectSession},
		{"sessions SERVER [OP] N", "so many are open at the server", seq("sessions open", func(s *protocol.Server) protocol.Seq { return protocol.Seq(s.Sessions()) })},
		{"state SERVER STATE", "", expectState},
	}
}

func checksOfOurs() []expectation {
	return []expectation{
		{"converged", "all servers that are up have executed the same slots with the same state", func(_ *parser, args []string) (func(*story) error, error) {
			return converged, unless(len(args) == 0)
		}},
		{"view-changes [OP] N", "so many views were led after the first", func(_ *parser, args []string) (func(*story) error, error) {
			return expectNumber(args, "view changes", func(st *story) uint64 { return max(1, ours(st).Views()) - 1 })
		}},
	}
}

func expectSeq(p *parser, args []string, what string, seq func(*protocol.Server) protocol.Seq) (func(*story) error, error) {
	if len(args) < 2 {
		return nil, errUsage
	}
	id, err := p.server(args[0])
	if err != nil {
		return nil, err
	}
	return expectNumber(args[1:], fmt.Sprintf("%s on server %d", what, id), func(st *story) uint64 {
		return uint64(seq(machine(st, id)))
	})
}

func expectOrderedOn(p *parser, args []string) (func(*story) error, error) {
	if len(args) != 1 && len(args) != 2 {
		return nil, errUsage
	}
	want, err := p.servers(args[0])
	if err != nil {
		return nil, err
	}
	slices.Sort(want)
	seq := uint64(0)
	if len(args) == 2 {
		if seq, err = strconv.ParseUint(args[1], 10, 53); err != nil || seq == 0 {
			return nil, fmt.Errorf("%q is no seq", args[1])
		}
	}
	return func(st *story) error {
		at := protocol.Seq(seq)
		if at == 0 {
			at = ours(st).Log().ARU()
		}
		var got []int
		for _, id := range st.all() {
			if at > 0 && machine(st, id).LocalARU() >= at {
				got = append(got, id)
			}
		}
		if !slices.Equal(got, want) {
			return fmt.Errorf("expected slot %d to be executed on servers %s; it is on %s", at, list(want), list(got))
		}
		return nil
	}, nil
}

func expectValue(p *parser, args []string) (func(*story) error, error) {
	args, on, single := option(args, "on")
	if len(args) != 2 {
		return nil, errUsage
	}
	key, want := args[0], args[1]
	id := 0
	if single {
		var err error
		if id, err = p.server(on); err != nil {
			return nil, err
		}
	}
	return func(st *story) error {
		app, where := ours(st).Log().App(), "the log"
		if id > 0 {
			app, where = machine(st, id).App(), fmt.Sprintf("server %d", id)
		}
		result, err := kv.DecodeResult(app.Clone().Apply(kv.Op{Kind: kv.Get, Key: key}.Encode()))
		got := result.Value
		if result.Status == kv.Missing {
			got = "missing"
		}
		if err != nil || got != want {
			return fmt.Errorf("expected %s to be %s; in %s it is %s", key, want, where, got)
		}
		return nil
	}, nil
}

func expectState(p *parser, args []string) (func(*story) error, error) {
	if len(args) != 2 {
		return nil, errUsage
	}
	id, err := p.server(args[0])
	if err != nil {
		return nil, err
	}
	want, err := stateNamed(args[1])
	return func(st *story) error {
		if got := machine(st, id).State(); got != want || !st.stage.Up(id) {
			return fmt.Errorf("expected server %d to be in %v; it is %s", id, want, st.condition(id))
		}
		return nil
	}, err
}

// converged compares the servers that are up.
func converged(st *story) error {
	first := 0
	for _, id := range st.all() {
		if !st.stage.Up(id) {
			continue
		}
		if first == 0 {
			first = id
		}
		a, b := machine(st, first), machine(st, id)
		if a.LocalARU() != b.LocalARU() || a.App().Hash() != b.App().Hash() {
			return fmt.Errorf("expected all servers to be equal; server %d has executed 1…%d with state %s, server %d 1…%d with state %s",
				first, a.LocalARU(), sim.HashString(a.App().Hash()), id, b.LocalARU(), sim.HashString(b.App().Hash()))
		}
	}
	if first == 0 {
		return errors.New("expected all servers to be equal; none is up")
	}
	return nil
}

func expectSession(p *parser, args []string) (func(*story) error, error) {
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
			if machine(st, id).SessionAt(protocol.ClientID(st.script.plan.Workload.Clients+i)) > 0 {
				got = append(got, id)
			}
		}
		if !slices.Equal(got, want) {
			return fmt.Errorf("expected client %s to have a session on servers %s; it has one on %s", args[0], list(want), list(got))
		}
		return nil
	}, nil
}

// expectExpired wants the client to have been told, of its last operation, that it will not be
// executed.
func expectExpired(p *parser, args []string) (func(*story) error, error) {
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
