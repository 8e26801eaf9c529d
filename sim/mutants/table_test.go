package mutants

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

func TestTable(t *testing.T) {
	row := func(name, expect string, catch Catch) Row {
		return Row{Mutant{Name: name, Expect: strings.Split(expect, ",")}, catch, 1234 * time.Millisecond}
	}
	var out strings.Builder
	Table(&out, []Row{
		row("quorum", "S5,S1", Catch{Found: true, Property: "S5", SeedsNeeded: 3, Took: 250 * time.Millisecond}),
		row("accepts-counted-across-views", "S1", Catch{Found: true, Property: "L1", SeedsNeeded: 1111, Took: 75 * time.Second}),
		row("no-noops", "L1,L2,L3,S5,S6,S7", Catch{Found: true, Property: "S8", SeedsNeeded: 7}),
		row("execution-skips-a-gap", "S4", Catch{ByPanicOnly: true, Property: Panic, SeedsNeeded: 2000, Took: time.Minute}),
		row("a-name-much-longer-than-any-terminal-would-like", "S4", Catch{SeedsNeeded: 2000, Took: time.Minute}),
	})
	want := `mutant                               caught by           seeds  seconds  build s
quorum                               S5                      3      0.2      1.2
accepts-counted-across-views         L1, not S1           1111     75.0      1.2
no-noops                             S8, not L1/L2/L3/…      7      0.0      1.2
execution-skips-a-gap                only a panic         2000     60.0      1.2
a-name-much-longer-than-any-termin…  nothing              2000     60.0      1.2
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("table (-want +got):\n%s", diff)
	}
	for line := range strings.Lines(out.String()) {
		if columns := utf8.RuneCountInString(strings.TrimRight(line, "\n")); columns > 80 {
			t.Errorf("%d columns: %s", columns, line)
		}
	}
}
