package protocol

import (
	"fmt"
	"math"
)

// MaxServers bounds a cluster: servers are numbered 1…N, N ≤ MaxServers.
const MaxServers = 9

type (
	// ServerID is a server's line in the host file, from 1. Zero is no server; as the sender of
	// a ClientUpdate or ClientRead it is the client itself.
	ServerID uint8
	// View numbers the leaders' reigns, from 1; view v belongs to Leader(v, N). Zero is before
	// the first.
	View uint64
	// Seq numbers the slots of the replicated log, from 1. Zero is before the first.
	Seq uint64
	// ClientID names a client session.
	ClientID uint32
	// Timestamp is a client's own number for an update, from 1. It rises; gaps are legal (X26).
	Timestamp uint64
	// Instant is a server's clock in nanoseconds. What its zero means is up to the driver.
	Instant int64
	// Position numbers the records of one server's disk in their order, from 1. What is durable
	// is always a prefix of that order (X25).
	Position uint64
	// StoreID names a disk, from when it was formatted to when it is lost (X18). Zero is an
	// unknown disk, or one that its caller vouches for.
	StoreID uint64
)

// Infinity ends a range of seqs that has no end.
const Infinity Seq = math.MaxUint64

// Leader is the server to which view v of a cluster of n servers belongs.
func Leader(v View, n int) ServerID {
	if v == 0 {
		return 0
	}
	return ServerID((v-1)%View(n)) + 1
}

// State says what a server does in the election (PSB, figure 2, State). election.go draws its
// transitions.
type State uint8

// The states. A server starts and recovers in LeaderElection.
const (
	LeaderElection State = iota
	Preparing            // the leader's prepare phase: it asks what a majority knows
	RegLeader            // it binds slots
	RegNonLeader         // it follows the leader of the view that it has installed
	NumStates
)

var stateNames = [NumStates]string{
	LeaderElection: "LeaderElection", Preparing: "Preparing", RegLeader: "RegLeader", RegNonLeader: "RegNonLeader",
}

func (s State) String() string { return nameOf(int(s), stateNames[:]) }

// Kind says what a Message is.
type Kind uint8

// The kinds of Message. The first seven come in the order in which an update meets them.
const (
	ClientUpdate Kind = iota + 1
	ViewChange
	VCProof
	Prepare
	PrepareOK
	Proposal
	Accept
	CatchUpRequest
	CatchUpReply
	Formation
	SnapshotRequest
	SnapshotPart
	ClientRead
	ReadRound
	ReadAck
	ReadIndex
	YourTurn
	NumKinds
)

var kindNames = [NumKinds]string{
	0:               "none",
	ClientUpdate:    "ClientUpdate",
	ViewChange:      "ViewChange",
	VCProof:         "VCProof",
	Prepare:         "Prepare",
	PrepareOK:       "PrepareOK",
	Proposal:        "Proposal",
	Accept:          "Accept",
	CatchUpRequest:  "CatchUpRequest",
	CatchUpReply:    "CatchUpReply",
	Formation:       "Formation",
	SnapshotRequest: "SnapshotRequest",
	SnapshotPart:    "SnapshotPart",
	ClientRead:      "ClientRead",
	ReadRound:       "ReadRound",
	ReadAck:         "ReadAck",
	ReadIndex:       "ReadIndex",
	YourTurn:        "YourTurn",
}

func (k Kind) String() string { return nameOf(int(k), kindNames[:]) }

// KindNames lists the names of the kinds; a Kind is its index.
func KindNames() []string { return append([]string(nil), kindNames[:]...) }

// nameOf is the name of the i-th of its kind.
func nameOf(i int, names []string) string {
	if i < len(names) {
		return names[i]
	}
	return fmt.Sprintf("unknown(%d)", i)
}

// Message is what servers send each other. It is small and flat, and refers to immutable
// bodies: a copy costs little and may be shared. A field that a kind does not use is zero.
//
//	kind            View       Seq    ARU              body
//	ClientUpdate                                       Batch of one
//	ViewChange      attempted
//	VCProof         installed         sender's aru     (State)
//	Prepare         view              sender's aru
//	PrepareOK       view       from   to, or Infinity  List
//	Proposal        view       seq                     Batch
//	Accept          view       seq
//	CatchUpRequest             from   to
//	CatchUpReply               from   to               List
//	Formation                                          Roster
//	SnapshotRequest            seq    sender's aru     Part
//	SnapshotPart               seq                     Part
//	ClientRead                                         Batch of one
//	ReadRound       view       round
//	ReadAck         view       round
//	ReadIndex       view       index                   Batch of one
//	YourTurn        view       heir   sender's aru
//
// Ranges are half open: (from, to].
type Message struct {
	Kind Kind
	// State is that of a VCProof's sender. Placed next to Kind and Server: Digest reads the
	// three as one word.
	State  State
	Server ServerID  // the sender; zero: a client, which sends nothing but ClientUpdate and ClientRead
	Store  StoreID   // the sender's disk; zero: its caller vouches for it (X18)
	View   View      // see the table; a Proposal, an Accept and a round count in this view only
	Seq    Seq       // see the table: a slot, the open end of a range, a round, or a server
	ARU    Seq       // see the table: the sender's LocalARU, or the closed end of a range
	Batch  *Batch    // never written to
	List   *DataList // never written to
	Roster *Roster   // never written to
	Part   *Part     // never written to
}

