package mutants

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Ranges are the first seeds of the hunts that count: disjoint, and far from seed 0, where
// mutants and swarm were tuned.
var Ranges = []uint64{1_000_000, 2_000_000, 3_000_000, 4_000_000, 5_000_000}

// Bug is what came of one mutant: a hunt for each of Ranges, and the smallest plan.
type Bug struct {
	Mutant   Mutant
	Build    time.Duration // how long the compiler took
	Catches  []Catch
	Smallest Size // of the shrunk plans; zero if there are no plans
}

// Size is what a plan needs of each kind of thing.
type Size struct{ Servers, Clients, Updates, Faults int }

func (s Size) things() int { return s.Servers + s.Clients + s.Updates + s.Faults }

func (s Size) String() string {
	return fmt.Sprintf("%s, %s, %s, %s", countOf(s.Servers, "server"), countOf(s.Clients, "client"), countOf(s.Updates, "update"), countOf(s.Faults, "fault"))
}

func countOf(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return fmt.Sprintf("%d %s", n, what)
}

// Measure builds m, hunts it on one core from each of Ranges, and has the mutant's own binary
// shrink each plan that was found. What it leaves lies in dir.
func (m Mutant) Measure(ctx context.Context, root, dir string) (Bug, error) {
	bug := Bug{Mutant: m}
	binary, took, err := m.Build(ctx, root, dir)
	if err != nil {
		return bug, err
	}
	bug.Build = took
	for _, from := range Ranges {
		c, err := m.Hunt(ctx, binary, HuntOptions{From: from, Jobs: 1, Out: filepath.Join(dir, m.Name)})
		if err != nil {
			return bug, err
		}
		bug.Catches = append(bug.Catches, c)
		if !c.Found || c.Plan == "" {
			continue
		}
		size, err := m.shrink(ctx, binary, c.Plan)
		if err != nil {
			return bug, err
		}
		if bug.Smallest == (Size{}) || size.things() < bug.Smallest.things() {
			bug.Smallest = size
		}
	}
	return bug, nil
}

// shrink makes a plan small and says how large the result is.
func (m Mutant) shrink(ctx context.Context, binary, plan string) (Size, error) {
	small := strings.TrimSuffix(plan, ".json") + "-small.json"
	out, err := m.Command(ctx, binary, "shrink", plan, "-o", small).CombinedOutput()
	if err != nil {
		return Size{}, fmt.Errorf("mutant %s: shrink %s: %w: %s", m.Name, plan, err, complaint(string(out)))
	}
	text, err := os.ReadFile(small)
	if err != nil {
		return Size{}, fmt.Errorf("mutant %s: shrink %s: %w", m.Name, plan, err)
	}
	return sizeOf(text)
}

// sizeOf reads the part of a plan that says how large it is.
func sizeOf(plan []byte) (Size, error) {
	var p struct {
		Servers  int                                `json:"servers"`
		Workload struct{ Clients, Limit int }       `json:"workload"`
		Faults   []struct{ Do, On json.RawMessage } `json:"faults"`
	}
	if err := json.Unmarshal(plan, &p); err != nil {
		return Size{}, fmt.Errorf("a shrunk plan: %w", err)
	}
	return Size{p.Servers, p.Workload.Clients, p.Workload.Limit, len(p.Faults)}, nil
}

// caught says whether a property caught the bug from each of Ranges, or what it expects in
// place of one.
func (b Bug) caught() bool {
	for _, c := range b.Catches {
		if !c.Found || !b.Mutant.Expects(c.Property) {
			return false
		}
	}
	return len(b.Catches) == len(Ranges)
}

// Problem says what is wrong with the bug's catches, "" for nothing.
func (b Bug) Problem() string {
	if b.caught() {
		return ""
	}
	var all []string
	for i, c := range b.Catches {
		all = append(all, fmt.Sprintf("from seed %d: %s", Ranges[i%len(Ranges)], Row{Mutant: b.Mutant, Catch: c}.verdict()))
	}
	return "mutant " + b.Mutant.Name + ": " + strings.Join(all, "; ")
}

// properties are those that caught the bug, the most frequent first.
func (b Bug) properties() string {
	times := map[string]int{}
	var names []string
	for _, c := range b.Catches {
		name := c.Property
		if !c.Found {
			name = "nothing"
		}
		if times[name] == 0 {
			names = append(names, name)
		}
		times[name]++
	}
	slices.SortStableFunc(names, func(a, c string) int { return cmp.Compare(times[c], times[a]) })
	return strings.Join(names, ", ")
}

func (b Bug) seeds() int {
	return medianOf(b.Catches, func(c Catch) int { return c.SeedsNeeded })
}

func (b Bug) cpu() time.Duration {
	return medianOf(b.Catches, func(c Catch) time.Duration { return c.CPU })
}

