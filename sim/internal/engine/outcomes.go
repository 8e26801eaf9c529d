package engine

import "github.com/fauer4effect/paxos/sim/plan"

// What may happen in a run of any protocol, with any plan.
const (
	Reordered plan.Effect = plan.FirstOutcome + iota
	UnsyncedLost
	Recovery
	Bundle
	Timeouts
	Abandoned
	Undecided
	// FirstOwn is the first effect that is a protocol's own.
	FirstOwn
)

// Outcomes are the effects that every protocol has. A protocol's own follow them: see With.
var Outcomes = plan.Table.With(map[plan.Effect]plan.EffectRow{
	Reordered:    {Name: "reordered", Meaning: "message delivered after a later one", Shown: plan.Always},
	UnsyncedLost: {Name: "unsynced-lost", Meaning: "crash that took records not yet durable", Shown: plan.Always},
	Recovery:     {Name: "recovery", Meaning: "server restarted with records", Shown: plan.Always},
	Bundle:       {Name: "bundle", Meaning: "packet with requests of several clients", Shown: plan.Always},
	Timeouts:     {Name: "timeout", Meaning: "client asked another server", Shown: plan.Always},
	Abandoned:    {Name: "abandoned", Meaning: "operation given up, possibly done", Shown: plan.Always},
	Undecided:    {Name: "unknown", Meaning: "key that porcupine could not decide", Shown: plan.Never},
})
