package live

import (
	"testing"

	"github.com/fauer4effect/paxos/protocol"
)

// A cluster keeps the kind of write that it was formed with, whether its log begins with its
// roster or with a snapshot. In a new cluster writes overlap.
func TestOverlapIsFixed(t *testing.T) {
	for _, kind := range []protocol.RecordKind{protocol.RecordFormed, protocol.RecordSnapshot} {
		for _, format := range []protocol.Format{protocol.FormatSessions, protocol.FormatSessions | protocol.FormatOverlap} {
			held := protocol.Stable{Records: []protocol.Record{{Kind: kind, Position: 1, Roster: &protocol.Roster{Formed: true, Format: format}}}}
			if got, want := Settings(protocol.Settings{}, &held).Overlap, format&protocol.FormatOverlap != 0; got != want {
				t.Errorf("after a %v of %v: overlapped writes %v, want %v", kind, format, got, want)
			}
		}
	}
	if fresh := Settings(protocol.Settings{}, &protocol.Stable{}); !fresh.Overlap || fresh.SessionLimit != maxSessions {
		t.Errorf("a fresh server has %+v", fresh)
	}
}
