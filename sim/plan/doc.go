// Package plan is what decides a run, as plain data: a Plan, its faults, and what makes one valid.
//
// Start with plan.go (Plan, field by field) and kinds.go, the table of the kinds of fault. The table
// says what each takes, does and closes, and how often it is drawn. validate.go refuses what makes no
// sense, system.go what the protocol under test does not have. bounds.go says how long the calm may
// take. effects.go names what a run counts. docs/PLANS.md shows the format, with an example of each
// kind of fault.
//
// The package knows no protocol and runs nothing. A plan stays valid when the swarm that drew it changes.
package plan
