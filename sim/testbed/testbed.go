// Package testbed makes a program and a test of a protocol of one's own (sim.Protocol): its
// own sweep, replay and shrink.
//
//	func main() { testbed.Main(proto) }                       // sweep, replay, shrink
//	func TestProtocol(t *testing.T) { testbed.Test(t, proto) } // go test -seed=17
//
// docs/YOUR-PROTOCOL.md walks through it.
package testbed

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/fauer4effect/paxos/protocol"
	"github.com/fauer4effect/paxos/sim"
	"github.com/fauer4effect/paxos/sim/check"
	"github.com/fauer4effect/paxos/sim/shrink"
	"github.com/fauer4effect/paxos/sim/trace"
)

var (
	seedFlag  = flag.Int64("seed", -1, "testbed.Test: run this seed alone")
	seedsFlag = flag.Uint64("seeds", 300, "testbed.Test: run so many seeds")
)

// Test sweeps a protocol in a test, -seeds seeds of it, or -seed alone. A failure is shrunk;
// its story and the command that replays it are in the test's output.
func Test(t *testing.T, p *sim.Protocol) {
	t.Helper()
	if *seedFlag >= 0 {
		report(t, p, p.Run(sim.Swarm(uint64(*seedFlag), sim.SwarmOptions{Protocol: p})))
		return
	}
	s := sim.Sweep(t.Context(), sim.SweepOptions{Seeds: *seedsFlag, Swarm: sim.SwarmOptions{Protocol: p}})
	if len(s.Failures) > 0 {
		t.Logf("%d of %d seeds fail; the first:", len(s.Failures), s.Seeds)
		report(t, p, s.Failures[0])
	}
}

func report(t *testing.T, p *sim.Protocol, r *sim.Report) {
	t.Helper()
	if r.OK() {
		return
	}
	small, err := Shrink(p, r.Plan, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Fatalf("seed %d: %v\nshrunk to %v:\n%s\nreplay: go test -run '^%s$' -seed=%d\nplan:\n%s", r.Plan.Seed, r.Violation,
		shrink.SizeOf(small.Plan), strings.Join(Story(p, small.Plan), "\n"), t.Name(), r.Plan.Seed, small.Plan.Encode())
}

// Shrink makes a failing plan of the protocol small. What it gets rid of first are drawn
// settings, which nothing later would make smaller.
func Shrink(p *sim.Protocol, plan *sim.Plan, progress func(shrink.Progress)) (*shrink.Result, error) {
	if r := p.Run(plan); !r.OK() && len(plan.Settings) > 0 {
		bare := plan.Clone()
		bare.Settings = nil
		// By signature: a machine that can't do without settings must not pass for the bug.
		if b := p.Run(bare); !b.OK() && b.Violation.Signature() == r.Violation.Signature() {
			plan = bare
		}
	}
	return shrink.Shrink(plan, func(c *sim.Plan) *sim.Report { return p.Run(c) }, p.Validate, shrink.Options{Progress: progress})
}

// Story tells a failing plan of the protocol, a line for each decisive event.
func Story(p *sim.Protocol, plan *sim.Plan) []string {
	var s sim.Story
	r := p.Run(plan, sim.WithStory(&s))
	if r.OK() {
		return []string{"the plan does not fail"}
	}
	return append([]string{headline(plan)}, s.Lines(r.Violation)...)
}

// headline names the faults of a plan that has few, as shrunk ones do.
func headline(plan *sim.Plan) string {
	if len(plan.Faults) > 5 || plan.Workload.Limit == 0 {
		return shrink.SizeOf(plan).String()
	}
	return sim.Headline(plan)
}

const usage = `usage:
  sweep [-seeds N] [-from S] [-nodes N] [-out DIR] [-shrink]   run seeds, keep what fails
  replay PLAN.json | SEED [-nodes N] [-trace FILE]             run one again
  shrink PLAN.json | SEED [-nodes N] [-o FILE]                 make a failing one small`

// Main is the program of a protocol. It ends the process: status 0 where nothing was found, 1
// where a property was violated, 2 for wrong usage, 130 when interrupted.
func Main(p *sim.Protocol) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	os.Exit(Run(ctx, p, os.Args[1:], os.Stdout, os.Stderr))
}

