package docs

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/fauer4effect/paxos/sim"
	"github.com/fauer4effect/paxos/sim/plan"
)

// root is the repository.
var root = filepath.Join("..", "..", "..")

func page(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// Each row of a sweep's tables is explained, and marked as a sweep takes it.
func TestEachRowOfASweepIsExplained(t *testing.T) {
	text := page(t, "docs/SWEEP.md")
	marks := map[plan.Shown]string{plan.Always: "●", plan.Rarely: "○", plan.Never: ""}
	for _, e := range sim.Effects().All() {
		row := sim.Effects()[e]
		m := regexp.MustCompile(`(?m)^\| ` + regexp.QuoteMeta(row.Name) + ` \|([^|]*)\|.+$`).FindStringSubmatch(text)
		switch {
		case m == nil:
			t.Errorf("no row explains %s (%s)", row.Name, row.Meaning)
		case !e.IsFault() && strings.TrimSpace(m[1]) != marks[row.Shown]:
			t.Errorf("the row of %s is marked %q, want %q", row.Name, m[1], marks[row.Shown])
		}
	}
}

// docs/README.md names each page.
func TestTheIndexNamesEachPage(t *testing.T) {
	index := page(t, "docs/README.md")
	for _, name := range globbed(t, "docs/*.md") {
		if base := filepath.Base(name); base != "README.md" && !strings.Contains(index, "]("+base+")") {
			t.Errorf("docs/README.md does not name %s", name)
		}
	}
}

// The README's first screen is a screen, and the whole can be read in one go.
func TestTheReadmeIsShort(t *testing.T) {
	lines := strings.Split(strings.TrimSpace(page(t, "README.md")), "\n")
	if len(lines) > 150 {
		t.Errorf("%d lines", len(lines))
	}
	first := 0
	for i, line := range lines {
		if strings.HasPrefix(line, "## ") {
			first = i
			break
		}
	}
	if first == 0 || first > 55 {
		t.Errorf("the first screen has %d lines", first)
	}
	screen := strings.Join(lines[:first], "\n")
	for _, want := range []string{"\ngo run ./cmd/paxos sweep ", "\ngo test ./... ", "<picture>", "is violated", "What do you want to do?"} {
		if !strings.Contains(screen, want) {
			t.Errorf("the first screen has no %q", want)
		}
	}
}

var (
	pageLink = regexp.MustCompile(`\]\(([^)#\s]+)?(#[^)]*)?\)|srcset="([^"]+)"|src="([^"]+)"`)
	anchors  = regexp.MustCompile(`(?m)^#+ (.*)$`)
)

// What pages link to is there, down to the heading.
func TestLinksLeadSomewhere(t *testing.T) {
	for _, name := range append(append(globbed(t, "*.md"), globbed(t, "docs/*.md")...), globbed(t, "docs/deploy/*")...) {
		for _, m := range pageLink.FindAllStringSubmatch(page(t, name), -1) {
			target := m[1] + m[3] + m[4]
			if strings.Contains(target, "://") {
				continue
			}
			path := name
			if target != "" {
				path = filepath.Join(filepath.Dir(name), target)
			}
			if _, err := os.Stat(filepath.Join(root, path)); err != nil {
				t.Errorf("%s links to %s, which is not there", name, target)
				continue
			}
			if m[2] == "" {
				continue
			}
			found := false
			for _, heading := range anchors.FindAllStringSubmatch(page(t, path), -1) {
				found = found || "#"+anchor(heading[1]) == m[2]
			}
			if !found {
				t.Errorf("%s links to %s%s, and there is no such heading", name, target, m[2])
			}
		}
	}
}

// anchor is what GitHub makes of a heading.
func anchor(heading string) string {
	kept := regexp.MustCompile(`[^\pL\pN _-]`).ReplaceAllString(strings.ToLower(heading), "")
	return strings.ReplaceAll(kept, " ", "-")
}