// Update is one client's operation. The client may send it again, and several servers may pass
// it on: Client and Timestamp name it, and it is executed once.
type Update struct {
	Client    ClientID
	Server    ServerID   // owes the reply: it alone gives one
	Kind      UpdateKind // zero: Operation
	Timestamp Timestamp  // from 1
	Session   Seq        // the slot that opened the session; zero where clients need not open any, and in an opening
	Op        []byte     // opaque to the machine, except in ExpireSessions; never written to
}

// Batch is what a slot binds: updates in order, or none for a no-op (X7, X14). It is
// immutable from NewBatch on and shared freely.
type Batch struct {
	Updates []Update // never written to
	hash    uint64   // of Updates, computed once: Rehash
}

// NewBatch returns the batch of the given updates and takes the slice over.
func NewBatch(updates ...Update) *Batch {
	b := &Batch{Updates: updates}
	b.hash = b.Rehash()
	return b
}

// BatchOf is NewBatch of one update, in one allocation.
func BatchOf(u Update) *Batch {
	o := new(oneBatch)
	o.updates[0] = u
	return o.batched()
}

// oneBatch is a batch of one update, together with that update.
type oneBatch struct {
	batch   Batch
	updates [1]Update
}

// batched completes the batch of the update that o holds.
func (o *oneBatch) batched() *Batch {
	o.batch.Updates = o.updates[:]
	o.batch.hash = o.updates[0].hash()
	return &o.batch
}

// Batches makes batches of one update, with one allocation for many of them. That pays for a
// caller that makes very many. They share their memory: it is freed when the last of them is.
// The zero value is ready.
type Batches struct{ free []oneBatch }

// Of is BatchOf of a client's operation, which server is to answer.
func (b *Batches) Of(client ClientID, server ServerID, ts Timestamp, session Seq, op []byte) *Batch {
	if len(b.free) == 0 {
		b.free = make([]oneBatch, batchesTogether)
	}
	one := &b.free[0]
	b.free = b.free[1:]
	u := &one.updates[0]
	u.Client, u.Server, u.Timestamp, u.Session, u.Op = client, server, ts, session, op
	return one.batched()
}

const batchesTogether = 32

var noOp = NewBatch()

const batchHeader = 8 // bytes

// Hash identifies the batch's content. It was computed when the batch was made.
func (b *Batch) Hash() uint64 { return b.hash }

// Rehash computes Hash again from the content, to catch memory that was written to after it
// was emitted.
func (b *Batch) Rehash() uint64 {
	if len(b.Updates) == 1 {
		return b.Updates[0].hash()
	}
	h := uint64(len(b.Updates)) + 1
	for i := range b.Updates {
		h = mix(h, b.Updates[i].hash())
	}
	return h
}

func (u *Update) hash() uint64 {
	h := mix(2, uint64(u.Client)<<8|uint64(u.Server)|uint64(u.Kind)<<40)
	if u.Session > 0 {
		h = mix(h, uint64(u.Session))
	}
	return mixBytes(mix(h, uint64(u.Timestamp)), u.Op)
}

// joined is the batch of the updates of several batches of one, whose hashes are known.
func joined(ones []*Batch) *Batch {
	b := &Batch{Updates: make([]Update, len(ones)), hash: uint64(len(ones)) + 1}
	for i, one := range ones {
		b.Updates[i] = one.Updates[0]
		b.hash = mix(b.hash, one.hash)
	}
	return b
}

// bytes estimates the batch's size in a datagram.
func (b *Batch) bytes() int {
	size := batchHeader
	for i := range b.Updates {
		size += 16 + len(b.Updates[i].Op)
	}
	return size
}

