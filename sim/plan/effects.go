package plan

// Effect is something whose occurrences a run counts: kinds of fault that took effect, and
// what they lead to. A fault takes effect where it could matter: a message is useful if its
// receiver could have made something of it.
//
// The first effects are what a plan contains or not: its laws, its kinds of fault (Kind.Effect), the
// ways of its tail. The others may happen in any plan: sim/internal/engine has those of every protocol,
// and each protocol its own.
type Effect uint8

// The effects of a plan's laws.
const (
	Loss Effect = iota + 1
	Duplicate
	Late
	QueueFull
	SlowLink
	Drift
	Survived
	Lie
	Flip
	firstKind
)

// The effects of a plan's tail.
const (
	TailDown Effect = firstKind + Effect(len(Kinds)) + iota
	TailCut
	TailDeaf
	TailMute
	Quit
	// FirstOutcome is the first effect that no plan contains.
	FirstOutcome
)

// MaxEffects bounds the effects of a protocol, all included.
const MaxEffects = 128

// Effects counts occurrences.
type Effects [MaxEffects]uint64

// EffectRow names an effect, and says what one occurrence is. A large sweep must show it as Shown says.
type EffectRow struct {
	Name, Meaning string
	Shown         Shown
}

// Shown says when a large sweep must show an effect: one that never occurs tells that something was
// not tested.
type Shown uint8

// The ways.
const (
	IfPlanned Shown = iota + 1 // where plans contain it
	Always                     // in hundreds of plans in which anything can happen
	Rarely                     // in thousands of them
	Never                      // it need not occur at all
)

// EffectTable has the effects of a protocol, by number; 0 is unused.
type EffectTable []EffectRow

// Table are the effects of what plans contain.
var Table = func() EffectTable {
	t := EffectTable{
		Loss:         {"loss", "useful message lost", IfPlanned},
		Duplicate:    {"duplicate", "message delivered once more", IfPlanned},
		Late:         {"late", "useful message arrived late", IfPlanned},
		QueueFull:    {"queue", "useful message lost: link's queue full", IfPlanned},
		SlowLink:     {"slow-link", "useful message over a link with its own settings", IfPlanned},
		Drift:        {"drift", "wake-up by a clock that is not exact", IfPlanned},
		Survived:     {"survived", "crash that left records never synced", IfPlanned},
		Lie:          {"lie", "sync answered and not done", IfPlanned},
		Flip:         {"flip", "useful message with flipped bits, rejected", IfPlanned},
		TailDown:     {"tail-down", "server down for good", IfPlanned},
		TailCut:      {"tail-cut", "useful message lost: cut off for good", IfPlanned},
		TailDeaf:     {"tail-deaf", "useful message lost: deaf for good", IfPlanned},
		TailMute:     {"tail-mute", "useful message lost: mute for good", IfPlanned},
		Quit:         {"quit", "client left for good, its operation open", IfPlanned},
		FirstOutcome: {},
	}
	for i, row := range Kinds {
		t[firstKind+Effect(i)] = EffectRow{string(row.Kind), row.Count, IfPlanned}
	}
	return t[:FirstOutcome]
}()

// With is the table with the rows that follow it. Their keys go on where the table ends.
func (t EffectTable) With(rows map[Effect]EffectRow) EffectTable {
	all := append(EffectTable{}, t...)
	for len(all) < len(t)+len(rows) {
		row, ok := rows[Effect(len(all))]
		if !ok {
			panic("plan: an effect has no row")
		}
		all = append(all, row)
	}
	return all
}

// All lists the effects in their order.
func (t EffectTable) All() []Effect {
	var all []Effect
	for e := 1; e < len(t); e++ {
		all = append(all, Effect(e))
	}
	return all
}

// Find is the effect of that name, 0 for none.
func (t EffectTable) Find(name string) Effect {
	for e := range t {
		if e > 0 && t[e].Name == name {
			return Effect(e)
		}
	}
	return 0
}

// IsFault says whether the effect is one that a plan contains or not.
func (e Effect) IsFault() bool { return e < FirstOutcome }

// Counts is the kind under which a fault counts, in a cluster of the given size. A crash counts
// according to how it comes about.
func (f *Fault) Counts(servers int) Kind {
	switch {
	case f.Do == Crash && f.On != nil:
		return f.On.crash()
	case f.Do == Crash && servers > 1 && len(f.Servers) > servers/2:
		return PowerCut
	}
	return f.Do
}

// crash is the kind under which a crash on the event counts.
func (n *Name) crash() Kind {
	switch {
	case n.Kind == OnSync:
		return CrashOnSync
	case n.Kind == OnStart:
		return CrashOnStart
	case n.Arrives:
		return CrashOnArrival
	}
	return CrashOnSend
}

// Effect is how a server that stays broken counts.
func (b *Broken) Effect() Effect {
	switch b.How {
	case "cut":
		return TailCut
	case string(Deaf):
		return TailDeaf
	case string(Mute):
		return TailMute
	}
	return TailDown
}

// Planned says which kinds of fault the plan contains.
func (p *Plan) Planned() [FirstOutcome]bool {
	var has [FirstOutcome]bool
	has[Loss] = p.Network.All.Loss > 0
	has[Duplicate] = p.Network.All.Duplicate > 0
	has[Late] = p.Network.All.Late > 0
	has[QueueFull] = p.Network.All.Queue > 0
	has[Drift] = len(p.Clocks) > 0
	has[Survived] = p.Disk.Crash != ""
	has[Lie] = p.Disk.Lies > 0
	has[SlowLink] = len(p.Network.Links) > 0
	has[Flip] = p.Network.Flips > 0
	has[Quit] = len(p.Tail.Clients) > 0 && len(p.Tail.Clients) < p.Workload.Clients
	for i := range p.Faults {
		has[p.Faults[i].Counts(p.Servers).Effect()] = true
	}
	for i := range p.Tail.Broken {
		has[p.Tail.Broken[i].Effect()] = true
	}
	return has
}

// FaultKinds counts the plan's faults by kind. The laws of network and disk and the calm at
// the end are not among them.
func (p *Plan) FaultKinds() Effects {
	var kinds Effects
	for i := range p.Faults {
		kinds[p.Faults[i].Counts(p.Servers).Effect()]++
	}
	return kinds
}
