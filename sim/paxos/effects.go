package paxos

import (
	"github.com/fauer4effect/paxos/sim/internal/engine"
	"github.com/fauer4effect/paxos/sim/plan"
)

// What our machine does, beside what every protocol does.
const (
	formed plan.Effect = engine.FirstOwn + iota
	refused
	viewChanges
	twoLeaders
	returns
	catchUps
	reads
	readRounds
	preparedAgain
	proposedAgain
	overtook
	windowFull
	starved
	noOps
	batches
	overlapped
	opened
	expiries
	forgotten
	expiredOperations
	busy
	snapshots
	snapshotInstalls
	fetchedOn
	truncations
	filtered
	endOfEffects
)

// Effects are the effects of our machine.
var Effects = engine.Outcomes.With(map[plan.Effect]plan.EffectRow{
	formed:            {Name: "formed", Meaning: "server entered a cluster newly formed (X18)", Shown: plan.Never},
	refused:           {Name: "refused", Meaning: "other disk than before found, and refused (X18)", Shown: plan.Never},
	viewChanges:       {Name: "view-change", Meaning: "view led after the first", Shown: plan.Always},
	twoLeaders:        {Name: "two-leaders", Meaning: "second server that believed to lead", Shown: plan.Rarely},
	returns:           {Name: "return", Meaning: "server went back into the others' view (X21)", Shown: plan.Always},
	catchUps:          {Name: "catch-up", Meaning: "server asked for slots it lacked (X11)", Shown: plan.Always},
	reads:             {Name: "read", Meaning: "read answered without a log append (X20)", Shown: plan.Always},
	readRounds:        {Name: "read-round", Meaning: "round that confirmed several reads at once (X20)", Shown: plan.Always},
	preparedAgain:     {Name: "prepare-again", Meaning: "Prepare sent again (X4)", Shown: plan.Always},
	proposedAgain:     {Name: "propose-again", Meaning: "Proposal sent again (X5)", Shown: plan.Always},
	overtook:          {Name: "overtook", Meaning: "Accept counted before its Proposal came (X13)", Shown: plan.Always},
	windowFull:        {Name: "window", Meaning: "updates bound that had waited for the window (X15)", Shown: plan.Always},
	starved:           {Name: "starved", Meaning: "update that waited too long for a leader (X23)", Shown: plan.Always},
	noOps:             {Name: "no-op", Meaning: "hole filled (X7)", Shown: plan.Rarely},
	batches:           {Name: "batch", Meaning: "several updates bound to one slot (X14)", Shown: plan.Always},
	overlapped:        {Name: "overlapped", Meaning: "proposal that left before its leader's write ended (X16)", Shown: plan.Always},
	opened:            {Name: "opened", Meaning: "session opened (X26)", Shown: plan.Never},
	expiries:          {Name: "expiry", Meaning: "session expired (X26)", Shown: plan.Always},
	forgotten:         {Name: "forgotten", Meaning: "session forgotten altogether (X26)", Shown: plan.Always},
	expiredOperations: {Name: "lapsed", Meaning: "client told that its session is expired", Shown: plan.Always},
	busy:              {Name: "busy", Meaning: "client told that a server's queue is full", Shown: plan.Always},
	snapshots:         {Name: "snapshot", Meaning: "snapshot taken (X12)", Shown: plan.Always},
	snapshotInstalls:  {Name: "install", Meaning: "snapshot of a peer's installed (X12)", Shown: plan.Always},
	fetchedOn:         {Name: "long-fetch", Meaning: "snapshot asked for in more than one request (X12)", Shown: plan.Always},
	truncations:       {Name: "truncate", Meaning: "disk gave up what a snapshot covers (X12)", Shown: plan.Always},
	filtered:          {Name: "filtered", Meaning: "duplicate update not executed again", Shown: plan.Rarely},
})
