package script

import (
	"io"
	"strings"

	"github.com/fauer4effect/paxos/sim/internal/engine"
	"github.com/fauer4effect/paxos/sim/plan"
)

// Language is what a protocol adds to the language of scripts, and what the engine must know of it.
type Language struct {
	System   plan.System
	Effects  plan.EffectTable
	ReadPlan func(io.Reader) (*plan.Plan, error)
	Validate func(*plan.Plan) error
	// Open begins the run of a story, with the given number of directed clients. Own is for the protocol's own steps.
	Open func(p *plan.Plan, directed int, st *Story) (s *Stage, own any)
	// Scene are commands that set the scene. They stand after the engine's own.
	Scene []Command
	// Until, Expect and Check are what those commands know beside the engine's own.
	Until  []Condition
	Expect []Expectation
	Check  []Expectation
	Log    func(st *Story) uint64         // identifies what was settled in a story
	State  func(st *Story, id int) string // of a server, in a word or two; nil: "up"
	Reign  func(st *Story, id int) string // in which view or term a leader leads; nil: it is not said
	Table  func(st *Story) string         // where all servers stand, for a step that failed
}

// Condition is something that comes to hold: its form in a script, and how it is read.
type Condition struct {
	Form  string
	Parse func(p *Parser, args []string) (Wait, error)
}

// Expectation is something that holds, or not: its form in a script, a note for the reference, and how it
// is read.
type Expectation struct {
	Form, Note string
	Parse      func(p *Parser, args []string) (func(*Story) error, error)
}

// named says whether the form is that of a word.
func named(form, word string) bool {
	first, _, _ := strings.Cut(form, " ")
	for name := range strings.SplitSeq(first, "|") {
		if name == word {
			return true
		}
	}
	return false
}

func forms[T any](list []T, form func(T) string) string {
	var all []string
	for _, x := range list {
		all = append(all, form(x))
	}
	return strings.Join(all, " | ")
}

// Stage is the run that a story directs.
type Stage = engine.Stage
