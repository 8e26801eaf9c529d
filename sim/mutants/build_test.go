package mutants

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A repository of one file, in which the constant that the mutant turns decides what the
// sweep finds.
const fakeMain = `package main

import (
	"fmt"
	"os"
)

const quorum = 3

func main() {
	if quorum == 3 {
		fmt.Println("{\"seeds\": 32, \"failures\": []}")
		return
	}
	fmt.Println("{\"seeds\": 32, \"failures\": [{\"seed\": 4, \"property\": \"S5\", \"plan\": \"f/4.json\"}]}")
	os.Exit(1)
}
`

const fakePatch = goodHeader + `--- a/cmd/paxos/main.go
+++ b/cmd/paxos/main.go
@@ -7,5 +7,5 @@
 
-const quorum = 3
+const quorum = 2
 
 func main() {
 	if quorum == 3 {
`

func fakeModule(t *testing.T, main, patch string) (root string, m Mutant) {
	t.Helper()
	root = writeTree(t, map[string]string{
		"go.mod":                   "module example.com/fake\n\ngo 1.26\n",
		"cmd/paxos/main.go":        main,
		"testdata/mutants/m.patch": patch,
	})
	list, err := Load(root)
	if err != nil {
		t.Fatal(err)
	}
	return root, list[0]
}

func build(t *testing.T, root string, m Mutant) (string, error) {
	t.Helper()
	needGo(t)
	binary, _, err := m.Build(t.Context(), root, filepath.Join(t.TempDir(), "bin"))
	return binary, err
}

// The whole life of a mutant: its binary is caught where the healthy one would not be, and the
// tree is as it was.
func TestBuildAndHunt(t *testing.T) {
	needGo(t)
	root, m := fakeModule(t, fakeMain, fakePatch)
	out := t.TempDir()
	binary, took, err := m.Build(t.Context(), root, out)
	if err != nil {
		t.Fatal(err)
	}
	if want := filepath.Join(out, "paxos-m"); strings.TrimSuffix(binary, ".exe") != want || took <= 0 {
		t.Errorf("built %s in %v, want %s", binary, took, want)
	}
	catch, err := m.Hunt(t.Context(), binary, HuntOptions{Out: filepath.Join(out, "failures")})
	if err != nil {
		t.Fatal(err)
	}
	if !catch.Found || catch.Seed != 4 || catch.Property != "S5" || catch.Plan != "f/4.json" || catch.SeedsNeeded != 5 {
		t.Errorf("catch %+v, want S5 at seed 4", catch)
	}
	text, err := os.ReadFile(filepath.Join(root, "cmd/paxos/main.go"))
	if err != nil || string(text) != fakeMain {
		t.Errorf("Build changed the source (%v):\n%s", err, text)
	}
}

// Lines added above do not make a patch stale, which git apply would allow too.
func TestBuildFollowsMovedLines(t *testing.T) {
	moved := strings.Replace(fakeMain, "const quorum", "// A comment\n// came in.\n\nconst quorum", 1)
	root, m := fakeModule(t, moved, strings.Replace(fakePatch, "@@ -7,5 +7,5 @@\n \n", "@@ -8,4 +8,4 @@\n", 1))
	if _, err := build(t, root, m); err != nil {
		t.Error(err)
	}
}

// A patch may bring a file and take one away.
func TestBuildAddsAndRemovesFiles(t *testing.T) {
	root, m := fakeModule(t, "package main\n\nfunc main() { answer() }\n", goodHeader+`--- /dev/null
+++ b/cmd/paxos/new.go
@@ -0,0 +1,3 @@
+package main
+
+func answer() {}
--- a/cmd/paxos/old.go
+++ /dev/null
@@ -1,2 +0,0 @@
-package main
-this does not compile
`)
	old := filepath.Join(root, "cmd/paxos/old.go")
	if err := os.WriteFile(old, []byte("package main\nthis does not compile\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := build(t, root, m); err != nil {
		t.Error(err)
	}
}

// A patch whose place is gone or in doubt is stale, and says which hunk of which file. Applying
// it nevertheless would measure some other bug. These need no compiler: they end before it.
func TestBuildStale(t *testing.T) {
	const twice = "package main\n\nfunc f() {\n\tg()\n}\n\nfunc g() {\n\tg()\n}\n"
	const patch = goodHeader + "--- a/cmd/paxos/main.go\n+++ b/cmd/paxos/main.go\n@@ -%s +1,1 @@\n-\tg()\n+\tf()\n"
	const newFile = goodHeader + "--- /dev/null\n+++ b/cmd/paxos/main.go\n@@ -0,0 +1,1 @@\n+package main\n"
	cases := []struct{ name, source, patch, want string }{
		{"line changed", strings.Replace(fakeMain, "= 3", "= 4", 1), fakePatch, "hunk @@ -7,5 +7,5 @@: its lines are nowhere"},
		{"lines twice", twice, strings.Replace(patch, "%s", "2,1", 1), "at lines 4 and 8"},
		{"file gone", fakeMain, strings.ReplaceAll(fakePatch, "main.go", "gone.go"), "cmd/paxos/gone.go: no such file"},
		{"file there", fakeMain, newFile, "cmd/paxos/main.go: exists"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			root, m := fakeModule(t, c.source, c.patch)
			_, _, err := m.Build(t.Context(), root, t.TempDir())
			if !errors.Is(err, ErrStale) {
				t.Fatalf("error %v, want a stale patch", err)
			}
			if !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "testdata/mutants/m.patch") {
				t.Errorf("error %q, want the patch and %q", err, c.want)
			}
		})
	}
}

func TestBuildShowsTheCompilersComplaint(t *testing.T) {
	root, m := fakeModule(t, fakeMain, strings.Replace(fakePatch, "+const quorum = 2", "+const quorum = two", 1))
	_, err := build(t, root, m)
	if err == nil || !strings.Contains(err.Error(), "mutant m: go build: ") || !strings.Contains(err.Error(), "undefined: two") {
		t.Errorf("error %v, want the compiler's undefined: two", err)
	}
}

func TestBuildStopsWithItsContext(t *testing.T) {
	needGo(t)
	root, m := fakeModule(t, fakeMain, fakePatch)
	ctx, cancel := context.WithDeadline(t.Context(), time.Now())
	defer cancel()
	if _, _, err := m.Build(ctx, root, t.TempDir()); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v, want the deadline's", err)
	}
}
