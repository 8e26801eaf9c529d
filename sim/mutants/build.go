package mutants

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
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
var ErrStale = errors.New("the patch is stale: make a new one")

// Build compiles cmd/paxos of the repository at root with m's bug in it, to
// outDir/paxos-NAME, and says how long the compiler took. The tree stays as it is.
func (m Mutant) Build(ctx context.Context, root, outDir string) (binary string, took time.Duration, err error) {
	scratch, err := os.MkdirTemp("", "paxos-mutant-")
	if err != nil {
		return "", 0, fmt.Errorf("mutant %s: %w", m.Name, err)
	}
	defer os.RemoveAll(scratch)
	texts, err := m.texts(root)
	if err != nil {
		return "", 0, fmt.Errorf("mutant %s: %s: %w", m.Name, m.Patch, err)
	}
	overlay, err := writeOverlay(scratch, texts)
	if err != nil {
		return "", 0, fmt.Errorf("mutant %s: %w", m.Name, err)
	}
	tags := simOnly
	if m.live {
		tags = ""
	}
	binary, took, err = goBuild(ctx, root, overlay, filepath.Join(outDir, "paxos-"+m.Name), tags)
	if err != nil {
		return "", 0, fmt.Errorf("mutant %s: go build: %w", m.Name, err)
	}
	return binary, took, nil
}

// texts are the files that m changes, by path from the root; nil for one that it takes away.
func (m Mutant) texts(root string) (map[string][]byte, error) {
	texts := make(map[string][]byte)
	for _, file := range m.files {
		name := repoPath(file)
		text, err := patched(filepath.Join(root, filepath.FromSlash(name)), file)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		if file.IsDelete {
			text = nil
		}
		texts[name] = text
	}
	return texts, nil
}

// simOnly is the tag of a program that only simulates.
const simOnly = "simonly"

// goBuild compiles cmd/paxos of root as the overlay has it.
func goBuild(ctx context.Context, root, overlay, out, tags string) (binary string, took time.Duration, err error) {
	binary, err = filepath.Abs(out) // go build runs in root
	if err != nil {
		return "", 0, err
	}
	if runtime.GOOS == "windows" {
		binary += ".exe"
	}
	// Without the revision: the sources are not those of any commit, so a plan that this binary
	// leaves behind must not claim that they are. Without the profile, which costs the build several
	// times what it saves in the hunt. Without what debuggers read. And with the simulated half
	// alone, where no more is asked for.
	cmd := exec.CommandContext(ctx, "go", "build", "-buildvcs=false", "-pgo=off", "-ldflags=-s -w",
		"-overlay", overlay, "-tags", tags, "-o", binary, "./cmd/paxos")
	cmd.Dir = root
	cmd.Env = append(cmd.Environ(), "CGO_ENABLED=0")
	start := time.Now()
	output, err := cmd.CombinedOutput()
	took = time.Since(start)
	if ctx.Err() != nil {
		return "", took, ctx.Err()
	}
	if err == nil {
		return binary, took, nil
	}
	for line := range strings.Lines(string(output)) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") { // # names the package
			return "", took, fmt.Errorf("%s (%w)", line, err)
		}
	}
	return "", took, err
}

// writeOverlay writes the texts, by path from the root, to scratch. It returns the file that tells `go
// build` which file to read in place of which. A file without a text is listed as gone.
func writeOverlay(scratch string, texts map[string][]byte) (string, error) {
	// Keys are relative to where go build runs. An absolute root may lead through a symbolic link:
	// then it is not the name by which the go tool knows the file.
	replace := make(map[string]string)
	for i, path := range slices.Sorted(maps.Keys(texts)) {
		name := filepath.FromSlash(path)
		if texts[path] == nil {
			replace[name] = "" // the go tool's word for a file that is gone
			continue
		}
		replace[name] = filepath.Join(scratch, strconv.Itoa(i)+"-"+filepath.Base(name))
		if err := os.WriteFile(replace[name], texts[path], 0o644); err != nil {
			return "", err
		}
	}
	text, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	overlay := filepath.Join(scratch, "overlay.json")
	return overlay, os.WriteFile(overlay, text, 0o644)
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

// locate returns hunk at the place where its old lines are now. It tries the place in the header
// first, then a single other one. If there are several, nobody knows which was meant.
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