// errFound ends a command that found a violation, and has said so.
var errFound = errors.New("found")

// Run is Main but for the process around it. It returns the exit status.
func Run(ctx context.Context, p *sim.Protocol, args []string, stdout, stderr io.Writer) int {
	c := &command{ctx: ctx, protocol: p, out: stdout}
	err := p.Complete()
	if err == nil {
		err = c.run(args)
	}
	switch {
	case ctx.Err() != nil:
		return 130
	case errors.Is(err, errFound):
		return 1
	case err != nil:
		fmt.Fprintln(stderr, err)
		return 2
	}
	return 0
}

// run does what the arguments ask for.
func (c *command) run(args []string) error {
	switch name := append(args, "")[0]; name {
	case "sweep":
		return c.sweep(args[1:])
	case "replay":
		return c.replay(args[1:])
	case "shrink":
		return c.shrink(args[1:])
	case "":
		return errors.New(usage)
	case "help", "-h", "-help", "--help":
		fmt.Fprintln(c.out, usage)
		return nil
	default:
		return fmt.Errorf("%s: unknown command (sweep, replay or shrink)", name)
	}
}

type command struct {
	ctx      context.Context
	protocol *sim.Protocol
	out      io.Writer
}

// flags parses flags that may stand before and behind at most one argument.
func flags(name string, args []string, define func(*flag.FlagSet)) (argument string, err error) {
	f := flag.NewFlagSet(name, flag.ContinueOnError)
	f.SetOutput(io.Discard)
	define(f)
	if err := f.Parse(args); err != nil {
		return "", fmt.Errorf("%s: %w", name, err)
	}
	if f.NArg() == 0 {
		return "", nil
	}
	argument = f.Arg(0)
	if err := f.Parse(f.Args()[1:]); err != nil {
		return "", fmt.Errorf("%s: %w", name, err)
	}
	if f.NArg() > 0 {
		return "", fmt.Errorf("%s: unexpected argument %q", name, f.Arg(0))
	}
	return argument, nil
}

// size refuses clusters that the world has no room for.
func size(name string, nodes int) error {
	if nodes < 0 || nodes > protocol.MaxServers {
		return fmt.Errorf("%s: -nodes %d is not within 1 … %d (0: as the seed draws)", name, nodes, protocol.MaxServers)
	}
	return nil
}

// seeds are below 2^53: readers of JSON lose more.
const seeds = 1 << 53

func (c *command) sweep(args []string) error {
	o := sim.SweepOptions{Swarm: sim.SwarmOptions{Protocol: c.protocol}}
	var out string
	var small bool
	if argument, err := flags("sweep", args, func(f *flag.FlagSet) {
		f.Uint64Var(&o.Seeds, "seeds", 1000, "")
		f.Uint64Var(&o.From, "from", 0, "")
		f.IntVar(&o.Swarm.Servers, "nodes", 0, "")
		f.StringVar(&out, "out", "failures", "")
		f.BoolVar(&small, "shrink", false, "")
	}); err != nil {
		return err
	} else if argument != "" {
		return fmt.Errorf("sweep: unexpected argument %q", argument)
	}
	if o.From >= seeds || o.Seeds > seeds-o.From {
		return fmt.Errorf("sweep: seeds %d and %d more are not below 2^53", o.From, o.Seeds)
	}
	if err := size("sweep", o.Swarm.Servers); err != nil {
		return err
	}
	s := sim.Sweep(c.ctx, o)
	fmt.Fprintf(c.out, "%s: %s in %.1fs, %d messages, %d operations answered\n", c.protocol.Name, seedsOf(s.Seeds), s.Wall.Seconds(), s.Messages, s.Updates)
	for _, f := range s.Failures {
		dir := filepath.Join(out, fmt.Sprintf("seed-%d", f.Plan.Seed))
		plan, name := f.Plan, "plan.json"
		if err := keep(dir, name, plan.Encode()); err != nil {
			return err
		}
		if small && c.ctx.Err() == nil {
			r, err := Shrink(c.protocol, f.Plan, nil)
			if err != nil {
				return err
			}
			plan, name = r.Plan, "shrunk.json"
			if err := keep(dir, name, plan.Encode()); err != nil {
				return err
			}
		}
		story := strings.Join(Story(c.protocol, plan), "\n") + "\n"
		if err := keep(dir, "story.txt", []byte(story)); err != nil {
			return err
		}
		path := filepath.Join(dir, name)
		fmt.Fprintf(c.out, "\nseed %d: %v\n%sreplay: %s replay %s\n", f.Plan.Seed, f.Violation, story, program(), path)
		if !small {
			fmt.Fprintf(c.out, "shrink: %s shrink %s\n", program(), path)
		}
	}
	if len(s.Failures) > 0 {
		fmt.Fprintf(c.out, "\n%d of %s failed\n", len(s.Failures), seedsOf(s.Seeds))
		return errFound
	}
	fmt.Fprintln(c.out, "nothing found")
	return nil
}

