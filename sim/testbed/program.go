package testbed

import (
	"bytes"
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

	"github.com/fauer4effect/paxos/sim/finding"
	"github.com/fauer4effect/paxos/sim/internal/engine"
	"github.com/fauer4effect/paxos/sim/internal/sweep"
	"github.com/fauer4effect/paxos/sim/plan"
	"github.com/fauer4effect/paxos/sim/shrink"
	"github.com/fauer4effect/paxos/sim/swarm"
	"github.com/fauer4effect/paxos/sim/testbed/cli"
	"github.com/fauer4effect/paxos/sim/trace"
)

const usage = `usage:
  sweep [-seeds N] [-from S] [-nodes N] [-out DIR] [-shrink]   run seeds, keep what fails
  replay PLAN.json | SEED [-nodes N] [-trace FILE]             run one again
  shrink PLAN.json | SEED [-nodes N] [-o FILE]                 make a failing one small`

// Main is the program of a protocol. It ends the process: status 0 where nothing was found, 1
// where a property was violated, 2 for wrong usage, 130 when interrupted.
func Main(p *Protocol) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	context.AfterFunc(ctx, stop) // a second one does not wait for the run under way
	cli.FitTerminal(os.Stdout)
	os.Exit(Run(ctx, p, os.Args[1:], os.Stdout, os.Stderr))
}

// errFound ends a command that found a violation, and has said so.
var errFound = errors.New("found")

