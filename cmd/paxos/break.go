package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/fauer4effect/paxos/sim"
	"github.com/fauer4effect/paxos/sim/mutants"
	"github.com/fauer4effect/paxos/sim/shrink"
	"github.com/fauer4effect/paxos/sim/testbed/cli"
)

const (
	module = "github.com/fauer4effect/paxos"
	// A mutant may spin for ever inside one seed.
	huntLimit = 10 * time.Minute
)

var ourModule = regexp.MustCompile(`(?m)^module\s+"?` + regexp.QuoteMeta(module) + `"?\s*$`)

func breakCommand() *cobra.Command {
	var filter string
	c := &cobra.Command{
		Use:   "break [NAME] [flags]",
		Short: "build a planted bug and sweep it until it is caught",
		Long: `Break lists the mutants: bugs that are planted to show that the checks are awake.

With the name of a mutant it builds the program with that bug, and sweeps it until
a property is violated. Then it makes the plan small and tells its story. The
program and the plans go to ./failures/NAME. Break needs a checkout of the sources, and the go tool.`,
		Example: `$ paxos break --filter S8
$ paxos break c-half-is-enough`,
		ValidArgsFunction: completeMutants,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 1 {
				return usage("paxos break lists them", "it takes one mutant, not %d", len(args))
			}
			if len(args) == 1 && filter != "" {
				return usage("", "--filter is for the list, without a mutant")
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			root, list, err := loadMutants()
			if err != nil {
				return err
			}
			if len(args) == 0 {
				return listMutants(c.OutOrStdout(), list, filter)
			}
			m, err := findMutant(list, args[0])
			if err != nil {
				return err
			}
			b := breaking{Mutant: m, root: root, out: filepath.Join(defaultOut, m.Name), w: c.OutOrStdout(), stderr: c.ErrOrStderr()}
			return b.run(c.Context())
		},
	}
	flag(c.Flags(), &filter, "--filter TEXT", "", "list only mutants whose name, properties or title contain this", parseText)
	return c
}

// loadMutants reads the mutants of the checkout that the program is run in.
func loadMutants() (root string, list []mutants.Mutant, err error) {
	root, err = checkout()
	if err != nil {
		return "", nil, usage("git clone https://"+module+", and run it in there", "%v", err)
	}
	list, err = mutants.Load(root)
	if err != nil {
		return "", nil, usage("", "%v", err)
	}
	return root, list, nil
}

// checkout is the root of the sources, found upwards from where we are.
func checkout() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for at := dir; ; at = filepath.Dir(at) {
		text, err := os.ReadFile(filepath.Join(at, "go.mod"))
		if err == nil && ourModule.Match(text) {
			return at, nil
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
		if at == filepath.Dir(at) {
			return "", fmt.Errorf("%s is in no checkout of %s", dir, module)
		}
	}
}

// listMutants shows the mutants that contain a text, in two columns.
func listMutants(w io.Writer, list []mutants.Mutant, filter string) error {
	width, shown := len("mutant"), list[:0:0]
	for _, m := range list {
		text := strings.ToLower(m.Name + "\n" + strings.Join(m.Expect, "\n") + "\n" + m.Title)
		if strings.Contains(text, strings.ToLower(filter)) {
			shown = append(shown, m)
			width = max(width, len(m.Name))
		}
	}
	if len(shown) == 0 {
		return usage("paxos break lists all", "--filter %s: none of the %d mutants contains it", cli.Quote(filter), len(list))
	}
	row := func(name, what string) { cli.Wrapped(w, fmt.Sprintf("%-*s  ", width, name), what) }
	row("mutant", "what it does wrong (what catches it)")
	for _, m := range shown {
		row(m.Name, fmt.Sprintf("%s (%s)", m.Title, strings.Join(m.Expect, ", ")))
	}
	fmt.Fprintf(w, "\nsee one caught: %s break %s\n", self(), shown[0].Name)
	return nil
}

// findMutant finds the mutant of a name, or names that come close.
func findMutant(list []mutants.Mutant, name string) (mutants.Mutant, error) {
	for _, m := range list {
		if m.Name == name {
			return m, nil
		}
	}
	hint := "paxos break lists them"
	if near := closeNames(list, name); len(near) > 0 {
		hint = "did you mean " + strings.Join(near, ", ") + "? " + hint
	}
	return mutants.Mutant{}, usage(hint, "no mutant %s", cli.Quote(name))
}

// closeNames are up to five names that begin with the given one or, as cobra judges it, are a few
// letters off. If there are none it takes names that contain the given one.
func closeNames(list []mutants.Mutant, name string) []string {
	names := &cobra.Command{SuggestionsMinimumDistance: 3}
	var containing []string
	for _, m := range list {
		names.AddCommand(&cobra.Command{Use: m.Name, Run: func(*cobra.Command, []string) {}})
		if strings.Contains(m.Name, name) {
			containing = append(containing, m.Name)
		}
	}
	near := names.SuggestionsFor(name)
	if len(near) == 0 {
		near = containing
	}
	return near[:min(len(near), 5)]
}

// breaking is one mutant on its way from the patch to the replay of what caught it.
type breaking struct {
	mutants.Mutant
	root string // of the checkout
	out  string // folder of the binary and the plans
	w    io.Writer

	stderr io.Writer // for progress, if it is a terminal
}

