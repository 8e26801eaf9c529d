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

// docs/PROTOCOL.md names files, functions, planted bugs and scripts, and docs/BUGS.md has those by rule: all of
// them exist, every file of the machine is named, and every rule has its row.
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
	_, byRule, found := strings.Cut(textOf(t, "../docs/BUGS.md"), "\n## By rule\n")
	if !found {
		t.Fatal("docs/BUGS.md has no planted bugs by rule")
	}
	byRule, _, _ = strings.Cut(byRule, "\n## ")
	for _, quoted := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(page+byRule, -1) {
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
	scripts, err := filepath.Glob("../scenarios/*/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range scripts {
		name := strings.TrimSuffix(strings.TrimPrefix(s, "../scenarios/"), ".txtar")
		if !strings.Contains(byRule, "`"+name+"`") && !strings.HasPrefix(name, "basics/") {
			t.Errorf("no rule names the script %s", name)
		}
	}
	if named < 100 {
		t.Errorf("%d planted bugs and scripts are named, want 100", named)
	}
	for _, paragraph := range paragraphs(page) {
		here := ""
		for _, f := range regexp.MustCompile(`[a-z]+\.go\b`).FindAllString(paragraph, -1) {
			here += textOf(t, f)
		}
		if here == "" && !strings.Contains(paragraph, "`protocol/") {
			t.Errorf("this paragraph names no file: %s", paragraph)
		}
		for _, quoted := range regexp.MustCompile("`([a-z]+[A-Z][A-Za-z]*|[a-z]+)`").FindAllStringSubmatch(paragraph, -1) {
			if !regexp.MustCompile(`(func|func \(\w+ \*\w+\)) ` + quoted[1] + `\b`).MatchString(here) {
				t.Errorf("%s is in none of the files that this paragraph names: %s", quoted[1], paragraph)
			}
		}
	}
	rules := textOf(t, "doc.go")
	for _, method := range regexp.MustCompile(`\bServer\.([a-z]\w*)`).FindAllStringSubmatch(rules, -1) {
		if !strings.Contains(code, "func (s *Server) "+method[1]+"(") {
			t.Errorf("the package comment names Server.%s, which is no method", method[1])
		}
	}
	for x := 1; x <= 27; x++ {
		row := regexp.MustCompile(fmt.Sprintf("(?m)^\\| X%d \\| .* \\| ([^|]*) \\|$", x)).FindAllStringSubmatch(page, -1)
		if len(row) != 1 {
			t.Errorf("X%d has no row of its own", x)
			continue
		}
		bugs := regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(row[0][1], -1)
		if len(bugs) > 1 {
			t.Errorf("the row of X%d names %d planted bugs; the others are for docs/BUGS.md", x, len(bugs))
		}
		if len(bugs) == 1 && !regexp.MustCompile(fmt.Sprintf("(?m)^\\| X%d \\| .*`%s`", x, bugs[0][1])).MatchString(byRule) {
			t.Errorf("docs/BUGS.md does not name %s at X%d", bugs[0][1], x)
		}
		if !regexp.MustCompile(fmt.Sprintf(`\bX%d\b`, x)).MatchString(rules) {
			t.Errorf("the package comment does not tell of X%d", x)
		}
	}
}

// paragraphs are those of the page in prose, from its first section to the table of deviations. A list belongs to
// what stands above it.
func paragraphs(page string) []string {
	page = page[strings.Index(page, "\n## ")+1:]
	page = regexp.MustCompile(`\n\n(- |1\. )`).ReplaceAllString(page, "\n$1")
	page, _, _ = strings.Cut(page, "\n## Where this goes past the paper")
	return slices.DeleteFunc(strings.Split(page, "\n\n"), func(p string) bool {
		return strings.HasPrefix(p, "|") || strings.HasPrefix(p, "#") || strings.HasPrefix(p, "```")
	})
}

func textOf(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
