package script

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"golang.org/x/tools/txtar"

	"github.com/fauer4effect/paxos/sim/world"
)

// Outcome is what came of a script.
type Outcome struct {
	Transcript string   // of the first seed, or of the one that failed
	Seed       uint64   // the seed that failed, or the last
	Seeds      uint64   // told
	Hash       uint64   // of the run
	Log        uint64   // of what was ordered in it
	Servers    string   // a table of where they stood, if it failed
	Updated    []byte   // the script with its cmp files rewritten, if that was asked for and changes it
	NeverCame  []string // scheduled faults whose time or event came under no seed, a line each
}

// Story is one telling of a script, under one seed.
type Story struct {
	ctx        context.Context // of this telling: a long step can be interrupted
	Script     *Script
	Stage      *Stage
	Own        any // of the protocol: see Language.Open
	transcript transcript
	quiet      bool
	rules      []*world.Rule
	cuts       [][2]int
	Via        map[int]int // by client: the server it asked last
	asked      int         // the client that sent an operation last
	update     bool
	first      bool // under the script's own seed
	rewritten  map[string]string
}

// Run tells the story under each of its seeds, up to the first that fails. The error is an
// *Error, or the context's.
func (s *Script) Run(ctx context.Context, update bool) (*Outcome, error) {
	o := &Outcome{}
	faults := make([]waiting, len(s.Plan.Faults))
	for o.Seeds < s.Seeds {
		if err := ctx.Err(); err != nil {
			return o, err
		}
		p := *s.Plan
		p.Seed += o.Seeds
		st := &Story{ctx: ctx, Script: s, first: o.Seeds == 0, Via: map[int]int{}, update: update && o.Seeds == 0, rewritten: map[string]string{}}
		st.Stage, st.Own = s.lang.Open(&p, s.clients, st)
		err := st.tell()
		o.Seed, o.Hash, o.Log = p.Seed, st.Stage.Hash(), s.lang.Log(st)
		o.Seeds++
		if o.Seeds == 1 || err != nil {
			o.Transcript = st.transcript.String()
		}
		if err != nil {
			o.Servers = s.lang.Table(st)
			return o, err
		}
		if st.update {
			o.Updated = st.rewrite()
		}
		st.look(faults)
	}
	o.NeverCame = s.neverCame(faults)
	return o, nil
}

// waiting is what a scheduled fault has come to under all seeds so far.
type waiting struct {
	came bool
	seen uint32        // at most, of the events that it counts
	end  world.Instant // of the longest story
}

// look notes at a story's end what has become of each fault.
func (st *Story) look(faults []waiting) {
	seen := map[int]uint32{} // looked up only
	for _, m := range st.Stage.Missed() {
		seen[m.Fault-1] = m.Seen
	}
	for i := range faults {
		n, missed := seen[i]
		if f := &st.Script.Plan.Faults[i]; f.On == nil {
			missed = f.At > st.Stage.Now()
		}
		w := &faults[i]
		w.came, w.seen, w.end = w.came || !missed, max(w.seen, n), max(w.end, st.Stage.Now())
	}
}

// neverCame lists the scheduled faults that came under no seed.
func (s *Script) neverCame(faults []waiting) []string {
	var list []string
	for i := range faults {
		f, w := &s.Plan.Faults[i], &faults[i]
		if w.came {
			continue
		}
		why := fmt.Sprintf("the script ends at %v", time.Duration(w.end))
		if f.On != nil {
			why = fmt.Sprintf("there were %d", w.seen)
			if s.Seeds > 1 {
				why = fmt.Sprintf("there were at most %d", w.seen)
			}
		}
		list = append(list, fmt.Sprintf("line %d: `%s` did not trigger: %s", s.faultLines[i], strings.TrimSpace(faultLine(f)), why))
	}
	return list
}

// tell runs the script's steps. A property that breaks fails the story, whatever its step expects.
func (st *Story) tell() error {
	for _, step := range st.Script.steps {
		if st.ctx.Err() != nil {
			break
		}
		if step.run == nil {
			continue
		}
		err := step.run(st)
		if st.ctx.Err() != nil {
			break
		}
		if v := st.Stage.Violation(); v != nil {
			err = fmt.Errorf("%s is violated: %s", v.Named(), v.Detail)
			st.say("%v", err)
		} else if step.negated && err == nil {
			err = errors.New("expected to fail (!), but it succeeded")
		} else if step.negated {
			err = nil
		}
		if err != nil {
			return &Error{File: st.Script.Name, Line: step.line, Err: fmt.Errorf("%s: %w", step.text, err), Story: true}
		}
	}
	return st.ctx.Err()
}

// until lets time pass until it holds, a second at a time, and stops when it is interrupted.
func (st *Story) until(limit world.Instant, holds func() bool) bool {
	for end := st.Stage.Now() + limit; st.ctx.Err() == nil; {
		if st.Stage.Until(min(second, end-st.Stage.Now()), holds) {
			return true
		}
		if st.Stage.Now() >= end || st.Stage.Violation() != nil {
			break
		}
	}
	return false
}

// Leader is the server that leads the latest reign, 0 for none. A deposed server may still believe
// that it leads: it does not count once another leads.
func (st *Story) Leader() int { return st.Stage.Leader() }

// All lists the servers.
func (st *Story) All() []int {
	ids := make([]int, st.Script.Plan.Servers)
	for i := range ids {
		ids[i] = i + 1
	}
	return ids
}

func (st *Story) held(filter world.Rule) int {
	n := 0
	for _, r := range st.rules {
		n += st.Stage.Held(r, filter)
	}
	return n
}

// now says who leads, for errors.
func (st *Story) now() string {
	if id := st.Leader(); id != 0 {
		return fmt.Sprintf("server %d leads%s", id, st.reign(id))
	}
	return "no server leads"
}

// reign says in which view a leader leads, where the protocol has such a thing.
func (st *Story) reign(id int) string {
	if st.Script.lang.Reign == nil {
		return ""
	}
	return " " + st.Script.lang.Reign(st, id)
}

// Condition is a server's state in a word or two.
func (st *Story) Condition(id int) string {
	state := "up"
	if st.Script.lang.State != nil {
		state = st.Script.lang.State(st, id)
	}
	switch {
	case !st.Stage.Up(id):
		return "down"
	case st.Stage.Paused(id):
		return "paused, in " + state
	}
	return state
}

// compare compares the transcript with a file of the script, or rewrites the file.
func (st *Story) compare(name, want string) error {
	got := st.transcript.String()
	if st.update {
		st.rewritten[name] = got
		return nil
	}
	if got == want || !st.first {
		return nil // the file has the story of the first seed
	}
	g, w := strings.SplitAfter(got, "\n"), strings.SplitAfter(want, "\n") // both end in ""
	i := 0
	for g[i] == w[i] {
		i++
	}
	return fmt.Errorf("expected line %d of the transcript to be %s; it is %s", i+1, quoteLine(w[i]), quoteLine(g[i]))
}

// quoteLine shows a line of a transcript. The empty line is its end.
func quoteLine(line string) string {
	if line == "" {
		return "the end"
	}
	return strconv.Quote(strings.TrimSuffix(line, "\n"))
}

// rewrite is the script with its compared files replaced, nil if nothing changes.
func (st *Story) rewrite() []byte {
	archive := txtar.Parse(st.Script.source)
	changed := false
	for i := range archive.Files {
		f := &archive.Files[i]
		if text, ok := st.rewritten[f.Name]; ok && text != string(f.Data) {
			f.Data, changed = []byte(text), true
		}
	}
	if !changed {
		return nil
	}
	return txtar.Format(archive)
}
