package docs

import (
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var listSentences = flag.Int("sentences", 0, "list the sentences of the docs that have more words than this")

// longestSentence is the most words that a sentence of the docs may have.
const longestSentence = 30

// longSentences are the exceptions: how each begins, and why it stays.
var longSentences = map[string]string{}

// TestSentencesAreShort reads the docs and the package comments: somebody whose first language is another
// gets a short sentence at the first pass.
func TestSentencesAreShort(t *testing.T) {
	limit := longestSentence
	if *listSentences > 0 {
		limit = *listSentences
	}
	used := map[string]bool{}
	for _, p := range paragraphs(t) {
		for _, s := range sentences(p.text) {
			n := len(words(s))
			if n <= limit {
				continue
			}
			begin := ""
			for prefix := range longSentences {
				if strings.HasPrefix(s, prefix) {
					begin = prefix
				}
			}
			if begin != "" {
				used[begin] = true
				continue
			}
			report := fmt.Sprintf("%s: %d words: %s", p.where, n, s)
			if *listSentences > 0 {
				fmt.Println(report)
				continue
			}
			t.Error(report)
		}
	}
	if *listSentences == 0 {
		for begin := range longSentences {
			if !used[begin] {
				t.Errorf("no sentence begins with %q any more", begin)
			}
		}
	}
}

func TestSentences(t *testing.T) {
	for _, c := range []struct {
		text string
		want []string
	}{
		{"One. Two!  Three?", []string{"One.", "Two!", "Three?"}},
		{"It has 1.5 of file.go, e.g. this. `X` begins one.", []string{"It has 1.5 of file.go, e.g. this.", "`X` begins one."}},
		{"(Is it so? Yes.) Then: go on; stop.", []string{"(Is it so?", "Yes.)", "Then: go on; stop."}},
		{"**Bold.** More.", []string{"**Bold.**", "More."}},
	} {
		if got := sentences(c.text); !slices.Equal(got, c.want) {
			t.Errorf("%q: %q, want %q", c.text, got, c.want)
		}
	}
	if n := len(words("a `b c d` — [two words](link/to/x.md) S1…S8 (X1)")); n != 6 {
		t.Errorf("%d words, want 6", n)
	}
}

// A paragraph is text that is read in one go: of a page, a cell of a table, an item, a comment.
type paragraph struct{ where, text string }

func paragraphs(t *testing.T) []paragraph {
	t.Helper()
	var all []paragraph
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, _ := filepath.Rel(root, path)
		switch {
		case d.IsDir() && strings.HasPrefix(d.Name(), ".") && d.Name() != "." && d.Name() != "..":
			return fs.SkipDir
		case strings.HasSuffix(name, ".md"):
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			all = append(all, ofPage(name, string(text))...)
		case strings.HasSuffix(name, ".go") && !strings.HasSuffix(name, "_test.go"):
			file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.PackageClauseOnly|parser.ParseComments)
			if err != nil {
				return err
			}
			all = append(all, ofComment(name, file.Doc)...)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 500 {
		t.Fatalf("%d paragraphs: the docs are elsewhere", len(all))
	}
	return all
}

var (
	item    = regexp.MustCompile(`^\s*([-*]|\d+\.) +`)
	heading = regexp.MustCompile(`^#+ `)
)

// ofPage cuts a page of Markdown. Blocks of code and comments are left out.
func ofPage(name, text string) []paragraph {
	var (
		all   []paragraph
		open  []string
		begin int
		code  bool
		// Indented lines of a list are text; elsewhere they are code.
		inList bool
	)
	end := func() {
		if len(open) > 0 {
			all = append(all, paragraph{fmt.Sprintf("%s:%d", name, begin), strings.Join(open, " ")})
		}
		open = nil
	}
	for i, line := range strings.Split(text, "\n") {
		trimmed := strings.TrimSpace(line)
		if strings.HasPrefix(trimmed, "```") {
			end()
			code = !code
			continue
		}
		switch {
		case code, trimmed == "", strings.HasPrefix(trimmed, "<!--") && strings.HasSuffix(trimmed, "-->"),
			len(open) == 0 && !inList && strings.HasPrefix(line, "    "):
			end()
			continue
		case strings.HasPrefix(trimmed, "|"):
			end()
			for _, cell := range strings.Split(strings.ReplaceAll(trimmed, `\|`, ""), "|") {
				all = append(all, paragraph{fmt.Sprintf("%s:%d", name, i+1), strings.TrimSpace(cell)})
			}
			continue
		case heading.MatchString(trimmed), item.MatchString(line):
			end()
		}
		inList = item.MatchString(line) || inList && strings.HasPrefix(line, " ")
		if len(open) == 0 {
			begin = i + 1
		}
		open = append(open, item.ReplaceAllString(trimmed, ""))
		if heading.MatchString(trimmed) {
			end()
		}
	}
	end()
	return all
}

// ofComment cuts a doc comment. Its indented lines are code, or lists.
func ofComment(name string, doc *ast.CommentGroup) []paragraph {
	if doc == nil {
		return nil
	}
	lines := strings.Split(doc.Text(), "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, "\t") {
			lines[i] = ""
		}
	}
	return ofPage(name, strings.Join(lines, "\n"))
}

var (
	sentenceEnd  = regexp.MustCompile("[.!?][)*\"”]*\\s+")
	abbreviation = regexp.MustCompile(`(?:^|[\s(])(?:e\.g|i\.e|al|etc|vs|No|[A-Z])\.\s+$`)
)

// sentences cuts a paragraph behind each mark that ends a sentence. Names of ours may begin the next one in
// lower case.
func sentences(text string) []string {
	var all []string
	from := 0
	for _, at := range sentenceEnd.FindAllStringIndex(text, -1) {
		if abbreviation.MatchString(text[from:at[1]]) {
			continue
		}
		all = append(all, strings.TrimSpace(text[from:at[1]]))
		from = at[1]
	}
	if rest := strings.TrimSpace(text[from:]); rest != "" {
		all = append(all, rest)
	}
	return all
}

var (
	inlineCode = regexp.MustCompile("`[^`]*`")
	link       = regexp.MustCompile(`\[([^\]]*)\]\([^)]*\)`)
	hasLetter  = regexp.MustCompile(`[\pL\pN]`)
)

// words are what is read one by one: code counts as one, a link as its text.
func words(s string) []string {
	s = link.ReplaceAllString(inlineCode.ReplaceAllString(s, "code"), "$1")
	return slices.DeleteFunc(strings.Fields(s), func(w string) bool { return !hasLetter.MatchString(w) })
}
