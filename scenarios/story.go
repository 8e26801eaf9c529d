package scenarios

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"golang.org/x/tools/txtar"
	"rsc.io/script"

	"github.com/fauer4effect/paxos/protocol"
	"github.com/fauer4effect/paxos/sim/paxos"
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

// story is one telling of a script, under one seed.
type story struct {
	ctx        context.Context // of this telling: a long step can be interrupted
	script     *Script
	stage      *paxos.Stage
	steps      []step // that are left
	transcript transcript
	quiet      bool
	rules      []*world.Rule
	cuts       [][2]int
	ordered    map[protocol.Seq]bool // told already; looked up, never ranged over
	via        map[int]int           // by client: the server it asked last
	asked      int                   // the client that sent an operation last
	violated   error
	violatedAt int // line of the step in which it came
	update     bool
	first      bool // under the script's own seed
	rewritten  map[string]string
}

// Run tells the story under each of its seeds, up to the first that fails. The error is an
// *Error, or the context's.
func (s *Script) Run(ctx context.Context, update bool) (*Outcome, error) {
	o := &Outcome{}
	faults := make([]waiting, len(s.plan.Faults))
	for o.Seeds < s.Seeds {
		if err := ctx.Err(); err != nil {
			return o, err
		}
		plan := *s.plan
		plan.Seed += o.Seeds
		st := &story{ctx: ctx, script: s, steps: s.steps, first: o.Seeds == 0, via: map[int]int{}, ordered: map[protocol.Seq]bool{}, update: update && o.Seeds == 0, rewritten: map[string]string{}}
		st.stage = paxos.Open(&plan, s.clients, st)
		err := st.tell()
		o.Seed, o.Hash, o.Log = plan.Seed, st.stage.Hash(), st.stage.Log().Hash()
		o.Seeds++
		if o.Seeds == 1 || err != nil {
			o.Transcript = st.transcript.String()
		}
		if err != nil {
			o.Servers = st.table()
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

// look brings what faults have come to up to date, at a story's end.
func (st *story) look(faults []waiting) {
	seen := map[int]uint32{} // looked up only
	for _, m := range st.stage.Missed() {
		seen[m.Fault-1] = m.Seen
	}
	for i := range faults {
		n, missed := seen[i]
		if f := &st.script.plan.Faults[i]; f.On == nil {
			missed = f.At > st.stage.Now()
		}
		w := &faults[i]
		w.came, w.seen, w.end = w.came || !missed, max(w.seen, n), max(w.end, st.stage.Now())
	}
}

// neverCame lists the scheduled faults that came under no seed.
func (s *Script) neverCame(faults []waiting) []string {
	var list []string
	for i := range faults {
		f, w := &s.plan.Faults[i], &faults[i]
		if w.came {
			continue
		}
		why := fmt.Sprintf("the script ends at %v", time.Duration(w.end))
		if f.On != nil {
			why = fmt.Sprintf("there were %d", w.seen)
			if s.Seeds > 1 {
				why = fmt.Sprintf("there were %d at most", w.seen)
			}
		}
		list = append(list, fmt.Sprintf("line %d: `%s` never came: %s", s.faultLines[i], strings.TrimSpace(faultLine(f)), why))
	}
	return list
}

// tell runs the script's lines through the script engine, in which only our commands exist.
// What it would log is dropped: the transcript is ours.
func (st *story) tell() error {
	engine := &script.Engine{Cmds: map[string]script.Cmd{}, Quiet: true}
	for _, subject := range subjects {
		for _, c := range subject.commands {
			engine.Cmds[c.name] = script.Command(script.CmdUsage{Summary: c.summary, Args: c.args},
				func(*script.State, ...string) (script.WaitFunc, error) { return nil, st.next() })
		}
	}
	state, err := script.NewState(st.ctx, "/", []string{})
	if err != nil {
		return err
	}
	lines := txtar.Parse(st.script.source).Comment
	line := 1
	err = engine.Execute(state, st.script.Name, bufio.NewReader(bytes.NewReader(lines)), io.Discard)
	if err == nil && st.violated != nil { // in the last step, behind a !
		err = st.violated
	}
	if st.ctx.Err() != nil {
		return st.ctx.Err()
	}
	if err == nil {
		return nil
	}
	if n := len(st.script.steps) - len(st.steps); n > 0 {
		line = st.script.steps[n-1].line
	}
	var failed *script.CommandError
	if errors.As(err, &failed) {
		line, err = failed.Line, failed.Err
	}
	if st.violated != nil {
		line = st.violatedAt // a ! may have let later steps pass
	}
	text := st.script.lineText(line)
	switch {
	case st.violated != nil:
		err = st.violated
	case errors.Is(err, script.ErrUnexpectedSuccess):
		err = errors.New("it holds, and the ! says that it must not")
	}
	return &Error{File: st.script.Name, Line: line, Err: fmt.Errorf("%s: %w", text, err), Story: true}
}

func (s *Script) lineText(line int) string {
	for _, st := range s.steps {
		if st.line == line {
			return st.text
		}
	}
	return "the story"
}

// next runs the next step. A property that breaks fails whatever the step expects.
func (st *story) next() error {
	step := st.steps[0]
	st.steps = st.steps[1:]
	if st.violated != nil || step.run == nil {
		return st.violated
	}
	err := step.run(st)
	if v := st.stage.Violation(); v != nil {
		st.violatedAt = step.line
		st.violated = fmt.Errorf("property %s is broken: %s", v.Property, v.Detail)
		st.say("property %s is broken: %s", v.Property, v.Detail)
		return st.violated
	}
	return err
}

// until lets time pass until it holds, a second at a time, and stops when it is interrupted.
func (st *story) until(limit world.Instant, holds func() bool) bool {
	for end := st.stage.Now() + limit; st.ctx.Err() == nil; {
		if st.stage.Until(min(second, end-st.stage.Now()), holds) {
			return true
		}
		if st.stage.Now() >= end || st.stage.Violation() != nil {
			break
		}
	}
	return false
}

// leader is the server that leads the highest view, 0 for none. Deposed servers that still
// believe to lead do not count once another leads a higher view.
func (st *story) leader() int {
	leader, view := 0, protocol.View(0)
	for _, id := range st.all() {
		if s := st.stage.Server(id); st.stage.Up(id) && s.State() == protocol.RegLeader && s.LastInstalled() > view {
			leader, view = id, s.LastInstalled()
		}
	}
	return leader
}

// leads says whether a server leads a view, be it deposed elsewhere.
func (st *story) leads(id int) bool {
	return st.stage.Up(id) && st.stage.Server(id).State() == protocol.RegLeader
}

// ledView is the view of the leader, 0 while there is none.
func (st *story) ledView() uint64 {
	if id := st.leader(); id != 0 {
		return uint64(st.stage.Server(id).LastInstalled())
	}
	return 0
}

func (st *story) all() []int {
	ids := make([]int, st.script.plan.Servers)
	for i := range ids {
		ids[i] = i + 1
	}
	return ids
}

func (st *story) held(filter world.Rule) int {
	n := 0
	for _, r := range st.rules {
		n += st.stage.Held(r, filter)
	}
	return n
}

// now says who leads, for errors.
func (st *story) now() string {
	if id := st.leader(); id != 0 {
		return fmt.Sprintf("server %d leads view %d", id, st.stage.Server(id).LastInstalled())
	}
	return "no server leads"
}

// condition is a server's state in a word or two.
func (st *story) condition(id int) string {
	switch {
	case !st.stage.Up(id):
		return "down"
	case st.stage.Paused(id):
		return "paused, in " + st.stage.Server(id).State().String()
	}
	return st.stage.Server(id).State().String()
}

// table shows every server, aligned, for a step that failed.
func (st *story) table() string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "server\tstate\tview\tattempted\taru\tproposed\tpending\tdurable")
	for _, id := range st.all() {
		s := st.stage.Server(id)
		fmt.Fprintf(w, "%d\t%s\t%d\t%d\t%d\t%d\t%d\t%d of %d\n", id, st.condition(id), s.LastInstalled(),
			s.LastAttempted(), s.LocalARU(), s.LastProposed(), s.Pending(),
			st.stage.Durable(id), st.stage.Durable(id)+uint64(st.stage.Unsynced(id)))
	}
	w.Flush() // a Builder takes all
	return b.String()
}

// compare holds the transcript against a file of the script, or rewrites the file.
func (st *story) compare(name, want string) error {
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

// quoteLine shows a line of a transcript, of which "" is the end.
func quoteLine(line string) string {
	if line == "" {
		return "the end"
	}
	return strconv.Quote(strings.TrimSuffix(line, "\n"))
}

// rewrite is the script with its compared files replaced, nil if nothing changes.
func (st *story) rewrite() []byte {
	archive := txtar.Parse(st.script.source)
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
