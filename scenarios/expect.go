package scenarios

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/fauer4effect/paxos/protocol"
	"github.com/fauer4effect/paxos/protocol/kv"
	"github.com/fauer4effect/paxos/sim"
	"github.com/fauer4effect/paxos/sim/paxos"
)

func expectCommands() []command {
	return []command{
		{"expect", "leader N|none | view [OP] N | ordered [OP] N | executed SERVER [OP] N | truncated SERVER [OP] N | ordered-on SERVERS [SEQ] | value KEY VALUE|missing [on SERVER] | reply CLIENT RESULT | no-reply [CLIENT] | expired CLIENT | session CLIENT SERVERS|none | sessions SERVER [OP] N | state SERVER STATE | up SERVER | down SERVER | effect NAME [OP] N", "it is so now. OP is one of = != < <= > >=. truncated: the slots that the server has forgotten. ordered-on: exactly these servers have executed the slot, the highest ordered one if none is named. expired: the client was told that its session is gone (X26). session: exactly these servers have one of the client; sessions: so many are open at the server", false, parseExpect},
		{"check", "linearizable | converged | view-changes [OP] N | end", "porcupine finds an order that explains what all clients saw; all servers that are up have executed the same slots with the same state; so many views were led after the first; what the plan's tail promises has come true (L1, L3)", false, parseCheck},
		{"cmp", "transcript FILE", "the story so far, as told, is the file in the script; `paxos scenario --update` and `go test ./scenarios -update` rewrite it", false, parseCmp},
	}
}

func parseExpect(p *parser, args []string) (func(*story) error, error) {
	if len(args) == 0 || len(args) == 1 && args[0] != "no-reply" {
		return nil, errUsage
	}
	switch rest := args[1:]; args[0] {
	case "leader":
		return p.expectLeader(rest)
	case "view":
		return expectNumber(rest, "view", func(st *story) uint64 { return st.ledView() })
	case "ordered":
		return expectNumber(rest, "slots ordered", func(st *story) uint64 { return uint64(st.stage.Log().ARU()) })
	case "executed":
		return p.expectSeq(rest, "slots executed", (*protocol.Server).LocalARU)
	case "truncated":
		return p.expectSeq(rest, "slots truncated", (*protocol.Server).Truncated)
	case "ordered-on":
		return p.expectOrderedOn(rest)
	case "value":
		return p.expectValue(rest)
	case "reply":
		return p.expectReply(rest)
	case "no-reply":
		return p.expectNoReply(rest)
	case "expired":
		return p.expectExpired(rest)
	case "session":
		return p.expectSession(rest)
	case "sessions":
		return p.expectSeq(rest, "sessions open", func(s *protocol.Server) protocol.Seq { return protocol.Seq(s.Sessions()) })
	case "state":
		return p.expectState(rest)
	case "up", "down":
		return p.expectUp(args[0], rest)
	case "effect":
		return expectEffect(rest)
	}
	return nil, fmt.Errorf("unknown expectation %q: there are leader, view, ordered, executed, truncated, ordered-on, value, reply, no-reply, expired, session, sessions, state, up, down and effect", args[0])
}

func (p *parser) expectLeader(args []string) (func(*story) error, error) {
	if len(args) != 1 {
		return nil, errUsage
	}
	want := 0
	if args[0] != "none" {
		var err error
		if want, err = p.server(args[0]); err != nil {
			return nil, err
		}
	}
	return func(st *story) error {
		switch got := st.leader(); {
		case got == want:
			return nil
		case want == 0:
			return fmt.Errorf("expected no server to lead; server %d leads view %d", got, st.stage.Server(got).LastInstalled())
		}
		return fmt.Errorf("expected server %d to lead; %s", want, st.now())
	}, nil
}

func expectNumber(args []string, what string, value func(*story) uint64) (func(*story) error, error) {
	c, err := compare(args)
	return func(st *story) error {
		if got := value(st); !c.holds(got) {
			return fmt.Errorf("expected %s %v; it is %d", what, c, got)
		}
		return nil
	}, err
}

