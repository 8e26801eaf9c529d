package swarm

import (
	"github.com/fauer4effect/paxos/sim/plan"
	"github.com/fauer4effect/paxos/sim/world"
)

// Target is what the swarm must know of the protocol under test.
type Target struct {
	plan.System
	// Messages are the kinds of message that faults may name.
	Messages []Message
	// Settings draws the machine's settings into a plan that has its servers and its length, and says
	// how fast the protocol goes by them. Nil: it has none, and goes at an ordinary pace.
	Settings func(p *plan.Plan, roll Roll) Pace
	// Tune changes what is drawn so that the calm is fair to the protocol. Nil: it is.
	Tune func(p *plan.Plan, pace *Pace)
	// Bounds are those of a plan's calm: within Settle a majority must serve, within Answer it must
	// answer from then on.
	Bounds   func(p *plan.Plan) (settle, answer world.Instant)
	Validate func(p *plan.Plan) error
}

// Roll gives the dice for what a draw is for, always the same ones in one plan. So a draw for something
// new re-rolls nothing.
type Roll func(what string) *world.Dice

// Pace is how fast a protocol goes, by its settings.
type Pace struct {
	Timeout   world.Instant // without progress, until somebody else wants to lead
	Stagger   world.Instant // between those who want to lead
	Clients   int           // that can be served in the calm
	Transfers bool          // servers that lag often need a state as a whole
}

// Ordinary is the pace of a protocol that says nothing of its own.
var Ordinary = Pace{Timeout: 250 * world.Millisecond, Stagger: 40 * world.Millisecond, Clients: plan.MaxOnHosts}

// Message is a kind of message as faults name it. Its weights are by fault: how often it is named
// beside the others, zero for never.
type Message struct {
	Name   string
	Seldom bool // a run sees few of them, so that faults name an early one

	OnSend    int // crashes right after it left
	OnArrival int // crashes right after it arrived
	Named     int // drops and delays
	Omitted   int // omissions

	Transfer bool // it is part of a state transfer: servers should crash in the middle of one
	Stale    bool // what it says is wrong later, which long delays show
	Deposes  bool // a leader learns from it that another server leads
}

// weighted picks one of the messages by a weight.
func (t Target) weighted(d *world.Dice, weight func(*Message) int) *Message {
	total := 0
	for i := range t.Messages {
		total += weight(&t.Messages[i])
	}
	at := int(d.Int(1, int64(total)))
	for i := range t.Messages {
		if at -= weight(&t.Messages[i]); at <= 0 {
			return &t.Messages[i]
		}
	}
	return &t.Messages[0]
}

// named lists the messages for which is holds.
func (t Target) named(is func(*Message) bool) []string {
	var names []string
	for i := range t.Messages {
		if is(&t.Messages[i]) {
			names = append(names, t.Messages[i].Name)
		}
	}
	return names
}