func (b *breaking) run(ctx context.Context) error {
	if _, err := exec.LookPath("go"); err != nil {
		return usage("mutants are built with it", "%s: the go tool is missing: %v", b.Name, err)
	}
	fmt.Fprintf(b.w, "%s: %s\n\n", b.Name, b.Title)
	cli.Wrapped(b.w, "  ", b.Story)
	folder, err := openPlanFolder(b.out)
	if err != nil {
		return usage("the mutant and its plans go there", "%s: %v", b.out, err)
	}
	defer folder.close()
	built, took, err := b.Build(ctx, b.root, b.out)
	switch {
	case ctx.Err() != nil:
		return errInterrupted
	case err != nil:
		return usage("", "%v", err)
	}
	binary := filepath.Join(b.out, filepath.Base(built))
	fmt.Fprintf(b.w, "\nbuilt in %v: %s\n", cli.Brief(took), binary)

	limited, cancel := context.WithTimeout(ctx, huntLimit)
	defer cancel()
	catch, err := b.Hunt(limited, built, mutants.HuntOptions{Out: b.out})
	switch {
	case ctx.Err() != nil:
		fmt.Fprintf(b.w, "interrupted: nothing caught it in %s, %v\n", cli.Plural(uint64(catch.SeedsNeeded), "seed"), cli.Brief(catch.Took))
		return errInterrupted
	case errors.Is(err, context.DeadlineExceeded):
		return &failure{status: statusFailed, line: err.Error(), hint: fmt.Sprintf("the limit is %v", huntLimit)}
	case err != nil:
		return &failure{status: statusFailed, line: err.Error()}
	}
	return b.show(ctx, binary, catch)
}

// show tells what caught the mutant, and has the mutant tell how.
func (b *breaking) show(ctx context.Context, binary string, c mutants.Catch) error {
	expected := strings.Join(b.Expect, " or ")
	needed := fmt.Sprintf("%s, %v", cli.Plural(uint64(c.SeedsNeeded), "seed"), cli.Brief(c.Took))
	switch {
	case c.ByPanicOnly:
		fmt.Fprintf(b.w, "not caught by a property, only by a panic: %s (seed %d, %s)\n", c.Plan, c.Seed, needed)
		return errFailed
	case !c.Found:
		fmt.Fprintf(b.w, "not caught in %s; it should have been, by %s\n", needed, expected)
		return errFailed
	}
	if effect, missing := strings.CutPrefix(c.Property, "idle:"); missing {
		fmt.Fprintf(b.w, "caught in %s: in a sweep of more than 500 seeds the effect %q never occurred\n", needed, effect)
		fmt.Fprintf(b.w, "see it: %s sweep --seeds 512\n", cli.Quote(filepath.ToSlash(binary)))
		return nil
	}
	fmt.Fprintf(b.w, "caught by %s at seed %d, in %s\n", c.Property, c.Seed, needed)
	if plan, err := sim.LoadPlan(c.Plan); err == nil {
		_, detail, _ := strings.Cut(plan.Finding, ": ")
		cli.Labelled(b.w, "detail", detail)
	}
	fmt.Fprintf(b.w, "  %-9s %s\n", "plan", c.Plan)
	plan, err := b.shrink(ctx, binary, c.Plan)
	if err != nil {
		return err
	}
	if err := b.tell(ctx, binary, plan); err != nil {
		return err
	}
	if !b.Expects(c.Property) {
		fmt.Fprintf(b.w, "\n%s caught it, and not %s: its story is wrong, or its list is\n", c.Property, expected)
		return errFailed
	}
	return nil
}

// shrink has the mutant's own binary make the plan small, and returns the small one's path.
func (b *breaking) shrink(ctx context.Context, binary, plan string) (string, error) {
	var complaint bytes.Buffer
	small := shrunkPath(plan)
	cmd := exec.CommandContext(ctx, "."+string(filepath.Separator)+binary, "shrink", plan, "-o", small)
	cmd.Stderr = &complaint
	if f, ok := b.stderr.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		cmd.Stderr = f // shows progress
	}
	start := time.Now()
	err := cmd.Run()
	switch {
	case ctx.Err() != nil:
		fmt.Fprintln(b.w, "interrupted while the plan was made small: the plan above replays what was caught")
		return "", errInterrupted
	case err != nil:
		return "", &failure{status: statusFailed, line: fmt.Sprintf("%s: it cannot be made small: %v %s", plan, err, &complaint)}
	}
	if p, err := sim.LoadPlan(small); err == nil {
		cli.Labelled(b.w, "shrunk", fmt.Sprintf("to %v, in %v", shrink.SizeOf(p), cli.Brief(time.Since(start))))
	}
	return small, nil
}

// tell has the mutant's own binary tell the story of the plan, which must fail.
func (b *breaking) tell(ctx context.Context, binary, plan string) error {
	fmt.Fprintf(b.w, "\n$ %s replay %s --story\n", cli.Quote(filepath.ToSlash(binary)), cli.Quote(plan))
	var complaint bytes.Buffer
	cmd := exec.CommandContext(ctx, "."+string(filepath.Separator)+binary, "replay", plan, "--story")
	cmd.Stdout, cmd.Stderr = b.w, &complaint
	err := cmd.Run()
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return errInterrupted
	case errors.As(err, &exit) && exit.ExitCode() == statusFailed:
		return nil
	}
	return &failure{
		status: statusFailed, line: fmt.Sprintf("the replay did not show the violation again: %v %s", err, &complaint),
	}
}