// Run is Main without the process around it. It returns the exit status.
func Run(ctx context.Context, p *Protocol, args []string, stdout, stderr io.Writer) int {
	c := &command{ctx: ctx, protocol: p, out: stdout}
	err := p.Complete()
	if err == nil {
		err = c.run(args)
	}
	switch {
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprintln(stdout, usage)
		return 0
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
	protocol *Protocol
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

// size refuses clusters that the protocol does not take.
func (c *command) size(name string, nodes int) error {
	if least, most := c.protocol.Sizes(); nodes != 0 && (nodes < least || nodes > most) {
		return fmt.Errorf("%s: -nodes %d is not within %d … %d (0: as the seed draws)", name, nodes, least, most)
	}
	return nil
}

// seeds are below 2^53: readers of JSON lose more.
const seeds = 1 << 53

func (c *command) sweep(args []string) error {
	var o sweep.Options
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
	if o.Seeds == 0 || o.From >= seeds || o.Seeds > seeds-o.From {
		return fmt.Errorf("sweep: %d seeds from %d on: there must be one, and all are below 2^53", o.Seeds, o.From)
	}
	if err := c.size("sweep", o.Swarm.Servers); err != nil {
		return err
	}
	s, differs := sweepTwice(c.ctx, c.protocol, o)
	fmt.Fprintf(c.out, "%s: %s in %.1fs, %d messages, %d operations answered\n", c.protocol.Name, cli.Plural(s.Seeds, "seed"), s.Wall.Seconds(), s.Messages, s.Updates)
	if s.Unknown > 0 {
		fmt.Fprintf(c.out, "in %s porcupine could not decide (a Model's Hash makes it faster)\n", cli.Plural(s.Unknown, "seed"))
	}
	if differs != nil {
		fmt.Fprintln(c.out, differs)
		return errFound
	}
	if err := c.failures(s, out, small); err != nil {
		return err
	}
	if c.ctx.Err() != nil {
		fmt.Fprintf(c.out, "interrupted after %s\n", cli.Plural(s.Seeds, "seed"))
		return errFound
	}
	why := vain(s)
	if why != "" {
		fmt.Fprintln(c.out, why)
	}
	switch {
	case len(s.Failures) > 0:
		fmt.Fprintf(c.out, "%d of %s failed\n", len(s.Failures), cli.Plural(s.Seeds, "seed"))
		return errFound
	case why != "":
		return errFound
	}
	fmt.Fprintln(c.out, "nothing found")
	return nil
}

// shownKinds is how many kinds of failure are told in full.
const shownKinds = 10

// failures keeps what failed, and tells of each kind of failure its first.
func (c *command) failures(s *sweep.Summary, out string, small bool) error {
	kinds := map[string][]uint64{} // seeds by signature, looked up only
	var order []*engine.Report
	for _, f := range s.Failures {
		if err := keep(cli.Folder(out, f.Plan.Seed), cli.PlanName, f.Plan.Encode()); err != nil {
			return err
		}
		signature := f.Violation.Signature()
		if len(kinds[signature]) == 0 {
			order = append(order, f)
		}
		kinds[signature] = append(kinds[signature], f.Plan.Seed)
	}
	for i, f := range order {
		if i == shownKinds {
			fmt.Fprintf(c.out, "\n… and %d kinds of failure more, in %s\n", len(order)-i, out)
			break
		}
		if err := c.failure(f, cli.Folder(out, f.Plan.Seed), small); err != nil {
			return err
		}
		if more := kinds[f.Violation.Signature()][1:]; len(more) > 0 {
			fmt.Fprintf(c.out, "alike: %s\n", someOf(more))
		}
	}
	if len(order) > 0 {
		fmt.Fprintln(c.out)
	}
	return nil
}

// failure tells of one failure, and fills its folder.
func (c *command) failure(f *engine.Report, dir string, small bool) error {
	if err := repeats(c.protocol, f); err != nil {
		fmt.Fprintf(c.out, "\nseed %d: %v\n%v\n", f.Plan.Seed, f.Violation, err)
		return nil
	}
	plan, name := f.Plan, cli.PlanName
	if small && c.ctx.Err() == nil {
		r, err := Shrink(c.protocol, f.Plan, nil)
		if err != nil {
			return err
		}
		plan, name = r.Plan, cli.ShrunkName
		if err := keep(dir, name, plan.Encode()); err != nil {
			return err
		}
	}
	var events bytes.Buffer
	w := trace.New(&events)
	c.protocol.Run(plan, engine.WithTrace(w))
	story := strings.Join(Tell(c.protocol, plan), "\n") + "\n"
	if err := errors.Join(w.Close(), keep(dir, cli.StoryName, []byte(story)), keep(dir, cli.TraceName, events.Bytes())); err != nil {
		return err
	}
	path := filepath.Join(dir, name)
	fmt.Fprintf(c.out, "\nseed %d: %v\n%sreplay: %s replay %s\n", f.Plan.Seed, f.Violation, story, cli.Quote(program()), cli.Quote(path))
	if !small {
		fmt.Fprintf(c.out, "shrink: %s shrink %s\n", cli.Quote(program()), cli.Quote(path))
	}
	return nil
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
		words = append(words, fmt.Sprintf("seed %d", s))
	}
	return strings.Join(words, ", ")
}

// program is what a person types to start this one again.
func program() string {
	exe := os.Args[0]
	if strings.Contains(exe, "go-build") || !strings.ContainsRune(exe, filepath.Separator) { // go run, go test; found by PATH
		return filepath.Base(exe)
	}
	return exe
}

// keep writes a file of a failure's folder.
func keep(dir, name string, text []byte) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	return cli.WriteWhole(filepath.Join(dir, name), text)
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
	var options []engine.Option
	finish := func() error { return nil }
	if events != "" {
		f, err := os.Create(events)
		if err != nil {
			return err
		}
		w := trace.New(f)
		options = append(options, engine.WithTrace(w))
		finish = func() error { return errors.Join(w.Close(), f.Close()) }
	}
	r := c.protocol.Run(plan, options...)
	if err := finish(); err != nil {
		return err
	}
	fmt.Fprintf(c.out, "%s, seed %d: %v\nhash %s, %d messages, %d operations answered\n",
		c.protocol.Name, plan.Seed, shrink.SizeOf(plan), engine.HashString(r.Hash), r.Messages, r.Updates)
	for _, m := range r.Missed {
		cli.Wrapped(c.out, "", cli.Untriggered(m.Fault, &plan.Faults[m.Fault-1], m.Seen))
	}
	return c.verdict(plan, r.Violation)
}

func (c *command) verdict(plan *plan.Plan, v *finding.Violation) error {
	if v == nil {
		fmt.Fprintln(c.out, "nothing found")
		return nil
	}
	fmt.Fprintln(c.out, strings.Join(Tell(c.protocol, plan), "\n"))
	return errFound
}

// plan is that of a file or of a seed.
func (c *command) plan(name, argument string, nodes int) (*plan.Plan, error) {
	if err := c.size(name, nodes); err != nil {
		return nil, err
	}
	if seed, err := strconv.ParseUint(argument, 10, 53); err == nil {
		return c.protocol.Swarm(seed, swarm.Options{Servers: nodes}), nil
	}
	switch {
	case argument == "":
		return nil, fmt.Errorf("%s: a plan or a seed is missing", name)
	case nodes != 0:
		return nil, fmt.Errorf("%s: -nodes goes with a seed: a plan says how many", name)
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
	fmt.Fprintf(c.out, "from %v\nto   %v\nafter %d runs; replay: %s replay %s\n", shrink.SizeOf(plan), shrink.SizeOf(r.Plan), r.Runs, cli.Quote(program()), cli.Quote(out))
	return c.verdict(r.Plan, r.Report.Violation)
}
