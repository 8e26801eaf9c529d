package protocol

// reason says why an input was dropped. Every refusal has one, counted.
type reason uint8

const (
	unknownServer reason = iota
	fromSelf
	unknownKind
	malformed
	beyondRecords
	notSuspecting
	oldView
	wrongView
	alreadyInstalled
	notLeader
	notPreparing
	beyondWindow
	contradictsOrdered
	contradictsHeld
	alreadyOrdered
	alreadyExecuted
	supersededUpdate
	nothingNewer
	notFormed
	otherStore
	queueFull
	otherFormat
	sessionExpired
	truncatedSlot
	otherSnapshot
	badSnapshot
	snapshotTooLarge
	readWaits
	tooManyReads
	readExpired
	noSuchRead
	oldRound
	handingOver
	notUpToDate
	numDrops
)

var reasonNames = [numDrops]string{
	"unknown server", "from itself", "unknown kind", "malformed", "durable beyond its records",
	"not suspecting", "old view", "wrong view", "already installed", "not the leader",
	"not preparing", "beyond the window", "contradicts an ordered slot",
	"contradicts a held proposal", "already ordered", "already executed",
	"superseded update", "nothing newer", "cluster not formed yet",
	"another store than the cluster was formed with", "queue full", "another format than ours", "session expired",
	"truncated",
	"part of another snapshot", "a snapshot that its parts do not make", "own snapshot too large",
	"a read that waits already", "too many reads", "a read that nobody asks for any more",
	"no such read", "another read round", "a hand-over is under way",
	"the heir is not up to date",
}

func (r reason) String() string { return reasonNames[r] }

func (s *Server) drop(why reason) { s.drops[why]++ }

// Drops calls f with each reason for which the server dropped an input, and how often, in a
// fixed order.
func (s *Server) Drops(f func(reason string, times uint64)) {
	for why, times := range s.drops {
		if times > 0 {
			f(reason(why).String(), times)
		}
	}
}
