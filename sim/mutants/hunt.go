package mutants

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

const (
	// Panic is the property under which a sweep reports a panic of the machine.
	Panic = "invariant"

	defaultSeeds = 2000 // a mutant that takes more is as good as unseen
	// Most mutants fall within a few seeds, so the first chunk is small. Starting a sweep again and
	// again costs more than it saves, so chunks grow, up to a limit.
	firstChunkSeeds = 32
	maxChunkSeeds   = 512
)

// HuntOptions says how far to look. The zero value hunts through seeds 0 to 1,999.
type HuntOptions struct {
	From  uint64 // the first seed
	Seeds int    // how many seeds at most; 0 means 2,000
	First int    // seeds of the first sweep; 0: 32. Those that follow double
	Jobs  int    // seeds at once; 0 leaves it to the binary
	Out   string // the folder for failing plans; "" means BINARY.failures
}

// Catch is what came of a hunt.
type Catch struct {
	Found    bool   // by a property: a panic of the machine does not count
	Seed     uint64 // the first seed that a property caught, of the panic if there was only that
	Property string // that was violated there, expected or not (see Mutant.Expects)
	Plan     string // path of the plan that replays it

	SeedsNeeded int           // from the first seed to Seed, or all that were swept
	Took        time.Duration // of the sweeps, on the wall clock
	CPU         time.Duration // of the sweeps, on all processors together
	ByPanicOnly bool          // nothing but panics were seen
}

// Hunt sweeps with the binary that Build made until a property catches the mutant or the
// seeds are used up. That it was not caught is no error: an error means that the sweep itself
// did not work. A mutant may spin for ever inside one seed, so give ctx a deadline.
func (m Mutant) Hunt(ctx context.Context, binary string, opts HuntOptions) (Catch, error) {
	if opts.Seeds == 0 {
		opts.Seeds = defaultSeeds
	}
	if opts.Out == "" {
		opts.Out = binary + ".failures"
	}
	var catch Catch
	start := time.Now()
	first := opts.First
	if first == 0 {
		first = firstChunkSeeds
	}
	for chunk := first; catch.SeedsNeeded < opts.Seeds && !catch.Found; chunk = min(2*chunk, maxChunkSeeds) {
		chunk = min(chunk, opts.Seeds-catch.SeedsNeeded)
		from := opts.From + uint64(catch.SeedsNeeded)
		report, spent, err := m.sweep(ctx, binary, from, chunk, opts)
		catch.CPU += spent
		if err != nil {
			return catch, fmt.Errorf("mutant %s: %w", m.Name, err)
		}
		catch.SeedsNeeded += chunk
		for _, f := range report.Failures {
			catch.add(f)
		}
		if catch.Found {
			catch.SeedsNeeded = int(catch.Seed-opts.From) + 1
		}
		for _, effect := range report.Idle {
			if missing := "idle:" + effect; !catch.Found && m.Expects(missing) {
				catch.Found, catch.Property = true, missing
			}
		}
		catch.Took = time.Since(start)
	}
	return catch, nil
}

// add takes a failure into account. They come by rising seed.
func (c *Catch) add(f failure) {
	byPanic := f.Property == Panic
	if c.Found || byPanic && c.ByPanicOnly {
		return
	}
	c.Found, c.ByPanicOnly = !byPanic, byPanic
	c.Seed, c.Property, c.Plan = f.Seed, f.Property, f.Plan
}

// failure and sweepReport are the part we need of what `paxos sweep --json` prints.
type failure struct {
	Seed     uint64 `json:"seed"`
	Property string `json:"property"`
	Plan     string `json:"plan"`
}

type sweepReport struct {
	Seeds    *int      `json:"seeds"`
	Failures []failure `json:"failures"` // by rising seed
	Idle     []string  `json:"idle"`     // effects that it missed
}

// sweep runs the binary over chunk seeds. Exit status 1 without a failure means that the sweep, of
// more than 500 seeds, missed an effect. That counts as a catch only if the mutant's Expect names
// that effect: a mutant may well suppress one by accident.
func (m Mutant) sweep(ctx context.Context, binary string, from uint64, chunk int, opts HuntOptions) (report *sweepReport, spent time.Duration, err error) {
	args := []string{
		"sweep", "--seeds", strconv.Itoa(chunk), "--from", strconv.FormatUint(from, 10),
		"--out", opts.Out, "--json",
	}
	if opts.Jobs > 0 {
		args = append(args, "--jobs", strconv.Itoa(opts.Jobs))
	}
	var stdout, stderr bytes.Buffer
	cmd := m.Command(ctx, binary, args...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	cmd.WaitDelay = time.Second // after a kill: do not wait for a process that still holds the pipes
	err = cmd.Run()
	if cmd.ProcessState != nil {
		spent = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	}
	what := fmt.Sprintf("sweep of seeds %d to %d", from, from+uint64(chunk)-1)
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return nil, spent, fmt.Errorf("%s: %w", what, ctx.Err())
	case err != nil && !errors.As(err, &exit):
		return nil, spent, fmt.Errorf("%s: %w", what, err)
	case exit != nil && exit.ExitCode() != 1:
		return nil, spent, fmt.Errorf("%s: %w: %s", what, err, complaint(stderr.String()))
	}
	report = new(sweepReport)
	if err := json.Unmarshal(stdout.Bytes(), report); err != nil {
		return nil, spent, fmt.Errorf("%s: stdout is not one JSON object (%w): %s", what, err, complaint(stderr.String()))
	}
	// A sweep that ran fewer seeds, or that found something and calls it fine, would make every
	// number in the table a lie.
	switch {
	case report.Seeds == nil || *report.Seeds != chunk:
		return nil, spent, fmt.Errorf("%s: its JSON does not report %d seeds: %.80s", what, chunk, stdout.String())
	case err == nil && len(report.Failures) > 0:
		return nil, spent, fmt.Errorf("%s: exit status 0, and yet seed %d failed", what, report.Failures[0].Seed)
	}
	return report, spent, nil
}

// complaint is the line of stderr that says most: of a crash its first, else the last one.
func complaint(stderr string) string {
	last := "nothing on stderr"
	for line := range strings.Lines(stderr) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "panic: ") || strings.HasPrefix(line, "fatal error: ") {
			return line
		}
		if line != "" {
			last = line
		}
	}
	return last
}
