package scenarios

import (
	"fmt"
	"strings"

	"github.com/fauer4effect/paxos/sim/paxos"
)

func expectCommands(l *Language) []command {
	expect, check := append(expects(), l.Expect...), append(checks(), l.Check...)
	form := func(e expectation) string { return e.form }
	return []command{
		{"expect", forms(expect, form), "it is so now. OP is one of = != < <= > >=" + notes(expect), false, (*parser).parseExpect},
		{"check", forms(check, form), notes(check)[2:], false, (*parser).parseCheck},
		{"cmp", "transcript FILE", "the story so far, as told, is the file in the script; `paxos scenario --update` and `go test ./scenarios -update` rewrite it", false, parseCmp},
	}
}

// notes are those of a list, each a sentence that begins with its word.
func notes(list []expectation) string {
	text := ""
	for _, e := range list {
		if e.note != "" {
			word, _, _ := strings.Cut(e.form, " ")
			text += ". " + word + ": " + e.note
		}
	}
	return text
}

// expects are what any protocol's scripts may expect.
func expects() []expectation {
	return []expectation{
		{"leader N|none", "", (*parser).expectLeader},
		{"reply CLIENT RESULT", "", (*parser).expectReply},
		{"no-reply [CLIENT]", "", (*parser).expectNoReply},
		{"up SERVER", "", func(p *parser, args []string) (func(*story) error, error) { return p.expectUp("up", args) }},
		{"down SERVER", "", func(p *parser, args []string) (func(*story) error, error) { return p.expectUp("down", args) }},
		{"effect NAME [OP] N", "", (*parser).expectEffect},
	}
}

// checks are what any protocol's scripts may have checked.
func checks() []expectation {
	return []expectation{
		{"linearizable", "porcupine finds an order that explains what all clients saw", func(_ *parser, args []string) (func(*story) error, error) {
			return linearizable, unless(len(args) == 0)
		}},
		{"end", "what the plan's tail promises has come true (L1, L3)", func(_ *parser, args []string) (func(*story) error, error) {
			return atTheEnd, unless(len(args) == 0)
		}},
	}
}

// unless is errUsage, unless the arguments are right.
func unless(right bool) error {
	if right {
		return nil
	}
	return errUsage
}

func (p *parser) parseExpect(args []string) (func(*story) error, error) {
	all := append(expects(), p.script.lang.Expect...)
	if len(args) == 0 || len(args) == 1 && args[0] != "no-reply" {
		return nil, errUsage
	}
	var names []string
	for _, e := range all {
		if named(e.form, args[0]) {
			return e.parse(p, args[1:])
		}
		word, _, _ := strings.Cut(e.form, " ")
		names = append(names, word)
	}
	return nil, fmt.Errorf("unknown expectation %q: there are %s and %s", args[0], strings.Join(names[:len(names)-1], ", "), names[len(names)-1])
}

func (p *parser) parseCheck(args []string) (func(*story) error, error) {
	if len(args) > 0 {
		for _, e := range append(checks(), p.script.lang.Check...) {
			if named(e.form, args[0]) {
				return e.parse(p, args[1:])
			}
		}
	}
	return nil, errUsage
}

// linearizable asks porcupine. A violation, if any, fails the step.
func linearizable(st *story) error {
	st.stage.Judge()
	if n := st.stage.Effects()[paxos.Undecided]; n > 0 {
		return fmt.Errorf("expected an order that explains what all clients saw; porcupine gave up on %d of the keys", n)
	}
	return nil
}

func atTheEnd(st *story) error {
	if at, end := st.stage.Now(), st.script.plan.Length(); at < end {
		return fmt.Errorf("expected the plan to be at its end, %s; it is %s", wall(end), wall(at))
	}
	st.stage.Report()
	return nil
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
			return fmt.Errorf("expected no server to lead; server %d leads%s", got, st.reign(got))
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

func (p *parser) expectEffect(args []string) (func(*story) error, error) {
	table := p.script.lang.Effects
	e := table.Find(args[0])
	if e == 0 {
		var names []string
		for _, e := range table.All() {
			names = append(names, table[e].Name)
		}
		return nil, fmt.Errorf("unknown effect %q: there are %s", args[0], strings.Join(names, ", "))
	}
	return expectNumber(args[1:], "effect "+args[0], func(st *story) uint64 { return st.stage.Effects()[e] })
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
