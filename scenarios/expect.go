package scenarios

import (
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/fauer4effect/paxos/protocol"
	"github.com/fauer4effect/paxos/protocol/kv"
	"github.com/fauer4effect/paxos/sim"
	"github.com/fauer4effect/paxos/sim/script"
)

func expectations() []script.Expectation {
	seq := func(what string, of func(*protocol.Server) protocol.Seq) func(*script.Parser, []string) (func(*script.Story) error, error) {
		return func(p *script.Parser, args []string) (func(*script.Story) error, error) {
			return expectSeq(p, args, what, of)
		}
	}
	return []script.Expectation{
		{Form: "view [OP] N", Parse: func(_ *script.Parser, args []string) (func(*script.Story) error, error) {
			return script.ExpectNumber(args, "view", ledView)
		}},
		{Form: "ordered [OP] N", Parse: func(_ *script.Parser, args []string) (func(*script.Story) error, error) {
			return script.ExpectNumber(args, "slots ordered", func(st *script.Story) uint64 { return uint64(ours(st).Log().ARU()) })
		}},
		{Form: "executed SERVER [OP] N", Parse: seq("slots executed", (*protocol.Server).LocalARU)},
		{Form: "truncated SERVER [OP] N", Note: "the slots that the server has forgotten", Parse: seq("slots truncated", (*protocol.Server).Truncated)},
		{Form: "ordered-on SERVERS [SEQ]", Note: "exactly these servers have executed the slot, the highest ordered one if none is named", Parse: expectOrderedOn},
		{Form: "value KEY VALUE|missing [on SERVER]", Parse: expectValue},
		{Form: "expired CLIENT", Note: "the client was told that its session is gone (X26)", Parse: expectExpired},
		{Form: "session CLIENT SERVERS|none", Note: "exactly these servers have one of the client", Parse: expectSession},
		{Form: "sessions SERVER [OP] N", Note: "how many are open at the server", Parse: seq("sessions open", func(s *protocol.Server) protocol.Seq { return protocol.Seq(s.Sessions()) })},
		{Form: "state SERVER STATE", Parse: expectState},
	}
}

func checksOfOurs() []script.Expectation {
	return []script.Expectation{
		{Form: "converged", Note: "all servers that are up have executed the same slots with the same state", Parse: func(_ *script.Parser, args []string) (func(*script.Story) error, error) {
			return converged, script.NoArguments(args)
		}},
		{Form: "view-changes [OP] N", Note: "how many views were led after the first", Parse: func(_ *script.Parser, args []string) (func(*script.Story) error, error) {
			return script.ExpectNumber(args, "view changes", func(st *script.Story) uint64 { return max(1, ours(st).Views()) - 1 })
		}},
	}
}

func expectSeq(p *script.Parser, args []string, what string, seq func(*protocol.Server) protocol.Seq) (func(*script.Story) error, error) {
	if len(args) < 2 {
		return nil, script.ErrUsage
	}
	id, err := p.Server(args[0])
	if err != nil {
		return nil, err
	}
	return script.ExpectNumber(args[1:], fmt.Sprintf("%s on server %d", what, id), func(st *script.Story) uint64 {
		return uint64(seq(machine(st, id)))
	})
}

func expectOrderedOn(p *script.Parser, args []string) (func(*script.Story) error, error) {
	if len(args) != 1 && len(args) != 2 {
		return nil, script.ErrUsage
	}
	want, err := p.Servers(args[0])
	if err != nil {
		return nil, err
	}
	slices.Sort(want)
	seq := uint64(0)
	if len(args) == 2 {
		if seq, err = strconv.ParseUint(args[1], 10, 53); err != nil || seq == 0 {
			return nil, fmt.Errorf("%q is not a seq", args[1])
		}
	}
	return func(st *script.Story) error {
		at := protocol.Seq(seq)
		if at == 0 {
			at = ours(st).Log().ARU()
		}
		var got []int
		for _, id := range st.All() {
			if at > 0 && machine(st, id).LocalARU() >= at {
				got = append(got, id)
			}
		}
		if !slices.Equal(got, want) {
			return fmt.Errorf("expected slot %d to be executed on servers %s; it is on %s", at, script.List(want), script.List(got))
		}
		return nil
	}, nil
}

func expectValue(p *script.Parser, args []string) (func(*script.Story) error, error) {
	args, on, single := script.Option(args, "on")
	if len(args) != 2 {
		return nil, script.ErrUsage
	}
	key, want := args[0], args[1]
	id := 0
	if single {
		var err error
		if id, err = p.Server(on); err != nil {
			return nil, err
		}
	}
	return func(st *script.Story) error {
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

func expectState(p *script.Parser, args []string) (func(*script.Story) error, error) {
	if len(args) != 2 {
		return nil, script.ErrUsage
	}
	id, err := p.Server(args[0])
	if err != nil {
		return nil, err
	}
	want, err := stateNamed(args[1])
	return func(st *script.Story) error {
		if got := machine(st, id).State(); got != want || !st.Stage.Up(id) {
			return fmt.Errorf("expected server %d to be in %v; it is %s", id, want, st.Condition(id))
		}
		return nil
	}, err
}

// converged compares the servers that are up.
func converged(st *script.Story) error {
	first := 0
	for _, id := range st.All() {
		if !st.Stage.Up(id) {
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

func expectSession(p *script.Parser, args []string) (func(*script.Story) error, error) {
	if len(args) != 2 {
		return nil, script.ErrUsage
	}
	i, err := p.Client(args[0])
	if err != nil {
		return nil, err
	}
	var want []int
	if args[1] != "none" {
		if want, err = p.Servers(args[1]); err != nil {
			return nil, err
		}
	}
	slices.Sort(want)
	return func(st *script.Story) error {
		var got []int
		for _, id := range st.All() {
			if machine(st, id).SessionAt(protocol.ClientID(st.Script.Plan.Workload.Clients+i)) > 0 {
				got = append(got, id)
			}
		}
		if !slices.Equal(got, want) {
			return fmt.Errorf("expected client %s to have a session on servers %s; it has one on %s", args[0], script.List(want), script.List(got))
		}
		return nil
	}, nil
}

// expectExpired wants the client to have been told, of its last operation, that it will not be
// executed.
func expectExpired(p *script.Parser, args []string) (func(*script.Story) error, error) {
	if len(args) != 1 {
		return nil, script.ErrUsage
	}
	i, err := p.Client(args[0])
	return func(st *script.Story) error {
		switch a := st.Stage.Answer(i); {
		case st.Via[i] == 0:
			return fmt.Errorf("expected client %s's session to be expired; it has asked nothing", args[0])
		case st.Stage.Waiting(i):
			return fmt.Errorf("expected client %s's session to be expired; it still waits", args[0])
		case !a.Lapsed:
			return fmt.Errorf("expected client %s's session to be expired; server %d answered %v", args[0], a.By, a.Result)
		}
		return nil
	}, err
}
