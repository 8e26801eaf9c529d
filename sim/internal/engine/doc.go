// Package engine executes one plan: what is the same for every protocol under test.
//
// A Run drives a System, which is a protocol in a world. Start with run.go (Run, System, Control).
// schedule.go puts faults and the calm on the calendar, strike.go has what each kind of fault does,
// named.go the faults that wait for an event. client.go, host.go and keyring.go are the workload,
// clock.go the servers' clocks. effects.go and outcomes.go count, story.go tells a violation, report.go
// sums up, stage.go is a run that somebody directs step by step.
//
// All of it is single-threaded and a function of the plan. A System is held, and never embedded.
package engine
