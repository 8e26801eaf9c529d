package mutants

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/bluekeyes/go-gitdiff/gitdiff"
)

// ErrStale is in the error of Build when the sources are no longer those that the patch
// was made for.
var ErrStale = errors.New("the patch is stale: make it anew")

// Build compiles cmd/paxos of the repository at root with m's bug in it, to
// outDir/paxos-NAME, and says how long the compiler took. The tree stays as it is.
func (m Mutant) Build(ctx context.Context, root, outDir string) (binary string, took time.Duration, err error) {
	scratch, err := os.MkdirTemp("", "paxos-mutant-")
	if err != nil {
		return "", 0, fmt.Errorf("mutant %s: %w", m.Name, err)
	}
	defer os.RemoveAll(scratch)
	overlay, err := m.writeOverlay(root, scratch)
	if err != nil {
		return "", 0, err
	}
	binary, err = filepath.Abs(filepath.Join(outDir, "paxos-"+m.Name)) // go build runs in root
	if err != nil {
		return "", 0, fmt.Errorf("mutant %s: %w", m.Name, err)
	}
	if runtime.GOOS == "windows" {
		binary += ".exe"
	}
	start := time.Now()
	if err := m.goBuild(ctx, root, overlay, binary); err != nil {
		return "", 0, fmt.Errorf("mutant %s: go build: %w", m.Name, err)
	}
	return binary, time.Since(start), nil
}

func (m Mutant) goBuild(ctx context.Context, root, overlay, binary string) error {
	// Without the revision: the sources are not those of any commit, so a plan that this binary
	// leaves behind must not claim that they are.
	// Without the profile, without what debuggers read and, where that is all that is asked for,
	// with the simulated half alone: what the profile saves in a hunt it costs several times over
	// in the build.
	args := []string{"build", "-buildvcs=false", "-pgo=off", "-ldflags=-s -w", "-overlay", overlay, "-o", binary}
	if !m.live {
		args = append(args, "-tags", "simonly")
	}
	cmd := exec.CommandContext(ctx, "go", append(args, "./cmd/paxos")...)
	cmd.Dir = root
	cmd.Env = append(cmd.Environ(), "CGO_ENABLED=0")
	output, err := cmd.CombinedOutput()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err == nil {
		return nil
	}
	for line := range strings.Lines(string(output)) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") { // # names the package
			return fmt.Errorf("%s (%w)", line, err)
		}
	}
	return err
}

// writeOverlay applies the patch, writes the results to scratch and returns the file that tells
// `go build` which to read in place of which.
func (m Mutant) writeOverlay(root, scratch string) (string, error) {
	// Keys are relative to where go build runs: an absolute root that leads through a symbolic
	// link would not be the name by which the go tool knows the file.
	replace := make(map[string]string)
	for i, file := range m.files {
		name := filepath.FromSlash(path(file))
		text, err := patched(filepath.Join(root, name), file)
		if err != nil {
			return "", fmt.Errorf("mutant %s: %s: %s: %w", m.Name, m.Patch, path(file), err)
		}
		if file.IsDelete {
			replace[name] = "" // the go tool's word for a file that is gone
			continue
		}
		replace[name] = filepath.Join(scratch, strconv.Itoa(i)+"-"+filepath.Base(name))
		if err := os.WriteFile(replace[name], text, 0o644); err != nil {
			return "", fmt.Errorf("mutant %s: %w", m.Name, err)
		}
	}
	text, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", fmt.Errorf("mutant %s: overlay: %w", m.Name, err)
	}
	overlay := filepath.Join(scratch, "overlay.json")
	if err := os.WriteFile(overlay, text, 0o644); err != nil {
		return "", fmt.Errorf("mutant %s: %w", m.Name, err)
	}
	return overlay, nil
}

// patched is the text of the file at place as the diff leaves it.
func patched(place string, file *gitdiff.File) ([]byte, error) {
	source, err := os.ReadFile(place)
	switch {
	case file.IsNew && err == nil:
		return nil, fmt.Errorf("exists, and the patch adds it: %w", ErrStale)
	case file.IsNew && errors.Is(err, os.ErrNotExist):
		source = nil
	case errors.Is(err, os.ErrNotExist):
		return nil, fmt.Errorf("no such file: %w", ErrStale)
	case err != nil:
		return nil, err
	}
	moved := *file
	moved.TextFragments = slices.Clone(file.TextFragments)
	lines := strings.SplitAfter(string(source), "\n")
	for i, hunk := range moved.TextFragments {
		if moved.TextFragments[i], err = locate(hunk, lines); err != nil {
			return nil, err
		}
	}
	var result bytes.Buffer
	if err := gitdiff.Apply(&result, bytes.NewReader(source), &moved); err != nil {
		return nil, fmt.Errorf("%w (%w)", ErrStale, err)
	}
	return result.Bytes(), nil
}

// locate returns hunk at the place where its old lines stand now. The place in its header goes
// first, then a single other one; of several we cannot know which was meant.
func locate(hunk *gitdiff.TextFragment, source []string) (*gitdiff.TextFragment, error) {
	var old []string
	for _, line := range hunk.Lines {
		if line.Old() {
			old = append(old, line.Line)
		}
	}
	if len(old) == 0 { // only in a new file (see vetFile)
		return hunk, nil
	}
	var found []int64
	for i := range len(source) - len(old) + 1 {
		if slices.Equal(source[i:i+len(old)], old) {
			found = append(found, int64(i)+1)
		}
	}
	switch {
	case slices.Contains(found, hunk.OldPosition):
		return hunk, nil
	case len(found) == 0:
		return nil, fmt.Errorf("hunk %s: its lines are nowhere in the file: %w", header(hunk), ErrStale)
	case len(found) > 1:
		return nil, fmt.Errorf("hunk %s: its lines are not there, but at lines %d and %d: %w",
			header(hunk), found[0], found[1], ErrStale)
	}
	moved := *hunk
	moved.OldPosition = found[0]
	return &moved, nil
}
