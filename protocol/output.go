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
	UpTo    Position // of Durable
	To      ServerID // of HandOver
	Message Message  // of Receive
}

// Output collects what a Step wants done. The caller owns it, resets it, and hands it to
// the next Step; Step only appends. What the entries refer to is immutable.
//
// The driver owes this order: it writes Records in order and syncs them, and says so (Durable).
// It sends a message only when every record up to its After is durable (X25). So this waits:
//
//	what                              until this record is durable
//	Prepare, PrepareOK                RecordInstalled of its view
//	Proposal                          RecordAccepted of (view, slot); overlapped (X16): nothing
//	Accept                            RecordAccepted of (view, slot)
//	this server's own acceptance      RecordAccepted of (view, slot), in countOwn (X6)
//	this server's own answer          RecordInstalled of its view, in tryLead
//	a Formation that says Formed      the first RecordFormed
//	to forget what is truncated       RecordSnapshot, in durableSnapshot (X12)
//	all other messages, and replies   nothing: they say what is settled, or promise nothing
type Output struct {
	Records  []Record   // to be written in this order, behind all earlier ones
	Messages []Outgoing // to be sent in any order
	Replies  []Reply    // to be given to clients at any time
	Events   []Event    // for observers; a driver may ignore them
	// Truncate says that no recovery needs the records below this position (X12). All of them
	// are durable, and so is the one at it. Zero: nothing new.
	Truncate Position
}

// Reset empties the output and keeps its memory.
func (o *Output) Reset() {
	o.Records, o.Messages = o.Records[:0], o.Messages[:0]
	o.Replies, o.Events, o.Truncate = o.Replies[:0], o.Events[:0], 0
}

// Outgoing is a message to send.
type Outgoing struct {
	To      ServerID // zero: every other server
	After   Position // this record must be durable before the message may leave; zero: at once
	Message Message
}

// Reply answers a client. It leaves at once: what it says is settled (S8).
type Reply struct {
	Client    ClientID
	Timestamp Timestamp   // of the update or read that it answers
	Status    ReplyStatus // zero: ReplyOK
	Read      bool        // answered without the log (X20), from the state after Index
	Index     Seq         // of a Read; else zero
	Result    []byte      // of ReplyOK; never written to
}

// ReplyStatus says what became of a request.
type ReplyStatus uint8

// The states of a request.
const (
	ReplyOK      ReplyStatus = iota // it is executed
	ReplyBusy                       // this server has not taken it: it has no room (Settings.QueueLimit, maxReads)
	ReplyExpired                    // its session is gone: if it is not executed yet it never will be
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
	RecordFormed                          // Roster is the cluster's (X18): the first record where there is one, and again when the server takes part
	RecordSnapshot                        // Checkpoint, View, Seq and Roster say all that still matters of the records before it (X12)
)

var recordNames = []string{
	0: "none", RecordInstalled: "installed", RecordAccepted: "accepted", RecordOrdered: "ordered", RecordFormed: "formed",
	RecordSnapshot: "snapshot",
}

func (k RecordKind) String() string { return nameOf(int(k), recordNames) }

// Record is one thing to make durable. A field that a kind does not use is zero.
type Record struct {
	Kind       RecordKind
	Lazy       bool        // it needs no sync of its own: the server can learn it again
	Position   Position    // one above the record before it
	View       View        // installed; accepted in; ordered in; of a snapshot: installed then
	Seq        Seq         // of a snapshot: the last slot that it covers
	Batch      *Batch      // of an accepted record; of an ordered one it may be nil
	Roster     *Roster     // of a formed record; of a snapshot, where the cluster was formed (X18)
	Checkpoint *Checkpoint // of a snapshot
}

// Stable is what a server's disk held: its records in order and without a gap, from the first,
// or from a RecordSnapshot on. Empty: a fresh disk.
type Stable struct {
	Records []Record
}

// Last is the position of the last record, or zero.
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

// The events: what happened, in neutral words, for checkers, counters and transcripts. Behind
// each stand the fields of Event that it uses.
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
	Refused                                // Servers: the one that comes with another store or format than the cluster's; oneself: the others refuse us (X18)
	SnapshotTaken                          // Seq, Hash of the application: durable once its record is
	SnapshotInstalled                      // Seq, Hash: a peer's, in place of the slots that it covers
	Truncated                              // Seq: 1…Seq is forgotten
	RoundConfirmed                         // View, Seq: the read round, Servers that acknowledged it, Timestamp: how many reads it serves (X20)
	ReadAnswered                           // Seq: the state it was answered from, Client, Timestamp
	HandedOver                             // View, Servers: the heir, whose view is installed here now
	Overtook                               // View, Seq, Servers: whose Accept counts, though its Proposal is not here yet (X13)
	Starved                                // an update has waited too long for this leader, which may serve others (X23)
	Forgotten                              // Client, Timestamp: the tombstone of a session that is long gone is given up (X26)
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

// event sets each field of a place that was used before, as record and send do. A wide copy
// would stall the processor, if its source was written just before: until those writes have
// reached memory. Clearing the place first would cost a write barrier for each pointer.
func (o *Output) event(e Event) {
	o.Events = extend(o.Events)
	to := &o.Events[len(o.Events)-1]
	to.Kind, to.Servers, to.Client, to.View = e.Kind, e.Servers, e.Client, e.View
	to.Seq, to.Timestamp, to.Hash, to.Batch = e.Seq, e.Timestamp, e.Hash, e.Batch
}

// became is event for what became of an update. It is apart since a batch has many.
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

// extend makes a slice one longer. What the new place holds is undefined.
func extend[T any](s []T) []T {
	if n := len(s); n < cap(s) {
		return s[:n+1]
	}
	var none T
	return append(s, none)
}
