package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A checkout of one file: a program that sweeps and replays only in name. The constant that
// the mutants turn decides what it finds.
const fakeMain = `package main

import (
	"fmt"
	"os"
	"strings"
)

const finds = "nothing"

func main() {
	switch os.Args[1] {
	case "shrink":
		if err := os.WriteFile(os.Args[4], nil, 0o666); err != nil {
			panic(err)
		}
		return
	case "replay":
		fmt.Println("the story shows", finds, os.Args[3])
		os.Exit(1)
	}
	seeds := os.Args[3]
	if finds == "nothing" {
		fmt.Printf("{\"seeds\": %s, \"failures\": []}\n", seeds)
		return
	}
	out := strings.Join(os.Args, " ")
	out = out[strings.Index(out, "--out ")+6 : strings.Index(out, " --json")]
	fmt.Printf("{\"seeds\": %s, \"failures\": [{\"seed\": 4, \"property\": %q, \"plan\": %q}]}\n", seeds, finds, out+"/seed-4.json")
	os.Exit(1)
}
`

const fakePatch = `Title: TITLE
Expect: S1, S5
Story: It finds what it should not.

--- a/cmd/paxos/main.go
+++ b/cmd/paxos/main.go
@@ -7,5 +7,5 @@
 )
 
-const finds = "nothing"
+const finds = "PROPERTY"
 
 func main() {
`

// fakeCheckout makes a checkout and goes to a folder in it.
func fakeCheckout(t *testing.T) {
	t.Helper()
	root := t.TempDir()
	files := map[string]string{
		"go.mod":            "module " + module + "\n\ngo 1.26\n",
		"cmd/paxos/main.go": fakeMain,
	}
	for name, property := range map[string]string{
		"small-quorum": "S5", "tiny-quorum": "nothing ", "odd-catch": "L1", "panics": "invariant", "unseen": "nothing",
	} {
		patch := strings.NewReplacer("TITLE", "A title of "+name, "PROPERTY", property).Replace(fakePatch)
		files["testdata/mutants/"+name+".patch"] = patch
	}
	files["testdata/mutants/unseen.patch"] = strings.Replace(files["testdata/mutants/unseen.patch"],
		`+const finds = "nothing"`, `+const finds = "noth" + "ing"`, 1)
	files["testdata/mutants/stale.patch"] = strings.ReplaceAll(
		strings.ReplaceAll(fakePatch, "PROPERTY", "S1"), `-const finds`, `-const found`)
	for name, text := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(filepath.Join(root, "cmd"))
}

func TestBreakListsTheMutants(t *testing.T) {
	fakeCheckout(t)
	r := paxos(t, "break").wants(t, 0)
	fits(t, "break", r.stdout)
	if !strings.Contains(r.stdout, "\nsmall-quorum  A title of small-quorum (S1, S5)\n") {
		t.Error(r.stdout)
	}
	all := strings.Count(r.stdout, " title of ")
	for text, want := range map[string]int{"SMALL-q": 1, "quorum": 2, "s5": all, "a title of": all} {
		if got := strings.Count(paxos(t, "break", "--filter", text).wants(t, 0).stdout, " title of "); got != want {
			t.Errorf("--filter %s lists %d mutants, not %d of %d", text, got, want, all)
		}
	}
	for args, want := range map[string]string{
		"break --filter nowhere":           "--filter nowhere: none of the",
		"break small-quorum --filter quor": "--filter is for the list",
	} {
		if r := paxos(t, strings.Fields(args)...).wants(t, 2); !strings.Contains(r.stderr, want) {
			t.Errorf("%s: %s", args, r.stderr)
		}
	}
}

// A mutant is built, swept and caught, and its own binary replays the plan.
func TestBreakCatchesAMutant(t *testing.T) {
	fakeCheckout(t)
	r := paxos(t, "break", "small-quorum").wants(t, 0)
	fits(t, "break", r.stdout)
	for _, want := range []string{
		"small-quorum: A title of small-quorum\n\n  It finds what it should not.\n",
		": failures/small-quorum/paxos-small-quorum\n",
		"caught by S5 at seed 4, in 5 seeds, ",
		"  plan      failures/small-quorum/seed-4.json\n",
		"\n$ failures/small-quorum/paxos-small-quorum replay failures/small-quorum/seed-4-shrunk.json --story\nthe story shows S5 --story\n",
	} {
		if !strings.Contains(r.stdout, want) {
			t.Errorf("no %q in\n%s", want, r.stdout)
		}
	}
}

// A mutant that is not caught, or not by what was expected, fails.
func TestBreakOfWhatIsNotCaught(t *testing.T) {
	for name, want := range map[string]string{
		"odd-catch": "L1 caught it, and not S1 or S5",
		"panics":    "not caught by a property, only by a panic",
		"unseen":    "not caught in 2000 seeds",
	} {
		t.Run(name, func(t *testing.T) {
			fakeCheckout(t)
			if r := paxos(t, "break", name).wants(t, statusFailed); !strings.Contains(r.stdout, want) {
				t.Error(r.stdout)
			}
		})
	}
}

func TestBreakRefuses(t *testing.T) {
	for _, c := range []struct{ name, want string }{
		{"smal-quorum", "no mutant smal-quorum (did you mean small-quorum? paxos break lists them)"},
		{"tiny", "did you mean tiny-quorum?"},
		{"quorum", "did you mean small-quorum, tiny-quorum?"},
		{"something-else", "no mutant something-else (paxos break lists them)"},
		{"stale", "the patch is stale"},
	} {
		t.Run(c.name, func(t *testing.T) {
			fakeCheckout(t)
			r := paxos(t, "break", c.name).wants(t, statusUsage)
			if strings.Count(r.stderr, "\n") != 1 || !strings.Contains(r.stderr, c.want) {
				t.Errorf("stderr: %swant: %s", r.stderr, c.want)
			}
			if _, err := os.Stat("failures"); err == nil {
				t.Error("it left failures behind")
			}
		})
	}
	t.Run("outside a checkout", func(t *testing.T) {
		t.Chdir(t.TempDir())
		r := paxos(t, "break").wants(t, statusUsage)
		if strings.Count(r.stderr, "\n") != 1 || !strings.Contains(r.stderr, "is in no checkout of "+module) {
			t.Error(r.stderr)
		}
	})
}

func TestBreakInterrupted(t *testing.T) {
	fakeCheckout(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	paxosUntil(t, ctx, "break", "small-quorum").wants(t, statusInterrupted)
}