func (b *Batch) String() string {
	if len(b.Updates) == 0 {
		return "no-op"
	}
	u := &b.Updates[0]
	more := ""
	if len(b.Updates) > 1 {
		more = fmt.Sprintf(" and %d more", len(b.Updates)-1)
	}
	switch u.Kind {
	case OpenSession:
		return fmt.Sprintf("client %d's opening %d%s", u.Client, u.Timestamp, more)
	case ExpireSessions:
		return "an expiry" + more
	}
	return fmt.Sprintf("client %d's update %d%s", u.Client, u.Timestamp, more)
}

// Entry says what its sender knows of one slot: that it is settled (the paper's
// Globally_Ordered_Update), or that the sender accepted this proposal of View.
type Entry struct {
	Seq     Seq
	View    View   // of the accepted proposal; in messages 0 when Ordered, in a Checkpoint it may stand beside it
	Ordered bool   // Batch is final
	Batch   *Batch // never nil in a list
}

// DataList is the body of PrepareOK and CatchUpReply: one entry a seq, rising. It is
// immutable once sent.
type DataList []Entry

// Roster says which disk each server has, as one of them knows it (X18). It is immutable once
// sent or recorded.
type Roster struct {
	Formed bool                    // in a message or a record: it is final, and durable with its sender
	Format Format                  // of all servers alike: another one is refused
	Stores [MaxServers + 1]StoreID // by server; zero: not yet known
}

// Digest identifies the message's content, bodies included.
func (m *Message) Digest() uint64 {
	h := uint64(m.Kind) | uint64(m.Server)<<8 | uint64(m.State)<<16
	h = mix(h^uint64(m.View)<<24, uint64(m.Seq)^uint64(m.ARU)<<32^uint64(m.ARU)>>32)
	if m.Batch != nil {
		h = mix(h, m.Batch.hash)
	}
	if m.List != nil {
		for i := range *m.List {
			e := &(*m.List)[i]
			h = mix(mix(h, uint64(e.Seq)), uint64(e.View)^e.Batch.hash)
		}
	}
	if m.Store != 0 {
		h = mix(h, uint64(m.Store))
	}
	if m.Roster != nil {
		h = m.Roster.mix(h)
	}
	if m.Part != nil {
		h = m.Part.mix(h)
	}
	return h
}

func (m *Message) String() string {
	entries := 0
	if m.List != nil {
		entries = len(*m.List)
	}
	switch m.Kind {
	case ClientUpdate:
		return fmt.Sprintf("ClientUpdate(%v)", m.Batch)
	case ViewChange:
		return fmt.Sprintf("ViewChange(attempted %d)", m.View)
	case VCProof:
		return fmt.Sprintf("VCProof(installed %d, %v, aru %d)", m.View, m.State, m.ARU)
	case Prepare:
		return fmt.Sprintf("Prepare(view %d, aru %d)", m.View, m.ARU)
	case PrepareOK:
		return fmt.Sprintf("PrepareOK(view %d, %s, %d entries)", m.View, rangeOf(m.Seq, m.ARU), entries)
	case Proposal:
		return fmt.Sprintf("Proposal(view %d, seq %d, %v)", m.View, m.Seq, m.Batch)
	case Accept:
		return fmt.Sprintf("Accept(view %d, seq %d)", m.View, m.Seq)
	case CatchUpRequest:
		return fmt.Sprintf("CatchUpRequest%s", rangeOf(m.Seq, m.ARU))
	case CatchUpReply:
		return fmt.Sprintf("CatchUpReply(%s, %d entries)", rangeOf(m.Seq, m.ARU), entries)
	case Formation:
		return fmt.Sprintf("Formation(%v)", m.Roster)
	case SnapshotRequest, SnapshotPart:
		return fmt.Sprintf("%v(of 1…%d, %v)", m.Kind, m.Seq, m.Part)
	case ClientRead:
		return fmt.Sprintf("ClientRead(%s)", readName(m.Batch))
	case ReadRound, ReadAck:
		return fmt.Sprintf("%v(view %d, round %d)", m.Kind, m.View, m.Seq)
	case ReadIndex:
		return fmt.Sprintf("ReadIndex(view %d, index %d, %s)", m.View, m.Seq, readName(m.Batch))
	case YourTurn:
		return fmt.Sprintf("YourTurn(view %d, to server %d, aru %d)", m.View, m.Seq, m.ARU)
	}
	return m.Kind.String()
}

func readName(b *Batch) string {
	if b == nil || len(b.Updates) == 0 {
		return "none"
	}
	return fmt.Sprintf("client %d's read %d", b.Updates[0].Client, b.Updates[0].Timestamp)
}

func rangeOf(from, to Seq) string {
	if to == Infinity {
		return fmt.Sprintf("(%d, ∞]", from)
	}
	return fmt.Sprintf("(%d, %d]", from, to)
}
