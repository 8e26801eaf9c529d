package mutants

import (
	"strings"
	"testing"
	"time"
)

// A bug is caught if a property that it expects caught it from every first seed.
func TestBugProblem(t *testing.T) {
	found := func(from uint64, property string) Catch {
		return Catch{Found: property != "", Seed: from + 2, Property: property, SeedsNeeded: 3}
	}
	bug := func(properties ...string) Bug {
		b := Bug{Mutant: Mutant{Name: "m", Expect: []string{"S5", "S1"}}}
		for i, p := range properties {
			b.Catches = append(b.Catches, found(Ranges[i], p))
		}
		return b
	}
	if problem := bug("S5", "S1", "S5", "S5", "S1").Problem(); problem != "" {
		t.Errorf("a problem: %s", problem)
	}
	for want, b := range map[string]Bug{
		"from seed 3000000: L1, not S5/S1": bug("S5", "S1", "L1", "S5", "S1"),
		"from seed 1000000: nothing":       bug("", "S1", "S1", "S5", "S1"),
		"mutant m: from seed 1000000: S5":  bug("S5"),
	} {
		if problem := b.Problem(); !strings.Contains(problem, want) {
			t.Errorf("problem %q, want %q", problem, want)
		}
	}
	if got := bug("S1", "S5", "S5", "L1", "").properties(); got != "S5, S1, L1, nothing" {
		t.Errorf("properties %q", got)
	}
}

// The page shows each bug's medians, and the medians of those.
func TestWriteBugs(t *testing.T) {
	bug := func(name string, size Size, seeds ...int) Bug {
		b := Bug{Mutant: Mutant{Name: name, Title: "It does", Expect: []string{"S5"}}, Build: 2 * time.Second, Smallest: size}
		for _, n := range seeds {
			b.Catches = append(b.Catches, Catch{Found: true, Property: "S5", SeedsNeeded: n, CPU: time.Duration(n) * time.Second})
		}
		return b
	}
	bugs := []Bug{
		bug("p", Size{3, 1, 2, 4}, 9, 1, 5, 7, 100),
		bug("q", Size{2, 1, 1, 0}, 3, 3, 3, 3, 3),
		bug("r", Size{}, 20, 30, 10, 50, 40),
	}
	var page strings.Builder
	WriteBugs(&page, bugs)
	for _, want := range []string{
		"median of all 3: **7 seeds, 7.00 core-seconds**; after shrinking **2 servers, 1 client, 1 update, 0 faults**.\n",
		"| p | It does | S5 | 7 | 7.00 | 3 / 1 / 2 / 4 | 2.0 |\n",
		"| q | It does | S5 | 3 | 3.00 | 2 / 1 / 1 / 0 | 2.0 |\n",
		"| r | It does | S5 | 30 | 30.00 | — | 2.0 |\n",
		"A mutant without a size",
	} {
		if !strings.Contains(page.String(), want) {
			t.Errorf("the page lacks %q:\n%s", want, page.String())
		}
	}
}

func TestSizeOf(t *testing.T) {
	got, err := sizeOf([]byte(`{"servers": 3, "workload": {"clients": 1, "limit": 2}, "faults": [{"do": "crash"}, {"do": "drop"}]}`))
	if want := (Size{3, 1, 2, 2}); err != nil || got != want {
		t.Errorf("size %v, error %v, want %v", got, err, want)
	}
	if _, err := sizeOf([]byte("[]")); err == nil {
		t.Error("no error for what is no plan")
	}
}
