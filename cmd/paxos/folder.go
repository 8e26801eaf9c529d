package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/fauer4effect/paxos/sim"
	"github.com/fauer4effect/paxos/sim/history"
	"github.com/fauer4effect/paxos/sim/shrink"
	"github.com/fauer4effect/paxos/sim/testbed/cli"
	"github.com/fauer4effect/paxos/sim/trace"
)

// toldFailures have a folder with all its files; of more only plan and report are kept, since
// a trace is large. With --shrink all have one: their traces are small.
const toldFailures = 20

// tell writes what a plan shows into its folder: story, trace and history of the run.
func tell(dir string, p *sim.Plan) error {
	var events, operations bytes.Buffer
	var s sim.Story
	w := trace.New(&events)
	started := time.Now()
	r := sim.Run(p, sim.WithTrace(w), sim.WithStory(&s), sim.WithHistory())
	took := time.Since(started)
	if err := w.Close(); err != nil {
		return err
	}
	if r.OK() {
		return fmt.Errorf("the plan of %s does not fail again: determinism is broken", dir)
	}
	if err := history.Write(&operations, r.History); err != nil {
		return err
	}
	for _, f := range []struct {
		name string
		text []byte
	}{
		{cli.StoryName, []byte(storyText(p, &s, r))}, {cli.TraceName, events.Bytes()}, {cli.HistoryName, operations.Bytes()}, {cli.ReportName, reportText(r, took)},
	} {
		if err := cli.WriteWhole(filepath.Join(dir, f.name), f.text); err != nil {
			return err
		}
	}
	return nil
}

// storyText tells how a run came to its violation: the headline, then a line an event.
func storyText(p *sim.Plan, s *sim.Story, r *sim.Report) string {
	return strings.Join(append([]string{sim.Headline(p)}, s.Lines(r.Violation)...), "\n") + "\n"
}

// printStory writes a story, its lines filled to the columns.
func printStory(w io.Writer, label, text string) {
	for line := range strings.Lines(text) {
		indent := line[:len(line)-len(strings.TrimLeft(line, " "))]
		at, what, found := strings.Cut(strings.TrimSpace(line), "  ")
		if found { // a line that begins with its time
			cli.Wrapped(w, label+indent+at+"  ", what)
			continue
		}
		cli.Wrapped(w, label, line)
	}
}

// reportText is a failure's report.json.
func reportText(r *sim.Report, took time.Duration) []byte {
	var text bytes.Buffer
	cli.PrintJSON(&cli.Output{Writer: &text}, newRunJSON(r, took))
	return text.Bytes()
}

// failureGroup is failures of one signature.
type failureGroup struct {
	signature string
	seeds     []uint64
	smallest  *shrink.Result // nil without --shrink
	path      string         // of the smallest plan
}

// explain fills the folders of the failures, shrinks them if that is asked for, and groups
// them: many seeds, few bugs.
func (r *sweepResult) explain(ctx context.Context, stderr io.Writer, shrinks bool) error {
	index := map[string]int{} // looked up only
	for i, f := range r.Failures {
		path := r.plans[f.Plan.Seed]
		plan, violation, result := f.Plan, f.Violation, (*shrink.Result)(nil)
		drawn := plan.Servers > 0 // else the seed could not even be drawn, and there is nothing to run
		if drawn && shrinks && ctx.Err() == nil {
			note, done := shrinkProgress(stderr)
			small, err := sim.Shrink(plan, shrink.Options{Progress: note})
			done()
			if err != nil {
				return err
			}
			result, plan, violation = small, small.Plan, small.Report.Violation
			path = shrunkPath(path)
			if err := cli.WriteWhole(path, plan.Encode()); err != nil {
				return err
			}
		}
		if drawn && (result != nil || i < toldFailures) {
			if err := tell(filepath.Dir(path), plan); err != nil {
				return err
			}
		}
		signature := violation.Signature()
		at, known := index[signature]
		if !known {
			at = len(r.groups)
			index[signature] = at
			r.groups = append(r.groups, failureGroup{signature: signature, path: path, smallest: result})
		}
		g := &r.groups[at]
		g.seeds = append(g.seeds, f.Plan.Seed)
		if result != nil && smaller(result, g.smallest) {
			g.smallest, g.path = result, path
		}
	}
	return nil
}

// smaller compares two shrunk plans, by what a reader must follow.
func smaller(a, b *shrink.Result) bool {
	x, y := shrink.SizeOf(a.Plan), shrink.SizeOf(b.Plan)
	return x.Faults+x.Servers+x.Updates+x.Clients < y.Faults+y.Servers+y.Updates+y.Clients
}

// printGroups tells the kinds of failure, with the story of each.
func (r *sweepResult) printGroups(w io.Writer) {
	for i, g := range r.groups {
		if i == shownFailures {
			fmt.Fprintf(w, "… and %d more kinds, in %s\n\n", len(r.groups)-i, r.out)
			return
		}
		cli.Wrapped(w, "", fmt.Sprintf("%s: %s", cli.Plural(uint64(len(g.seeds)), "failure"), g.signature))
		fmt.Fprintf(w, "  %-9s %s\n", "seeds", someOf(g.seeds))
		if g.smallest != nil {
			fmt.Fprintf(w, "  %-9s %v\n", "shrunk", shrink.SizeOf(g.smallest.Plan))
		}
		fmt.Fprintf(w, "  %-9s %s\n", "plan", g.path)
		fmt.Fprintf(w, "  %-9s %s replay %s\n", "replay", self(), cli.Quote(g.path))
		if g.smallest == nil {
			fmt.Fprintf(w, "  %-9s %s shrink %s\n", "shrink", self(), cli.Quote(g.path))
		}
		if text, err := os.ReadFile(filepath.Join(filepath.Dir(g.path), cli.StoryName)); err == nil {
			fmt.Fprintln(w, "  story")
			printStory(w, "    ", string(text))
		}
		fmt.Fprintln(w)
	}
}

// someOf lists the first of many seeds.
func someOf(seeds []uint64) string {
	const most = 8
	var words []string
	for i, s := range seeds {
		if i == most {
			words = append(words, fmt.Sprintf("… %d in all", len(seeds)))
			break
		}
		words = append(words, fmt.Sprint(s))
	}
	return strings.Join(words, " ")
}
