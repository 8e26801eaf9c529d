package protocol

// reason says why an input was dropped. Every refusal has one, and is counted by it.
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
	unknownServer:      "unknown server",
	fromSelf:           "from itself",
	unknownKind:        "unknown kind",
	malformed:          "malformed",
	beyondRecords:      "durable beyond its records",
	notSuspecting:      "not suspecting",
	oldView:            "old view",
	wrongView:          "wrong view",
	alreadyInstalled:   "already installed",
	notLeader:          "not the leader",
	notPreparing:       "not preparing",
	beyondWindow:       "beyond the window",
	contradictsOrdered: "contradicts an ordered slot",
	contradictsHeld:    "contradicts a held proposal",
	alreadyOrdered:     "already ordered",
	alreadyExecuted:    "already executed",
	supersededUpdate:   "superseded update",
	nothingNewer:       "nothing newer",
	notFormed:          "cluster not formed yet",
	otherStore:         "another store than the cluster was formed with",
	queueFull:          "queue full",
	otherFormat:        "another format than ours",
	sessionExpired:     "session expired",
	truncatedSlot:      "truncated",
	otherSnapshot:      "part of another snapshot",
	badSnapshot:        "a snapshot that its parts do not make",
	snapshotTooLarge:   "own snapshot too large",
	readWaits:          "a read that waits already",
	tooManyReads:       "too many reads",
	readExpired:        "a read that nobody asks for any more",
	noSuchRead:         "no such read",
	oldRound:           "another read round",
	handingOver:        "a hand-over is under way",
	notUpToDate:        "the heir is not up to date",
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
