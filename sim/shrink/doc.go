// Package shrink makes a failing plan small: it takes away faults, servers, clients, updates,
// laws and time, as long as the same property fails. What is left is what the failure needs.
//
// It is delta debugging (Zeller and Hildebrandt, 2002) over plans. Draws are stateless, so
// taking one thing away changes little else. Where it changes too much, a few other seeds are
// tried: one may show the failure again. Every candidate goes through one gate: it must be valid,
// new, and fail as the original does.
//
// A search is a function of the plan: budgets count runs and events, never time.
//
// Start here: Shrink in shrink.go. passes.go has the passes, in order. edit.go takes single things
// out of a plan, and minimal.go lists all single removals. A result no longer fails after any of
// them.
package shrink
