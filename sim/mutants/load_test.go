package mutants

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const goodDiff = `--- a/protocol/x.go
+++ b/protocol/x.go
@@ -1,3 +1,3 @@
 package protocol
 
-const quorum = 3
+const quorum = 2
`

const goodHeader = `Title: a quorum too small
Expect: S5, S1
Story: Two halves settle one slot
  each in its own way.

`

// Two mutants come back by name, whatever their header looks like: plain, behind #, in
// another order; files that are no patches are passed over.
func TestLoad(t *testing.T) {
	root := writeTree(t, map[string]string{
		"testdata/mutants/quorum-half.patch": "# Expect: L1\n# Title: half\n#\n# Story: Nobody\n#   answers: never.\n" + goodDiff,
		"testdata/mutants/quorum.patch":      goodHeader + "diff --git a/protocol/x.go b/protocol/x.go\nindex 1..2 100644\n" + goodDiff,
		"testdata/mutants/README":            "not a patch",
	})
	list, err := Load(root)
	if err != nil {
		t.Fatal(err)
	}
	for i := range list {
		if got := repoPath(list[i].files[0]); got != "protocol/x.go" {
			t.Errorf("%s changes %q, want protocol/x.go", list[i].Name, got)
		}
		list[i].files = nil
	}
	want := []Mutant{
		{
			Name: "quorum", Patch: "testdata/mutants/quorum.patch", Title: "a quorum too small",
			Story: "Two halves settle one slot each in its own way.", Expect: []string{"S5", "S1"},
		},
		{
			Name: "quorum-half", Patch: "testdata/mutants/quorum-half.patch", Title: "half",
			Story: "Nobody answers: never.", Expect: []string{"L1"},
		},
	}
	if diff := cmp.Diff(want, list, cmp.AllowUnexported(Mutant{})); diff != "" {
		t.Errorf("Load (-want +got):\n%s", diff)
	}
	if !list[0].Expects("S1") || list[0].Expects("L1") {
		t.Errorf("%s expects S1: %v, L1: %v", list[0].Name, list[0].Expects("S1"), list[0].Expects("L1"))
	}
}

func TestLoadWithoutMutants(t *testing.T) {
	if _, err := Load(t.TempDir()); err == nil || !strings.Contains(err.Error(), "no such file") {
		t.Errorf("no folder: error %v", err)
	}
	root := writeTree(t, map[string]string{"testdata/mutants/README": ""})
	if _, err := Load(root); err == nil || !strings.Contains(err.Error(), "no *.patch") {
		t.Errorf("empty folder: error %v", err)
	}
	root = writeTree(t, map[string]string{"testdata/mutants/m.patch": "Title: x\n"})
	if _, err := Load(root); err == nil || !strings.Contains(err.Error(), "testdata/mutants/m.patch:") {
		t.Errorf("bad patch: error %v", err)
	}
}

// Every bad patch is refused with its file and line, and with what is wrong there.
func TestParseErrors(t *testing.T) {
	const binary = "diff --git a/x b/x\nindex 1..2\nBinary files a/x and b/x differ\n"
	const rename = "diff --git a/x b/y\nsimilarity index 100%\nrename from x\nrename to y\n"
	cases := []struct{ name, text, want string }{
		{"empty", "", ":1: the header is followed by no diff"},
		{"no diff", goodHeader, ":6: the header is followed by no diff"},
		{"no title", "Expect: S1\nStory: x\n" + goodDiff, ":3: the diff begins, and no Title"},
		{"no expect", "Title: x\nStory: x\n" + goodDiff, ":3: the diff begins, and no Expect"},
		{"empty expect", "Title: x\nExpect:\nStory: x\n" + goodDiff, ":4: the diff begins, and no Expect"},
		{"no story", "Title: x\nExpect: S1\n" + goodDiff, ":3: the diff begins, and no Story"},
		{"twice", "Title: x\n# Title: y\n" + goodDiff, ":2: a second Title"},
		{"misspelt", "Title: x\nExpects: S1\n" + goodDiff, `:2: "Expects: S1" is not a Title`},
		{"loose text", "Title: x\nand so on\n" + goodDiff, `:2: "and so on" is not a Title`},
		{"indented after a gap", "Title: x\n\n  rest\n" + goodDiff, `:3: "rest" is not a Title`},
		{"panic expected", "Title: x\nExpect: S1, invariant\nStory: x\n" + goodDiff, `:2: Expect: "invariant" is not a property`},
		{"comma at the end", "Title: x\nExpect: S1,\nStory: x\n" + goodDiff, `:2: Expect: "" is not a property`},
		{"no hunk", goodHeader + "--- a/x.go\n+++ b/x.go\n", ":6: no hunk"},
		{"bad hunk", goodHeader + strings.Replace(goodDiff, "-const", "*const", 1), "line 11: invalid line operation"},
		{"hunk too long", goodHeader + strings.Replace(goodDiff, "-1,3", "-1,4", 1), "line 9: fragment header miscounts"},
		{"hunk too short", goodHeader + goodDiff + "+const f = 1\n", ":6: 1 lines with + or - belong to no hunk"},
		{"no context", goodHeader + "--- a/x.go\n+++ b/x.go\n@@ -4,0 +5,1 @@\n+x\n", ":6: x.go: hunk @@ -4,0 +5,1 @@ has no line"},
		{"same file twice", goodHeader + goodDiff + goodDiff, ":6: protocol/x.go: changed in two places"},
		{"outside", goodHeader + strings.ReplaceAll(goodDiff, "protocol", "../other"), ":6: ../other/x.go: not a path below"},
		{"binary", goodHeader + binary, ":6: x: a binary file"},
		{"rename", goodHeader + rename, ":6: y: a rename or copy"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, err := parse(Dir, "m", []byte(c.text))
			if err == nil {
				t.Fatalf("no error, want %q", c.want)
			}
			if got := err.Error(); !strings.HasPrefix(got, "testdata/mutants/m.patch:") || !strings.Contains(got, c.want) {
				t.Errorf("error %q, want testdata/mutants/m.patch:… with %q", got, c.want)
			}
		})
	}
}

// Every patch fits the sources as they are, those of the live server too, which no quick test
// builds.
func TestPatchesApply(t *testing.T) {
	for _, load := range []func(string) ([]Mutant, error){Load, LoadLive} {
		all, err := load("../..")
		if err != nil {
			t.Fatal(err)
		}
		if len(all) == 0 {
			t.Fatal("there is none")
		}
		for _, m := range all {
			if _, err := m.texts("../.."); err != nil {
				t.Errorf("%s: %v", m.Patch, err)
			}
		}
	}
}
