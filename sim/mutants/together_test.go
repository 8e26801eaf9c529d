package mutants

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A program of all that a function may be given.
const togetherMain = `package main

import "fmt"

const base = 10

type adder struct{ sum int }

func (a *adder) add(terms ...int) (sum int, err error) {
	for _, t := range terms {
		a.sum += t
	}
	return a.sum, nil
}

// show prints.
func show(what string, a *adder) {
	fmt.Print(what, a.sum, " ")
}

func scale(int) int { return 1 }

func main() {
	a := new(adder)
	sum, _ := a.add(1, 2, base)
	show("a", a)
	fmt.Println(sum, scale(3))
}
`

// edit makes the patch that replaces one line of togetherMain.
func edit(t *testing.T, old string, fresh ...string) string {
	t.Helper()
	if strings.Count(togetherMain, old+"\n") != 1 {
		t.Fatalf("%q is not one line", old)
	}
	patch := goodHeader + "--- a/cmd/paxos/main.go\n+++ b/cmd/paxos/main.go\n@@ -1,1 +1," + string(rune('0'+len(fresh))) + " @@\n-" + old + "\n"
	for _, line := range fresh {
		patch += "+" + line + "\n"
	}
	return patch
}

// Many mutants share a binary, in which each is what it is alone, and which without one is the
// program as it was. What changes more than bodies stays alone.
func TestBuildTogether(t *testing.T) {
	needGo(t)
	root := writeTree(t, map[string]string{
		"go.mod":                          "module example.com/fake\n\ngo 1.26\n",
		"cmd/paxos/main.go":               togetherMain,
		"testdata/mutants/added.patch":    edit(t, "		a.sum += t", "		a.sum += twice(t)") + "@@ -18,1 +18,3 @@\n // show prints.\n+func twice(t int) int { return 2 * t }\n+\n",
		"testdata/mutants/again.patch":    edit(t, "		a.sum += t", "		a.sum += twice(t)") + "@@ -18,1 +18,3 @@\n // show prints.\n+func twice(t int) int { return t + t + 1 }\n+\n",
		"testdata/mutants/const.patch":    edit(t, "const base = 10", "const base = 11"),
		"testdata/mutants/minus.patch":    edit(t, "		a.sum += t", "		a.sum -= t"),
		"testdata/mutants/nameless.patch": edit(t, "func scale(int) int { return 1 }", "func scale(int) int { return 2 }"),
		"testdata/mutants/shout.patch":    edit(t, "	fmt.Print(what, a.sum, \" \")", "	show := fmt.Print", "	show(\"!\", what, a.sum, \" \")"),
		"testdata/mutants/type.patch":     edit(t, "type adder struct{ sum int }", "type adder struct{ sum int16 }"),
		"testdata/mutants/zero.patch":     edit(t, "	return a.sum, nil", "	return 0, nil"),
	})
	list, err := Load(root)
	if err != nil {
		t.Fatal(err)
	}
	// int16 would not compile, and again's twice is not added's: both only matter alone.
	built, err := BuildTogether(t.Context(), root, t.TempDir(), list)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := names(built.Holds), "added minus shout zero"; got != want {
		t.Errorf("it holds %s, want %s", got, want)
	}
	if got, want := names(built.Alone), "again const nameless type"; got != want {
		t.Errorf("alone are %s, want %s", got, want)
	}
	want := map[string]string{"added": "a26 26 1\n", "minus": "a-13 -13 1\n", "shout": "!a13 13 1\n", "zero": "a13 0 1\n"}
	for _, m := range built.Holds {
		if got := output(t, m.Command(t.Context(), built.Binary)); got != want[m.Name] {
			t.Errorf("%s prints %q, want %q", m.Name, got, want[m.Name])
		}
		alone, _, err := m.Build(t.Context(), root, t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		if got := output(t, m.Command(t.Context(), alone)); got != want[m.Name] {
			t.Errorf("%s alone prints %q, want %q", m.Name, got, want[m.Name])
		}
	}
	if got := output(t, exec.Command(built.Binary)); got != "a13 13 1\n" {
		t.Errorf("without a mutant it prints %q", got)
	}
	// A mutant that it does not hold must not look like one that nothing catches.
	cmd := built.Alone[0].Command(t.Context(), built.Binary)
	if text, err := cmd.CombinedOutput(); err == nil || !strings.Contains(string(text), "this binary holds no mutant again") {
		t.Errorf("asked for a mutant that it does not hold: error %v, output %s", err, text)
	}
	if text, err := os.ReadFile(filepath.Join(root, "cmd/paxos/main.go")); err != nil || string(text) != togetherMain {
		t.Errorf("the source was changed (%v):\n%s", err, text)
	}
}

func names(list []Mutant) string {
	var all []string
	for _, m := range list {
		all = append(all, m.Name)
	}
	return strings.Join(all, " ")
}

func output(t *testing.T, cmd *exec.Cmd) string {
	t.Helper()
	text, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v: %s", cmd, err, text)
	}
	return string(text)
}

// A patch that is stale, one whose bug does not compile and a deadline are told as Build tells
// them.
func TestBuildTogetherFails(t *testing.T) {
	needGo(t)
	sound := edit(t, "		a.sum += t", "		a.sum -= t")
	for name, c := range map[string]struct{ patch, want string }{
		"stale":          {strings.Replace(sound, "-		a.sum += t", "-		a.sum *= t", 1), "mutant m: testdata/mutants/m.patch: cmd/paxos/main.go: hunk @@ -1,1 +1,1 @@: its lines are nowhere"},
		"does not parse": {strings.Replace(sound, "a.sum -= t", "a.sum -= (", 1), "mutant m: testdata/mutants/m.patch: cmd/paxos/main.go:1"},
		"does not build": {strings.Replace(sound, "a.sum -= t", "a.sum -= t * u", 1), "m.patch:11: undefined: u"},
	} {
		t.Run(name, func(t *testing.T) {
			root, m := fakeModule(t, togetherMain, c.patch)
			if _, err := BuildTogether(t.Context(), root, t.TempDir(), []Mutant{m}); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %s", err, c.want)
			}
		})
	}
	root, m := fakeModule(t, togetherMain, sound)
	ctx, cancel := context.WithDeadline(t.Context(), time.Now())
	defer cancel()
	if _, err := BuildTogether(ctx, root, t.TempDir(), []Mutant{m}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v, want the deadline's", err)
	}
}