func (p *parser) expectSeq(args []string, what string, seq func(*protocol.Server) protocol.Seq) (func(*story) error, error) {
	if len(args) < 2 {
		return nil, errUsage
	}
	id, err := p.server(args[0])
	if err != nil {
		return nil, err
	}
	return expectNumber(args[1:], fmt.Sprintf("%s on server %d", what, id), func(st *story) uint64 {
		return uint64(seq(st.stage.Server(id)))
	})
}

func (p *parser) expectOrderedOn(args []string) (func(*story) error, error) {
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
			at = st.stage.Log().ARU()
		}
		var got []int
		for _, id := range st.all() {
			if at > 0 && st.stage.Server(id).LocalARU() >= at {
				got = append(got, id)
			}
		}
		if !slices.Equal(got, want) {
			return fmt.Errorf("expected slot %d to be executed on servers %s; it is on %s", at, list(want), list(got))
		}
		return nil
	}, nil
}

func (p *parser) expectValue(args []string) (func(*story) error, error) {
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
		app, where := st.stage.Log().App(), "the log"
		if id > 0 {
			app, where = st.stage.Server(id).App(), fmt.Sprintf("server %d", id)
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

func (p *parser) expectState(args []string) (func(*story) error, error) {
	if len(args) != 2 {
		return nil, errUsage
	}
	id, err := p.server(args[0])
	if err != nil {
		return nil, err
	}
	want, err := stateNamed(args[1])
	return func(st *story) error {
		if got := st.stage.Server(id).State(); got != want || !st.stage.Up(id) {
			return fmt.Errorf("expected server %d to be in %v; it is %s", id, want, st.condition(id))
		}
		return nil
	}, err
}

func (p *parser) expectUp(which string, args []string) (func(*story) error, error) {
	if len(args) != 1 {
		return nil, errUsage
	}
	who, err := p.who(args[0])
	return func(st *story) error {
		ids, err := who(st)
		for _, id := range ids {
			if st.stage.Up(id) != (which == "up") {
				return fmt.Errorf("expected server %d to be %s; it is %s", id, which, st.condition(id))
			}
		}
		return err
	}, err
}

func expectEffect(args []string) (func(*story) error, error) {
	e := sim.Effects().Find(args[0])
	if e == 0 {
		var names []string
		for _, e := range sim.Effects().All() {
			names = append(names, sim.Effects()[e].Name)
		}
		return nil, fmt.Errorf("unknown effect %q: there are %s", args[0], strings.Join(names, ", "))
	}
	return expectNumber(args[1:], "effect "+args[0], func(st *story) uint64 { return st.stage.Effects()[e] })
}

func parseCheck(_ *parser, args []string) (func(*story) error, error) {
	if len(args) == 0 {
		return nil, errUsage
	}
	switch {
	case args[0] == "linearizable" && len(args) == 1:
		return func(st *story) error {
			st.stage.Judge() // a violation, if any, fails the step
			if n := st.stage.Effects()[paxos.Undecided]; n > 0 {
				return fmt.Errorf("expected an order that explains what all clients saw; porcupine gave up on %d of the keys", n)
			}
			return nil
		}, nil
	case args[0] == "converged" && len(args) == 1:
		return converged, nil
	case args[0] == "end" && len(args) == 1:
		return func(st *story) error {
			if at, end := st.stage.Now(), planEnd(st.script.plan); at < end {
				return fmt.Errorf("expected the plan to be at its end, %s; it is %s", wall(end), wall(at))
			}
			st.stage.Report()
			return nil
		}, nil
	case args[0] == "view-changes":
		return expectNumber(args[1:], "view changes", func(st *story) uint64 { return max(1, st.stage.Views()) - 1 })
	}
	return nil, errUsage
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
		a, b := st.stage.Server(first), st.stage.Server(id)
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

func parseCmp(p *parser, args []string) (func(*story) error, error) {
	if len(args) != 2 || args[0] != "transcript" {
		return nil, errUsage
	}
	if p.compared[args[1]] {
		return nil, fmt.Errorf("%s is compared twice: the transcript grows, so give each its own file", args[1])
	}
	p.compared[args[1]] = true
	want, ok := p.script.files[args[1]]
	if !ok {
		return nil, fmt.Errorf("no file %s stands in the script; add it below as `-- %s --`", args[1], args[1])
	}
	return func(st *story) error { return st.compare(args[1], string(want)) }, nil
}
