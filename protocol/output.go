package protocol

// InputKind says what an Input is.
type InputKind uint8

// The inputs of the machine.
const (
	Timer    InputKind = iota // Deadline has come; always legal, never harmful
	Receive                   // Message arrived from a server, or from a client (Server = 0)
	Durable                   // every record up to UpTo survives a crash
	Elect                     // the operator wants this server to start an election
	HandOver                  // the operator wants this server, if it leads, to have To lead in its place
)

// Input is one thing that happens to a server.
type Input struct {
	Kind    InputKind
	UpTo    Position
	To      ServerID
	Message Message
}

// Output collects what a Step wants done. The caller owns it, resets it, and hands it to
// the next Step; Step only appends. What the entries refer to is immutable.
//
// The driver owes this order: write Records in order and sync them; send a message only
// when every record up to its After is durable, and then tell the server so (Durable).
type Output struct {
	Records  []Record
	Messages []Outgoing
	Replies  []Reply
	Events   []Event
	// Truncate says that no recovery needs the records below this position, of which each is
	// durable, any more (X12). Zero: nothing new.
	Truncate Position
}

// Reset empties the output and keeps its memory.
func (o *Output) Reset() {
	o.Records, o.Messages = o.Records[:0], o.Messages[:0]
	o.Replies, o.Events, o.Truncate = o.Replies[:0], o.Events[:0], 0
}

// Outgoing is a message to send. To zero means every other server.
type Outgoing struct {
	To      ServerID
	After   Position // must be durable before the message may leave; zero: at once
	Message Message
}

// Reply answers a client. It leaves at once: what it says is settled (S8).
type Reply struct {
	Client    ClientID
	Timestamp Timestamp
	Status    ReplyStatus
	Read      bool   // answered without the log (X20), from the state after Index
	Index     Seq    // of a Read
	Result    []byte // ReplyOK
}

// ReplyStatus says what became of a request.
type ReplyStatus uint8

// The states of a request.
const (
	ReplyOK      ReplyStatus = iota // it is executed
	ReplyBusy                       // this server has not taken it: as many are pending as it bears
	ReplyExpired                    // its session is gone: what was not executed yet will never be
)

var statusNames = []string{ReplyOK: "ok", ReplyBusy: "busy", ReplyExpired: "expired"}

func (st ReplyStatus) String() string { return nameOf(int(st), statusNames) }

// RecordKind says what a Record is.
type RecordKind uint8

// The records.
const (
	RecordInstalled RecordKind = iota + 1 // View is installed: the promise
	RecordAccepted                        // (View, Seq, Batch) was made or accepted
	RecordOrdered                         // Seq is settled: by Batch, or, where nil, by the accepted proposal, if its view is at least View
	RecordFormed                          // Roster is the cluster's (X18); the first record where there is one
	RecordSnapshot                        // Checkpoint, View, Seq and Roster say all that the records before it do of 1…Seq, and more (X12)
)

var recordNames = []string{
	0: "none", RecordInstalled: "installed", RecordAccepted: "accepted", RecordOrdered: "ordered", RecordFormed: "formed",
	RecordSnapshot: "snapshot",
}

func (k RecordKind) String() string { return nameOf(int(k), recordNames) }

// Record is one thing to make durable.
type Record struct {
	Kind       RecordKind
	Lazy       bool // may wait for the next record that is not: it can be relearned
	Position   Position
	View       View
	Seq        Seq
	Batch      *Batch
	Roster     *Roster
	Checkpoint *Checkpoint
}

// Stable is what a server's disk held: its records in order, from the first, or from a
// RecordSnapshot on.
type Stable struct {
	Records []Record
}

// Last is the position of the last record, zero where there is none.
func (s *Stable) Last() Position {
	if len(s.Records) == 0 {
		return 0
	}
	return s.Records[len(s.Records)-1].Position
}

// Format is that of the cluster, once the disk knows one.
func (s *Stable) Format() (f Format, known bool) {
	if len(s.Records) == 0 || s.Records[0].Roster == nil {
		return 0, false
	}
	return s.Records[0].Roster.Format, true
}

// EventKind says what an Event is.
type EventKind uint8

