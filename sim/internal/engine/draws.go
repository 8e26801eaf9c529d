package engine

import "github.com/fauer4effect/paxos/sim/world"

// Purposes of a run's draws, of all protocols. Their numbers are part of what a plan means: a new one takes
// a number that nobody has.
const (
	drawPause   = 1000 // a client's, as the five that follow and drawRead
	drawGap     = 1001
	drawKey     = 1002
	drawOp      = 1003
	drawTarget  = 1004
	DrawStore   = 1005 // the name of a disk
	DrawFlip    = 1006 // bits of a datagram
	drawSurvive = 1007 // records that outlive a crash
	DrawTorn    = 1008 // what of a record a crash leaves
	DrawRot     = 1009 // where a log is damaged
	DrawMachine = 1010 // Env.Draw, of machines of one's own
	drawRead    = 1012
	DrawClone   = 1013 // when a server is replaced by its clone
)

// No number stands twice, or this does not compile.
var _ = map[uint64]struct{}{
	drawPause: {}, drawGap: {}, drawKey: {}, drawOp: {}, drawTarget: {}, DrawStore: {}, DrawFlip: {}, drawSurvive: {},
	DrawTorn: {}, DrawRot: {}, DrawMachine: {}, drawRead: {}, DrawClone: {},
}

// dice are a client's, for each of its operations.
type dice struct{ pause, gap, key, op, target, read world.Stem }

func newDice(seed uint64, client uint32) dice {
	of := func(purpose uint64) world.Stem { return world.StemOf(seed, purpose, uint64(client)) }
	return dice{
		pause: of(drawPause), gap: of(drawGap), key: of(drawKey), op: of(drawOp), target: of(drawTarget), read: of(drawRead),
	}
}