func seedsOf(n uint64) string {
	if n == 1 {
		return "1 seed"
	}
	return fmt.Sprintf("%d seeds", n)
}

func program() string { return filepath.Base(os.Args[0]) }

func keep(dir, name string, text []byte) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, name), text, 0o644)
}

func (c *command) replay(args []string) error {
	var nodes int
	var events string
	argument, err := flags("replay", args, func(f *flag.FlagSet) {
		f.IntVar(&nodes, "nodes", 0, "")
		f.StringVar(&events, "trace", "", "")
	})
	if err != nil {
		return err
	}
	plan, err := c.plan("replay", argument, nodes)
	if err != nil {
		return err
	}
	var options []sim.Option
	finish := func() error { return nil }
	if events != "" {
		f, err := os.Create(events)
		if err != nil {
			return err
		}
		w := trace.New(f)
		options = append(options, sim.WithTrace(w))
		finish = func() error { return errors.Join(w.Close(), f.Close()) }
	}
	r := c.protocol.Run(plan, options...)
	if err := finish(); err != nil {
		return err
	}
	fmt.Fprintf(c.out, "%s, seed %d: %v\nhash %s, %d messages, %d operations answered\n",
		c.protocol.Name, plan.Seed, shrink.SizeOf(plan), sim.HashString(r.Hash), r.Messages, r.Updates)
	for _, m := range r.Missed {
		fmt.Fprintf(c.out, "fault %d never came: only %d of its events occurred\n", m.Fault, m.Seen)
	}
	return c.verdict(plan, r.Violation)
}

func (c *command) verdict(plan *sim.Plan, v *check.Violation) error {
	if v == nil {
		fmt.Fprintln(c.out, "nothing found")
		return nil
	}
	fmt.Fprintln(c.out, strings.Join(Story(c.protocol, plan), "\n"))
	return errFound
}

// plan is that of a file or of a seed.
func (c *command) plan(name, argument string, nodes int) (*sim.Plan, error) {
	if err := size(name, nodes); err != nil {
		return nil, err
	}
	if seed, err := strconv.ParseUint(argument, 10, 53); err == nil {
		return sim.Swarm(seed, sim.SwarmOptions{Protocol: c.protocol, Servers: nodes}), nil
	}
	if argument == "" {
		return nil, fmt.Errorf("%s: a plan or a seed is missing", name)
	}
	return c.protocol.LoadPlan(argument)
}

func (c *command) shrink(args []string) error {
	var nodes int
	var out string
	argument, err := flags("shrink", args, func(f *flag.FlagSet) {
		f.IntVar(&nodes, "nodes", 0, "")
		f.StringVar(&out, "o", "", "")
	})
	if err != nil {
		return err
	}
	plan, err := c.plan("shrink", argument, nodes)
	if err != nil {
		return err
	}
	r, err := Shrink(c.protocol, plan, nil)
	if err != nil {
		return fmt.Errorf("shrink: %s: %w", argument, err)
	}
	if out == "" {
		out = strings.TrimSuffix(argument, ".json") + "-shrunk.json"
	}
	if err := os.WriteFile(out, r.Plan.Encode(), 0o644); err != nil {
		return err
	}
	fmt.Fprintf(c.out, "from %v\nto   %v\nafter %d runs; replay: %s replay %s\n", shrink.SizeOf(plan), shrink.SizeOf(r.Plan), r.Runs, program(), out)
	return c.verdict(r.Plan, r.Report.Violation)
}