// The events: what happened, in neutral words, for checkers, counters and transcripts.
const (
	Attempted         EventKind = iota + 1 // View
	Preinstalled                           // View: a majority wants it
	Installed                              // View: promised once its record is durable
	Prepared                               // View, Servers whose answers counted: this server leads it now (RegLeader)
	Returned                               // View: back from an election to the view the others work in (X21)
	Proposed                               // View, Seq, Batch
	Accepted                               // View, Seq, Batch: by the leader too, for its own proposal
	Ordered                                // View, Seq, Batch: a majority accepted it in View
	Learned                                // Seq, Batch: told that it is ordered
	Applied                                // Seq, Client, Timestamp
	Filtered                               // Seq, Client, Timestamp: a duplicate, not executed again
	Opened                                 // Seq, Client, Timestamp: a session (X26)
	Expired                                // Seq, Client, Timestamp of its last update: the session is gone
	Lapsed                                 // Seq, Client, Timestamp: an update of no session, not executed
	Executed                               // Seq, Batch, Hash of the application after it
	CatchUp                                // Seq: the server asked for what follows it
	Formed                                 // the roster is durable: from now on this server takes part (X18)
	Refused                                // Servers: one that comes with another store than it had; oneself: the others refuse us (X18)
	SnapshotTaken                          // Seq, Hash of the application: durable once its record is
	SnapshotInstalled                      // Seq, Hash: a peer's, in place of the slots that it covers
	Truncated                              // Seq: 1…Seq is forgotten
	RoundConfirmed                         // View, Seq: the read round, Servers that acknowledged it, Timestamp: how many reads it serves (X20)
	ReadAnswered                           // Seq: the state it was answered from, Client, Timestamp
	HandedOver                             // View, Servers: the heir, whose view is installed here now
	Overtook                               // View, Seq, Servers: whose Accept counts, though its Proposal is not here yet (X13)
	Starved                                // an update has waited too long for this leader, who gets on with others (X23)
	Forgotten                              // Client, Timestamp: of a session that is long gone nothing is known any more (X26)
	ReadConfirmed                          // View, Seq: the index of a read, which holds from here on, Client, Timestamp (X20)
	NumEvents
)

var eventNames = [NumEvents]string{
	0:                 "none",
	Attempted:         "attempted",
	Preinstalled:      "preinstalled",
	Installed:         "installed",
	Prepared:          "prepared",
	Returned:          "returned",
	Proposed:          "proposed",
	Accepted:          "accepted",
	Ordered:           "ordered",
	Learned:           "learned",
	Applied:           "applied",
	Filtered:          "filtered",
	Opened:            "opened",
	Expired:           "expired",
	Lapsed:            "lapsed",
	Executed:          "executed",
	CatchUp:           "catch-up",
	Formed:            "formed",
	Refused:           "refused",
	SnapshotTaken:     "snapshot-taken",
	SnapshotInstalled: "snapshot-installed",
	Truncated:         "truncated",
	RoundConfirmed:    "round confirmed",
	ReadAnswered:      "read answered",
	HandedOver:        "handed over",
	Overtook:          "overtook",
	Starved:           "starved",
	Forgotten:         "forgotten",
	ReadConfirmed:     "read confirmed",
}

func (k EventKind) String() string { return nameOf(int(k), eventNames[:]) }

// Event is one thing that happened in the machine. Fields that a kind does not use are zero.
type Event struct {
	Kind      EventKind
	Servers   uint16 // bit id
	Client    ClientID
	View      View
	Seq       Seq
	Timestamp Timestamp
	Hash      uint64
	Batch     *Batch
}

// event sets each field of a used place, as record and send do. A wide copy of what was written
// a moment ago stalls the processor until that has left for memory, and clearing the place
// first costs a write barrier a pointer.
func (o *Output) event(e Event) {
	o.Events = extend(o.Events)
	to := &o.Events[len(o.Events)-1]
	to.Kind, to.Servers, to.Client, to.View = e.Kind, e.Servers, e.Client, e.View
	to.Seq, to.Timestamp, to.Hash, to.Batch = e.Seq, e.Timestamp, e.Hash, e.Batch
}

// became is the event of what became of an update, of which a batch has many.
func (o *Output) became(kind EventKind, seq Seq, u *Update) {
	o.Events = extend(o.Events)
	to := &o.Events[len(o.Events)-1]
	to.Kind, to.Servers, to.Client, to.View = kind, 0, u.Client, 0
	to.Seq, to.Timestamp, to.Hash, to.Batch = seq, u.Timestamp, 0, nil
}

// answer gives an update's client its result.
func (o *Output) answer(u *Update, result []byte) {
	o.reply(u, ReplyOK)
	o.Replies[len(o.Replies)-1].Result = result
}

// refuse tells an update's client why it has no result.
func (o *Output) refuse(u *Update, why ReplyStatus) {
	o.reply(u, why)
	o.Replies[len(o.Replies)-1].Result = nil
}

func (o *Output) reply(u *Update, status ReplyStatus) {
	o.Replies = extend(o.Replies)
	to := &o.Replies[len(o.Replies)-1]
	to.Client, to.Timestamp, to.Status, to.Read, to.Index = u.Client, u.Timestamp, status, false, 0
}

// extend makes a slice one longer; what the new place holds is of no meaning.
func extend[T any](s []T) []T {
	if n := len(s); n < cap(s) {
		return s[:n+1]
	}
	var none T
	return append(s, none)
}
