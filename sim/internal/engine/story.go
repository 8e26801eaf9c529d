package engine

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/fauer4effect/paxos/sim/finding"
	"github.com/fauer4effect/paxos/sim/internal/words"
	"github.com/fauer4effect/paxos/sim/plan"
	"github.com/fauer4effect/paxos/sim/world"
)

// Story collects what happens in a run, together with what caused it. So a violation can be told
// by the few events that led to it. Those are the events that happened before it, in Lamport's
// sense, and are about its seq, its views or its client. The zero value is ready. It belongs to
// one run.
type Story struct {
	acts []act
	last [world.MaxNodes]int32 // the node's latest act, counted from 1
}

// act is one thing that happened at a node: an input of its machine with all that followed, a
// crash, a start, a fault. Acts count from 1.
type act struct {
	at     world.Instant
	node   world.Node
	before int32 // the node's own act before it
	cause  int32 // the act that sent the message it takes
	lines  []Line
}

// Line is one event of an act, in words, and what it is about.
type Line struct {
	Kind   lineKind
	View   uint64
	Seq    uint64
	Client uint32
	Object string // that an operation is on
	Text   string
}

// lineKind ranks events: where there are too many, the higher kinds go first.
type lineKind uint8

const (
	Told     lineKind = iota + 1 // the violation's own kind: asked, answered, ordered, led
	Struck                       // crashed, wiped, cut
	Held                         // accepted
	LostWord                     // a message lost
)

// WithStory has the run collect its story.
func WithStory(s *Story) Option { return func(r *Run) { r.Story = s } }

// Begin starts an act of a node, and returns its number.
func (s *Story) Begin(at world.Instant, n world.Node, cause int32) int32 {
	s.acts = append(s.acts, act{at: at, node: n, before: s.last[n], cause: cause})
	s.last[n] = int32(len(s.acts))
	return s.last[n]
}

// Say adds a line to the node's latest act.
func (s *Story) Say(n world.Node, l Line) {
	if i := s.last[n]; i > 0 {
		s.acts[i-1].lines = append(s.acts[i-1].lines, l)
	}
}

// Tell adds an act of one line.
func (s *Story) Tell(at world.Instant, n world.Node, l Line) {
	s.Begin(at, n, 0)
	s.Say(n, l)
}

// about finds what a violation's words name.
var (
	seqOf    = regexp.MustCompile(`\bseq (\d+)`)
	viewOf   = regexp.MustCompile(`\bview\(?[^0-9,;]{0,12}?(\d+)`)
	clientOf = regexp.MustCompile(`\bclient (\d+)`)
	objectOf = regexp.MustCompile(`\b(?:key|object) "((?:[^"\\]|\\.)*)"`)
)

func numbers(re *regexp.Regexp, text string) map[uint64]bool {
	found := map[uint64]bool{} // looked up only
	for _, m := range re.FindAllStringSubmatch(text, -1) {
		if n, err := strconv.ParseUint(m[1], 10, 64); err == nil {
			found[n] = true
		}
	}
	return found
}

// maxLines is how long a story is.
const maxLines = 10

// Lines tells the violation in at most ten lines, in order of time, the last being the
// violation itself.
func (s *Story) Lines(v *finding.Violation) []string {
	acts := s.acts
	for len(acts) > 0 && acts[len(acts)-1].at > world.Instant(v.At) { // a history is judged later than it went wrong
		acts = acts[:len(acts)-1]
	}
	slice := slice(acts, v)
	seqs, views, clients := numbers(seqOf, v.Detail), numbers(viewOf, v.Detail), numbers(clientOf, v.Detail)
	object := ""
	if m := objectOf.FindStringSubmatch(v.Detail); m != nil {
		object = m[1]
	}
	type entry struct {
		at    world.Instant // for the first time
		times int
		Line
	}
	var all []entry
	for i := range acts {
		a := &acts[i]
		for _, l := range a.lines {
			about := l.Seq != 0 && seqs[l.Seq] || l.Seq == 0 && l.View != 0 && (len(views) == 0 || views[l.View]) ||
				len(seqs) == 0 && l.Seq != 0 && clients[uint64(l.Client)] || l.Seq == 0 && l.View == 0 && (l.Client == 0 || clients[uint64(l.Client)] || object != "" && l.Object == object)
			if !about || !slice[i] && l.Kind != Struck && l.Kind != LostWord {
				continue
			}
			if again := slices.IndexFunc(all, func(e entry) bool { return e.Text == l.Text }); again >= 0 {
				all[again].times++
				continue
			}
			all = append(all, entry{at: a.at, times: 1, Line: l})
		}
	}
	// Too many. The last of each kind are closest to the violation, and the lesser kinds go
	// first. The last few crashes and cuts stay in any case.
	for _, most := range []struct {
		kind lineKind
		stay int
	}{{LostWord, 0}, {Held, 0}, {Struck, 3}, {Told, 0}} {
		left := 0
		for _, e := range all {
			if e.Kind == most.kind {
				left++
			}
		}
		for i := 0; i < len(all) && len(all) >= maxLines && left > most.stay; {
			if all[i].Kind != most.kind {
				i++
				continue
			}
			all = slices.Delete(all, i, i+1)
			left--
		}
	}
	var lines []string
	for _, e := range all {
		if e.times > 1 {
			e.Text += fmt.Sprintf(" (%d times)", e.times)
		}
		lines = append(lines, fmt.Sprintf("%9sms  %s", words.Millis(int64(e.at)), e.Text))
	}
	return append(lines, fmt.Sprintf("%9sms  %s is violated: %s", words.Millis(v.At), v.Named(), v.Detail))
}

// slice marks the acts that happened before the violation. These are the last act, each act that
// is about the violation's seq, and all that caused them.
func slice(acts []act, v *finding.Violation) []bool {
	in := make([]bool, len(acts))
	seqs := numbers(seqOf, v.Detail)
	var mark func(i int32)
	mark = func(i int32) {
		for i > 0 && !in[i-1] {
			in[i-1] = true
			mark(acts[i-1].cause)
			i = acts[i-1].before
		}
	}
	mark(int32(len(acts)))
	about := false                 // a seq that the acts know
	var last [world.MaxNodes]int32 // the node's latest act
	for i := range acts {
		last[acts[i].node] = int32(i + 1)
		if slices.ContainsFunc(acts[i].lines, func(l Line) bool { return seqs[l.Seq] }) {
			about = true
			mark(int32(i + 1))
		}
	}
	if !about { // it is about a client, or about time: what all came to
		for _, i := range last {
			mark(i)
		}
	}
	return in
}

// Headline is the setting of a story: cluster, clients, faults.
func Headline(p *plan.Plan) string {
	var faults []string
	for i := range p.Faults {
		text := p.Faults[i].String()
		if p.Faults[i].On == nil {
			text = fmt.Sprintf("at %v %s", time.Duration(p.Faults[i].At), text)
		}
		faults = append(faults, text)
	}
	for _, b := range p.Tail.Broken {
		faults = append(faults, fmt.Sprintf("in the calm server %d is %s", b.Server, b.How))
	}
	if loss := p.Network.All.Loss; loss > 0 {
		faults = append(faults, "links lose "+words.Percent(loss)+" %")
	}
	text := fmt.Sprintf("%s, %s%s, %s", words.Count(p.Servers, "server"), words.Count(p.Workload.Clients, "client"), p.Workload.OnHosts(), words.Count(p.Workload.Limit, "update"))
	if len(faults) == 0 {
		return text + "; no fault"
	}
	return text + "; " + strings.Join(faults, "; ")
}