// medianOf is the middle one of a list's values, of an even number the lower of two; zero for
// none.
func medianOf[T any, V cmp.Ordered](list []T, of func(T) V) V {
	var values []V
	for _, t := range list {
		values = append(values, of(t))
	}
	if len(values) == 0 {
		var none V
		return none
	}
	slices.Sort(values)
	return values[(len(values)-1)/2]
}

// Medians are the middle bug's figures, each figure for itself.
type Medians struct {
	Bugs, Seeds int
	CPU         time.Duration
	Shrunk      int // bugs that have a shrunk plan
	Size        Size
}

func (m Medians) String() string {
	return fmt.Sprintf("medians of %s: %s, %.2f core-seconds; of %s: %v",
		countOf(m.Bugs, "mutant"), countOf(m.Seeds, "seed"), m.CPU.Seconds(), countOf(m.Shrunk, "shrunk plan"), m.Size)
}

// MediansOf takes the bugs together.
func MediansOf(bugs []Bug) Medians {
	var small []Size
	for _, b := range bugs {
		if b.Smallest != (Size{}) {
			small = append(small, b.Smallest)
		}
	}
	return Medians{
		Bugs: len(bugs), Seeds: medianOf(bugs, Bug.seeds), CPU: medianOf(bugs, Bug.cpu), Shrunk: len(small),
		Size: Size{
			Servers: medianOf(small, func(s Size) int { return s.Servers }),
			Clients: medianOf(small, func(s Size) int { return s.Clients }),
			Updates: medianOf(small, func(s Size) int { return s.Updates }),
			Faults:  medianOf(small, func(s Size) int { return s.Faults }),
		},
	}
}

// ByHand begins the part of docs/BUGS.md that nobody computes: it stays as it is.
const ByHand = "## What no sweep finds\n"

// bugsHead stands above the table in docs/BUGS.md.
const bugsHead = `# Planted bugs, and what it takes to find them

Each mutant is a mistake that somebody could make, or has made. It is kept as
` + "`testdata/mutants/NAME.patch`" + `, which tells its story. [CONTRIBUTING.md](../CONTRIBUTING.md#mutants) has the
format. The ordinary sweep must find it by a property, or by an effect that it must show and misses (idle:). A panic
of the machine does not count. See one found: ` + "`go run ./cmd/paxos break e-old-view-accepted`" + `.

This command writes the table:

    CGO_ENABLED=0 go test ./sim -run TestBugs -bugs -v -timeout 120m

`

// WriteBugs writes docs/BUGS.md, up to ByHand.
func WriteBugs(w io.Writer, bugs []Bug) {
	io.WriteString(w, bugsHead)
	m := MediansOf(bugs)
	fmt.Fprintf(w, "The median of all %d: **%s, %.2f core-seconds**; after shrinking **%v**.\n\n",
		m.Bugs, countOf(m.Seeds, "seed"), m.CPU.Seconds(), m.Size)
	fmt.Fprintf(w, `Each mutant is hunted %d times, from the first seed of disjoint ranges that nothing was tuned for:
%s.

- **seeds** and **core-s** are medians. Core-seconds are the processor time of a whole sweep with one job. The process
  starts, sweeps the chunk of seeds (32 at first) to its end, and writes each failure to its folder.
- Build time is listed separately.
- **caught by**: of several properties the most frequent comes first.
- **size** is that of the smallest plan found, after `+"`paxos shrink`"+`: servers, clients, updates, faults.

`, len(Ranges), rangesText())
	fmt.Fprintln(w, "| mutant | what it does wrong | caught by | seeds | core-s | srv / cli / upd / flt | build s |")
	fmt.Fprintln(w, "|---|---|---|--:|--:|:-:|--:|")
	effect := false
	for _, b := range bugs {
		size := "—"
		if s := b.Smallest; s != (Size{}) {
			size = fmt.Sprintf("%d / %d / %d / %d", s.Servers, s.Clients, s.Updates, s.Faults)
		} else {
			effect = true
		}
		fmt.Fprintf(w, "| %s | %s | %s | %d | %.2f | %s | %.1f |\n",
			b.Mutant.Name, b.Mutant.Title, b.properties(), b.seeds(), b.cpu().Seconds(), size, b.Build.Seconds())
	}
	if effect {
		io.WriteString(w, `
A mutant without a size breaks no property. What catches it is an effect that never occurs in a sweep of more
than 500 seeds (idle:). So there is no plan to shrink, and its seeds are those swept until then.
`)
	}
	fmt.Fprintln(w)
}

func rangesText() string {
	var all []string
	for _, from := range Ranges {
		all = append(all, fmt.Sprintf("%d,000,000", from/1_000_000))
	}
	return strings.Join(all, ", ")
}
