package script

import (
	"fmt"
	"strings"

	"github.com/fauer4effect/paxos/sim/internal/engine"
)

func expectCommands(l *Language) []Command {
	expect, check := append(expects(), l.Expect...), append(checks(), l.Check...)
	form := func(e Expectation) string { return e.Form }
	return []Command{
		{"expect", forms(expect, form), "it is so now. OP is one of = != < <= > >=" + notes(expect), false, (*Parser).parseExpect},
		{"check", forms(check, form), notes(check)[2:], false, (*Parser).parseCheck},
		{"cmp", "transcript FILE", "the story so far, as told, is the file in the script; `paxos scenario --update` and `go test ./scenarios -update` rewrite it", false, parseCmp},
	}
}

// notes are those of a list, each a sentence that begins with its word.
func notes(list []Expectation) string {
	text := ""
	for _, e := range list {
		if e.Note != "" {
			word, _, _ := strings.Cut(e.Form, " ")
			text += ". " + word + ": " + e.Note
		}
	}
	return text
}

// expects are what any protocol's scripts may expect.
func expects() []Expectation {
	return []Expectation{
		{"leader N|none", "", (*Parser).expectLeader},
		{"reply CLIENT RESULT", "", (*Parser).expectReply},
		{"no-reply [CLIENT]", "", (*Parser).expectNoReply},
		{"up SERVER", "", func(p *Parser, args []string) (func(*Story) error, error) { return p.expectUp("up", args) }},
		{"down SERVER", "", func(p *Parser, args []string) (func(*Story) error, error) { return p.expectUp("down", args) }},
		{"effect NAME [OP] N", "", (*Parser).expectEffect},
	}
}

// checks are what any protocol's scripts may have checked.
func checks() []Expectation {
	return []Expectation{
		{"linearizable", "porcupine finds an order that explains what all clients saw", func(_ *Parser, args []string) (func(*Story) error, error) {
			return linearizable, NoArguments(args)
		}},
		{"end", "what the plan's tail promises has come true (L1, L3)", func(_ *Parser, args []string) (func(*Story) error, error) {
			return atTheEnd, NoArguments(args)
		}},
	}
}

// NoArguments is ErrUsage where there are any.
func NoArguments(args []string) error {
	if len(args) > 0 {
		return ErrUsage
	}
	return nil
}

func (p *Parser) parseExpect(args []string) (func(*Story) error, error) {
	all := append(expects(), p.Script.lang.Expect...)
	if len(args) == 0 || len(args) == 1 && args[0] != "no-reply" {
		return nil, ErrUsage
	}
	var names []string
	for _, e := range all {
		if named(e.Form, args[0]) {
			return e.Parse(p, args[1:])
		}
		word, _, _ := strings.Cut(e.Form, " ")
		names = append(names, word)
	}
	return nil, fmt.Errorf("unknown expectation %q: there are %s and %s", args[0], strings.Join(names[:len(names)-1], ", "), names[len(names)-1])
}

func (p *Parser) parseCheck(args []string) (func(*Story) error, error) {
	if len(args) > 0 {
		for _, e := range append(checks(), p.Script.lang.Check...) {
			if named(e.Form, args[0]) {
				return e.Parse(p, args[1:])
			}
		}
	}
	return nil, ErrUsage
}

// linearizable asks porcupine. A violation, if any, fails the step.
func linearizable(st *Story) error {
	st.Stage.Judge()
	if n := st.Stage.Effects()[engine.Undecided]; n > 0 {
		return fmt.Errorf("expected an order that explains what all clients saw; porcupine gave up on %d of the keys", n)
	}
	return nil
}

func atTheEnd(st *Story) error {
	if at, end := st.Stage.Now(), st.Script.Plan.Length(); at < end {
		return fmt.Errorf("expected the plan to be at its end, %s; it is %s", wall(end), wall(at))
	}
	st.Stage.Report()
	return nil
}

func (p *Parser) expectLeader(args []string) (func(*Story) error, error) {
	if len(args) != 1 {
		return nil, ErrUsage
	}
	want := 0
	if args[0] != "none" {
		var err error
		if want, err = p.Server(args[0]); err != nil {
			return nil, err
		}
	}
	return func(st *Story) error {
		switch got := st.Leader(); {
		case got == want:
			return nil
		case want == 0:
			return fmt.Errorf("expected no server to lead; server %d leads%s", got, st.reign(got))
		}
		return fmt.Errorf("expected server %d to lead; %s", want, st.now())
	}, nil
}

// ExpectNumber reads `[OP] N`, and holds a value of the story against it. what is the value in words.
func ExpectNumber(args []string, what string, value func(*Story) uint64) (func(*Story) error, error) {
	c, err := compare(args)
	return func(st *Story) error {
		if got := value(st); !c.holds(got) {
			return fmt.Errorf("expected %s %v; it is %d", what, c, got)
		}
		return nil
	}, err
}

func (p *Parser) expectUp(which string, args []string) (func(*Story) error, error) {
	if len(args) != 1 {
		return nil, ErrUsage
	}
	who, err := p.Who(args[0])
	return func(st *Story) error {
		ids, err := who(st)
		for _, id := range ids {
			if st.Stage.Up(id) != (which == "up") {
				return fmt.Errorf("expected server %d to be %s; it is %s", id, which, st.Condition(id))
			}
		}
		return err
	}, err
}

func (p *Parser) expectEffect(args []string) (func(*Story) error, error) {
	table := p.Script.lang.Effects
	e := table.Find(args[0])
	if e == 0 {
		var names []string
		for _, e := range table.All() {
			names = append(names, table[e].Name)
		}
		return nil, fmt.Errorf("unknown effect %q: there are %s", args[0], strings.Join(names, ", "))
	}
	return ExpectNumber(args[1:], "effect "+args[0], func(st *Story) uint64 { return st.Stage.Effects()[e] })
}

func parseCmp(p *Parser, args []string) (func(*Story) error, error) {
	if len(args) != 2 || args[0] != "transcript" {
		return nil, ErrUsage
	}
	if p.compared[args[1]] {
		return nil, fmt.Errorf("%s is compared twice: the transcript grows, so give each its own file", args[1])
	}
	p.compared[args[1]] = true
	want, ok := p.Script.files[args[1]]
	if !ok {
		return nil, fmt.Errorf("no file %s stands in the script; add it below as `-- %s --`", args[1], args[1])
	}
	return func(st *Story) error { return st.compare(args[1], string(want)) }, nil
}
