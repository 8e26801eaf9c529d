package script

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/tools/txtar"

	"github.com/fauer4effect/paxos/sim/internal/strictjson"
	"github.com/fauer4effect/paxos/sim/plan"
	"github.com/fauer4effect/paxos/sim/world"
)

// Script is a story that was read and checked, but not yet run.
type Script struct {
	Name  string // of its file
	About string // the sentences it opens with
	Seeds uint64 // how many seeds the story is told under

	Plan    *plan.Plan
	lang    *Language
	steps   []step
	clients int // directed: a, b, c …
	files   map[string][]byte
	source  []byte

	faultLines []int // of the plan's faults, in their order
}

// step is one line, ready to run.
type step struct {
	line    int
	text    string
	negated bool
	run     func(*Story) error // nil: it took effect while the script was read
}

// Error is what is wrong with a script, or how its story failed, and where.
type Error struct {
	File  string
	Line  int
	Err   error
	Story bool // the script is fine, but what it expects did not hold
}

func (e *Error) Error() string { return fmt.Sprintf("%s:%d: %v", e.File, e.Line, e.Err) }
func (e *Error) Unwrap() error { return e.Err }

// Parser reads a script's lines.
type Parser struct {
	Script   *Script
	begun    bool // a step that takes time has been read: no more setup
	cluster  bool
	laws     bool // something of the plan has been said
	compared map[string]bool
	laid     []saying // the lines that set the scene
}

// saying is a line that says something of the plan: which command's, and of what.
type saying struct {
	line          int
	command, what string
}

// Parse reads a script and checks every line of it. The name is used in errors.
func (l *Language) Parse(name string, text []byte) (*Script, error) {
	text = bytes.ReplaceAll(bytes.TrimPrefix(text, []byte(strictjson.ByteOrderMark)), []byte("\r\n"), []byte("\n"))
	archive := txtar.Parse(text)
	p := &Parser{compared: map[string]bool{}, Script: &Script{
		Name: name, Seeds: 1, lang: l, Plan: defaultPlan(), files: map[string][]byte{}, source: text,
	}}
	s := p.Script
	for _, f := range archive.Files {
		if _, twice := s.files[f.Name]; twice {
			return nil, &Error{File: name, Line: 1, Err: fmt.Errorf("file %s stands in it twice: each name is for one", f.Name)}
		}
		s.files[f.Name] = f.Data
	}
	lines := strings.Split(string(archive.Comment), "\n")
	s.About = about(lines)
	for i, line := range lines {
		if err := p.line(i+1, line); err != nil {
			return nil, &Error{File: name, Line: i + 1, Err: err}
		}
	}
	switch {
	case len(s.steps) == 0:
		return nil, &Error{File: name, Line: 1, Err: errors.New("no step: a script is a list of steps, such as `cluster 3` and `until leader 1`")}
	case s.About == "":
		return nil, &Error{File: name, Line: 1, Err: errors.New("a script opens with # and what it shows, in a sentence or more")}
	}
	err := l.Validate(s.Plan)
	if err == nil && s.Plan.Seed+s.Seeds > 1<<53 {
		err = fmt.Errorf("%d seeds from %d on do not stay below 2^53", s.Seeds, s.Plan.Seed)
	}
	if room := s.Plan.Directable(); err == nil && s.clients > room {
		err = fmt.Errorf("the plan's servers and clients leave room for %d more clients, not for %d", room, s.clients)
	}
	if err != nil {
		return nil, &Error{File: name, Line: p.blame(err), Err: err}
	}
	return s, nil
}

// about joins the comment lines that a script opens with.
func about(lines []string) string {
	var words []string
	for _, line := range lines {
		comment, ok := strings.CutPrefix(line, "#")
		if !ok {
			break
		}
		words = append(words, strings.Fields(comment)...)
	}
	return strings.Join(words, " ")
}

// FirstSentence is the first sentence of what the script shows.
func (s *Script) FirstSentence() string {
	first, _, more := strings.Cut(s.About, ". ")
	if more {
		first += "."
	}
	return first
}

