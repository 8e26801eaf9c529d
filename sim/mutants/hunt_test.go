package mutants

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// Chunks grow from 32 to 512 and end where the seeds do; the sweeps join without a gap.
func TestHuntChunks(t *testing.T) {
	binary, log := fake{}.install(t)
	catch, err := Mutant{Name: "m"}.Hunt(t.Context(), binary, HuntOptions{From: 7, Jobs: 2, Out: "out"})
	if err != nil {
		t.Fatal(err)
	}
	if catch.Found || catch.ByPanicOnly || catch.SeedsNeeded != 2000 || catch.Took <= 0 {
		t.Errorf("catch %+v, want nothing in 2000 seeds", catch)
	}
	want := `sweep --seeds 32 --from 7 --out out --json --jobs 2
sweep --seeds 64 --from 39 --out out --json --jobs 2
sweep --seeds 128 --from 103 --out out --json --jobs 2
sweep --seeds 256 --from 231 --out out --json --jobs 2
sweep --seeds 512 --from 487 --out out --json --jobs 2
sweep --seeds 512 --from 999 --out out --json --jobs 2
sweep --seeds 496 --from 1511 --out out --json --jobs 2
`
	if diff := cmp.Diff(want, read(t, log)); diff != "" {
		t.Errorf("command lines (-want +got):\n%s", diff)
	}
}

// A hunt ends with the chunk that caught the mutant, and names its first seed.
func TestHuntStopsAtTheFirstCatch(t *testing.T) {
	binary, log := fake{Failures: []failure{
		{Seed: 40, Property: "S5", Plan: "out/40.json"},
		{Seed: 41, Property: "S1", Plan: "out/41.json"},
	}}.install(t)
	catch, err := Mutant{Name: "m"}.Hunt(t.Context(), binary, HuntOptions{Seeds: 500})
	if err != nil {
		t.Fatal(err)
	}
	catch.Took, catch.CPU = 0, 0
	want := Catch{Found: true, Seed: 40, Property: "S5", Plan: "out/40.json", SeedsNeeded: 41}
	if catch != want {
		t.Errorf("catch %+v, want %+v", catch, want)
	}
	lines := "sweep --seeds 32 --from 0 --out " + binary + ".failures --json\n" +
		"sweep --seeds 64 --from 32 --out " + binary + ".failures --json\n"
	if diff := cmp.Diff(lines, read(t, log)); diff != "" {
		t.Errorf("command lines (-want +got):\n%s", diff)
	}
}

// What a sweep says decides: only a property is a catch.
func TestHuntCatch(t *testing.T) {
	cases := []struct {
		name string
		fake fake
		want Catch
	}{
		{
			"a panic first, then a property",
			fake{Failures: []failure{{3, Panic, "3.json"}, {9, Panic, "9.json"}, {70, "L1", "70.json"}}},
			Catch{Found: true, Seed: 70, Property: "L1", Plan: "70.json", SeedsNeeded: 71},
		},
		{
			"nothing but panics",
			fake{Failures: []failure{{3, Panic, "3.json"}, {90, Panic, "90.json"}}},
			Catch{ByPanicOnly: true, Seed: 3, Property: Panic, Plan: "3.json", SeedsNeeded: 600},
		},
		{
			"the last seed",
			fake{Failures: []failure{{599, "S8", "599.json"}, {600, "S8", "600.json"}}},
			Catch{Found: true, Seed: 599, Property: "S8", Plan: "599.json", SeedsNeeded: 600},
		},
		{"one seed too late", fake{Failures: []failure{{600, "S8", "600.json"}}}, Catch{SeedsNeeded: 600}},
		{"an effect never occurred", fake{Tame: true}, Catch{SeedsNeeded: 600}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			binary, _ := c.fake.install(t)
			got, err := Mutant{Name: "m"}.Hunt(t.Context(), binary, HuntOptions{Seeds: 600})
			if err != nil {
				t.Fatal(err)
			}
			got.Took, got.CPU = 0, 0
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("catch (-want +got):\n%s", diff)
			}
		})
	}
}

// A sweep that did not work is an error, never "not caught".
func TestHuntErrors(t *testing.T) {
	status := func(n int) *int { return &n }
	crash := "seed 1\npanic: slot 7 is gone [recovered]\n\ngoroutine 1 [running]:\nmain.main()\n"
	cases := []struct {
		name string
		fake fake
		want string
	}{
		{"usage", fake{Status: status(2), Stderr: "x\nsweep: unknown flag --out\n\n"}, "exit status 2: sweep: unknown flag --out"},
		{"crash", fake{Status: status(2), Stderr: crash}, "exit status 2: panic: slot 7 is gone"},
		{"interrupted", fake{Status: status(130)}, "exit status 130: nothing on stderr"},
		{"no JSON", fake{Stdout: "all is well\n", Stderr: "warning: no --json\n"}, "not one JSON object"},
		{"its stderr", fake{Stdout: "all is well\n", Stderr: "warning: no --json\n"}, "warning: no --json"},
		{"nothing", fake{Stdout: "\n"}, "not one JSON object"},
		{"two objects", fake{Stdout: `{"seeds": 32} {"seeds": 32}`}, "not one JSON object"},
		{"other JSON", fake{Stdout: `{"seed": 1, "verdict": "ok"}`}, "does not report 32 seeds"},
		{"fewer seeds", fake{Swept: 31}, "does not report 32 seeds"},
		{"failed but fine", fake{Status: status(0), Failures: []failure{{5, "S1", "p"}}}, "exit status 0, and yet seed 5 failed"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			binary, _ := c.fake.install(t)
			catch, err := Mutant{Name: "m"}.Hunt(t.Context(), binary, HuntOptions{})
			if err == nil || !strings.HasPrefix(err.Error(), "mutant m: sweep of seeds 0 to 31: ") || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q", err, c.want)
			}
			if catch.Found {
				t.Errorf("catch %+v beside an error", catch)
			}
		})
	}
}

func TestHuntWithoutBinary(t *testing.T) {
	needProcesses(t)
	if _, err := (Mutant{Name: "m"}).Hunt(t.Context(), "/nowhere/paxos-m", HuntOptions{}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error %v, want that there is no such file", err)
	}
}

// A mutant that spins inside one seed is ended by the context.
func TestHuntStopsWithItsContext(t *testing.T) {
	binary, _ := fake{Hang: true}.install(t)
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if _, err := (Mutant{Name: "m"}).Hunt(ctx, binary, HuntOptions{}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v, want the deadline's", err)
	}
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
