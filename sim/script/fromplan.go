package script

import (
	"fmt"
	"strings"
	"time"

	"golang.org/x/tools/txtar"

	"github.com/fauer4effect/paxos/sim/plan"
)

// FromPlan writes a plan down as a script: its faults as steps, the rest as a file. Running
// the script gives the same orderings as running the plan.
func FromPlan(p *plan.Plan) []byte {
	rest := *p
	rest.Faults = nil
	var b strings.Builder
	fmt.Fprintf(&b, "# Seed %d as a script: %s, %s, %s, then a calm end.\n", p.Seed,
		countOf(p.Servers, "server"), countOf(p.Workload.Clients, "client"), countOf(len(p.Faults), "fault"))
	b.WriteString("# A starting point to edit: as it stands, it gives the same orderings as the run.\n")
	b.WriteString("plan plan.json\n")
	for i := range p.Faults {
		b.WriteString(faultLine(&p.Faults[i]))
	}
	fmt.Fprintf(&b, "run %v\n", time.Duration(p.Faulty))
	fmt.Fprintf(&b, "run %v\n", time.Duration(p.Tail.Settle+p.Tail.For+p.Tail.Answer))
	b.WriteString("check end\n")
	return txtar.Format(&txtar.Archive{
		Comment: []byte(b.String()),
		Files:   []txtar.File{{Name: "plan.json", Data: rest.Encode()}},
	})
}

func countOf(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// faultLine is the line that schedules a fault.
func faultLine(f *plan.Fault) string {
	what := string(f.Do)
	if f.Kind != "" {
		what += " " + f.Kind
	}
	switch {
	case f.Do == "cut":
		what += fmt.Sprintf(" %d->%d", f.From, f.To)
	case f.Do == "hand-over":
		what += fmt.Sprintf(" %d", f.To)
	case f.Leader:
		what += " leader"
	case len(f.Servers) > 0:
		what += " " + strings.ReplaceAll(List(f.Servers), " ", ",")
	}
	if f.Do == "bridge" {
		what += fmt.Sprintf(" over %d", f.From)
	}
	if f.For > 0 {
		what += " for " + time.Duration(f.For).String()
	}
	if f.By != 0 {
		what += " by " + time.Duration(f.By).String()
	}
	if f.On == nil {
		return fmt.Sprintf("at %v %s\n", time.Duration(f.At), what)
	}
	if f.On.Kind == "sync" || f.On.Kind == "start" {
		return fmt.Sprintf("on %s %s n %d %s\n", f.On.Kind, end(f.On.From), f.On.N, what)
	}
	how := ""
	if f.On.Unsynced {
		how = "unsynced "
	}
	if f.On.Arrives {
		how = "arrives "
	}
	return fmt.Sprintf("on %s %s->%s n %d %s%s\n", f.On.Kind, end(f.On.From), end(f.On.To), f.On.N, how, what)
}

func end(id int) string {
	if id == 0 {
		return "*"
	}
	return fmt.Sprint(id)
}
