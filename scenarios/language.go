package scenarios

import (
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/fauer4effect/paxos/protocol"
	"github.com/fauer4effect/paxos/sim/paxos"
	"github.com/fauer4effect/paxos/sim/plan"
	"github.com/fauer4effect/paxos/sim/script"
)

// language is that of our machine's scripts.
func language() *script.Language {
	return &script.Language{
		System: paxos.InPlans(), Effects: paxos.Effects, ReadPlan: paxos.ReadPlan, Validate: paxos.Validate,
		Open:  open,
		Scene: sceneCommands(),
		Until: conditions(), Expect: expectations(), Check: checksOfOurs(),
		Log:   func(st *script.Story) uint64 { return ours(st).Log().Hash() },
		State: func(st *script.Story, id int) string { return machine(st, id).State().String() },
		Reign: func(st *script.Story, id int) string { return fmt.Sprintf("view %d", machine(st, id).LastInstalled()) },
		Table: table,
	}
}

// Parse reads a script of our machine and checks every line of it. The name is used in errors.
func Parse(name string, text []byte) (*script.Script, error) { return language().Parse(name, text) }

// Reference is the language's reference, in Markdown, made from the command table.
func Reference() string { return language().Reference() }

// own is what a story of our machine has beside the engine's.
type own struct {
	*paxos.Stage
	ordered map[protocol.Seq]bool // told already; looked up, never ranged over
}

func ours(st *script.Story) *own { return st.Own.(*own) }

// machine is a server's machine, of its last life if it is down.
func machine(st *script.Story, id int) *protocol.Server { return ours(st).Server(id) }

func open(p *plan.Plan, directed int, st *script.Story) (*script.Stage, any) {
	w := &witness{story: st, ordered: map[protocol.Seq]bool{}}
	s := paxos.Open(p, directed, w)
	return s.Stage, &own{Stage: s, ordered: w.ordered}
}

// ledView is the view of the leader, 0 while nobody leads.
func ledView(st *script.Story) uint64 {
	if id := st.Leader(); id != 0 {
		return uint64(machine(st, id).LastInstalled())
	}
	return 0
}

// table shows every server, aligned, for a step that failed.
func table(st *script.Story) string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "server\tstate\tview\tattempted\taru\tproposed\tpending\tdurable")
	for _, id := range st.All() {
		s := machine(st, id)
		fmt.Fprintf(w, "%d\t%s\t%d\t%d\t%d\t%d\t%d\t%d of %d\n", id, st.Condition(id), s.LastInstalled(),
			s.LastAttempted(), s.LocalARU(), s.LastProposed(), s.Pending(),
			st.Stage.Durable(id), st.Stage.Durable(id)+uint64(st.Stage.Unsynced(id)))
	}
	w.Flush() // a Builder takes all
	return b.String()
}
