package sim

import (
	"github.com/fauer4effect/paxos/protocol"
	"github.com/fauer4effect/paxos/sim/world"
)

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
	slowLink
	crash
	powerCut
	crashOnSend
	cutLink
	partition
	connect
	isolate
	deaf
	mute
	elect
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
	noOps
	timeouts
	abandoned
	filtered
	porcupineUnknown
	numEffects

	numFaults = reordered // the kinds before it
)

// effectNames are the effects' keys in JSON and in tables, with what they count.
var effectNames = [numEffects]struct{ key, meaning string }{
	loss:             {"loss", "useful message lost"},
	duplicate:        {"duplicate", "message delivered once more"},
	late:             {"late", "useful message arrived late"},
	slowLink:         {"slow-link", "useful message over a link of its own law"},
	crash:            {"crash", "server crashed"},
	powerCut:         {"power-cut", "most of the servers crashed at once"},
	crashOnSend:      {"crash-on-send", "crash right after a message left"},
	cutLink:          {"cut", "useful message lost to a one-way cut"},
	partition:        {"partition", "useful message lost between two sides"},
	connect:          {"bare-majority", "useful message lost outside the majority"},
	isolate:          {"isolate", "useful message lost: server cut off"},
	deaf:             {"deaf", "useful message lost to a deaf server"},
	mute:             {"mute", "useful message lost from a mute server"},
	elect:            {"elect", "election started unprovoked"},
	wipe:             {"wipe", "server came back with an emptied disk"},
	flip:             {"flip", "useful message with flipped bits, rejected"},
	dropNamed:        {"drop", "named message lost"},
	delayNamed:       {"delay", "named message arrived late, still useful"},
	brokenDown:       {"tail-down", "server down for good"},
	brokenCut:        {"tail-cut", "useful message lost: cut off for good"},
	brokenDeaf:       {"tail-deaf", "useful message lost: deaf for good"},
	brokenMute:       {"tail-mute", "useful message lost: mute for good"},
	quitClients:      {"quit", "client left for good, its operation open"},
	reordered:        {"reordered", "message delivered after a later one"},
	unsyncedLost:     {"unsynced-lost", "crash that took records not yet durable"},
	recoveries:       {"recovery", "server restarted with records"},
	formed:           {"formed", "server entered a cluster newly formed (X18)"},
	refused:          {"refused", "other disk than before found, and refused (X18)"},
	viewChanges:      {"view-change", "view led after the first"},
	twoLeaders:       {"two-leaders", "second server that believed to lead"},
	returns:          {"return", "server went back into the others' view (X21)"},
	catchUps:         {"catch-up", "server asked for slots it lacked (X11)"},
	noOps:            {"no-op", "hole filled (X7)"},
	timeouts:         {"timeout", "client asked another server"},
	abandoned:        {"abandoned", "operation given up, possibly done"},
	filtered:         {"filtered", "duplicate update not executed again"},
	porcupineUnknown: {"unknown", "key that porcupine could not decide"},
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
	doCrash: crash, doCut: cutLink, doPartition: partition, doConnect: connect,
	doIsolate: isolate, doDeaf: deaf, doMute: mute, doElect: elect, doWipe: wipe, doDrop: dropNamed,
	doDelay: delayNamed,
}

// effect is the kind under which a fault counts.
func (f *Fault) effect(servers int) Effect {
	switch {
	case f.Do == doCrash && f.On != nil:
		return crashOnSend
	case f.Do == doCrash && servers > 1 && len(f.Servers) > servers/2:
		return powerCut
	}
	return faultEffects[f.Do]
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

// useful says whether the receiver could have made use of the message now: of its current
// view and for a slot not yet ordered there, or above what it knows of the election.
func (r *run) useful(to world.Node, m *protocol.Message) bool {
	if !r.world.IsServer(to) || r.servers[to] == nil {
		return false
	}
	s := r.servers[to].machine
	switch m.Kind {
	case protocol.ClientUpdate:
		u := &m.Batch.Updates[0]
		return s.LastExecuted(u.Client) < u.Timestamp
	case protocol.Proposal, protocol.Accept:
		return m.View == s.LastInstalled() && m.Seq > s.LocalARU()
	case protocol.ViewChange:
		return m.View > s.LastInstalled() && m.View >= s.LastAttempted()
	case protocol.VCProof:
		return m.View > s.LastInstalled() || m.ARU > s.LocalARU()
	case protocol.Prepare:
		return m.View >= s.LastInstalled()
	case protocol.PrepareOK:
		return m.View == s.LastInstalled() && s.State() == protocol.Preparing
	}
	return false
}

// Dropped counts what the loss of a message could have changed.
func (r *run) Dropped(from, to world.Node, p *packet, why world.Cause) {
	if r.trace != nil {
		r.traceDrop(from, to, p, why)
	}
	if why == world.Down || !r.useful(to, &p.Message) {
		return
	}
	switch why {
	case world.Lost:
		r.effects[loss]++
	case world.Cut:
		r.effects[r.cutBy[from][to]]++
	case world.Named:
		r.effects[dropNamed]++
	}
}

// Crashed counts what a crash took.
func (r *run) Crashed(n world.Node, lost []protocol.Record) {
	for i := range lost {
		if !lost[i].Lazy {
			r.effects[unsyncedLost]++
			break
		}
	}
	r.say("server %d crashes and loses %s", n, countOf(len(lost), "record"))
	if r.trace != nil {
		r.trace.Event(r.now(), int(n), "crash", countOf(len(lost), "record")+" lost")
	}
}

// Departed tells the checker.
func (r *run) Departed(n world.Node, p *packet) {
	if p.reply == nil {
		r.checker.Departed(r.now(), protocol.ServerID(n), &p.Message)
	}
}

// Arrived counts messages that took an unusual way. One that is late counts if it is of use
// still.
func (r *run) Arrived(_, to world.Node, p *packet, way world.Way) {
	if way&world.Repeated != 0 && r.world.IsServer(to) {
		r.effects[duplicate]++
	}
	if !r.useful(to, &p.Message) {
		return
	}
	if way&world.LateWay != 0 {
		r.effects[late]++
	}
	if way&world.Delayed != 0 {
		r.effects[delayNamed]++
	}
}

// Durable tells the checker.
func (r *run) Durable(n world.Node, record *protocol.Record) {
	r.checker.Durable(r.now(), protocol.ServerID(n), record)
}
