package mutants

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/bluekeyes/go-gitdiff/gitdiff"
)

// Dir is where the patches lie, below the root of the repository.
const Dir = "testdata/mutants"

// LiveDir is where those of the live driver lie.
const LiveDir = Dir + "/live"

// Mutant is one planted bug. It is a value: Build and Hunt change nothing in it.
type Mutant struct {
	Name   string   // of its file, without .patch
	Title  string   // one line: what the mutant does wrong
	Story  string   // how that shows
	Expect []string // properties, in the patch's order: one of them must catch it
	Patch  string   // its file, for messages: testdata/mutants/NAME.patch

	files []*gitdiff.File
	live  bool // it stands in the live server, which other mutants are built without
}

// Expects says whether property is one of those that must catch m.
func (m Mutant) Expects(property string) bool {
	return slices.Contains(m.Expect, property)
}

// Load reads the mutants of the repository at root, sorted by name.
func Load(root string) ([]Mutant, error) { return load(root, Dir) }

// LoadLive reads the mutants of the live driver, which no sweep can see, but a live cluster
// under faults must.
func LoadLive(root string) ([]Mutant, error) { return load(root, LiveDir) }

func load(root, dir string) ([]Mutant, error) {
	// ReadDir and not Glob: Glob takes a folder that is not there for an empty one.
	entries, err := os.ReadDir(filepath.Join(root, dir))
	if err != nil {
		return nil, fmt.Errorf("mutants: %w", err)
	}
	var list []Mutant
	for _, entry := range entries { // sorted by file name
		name, isPatch := strings.CutSuffix(entry.Name(), ".patch")
		if !isPatch {
			continue
		}
		text, err := os.ReadFile(filepath.Join(root, dir, entry.Name()))
		if err != nil {
			return nil, fmt.Errorf("mutant %s: %w", name, err)
		}
		m, err := parse(dir, name, text)
		if err != nil {
			return nil, err
		}
		m.live = dir == LiveDir
		list = append(list, m)
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("mutants: no *.patch in %s", filepath.Join(root, dir))
	}
	// a.patch sorts after a-b.patch as a file, but not as a name.
	slices.SortFunc(list, func(a, b Mutant) int { return strings.Compare(a.Name, b.Name) })
	return list, nil
}

// parse reads one patch. Its errors begin with the file and, where one is to blame, the line.
func parse(dir, name string, text []byte) (Mutant, error) {
	m := Mutant{Name: name, Patch: dir + "/" + name + ".patch"}
	lines := strings.SplitAfter(string(text), "\n")
	start := slices.IndexFunc(lines, startsDiff)
	if start < 0 {
		return m, fmt.Errorf("%s:%d: the header is followed by no diff (--- a/…)", m.Patch, len(lines))
	}
	if err := m.parseHeader(lines[:start]); err != nil {
		return m, err
	}
	if err := m.parseDiff(start, strings.Join(lines[start:], "")); err != nil {
		return m, err
	}
	return m, nil
}

func startsDiff(line string) bool {
	return strings.HasPrefix(line, "--- ") || strings.HasPrefix(line, "diff --git ")
}

// propertyName is what Expect may list: a property, or, as "idle:KIND", an effect that a
// sweep misses. "invariant", the panic of the machine, is left out on purpose: it is not a
// property.
var propertyName = regexp.MustCompile(`^([SL][0-9]+|idle:[a-z-]+)$`)

func (m *Mutant) parseHeader(lines []string) error {
	var expect string
	fields := map[string]*string{"Title": &m.Title, "Expect": &expect, "Story": &m.Story}
	var current *string
	var expectLine int
	for i, line := range lines {
		line = strings.TrimSpace(strings.TrimPrefix(line, "#"))
		key, value, isField := strings.Cut(line, ":")
		field, known := fields[key]
		switch {
		case line == "":
			current = nil
		case isIndented(lines[i]) && current != nil:
			*current += " " + line
		case !isField || !known:
			return fmt.Errorf("%s:%d: %q is not a Title:, Expect: or Story: line, nor the indented rest of one",
				m.Patch, i+1, line)
		case *field != "":
			return fmt.Errorf("%s:%d: a second %s in the header", m.Patch, i+1, key)
		default:
			*field, current = strings.TrimSpace(value), field
			if key == "Expect" {
				expectLine = i + 1
			}
		}
	}
	for _, key := range []string{"Title", "Expect", "Story"} {
		if *fields[key] == "" {
			return fmt.Errorf("%s:%d: the diff begins, and no %s stood before it", m.Patch, len(lines)+1, key)
		}
	}
	for property := range strings.SplitSeq(expect, ",") {
		property = strings.TrimSpace(property)
		if !propertyName.MatchString(property) {
			return fmt.Errorf("%s:%d: Expect: %q is not a property, such as S1 or L1", m.Patch, expectLine, property)
		}
		m.Expect = append(m.Expect, property)
	}
	return nil
}

