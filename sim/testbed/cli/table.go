package cli

import (
	"fmt"
	"io"

	"github.com/fauer4effect/paxos/sim/plan"
)

// tableFormat are the columns in front of an effect's meaning.
const tableFormat = "%-16s %6s %9s  "

// FaultTable shows each kind of fault: in how many plans it was, how often it took effect.
func FaultTable(w io.Writer, effects plan.EffectTable, times, planned *plan.Effects) {
	Wrapped(w, fmt.Sprintf(tableFormat, "fault", "plans", "times"), "what took effect each time")
	for _, e := range effects.All() {
		lies := effects[e].Name == "lie" // drawn by nobody but those who ask for it
		if e.IsFault() && (!lies || planned[e] > 0) {
			row(w, effects[e], tableCount(planned[e], 6), times[e])
		}
	}
}

// EffectTable shows what else happened.
func EffectTable(w io.Writer, effects plan.EffectTable, times *plan.Effects) {
	Wrapped(w, fmt.Sprintf(tableFormat, "effect", "", "times"), "what happened each time")
	for _, e := range effects.All() {
		if !e.IsFault() {
			row(w, effects[e], "", times[e])
		}
	}
}

// EffectRows shows the effects that occurred in one run.
func EffectRows(w io.Writer, effects plan.EffectTable, times *plan.Effects) {
	for _, e := range effects.All() {
		if times[e] > 0 {
			Wrapped(w, fmt.Sprintf("  %-16s %9s  ", effects[e].Name, tableCount(times[e], 9)), effects[e].Meaning)
		}
	}
}

func row(w io.Writer, e plan.EffectRow, plans string, times uint64) {
	Wrapped(w, fmt.Sprintf(tableFormat, e.Name, plans, tableCount(times, 9)), e.Meaning)
}

// tableCount is exact as long as it fits its column.
func tableCount(n uint64, width int) string {
	if exact := fmt.Sprint(n); len(exact) <= width {
		return exact
	}
	return Rough(float64(n))
}

// Untriggered says of a plan's fault, by its number, that its event did not occur, and how often it was seen.
func Untriggered(number int, f *plan.Fault, seen uint32) string {
	there := fmt.Sprintf("were %d", seen)
	switch seen {
	case 0:
		there = "were none"
	case 1:
		there = "was 1"
	}
	return fmt.Sprintf("fault %d did not trigger: it waits for %v; there %s", number, f.On, there)
}
