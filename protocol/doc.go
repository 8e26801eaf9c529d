// Package protocol is a replication protocol as a pure state machine: no I/O, no clock, no
// randomness, no goroutine. It follows J. Kirsch and Y. Amir, Paxos for System Builders (PSB;
// Johns Hopkins CNDS-2008-2, 2008).
//
// N servers agree on one log of updates, and each executes it on an App of its own. Any
// minority of them may be down. Messages may be lost, late, repeated or reordered. Servers may
// crash and come back with their disks.
//
// # What the caller owes
//
// A driver owns one Server and calls Step with what happens to it:
//
//  1. Receive for each message from a server, or from a client (Server = 0);
//  2. Timer when Deadline has come (earlier or later does no harm);
//  3. Durable when records have reached the disk;
//  4. Elect if an operator wants an election, HandOver if he wants another leader.
//
// Server.Receive is the same as the first, for a message that need not be copied into an Input.
//
// After each Step the driver does what Output says, in this order:
//
//  1. It writes Records, in order, and syncs; several Steps may share one sync. A Lazy record
//     needs no sync of its own.
//  2. It sends each of Messages once every record up to its After is durable, and no sooner.
//     What is sent may be lost, repeated and reordered.
//  3. It hands Replies to their clients, at any time.
//  4. It may look at Events, or not.
//
// Output has a table of what waits for which record. A crash may take every record that is not
// durable. A new life begins with New and the records that are left, synced, and with a fresh
// App. See the package's Example for the loop, and sim/paxos/server.go for one in use.
//
// # Who leads
//
// View v belongs to server ((v−1) mod N)+1. Servers that see no progress attempt the next view,
// and a majority preinstalls it (election.go). The view's leader asks all what they know
// (prepare.go) before it proposes (ordering.go). A server that installed a view promises to take
// no proposal of an older one. A slot is settled when a majority holds one proposal of one view
// durably.
//
// The states of a server:
//
//	any state ── attempt(v): time is up, an update starves, a peer attempts v while we
//	   │         suspect, Elect, YourTurn
//	   ▼
//	LeaderElection ◄── a new life
//	   │          │ a majority attempts v (vote), and v is ours;
//	   │          │ from any state: VCProof(v), v ours and above lastInstalled (X2)
//	   │          ▼
//	   │       Preparing: v is installed, all are asked (prepare.go)
//	   │          │ a majority has answered, ourselves included (tryLead)
//	   │          ▼
//	   │       RegLeader
//	   │
//	   │ from any state: Prepare(v) or VCProof(v), v another's and above lastInstalled (X2);
//	   │ back into lastInstalled: its Prepare comes again, or it still works (X21)
//	   ▼
//	RegNonLeader
//
// The life of a slot, at one server:
//
//	nothing ── an answer tells of a proposal (hear) ──► heard: evidence only (X27)
//	   │ bind (leader), acceptOpen (follower)             │ the same
//	   ▼                                                  │
//	held in view v: RecordAccepted is written ◄───────────┘
//	   │   Once it is durable the Proposal (leader; X16: at once) or the Accept leaves, and
//	   │   our own acceptance counts (X6).
//	   │ a majority accepted in v, this server among them or not (accept)
//	   ▼
//	ordered: the batch is final (S1) ◄── from any of these: a peer has it ordered (learn)
//	   │   RecordOrdered is written, lazily.
//	   │ all slots below are executed (executeNext)
//	   ▼
//	executed: a settledSlot, at or below localARU
//	   │ a durable snapshot covers it, and all have executed it or the history is too long
//	   ▼
//	truncated: only a snapshot tells of it (X12)
//
// A snapshot that is fetched takes all slots that it covers to the end at once.
//
// A slot may be held again in a view above v. If it is ordered or executed by then, its batch
// must be the same.
//
// A client's update is executed once, and the server that it asked answers it (client.go). What
// is known of a client may expire, for all at the same slot (sessions.go). A read that need not
// be ordered takes no slot (reads.go). An operator can have the leader give way (handover.go).
//
// Servers take snapshots (snapshot.go) and forget what they cover (truncate.go). A server that
// falls behind asks the others (reconcile.go), for a snapshot where slots are forgotten
// (fetch.go). After a crash it comes back with what its disk holds (recovery.go). A disk that
// was emptied or swapped never comes back (formation.go).
//
// # Where this goes past the paper
//
// The paper leaves retransmission, catch-up and several corners to the builder. The rules
// added here have numbers, by which the code names them. docs/PROTOCOL.md has the reason of
// each, and the planted bug (testdata/mutants) or script (scenarios) that shows what happens
// without it. Where the code follows the paper it names the procedure and its label: "PSB,
// figure 6 (Leader Election), B1". Figure numbers are the paper's.
//
//	X1   ViewChange is repeated
//	X2   Prepare(v) with v > LastInstalled installs v, whatever LastAttempted
//	X3   PrepareOK is built when asked, in parts that name their range
//	X4   Prepare is repeated to those that have not answered
//	X5   the Proposal of a slot that stays unordered is repeated
//	X6   one's own acceptance counts, once durable
//	X7   a new leader fills holes with no-ops
//	X8   VCProof is heartbeat and progress report; who restarts a timer on it
//	X9   the doubled timeout has a ceiling, and falls back when an update is executed
//	X10  a server suspects after T, and attempts a stagger later: the next leader first
//	X11  catch-up of a range from rotating peers
//	X12  snapshots of application and session table; truncation in memory and on the disk
//	X13  an Accept that overtakes its Proposal is kept
//	X14  a slot binds as many queued updates as fit (Settings.BatchBytes)
//	X15  a limit of slots between LocalARU and LastProposed (Settings.WindowSlots)
//	X16  overlapped leader writes: a Proposal is nobody's acceptance (Settings.Overlap)
//	X17  pending updates are not durable: the client repeats its request
//	X18  a cluster forms once, of fresh disks that know each other
//	X19  members change through the log: still ahead
//	X20  reads without a log append: the leader confirms by a round that it still leads
//	X21  a server whose election fails returns to the view that the others work in
//	X22  the server named in a pending update sends it to all
//	X23  an update that starves unseats the leader
//	X24  nobody leads a view twice
//	X25  durable is a prefix of the records; what waits for what
//	X26  timestamps of a session may have gaps; opening and expiry are in the log
//	X27  a proposal learnt from a data list is evidence, not an acceptance
//
// X19 has a place: quorums come from Server.quorum alone.
package protocol