// isIndented looks behind the optional #, where one space belongs to the # itself.
func isIndented(line string) bool {
	if rest, comment := strings.CutPrefix(line, "#"); comment {
		line = strings.TrimPrefix(rest, " ")
	}
	return strings.HasPrefix(line, " ") || strings.HasPrefix(line, "\t")
}

// parseDiff reads the diff that begins after skipped lines of header.
func (m *Mutant) parseDiff(skipped int, diff string) error {
	// The header goes in as empty lines: the parser's line numbers are then the file's.
	files, _, err := gitdiff.Parse(bytes.NewBufferString(strings.Repeat("\n", skipped) + diff))
	if err != nil {
		return fmt.Errorf("%s: %w", m.Patch, err)
	}
	seen := make(map[string]bool)
	for _, file := range files {
		name := repoPath(file)
		if err := vetFile(file); err != nil {
			return fmt.Errorf("%s:%d: %s: %w", m.Patch, skipped+1, name, err)
		}
		if seen[name] {
			return fmt.Errorf("%s:%d: %s: changed in two places of the diff: join them", m.Patch, skipped+1, name)
		}
		seen[name] = true
	}
	m.files = files
	if len(files) == 0 {
		return fmt.Errorf("%s:%d: no hunk (@@ …) follows", m.Patch, skipped+1)
	}
	return m.vetCounts(skipped, diff)
}

// vetCounts finds what the parser passes over in silence. If a hunk's @@ line promises fewer lines
// than follow, the parser takes the rest for text between files. A hand-edited mutant would lose half
// its bug.
func (m *Mutant) vetCounts(skipped int, diff string) error {
	inHunks := int64(2 * len(m.files)) // the --- and +++ of each file
	for _, file := range m.files {
		for _, hunk := range file.TextFragments {
			inHunks += hunk.LinesAdded + hunk.LinesDeleted
		}
	}
	var inDiff int64
	for line := range strings.Lines(diff) {
		if line[0] == '+' || line[0] == '-' {
			inDiff++
		}
	}
	if inDiff != inHunks {
		return fmt.Errorf("%s:%d: %d lines with + or - belong to no hunk: are the counts in its @@ lines right?",
			m.Patch, skipped+1, inDiff-inHunks)
	}
	return nil
}

// vetFile refuses what Build could not do, or could not do without guessing.
func vetFile(file *gitdiff.File) error {
	switch {
	case file.IsBinary:
		return errors.New("a binary file")
	case file.IsRename || file.IsCopy:
		return errors.New("a rename or copy: write it as one file removed and one added")
	case len(file.TextFragments) == 0:
		return errors.New("no hunk (@@ …)")
	case !filepath.IsLocal(filepath.FromSlash(repoPath(file))):
		return errors.New("not a path below the root of the repository")
	case file.IsNew || file.IsDelete:
		return nil
	}
	for _, hunk := range file.TextFragments {
		if hunk.LinesDeleted+hunk.LeadingContext+hunk.TrailingContext == 0 {
			return fmt.Errorf("hunk %s has no line by which to find its place: keep the context", header(hunk))
		}
	}
	return nil
}

// repoPath is where a file of a diff lies, from the root, with slashes. Only in a diff written by
// git has the parser taken the prefix away. (The repository has no top folder a or b.)
func repoPath(file *gitdiff.File) string {
	name := file.NewName
	if file.IsDelete {
		name = file.OldName
	}
	if rest, ok := strings.CutPrefix(name, "a/"); ok {
		return rest
	}
	return strings.TrimPrefix(name, "b/")
}

// header is a hunk's @@ line without the function that git writes behind it.
func header(hunk *gitdiff.TextFragment) string {
	return fmt.Sprintf("@@ -%d,%d +%d,%d @@", hunk.OldPosition, hunk.OldLines, hunk.NewPosition, hunk.NewLines)
}