func (p *Parser) line(n int, line string) error {
	words, err := split(line)
	if err != nil || len(words) == 0 {
		return err
	}
	st := step{line: n, text: strings.TrimSpace(line)}
	negated := words[0] == "!"
	if negated {
		words = words[1:]
	}
	if len(words) == 0 {
		return errors.New("the ! stands alone, with no step behind it")
	}
	c, ok := p.Script.lang.find(words[0])
	switch {
	case !ok:
		return p.Script.lang.unknownCommand(words[0])
	case c.Setup && negated:
		return fmt.Errorf("%s sets the scene and cannot fail: leave the ! out", c.Name)
	case c.Setup && p.begun:
		return fmt.Errorf("%s sets the scene: it must stand before the first step", c.Name)
	case !c.Setup && !p.cluster:
		return fmt.Errorf("no cluster yet: begin with `cluster 3`")
	}
	if c.Name == "cmp" && negated {
		return errors.New("cmp with a ! compares nothing that could be kept current: leave the ! out")
	}
	p.begun = !c.Setup
	st.negated = negated
	st.run, err = c.Parse(p, words[1:])
	if errors.Is(err, ErrUsage) {
		return fmt.Errorf("usage: %s %s", c.Name, c.Args)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", c.Name, err)
	}
	if c.Setup {
		p.laid = append(p.laid, saying{n, c.Name, strings.Join(words[1:min(2, len(words))], "")})
		for len(p.Script.faultLines) < len(p.Script.Plan.Faults) {
			p.Script.faultLines = append(p.Script.faultLines, n)
		}
	}
	p.laws = p.laws || c.Setup && c.Name != "seeds"
	p.Script.steps = append(p.Script.steps, st)
	return nil
}

// blame is the line to name for what is wrong with the plan when all is read: the last that says
// something of it.
func (p *Parser) blame(err error) int {
	part, _, _ := strings.Cut(err.Error(), ":")
	line, last := 0, 1
	for _, l := range p.laid {
		if last = l.line; slices.Contains(laysDown[part], l.command) && (l.command != "set" || strings.Contains(err.Error(), l.what)) {
			line = l.line
		}
	}
	if n := 0; line == 0 {
		if _, err := fmt.Sscanf(part, "fault %d", &n); err == nil && n >= 1 && n <= len(p.Script.faultLines) {
			line = p.Script.faultLines[n-1]
		}
	}
	return cmp.Or(line, last)
}

// laysDown are the commands that say something of a part of the plan, by the word with which errors
// of that part begin.
var laysDown = map[string][]string{
	"settings": {"set"}, "network": {"delay", "loss", "duplicate", "late"}, "disk": {"sync"}, "workload": {"clients"},
}

// ErrUsage says that the arguments are not of the command's form.
var ErrUsage = errors.New("usage")

// split takes a line apart, and refuses what a shell offers and this language does not have.
func split(line string) ([]string, error) {
	var words []string
	var word []byte
	inWord, quoted := false, false
	for i := 0; i < len(line); i++ {
		c := line[i]
		switch {
		case c == '\'' && len(words) == 0 || c == '\'' && len(words) == 1 && words[0] == "!":
			return nil, errors.New("the step's name stands in quotes: quote only values")
		case c == '\'':
			inWord = true
			if quoted && i+1 < len(line) && line[i+1] == '\'' {
				word = append(word, c)
				i++
			} else {
				quoted = !quoted
			}
		case quoted:
			word = append(word, c)
		case c == '#':
			i = len(line)
		case c == ' ' || c == '\t' || c == '\r':
			if inWord {
				words = append(words, string(word))
			}
			word, inWord = word[:0], false
		case c == '$' || c == '&' || c == '[' && !inWord || c == '?' && !inWord && len(words) == 0:
			return nil, fmt.Errorf("%q means nothing here: there are no variables, conditions or background steps", string(c))
		default:
			word = append(word, c)
			inWord = true
		}
	}
	if quoted {
		return nil, errors.New("a quote ' is not closed")
	}
	if inWord {
		words = append(words, string(word))
	}
	return words, nil
}

// defaultPlan is the cluster of a script that says no more: fast links, fast disks, no
// faults but those of the script, and no end.
func defaultPlan() *plan.Plan {
	return &plan.Plan{
		Version: plan.Version, Seed: 1,
		Network: plan.Network{All: world.LinkLaw{Delay: world.Uniform(ms/2, 3*ms/2)}},
		Disk:    plan.Disk{Sync: world.Uniform(ms/5, ms)},
		Workload: plan.Workload{
			Keys: 2, Timeout: 300 * ms, Tries: 4, Pause: world.Uniform(0, 40*ms),
			Mix: plan.Mix{Get: 2, Put: 2, Append: 1, CAS: 1, Incr: 1},
		},
		Faulty: 24 * 3600 * second, // a script decides when it is calm
		Tail:   plan.Tail{Delay: world.Uniform(ms/2, 3*ms/2), Pause: world.Uniform(0, 100*ms)},
	}
}

const (
	ms     = world.Instant(1e6)
	second = 1000 * ms
)
