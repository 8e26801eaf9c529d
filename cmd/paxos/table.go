package main

import (
	"fmt"
	"io"

	"github.com/fauer4effect/paxos/sim"
	"github.com/fauer4effect/paxos/sim/plan"
)

// tableFormat are the columns in front of an effect's meaning.
const tableFormat = "%-14s %6s %9s  "

// faultTable shows each kind of fault: in how many plans it was, how often it took effect.
func faultTable(w io.Writer, times, planned *plan.Effects) {
	wrapped(w, fmt.Sprintf(tableFormat, "fault", "plans", "times"), "what took effect each time")
	for _, e := range sim.Effects().All() {
		lies := sim.Effects()[e].Name == "lie" // drawn by nobody but those who ask for it
		if e.IsFault() && (!lies || planned[e] > 0) {
			row(w, e, tableCount(planned[e], 6), times[e])
		}
	}
}

// effectTable shows what else happened.
func effectTable(w io.Writer, times *plan.Effects) {
	wrapped(w, fmt.Sprintf(tableFormat, "effect", "", "times"), "what happened each time")
	for _, e := range sim.Effects().All() {
		if !e.IsFault() {
			row(w, e, "", times[e])
		}
	}
}

// effectRows shows the effects that occurred in one run.
func effectRows(w io.Writer, times *plan.Effects) {
	for _, e := range sim.Effects().All() {
		if times[e] > 0 {
			wrapped(w, fmt.Sprintf("  %-14s %9s  ", sim.Effects()[e].Name, tableCount(times[e], 9)), sim.Effects()[e].Meaning)
		}
	}
}

func row(w io.Writer, e plan.Effect, plans string, times uint64) {
	wrapped(w, fmt.Sprintf(tableFormat, sim.Effects()[e].Name, plans, tableCount(times, 9)), sim.Effects()[e].Meaning)
}

// tableCount is exact as long as it fits its column.
func tableCount(n uint64, width int) string {
	if exact := fmt.Sprint(n); len(exact) <= width {
		return exact
	}
	return rough(float64(n))
}
