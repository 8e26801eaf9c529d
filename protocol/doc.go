// Package protocol is the replication protocol of J. Kirsch and Y. Amir, Paxos for System
// Builders (PSB; Johns Hopkins CNDS-2008-2, 2008), as a pure state machine: no I/O, no
// clock, no randomness, no goroutine. N servers agree on one log of updates and execute it
// on an App each, while any minority of them is down, messages are lost, late, repeated or
// reordered, and servers crash and come back with their disks.
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
// Server.Receive is the same for a message that need not be copied into an Input.
//
// After each Step it does what Output says, in this order:
//
//  1. It writes Records, in order, and syncs; several Steps may share one sync. A Lazy record
//     needs no sync of its own.
//  2. It sends each of Messages once every record up to its After is durable, and no sooner.
//     What is sent may be lost, repeated and reordered.
//  3. It hands Replies to their clients, at any time.
//  4. It may look at Events, or not.
//
// A crash may take every record that is not durable. A new life begins with New and the
// records that are left, synced, and with a fresh App. See the package's Example for the
// loop, and sim/server.go for one in use.
//
// # Who leads
//
// View v belongs to server ((v−1) mod N)+1. Servers that see no progress attempt the next
// view (election.go); a majority preinstalls it, and its leader asks all what they know
// (prepare.go) before it proposes (ordering.go). A server that installed a view promises to
// take no proposal of an older one. A slot is settled when a majority holds one proposal of
// one view durably. A client's update is executed once, and answered by the server it asked
// (client.go). A read that need not be ordered takes no slot (reads.go). An operator can have the
// leader give way (handover.go). Servers take snapshots (snapshot.go) and forget what they cover (truncate.go).
// Servers that fall behind ask the others (reconcile.go), for a snapshot where slots are forgotten
// (fetch.go), and come back from crashes with what their disks hold (recovery.go). A disk that was emptied or swapped never
// comes back (formation.go).
//
// # Where this goes past the paper
//
// The paper leaves retransmission, catch-up and several corners to the builder. The rules
// added here carry numbers, by which the code names them. The mutants named here
// (testdata/mutants) show what happens without them.
//
//	X1   ViewChange is repeated                              l-view-change-sent-once
//	X2   Prepare(v) with v > LastInstalled installs v, whatever LastAttempted
//	                                                         an-installs-own-attempt-only
//	X3   PrepareOK is built when asked, in parts that name their range
//	                                                         j-empty-answer-after-proof, n-first-part-counts, ak-prepareoks-not-cleared, az-answer-omits-executed
//	X4   Prepare is repeated to those that have not answered
//	X5   the Proposal of a slot that stays unordered is repeated
//	X6   one's own acceptance counts, once durable           k-own-acceptance-ignored, s-own-acceptance-too-early
//	X7   a new leader fills holes with no-ops                i-no-no-ops
//	X8   VCProof is heartbeat and progress report; who restarts a timer on it
//	                                                         z-idle-leader-unseated
//	X9   the doubled timeout has a ceiling, and falls back when an update is executed
//	                                                         y-timeout-without-ceiling
//	X10  a server suspects after T, and attempts a stagger later: the next leader first
//	                                                         ba-any-attempt-joined
//	X11  catch-up of a range from rotating peers             x-no-catch-up, ao-catch-up-asks-one
//	X12  snapshots, truncation, and servers that return by snapshot
//	                                                         da-sessions-not-in-snapshots, db-snapshot-over-newer-state,
//	                                                         dc-truncates-before-durable, de-truncated-answered-as-empty,
//	                                                         df-open-slots-forgotten, dg-promise-truncated,
//	                                                         di-early-part-taken-for-the-next, dk-recovery-forgets-snapshots-view,
//	                                                         dl-roster-truncated, dm-installed-not-durable-first
//	X13  an Accept that overtakes its Proposal is kept
//	X15  at most so many slots between LocalARU and LastProposed (Settings.WindowSlots)
//	X17  pending updates are not durable: the client repeats its request
//	X18  a cluster forms once, of fresh disks that know each other
//	                                                         aa-majority-forms, ab-emptied-disk-adopted, ac-roster-not-durable, ax-forms-unnamed
//	X20  reads without a log append: the leader confirms by a round that it still leads
//	                                                         ca-older-acks-confirm, cb-any-round-confirms, cc-read-below-its-index,
//	                                                         cd-read-without-a-round, ce-index-is-what-is-executed, cf-other-views-acknowledge,
//	                                                         ch-index-too-early, ci-reads-numbered-by-server, cm-each-read-a-round,
//	                                                         cn-reads-while-preparing
//	X21  a server in vain election returns to the view the others work in
//	                                                         t-never-returns, aw-held-by-any-heartbeat
//	X22  the server named in a pending update sends it to all
//	                                                         p-pending-to-leader-only
//	X23  an update that starves unseats the leader
//	X24  nobody leads a view twice                           am-leads-again
//	X25  durable is a prefix of the records; what waits for what
//	                                                         a-accept-before-durable, u-answer-before-promise, w-proposal-before-durable,
//	                                                         aj-single-node-not-durable, ar-duplicate-accepted-early, as-bare-ordered-record
//	X26  timestamps of a session may have gaps               ap-gaps-refused
//	X27  a proposal learnt from a data list is evidence, not an acceptance
//	                                                         aq-own-record-reused
//
// X4, X5, X13, X15, X23 and the fall-back of X9 have no mutant: undone, each is made good by
// another rule, within the time that L1 and L2 allow. docs/BUGS.md says which.
//
// Four places differ from the rules' wording, not from their effect. UpdateQueue exists at a
// RegLeader only: what a server in another state would queue is its pending updates, from
// which a new leader's queue is filled. And a PrepareOK reaches at most 256 executed slots
// back: a leader that lacks more catches up (X11), and the answer covers what is left. And a
// part with entries over 4096 slots ahead is dropped instead of kept: it is asked for again
// (X4) once the leader has caught up. And the disk is truncated at snapshots only, so that a
// recovery begins with the oldest one kept and replays what follows, to the history that the
// server had: the newest one alone would leave it nothing to tell a server that lags.
//
// Room is left for membership (X19).
package protocol
