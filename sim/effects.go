package sim

import "github.com/fauer4effect/paxos/sim/world"

// Effect is something whose occurrences a run counts: kinds of fault that took effect, and
// what they lead to. A fault takes effect where it could matter: a message is useful if its
// receiver could have made something of it.
type Effect uint8

// The effects, in the order in which they are shown. The first are kinds of fault, that a
// plan contains or not; the others may happen in any plan.
const (
	noEffect Effect = iota
	loss
	duplicate
	late
	queueFull
	slowLink
	slowServer
	shuffle
	clog
	crash
	powerCut
	rolling
	crashOnSend
	crashOnArrival
	crashOnSync
	crashOnStart
	pause
	cutLink
	partition
	flap
	connect
	bridge
	ring
	isolate
	deaf
	mute
	omit
	drift
	jump
	stall
	failedSync
	diskFull
	survived
	lied
	rot
	misread
	elect
	handOver
	wipe
	flip
	dropNamed
	delayNamed
	brokenDown
	brokenCut
	brokenDeaf
	brokenMute
	quitClients
	reordered
	unsyncedLost
	recoveries
	formed
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
	truncations
	bundled
	timeouts
	abandoned
	filtered
	porcupineUnknown
	numEffects

	numFaults = reordered // the kinds before it
)

// effectNames are the effects' keys in JSON and in tables, with what they count.
var effectNames = [numEffects]struct{ key, meaning string }{
	loss:              {"loss", "useful message lost"},
	duplicate:         {"duplicate", "message delivered once more"},
	late:              {"late", "useful message arrived late"},
	queueFull:         {"queue", "useful message lost: link's queue full"},
	slowLink:          {"slow-link", "useful message over a link of its own law"},
	slowServer:        {"slow", "useful message from or to a slow server"},
	shuffle:           {"shuffle", "useful message through a burst of reordering"},
	clog:              {"clog", "useful message held back by a clogged link"},
	crash:             {"crash", "server crashed"},
	powerCut:          {"power-cut", "most of the servers crashed at once"},
	rolling:           {"rolling", "server restarted, one after the other"},
	crashOnSend:       {"crash-on-send", "crash right after a message left"},
	crashOnArrival:    {"crash-on-take", "crash right after a message was taken"},
	crashOnSync:       {"crash-on-sync", "crash right after a sync"},
	crashOnStart:      {"crash-on-start", "crash right after a start"},
	pause:             {"pause", "server stood still, then went on"},
	cutLink:           {"cut", "useful message lost to a one-way cut"},
	partition:         {"partition", "useful message lost between two sides"},
	flap:              {"flap", "useful message lost to a flapping partition"},
	connect:           {"bare-majority", "useful message lost outside the majority"},
	bridge:            {"bridge", "useful message lost: one server hears both"},
	ring:              {"ring", "useful message lost: only neighbours hear"},
	isolate:           {"isolate", "useful message lost: server cut off"},
	deaf:              {"deaf", "useful message lost to a deaf server"},
	mute:              {"mute", "useful message lost from a mute server"},
	omit:              {"omit", "useful message lost: its kind is omitted"},
	drift:             {"drift", "wake-up by a clock that is not exact"},
	jump:              {"jump", "clock jumped"},
	stall:             {"stall", "sync held up"},
	failedSync:        {"fail-sync", "sync failed, and the server ended"},
	diskFull:          {"full", "disk full, and the server ended"},
	survived:          {"survived", "crash that left records never synced"},
	lied:              {"lie", "sync answered and not done"},
	rot:               {"rot", "damaged log noticed, and refused"},
	misread:           {"misread", "misplaced record noticed, and refused"},
	elect:             {"elect", "election started unprovoked"},
	handOver:          {"hand-over", "leader gave way to another as planned"},
	wipe:              {"wipe", "server came back with an emptied disk"},
	flip:              {"flip", "useful message with flipped bits, rejected"},
	dropNamed:         {"drop", "named message lost"},
	delayNamed:        {"delay", "named message arrived late, still useful"},
	brokenDown:        {"tail-down", "server down for good"},
	brokenCut:         {"tail-cut", "useful message lost: cut off for good"},
	brokenDeaf:        {"tail-deaf", "useful message lost: deaf for good"},
	brokenMute:        {"tail-mute", "useful message lost: mute for good"},
	quitClients:       {"quit", "client left for good, its operation open"},
	reordered:         {"reordered", "message delivered after a later one"},
	unsyncedLost:      {"unsynced-lost", "crash that took records not yet durable"},
	recoveries:        {"recovery", "server restarted with records"},
	formed:            {"formed", "server entered a cluster newly formed (X18)"},
	refused:           {"refused", "other disk than before found, and refused (X18)"},
	viewChanges:       {"view-change", "view led after the first"},
	twoLeaders:        {"two-leaders", "second server that believed to lead"},
	returns:           {"return", "server went back into the others' view (X21)"},
	catchUps:          {"catch-up", "server asked for slots it lacked (X11)"},
	reads:             {"read", "read answered without a log append (X20)"},
	readRounds:        {"read-round", "round that confirmed several reads at once (X20)"},
	preparedAgain:     {"prepare-again", "Prepare sent again (X4)"},
	proposedAgain:     {"propose-again", "Proposal sent again (X5)"},
	overtook:          {"overtook", "Accept counted before its Proposal came (X13)"},
	windowFull:        {"window", "updates bound that had waited for the window (X15)"},
	starved:           {"starved", "update that waited too long for a leader (X23)"},
	noOps:             {"no-op", "hole filled (X7)"},
	batches:           {"batch", "several updates bound to one slot (X14)"},
	overlapped:        {"overlapped", "proposal that left before its leader's write ended (X16)"},
	opened:            {"opened", "session opened (X26)"},
	expiries:          {"expiry", "session expired (X26)"},
	forgotten:         {"forgotten", "session forgotten altogether (X26)"},
	expiredOperations: {"lapsed", "client told that its session is expired"},
	busy:              {"busy", "client told that a server's queue is full"},
	snapshots:         {"snapshot", "snapshot taken (X12)"},
	snapshotInstalls:  {"install", "snapshot of a peer's installed (X12)"},
	truncations:       {"truncate", "disk gave up what a snapshot covers (X12)"},
	bundled:           {"bundle", "packet with requests of several clients"},
	timeouts:          {"timeout", "client asked another server"},
	abandoned:         {"abandoned", "operation given up, possibly done"},
	filtered:          {"filtered", "duplicate update not executed again"},
	porcupineUnknown:  {"unknown", "key that porcupine could not decide"},
}

