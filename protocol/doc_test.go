package protocol

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// docs/PROTOCOL.md names files, functions, planted bugs and scripts: all of them exist, every
// file of the machine is named, and every rule has its row.
func TestThePageOfTheProtocolIsTrue(t *testing.T) {
	page := textOf(t, "../docs/PROTOCOL.md")
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	files = slices.DeleteFunc(files, func(f string) bool { return strings.HasSuffix(f, "_test.go") })
	code := ""
	for _, f := range files {
		code += textOf(t, f)
		if !slices.Contains([]string{"doc.go", "app.go", "hash.go", "history.go"}, f) && !strings.Contains(page, f) {
			t.Errorf("the page does not name %s", f)
		}
	}
	for _, f := range regexp.MustCompile(`[a-z]+\.go\b`).FindAllString(page, -1) {
		if !slices.Contains(files, f) {
			t.Errorf("the page names %s, which is no file here", f)
		}
	}
	mutant, script := regexp.MustCompile(`^[a-z]{1,2}-[a-z-]+$`), regexp.MustCompile(`^[a-z]+/[a-z0-9-]+$`)
	name := regexp.MustCompile(`^[a-zA-Z]+$`)
	named := 0
	for _, quoted := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(page, -1) {
		word, path := quoted[1], ""
		switch {
		case mutant.MatchString(word):
			path = "../testdata/mutants/" + word + ".patch"
		case script.MatchString(word):
			path = "../scenarios/" + word + ".txtar"
		case name.MatchString(word):
			if !regexp.MustCompile(`(func|func \(\w+ \*Server\)|type) ` + word + `\b`).MatchString(code) {
				t.Errorf("the page names %s, which is neither a function nor a type here", word)
			}
		}
		if path != "" {
			named++
			if _, err := os.Stat(path); err != nil {
				t.Errorf("the page names %s: %v", word, err)
			}
		}
	}
	if named < 100 {
		t.Errorf("%d planted bugs and scripts are named, want 100", named)
	}
	rules := textOf(t, "doc.go")
	for x := 1; x <= 27; x++ {
		if row := fmt.Sprintf("\n| X%d | ", x); strings.Count(page, row) != 1 {
			t.Errorf("X%d has no row of its own", x)
		}
		if !regexp.MustCompile(fmt.Sprintf(`\bX%d\b`, x)).MatchString(rules) {
			t.Errorf("the package comment does not tell of X%d", x)
		}
	}
}

func textOf(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