func (e Effect) String() string { return effectNames[e].key }

// Meaning says in a few words what one occurrence is.
func (e Effect) Meaning() string { return effectNames[e].meaning }

// Effects counts occurrences.
type Effects [numEffects]uint64

// AllEffects lists the effects in their order.
func AllEffects() []Effect {
	all := make([]Effect, 0, numEffects)
	for e := noEffect + 1; e < numEffects; e++ {
		all = append(all, e)
	}
	return all
}

// IsFault says whether the effect is a kind of fault that a plan contains or not.
func (e Effect) IsFault() bool { return e < numFaults }

var faultEffects = map[string]Effect{
	doCrash: crash, doRolling: rolling, doPause: pause, doSlow: slowServer, doCut: cutLink,
	doPartition: partition, doFlap: flap, doConnect: connect, doBridge: bridge, doRing: ring,
	doIsolate: isolate, doDeaf: deaf, doMute: mute, doOmit: omit, doClog: clog, doBacklog: clog, doShuffle: shuffle, doStall: stall,
	doFull: diskFull, doFailSync: failedSync, doJump: jump, doWipe: wipe, doRot: rot,
	doMisread: misread, doElect: elect, doHandOver: handOver, doDrop: dropNamed, doDelay: delayNamed,
}

// effect is the kind under which a fault counts.
func (f *Fault) effect(servers int) Effect {
	switch {
	case f.Do == doCrash && f.On != nil:
		return f.On.effect()
	case f.Do == doCrash && servers > 1 && len(f.Servers) > servers/2:
		return powerCut
	}
	return faultEffects[f.Do]
}

// effect is the kind under which a crash on the event counts.
func (n *Name) effect() Effect {
	switch {
	case n.Kind == onSync:
		return crashOnSync
	case n.Kind == onStart:
		return crashOnStart
	case n.Arrives:
		return crashOnArrival
	}
	return crashOnSend
}

// effect is the kind under which a server that stays broken counts.
func (b *Broken) effect() Effect {
	switch b.How {
	case "cut":
		return brokenCut
	case doDeaf:
		return brokenDeaf
	case doMute:
		return brokenMute
	}
	return brokenDown
}

// Planned says which kinds of fault the plan contains.
func (p *Plan) Planned() [numFaults]bool {
	var has [numFaults]bool
	has[loss] = p.Network.All.Loss > 0
	has[duplicate] = p.Network.All.Duplicate > 0
	has[late] = p.Network.All.Late > 0
	has[queueFull] = p.Network.All.Queue > 0
	has[drift] = len(p.Clocks) > 0
	has[survived] = p.Disk.Crash != ""
	has[lied] = p.Disk.Lies > 0
	has[slowLink] = len(p.Network.Links) > 0
	has[flip] = p.Network.Flips > 0
	has[quitClients] = len(p.Tail.Clients) > 0 && len(p.Tail.Clients) < p.Workload.Clients
	for i := range p.Faults {
		has[p.Faults[i].effect(p.Servers)] = true
	}
	for i := range p.Tail.Broken {
		has[p.Tail.Broken[i].effect()] = true
	}
	return has
}

// dropped counts a useful message that is lost.
func (r *run) dropped(from, to world.Node, why world.Cause) {
	switch why {
	case world.Lost:
		r.effects[loss]++
	case world.Cut:
		r.effects[r.cutBy[from][to]]++
	case world.Named:
		r.effects[dropNamed]++
	case world.Overflow:
		r.effects[queueFull]++
	case world.Omitted:
		r.effects[omit]++
	}
}

// arrived counts a useful message that took an unusual way.
func (r *run) arrived(way world.Way) {
	for _, w := range []struct {
		way    world.Way
		effect Effect
	}{
		{world.LateWay, late},
		{world.Delayed, delayNamed},
		{world.Clogged, clog},
		{world.Slowed, slowServer},
		{world.Shuffled, shuffle},
	} {
		if way&w.way != 0 {
			r.effects[w.effect]++
		}
	}
}

// woke counts wake-ups by clocks that are not exact.
func (r *run) woke(n world.Node) {
	if r.nodes[n].clock.drift != 0 {
		r.effects[drift]++
	}
}
