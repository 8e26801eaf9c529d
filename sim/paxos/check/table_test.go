package check

import (
	"slices"
	"strings"
	"testing"

	"github.com/fauer4effect/paxos/protocol"
	"github.com/fauer4effect/paxos/protocol/kv"
)

// table is what a server knows of its clients, by hand.
type table struct {
	sessions []protocol.Session
	tombs    []gone
}

func (t *table) EachSession(f func(protocol.Session)) {
	for _, s := range t.sessions {
		f(s)
	}
}

func (t *table) EachTombstone(f func(protocol.ClientID, protocol.Seq)) {
	for _, g := range t.tombs {
		f(g.client, g.at)
	}
}

// Clients 1, 2 and 3 open sessions in slots 1 to 3, client 2 uses its own in slot 4, and those of 1 and 3 are
// ended in slot 5. Each thing that a server may know wrongly of that is seen, and what is right is not.
func TestASessionTableIsThatOfTheLog(t *testing.T) {
	tell := func() *story {
		s := newStory(3)
		s.Log.Limit = 3
		for client := protocol.ClientID(1); client <= 3; client++ {
			s.Invoked(s.tick(), client, 1, []byte{})
			s.settled(1, protocol.Seq(client), protocol.NewBatch(protocol.Update{Kind: protocol.OpenSession, Client: client, Timestamp: 1}))
		}
		s.sent(2, 2, put("1"))
		s.settled(1, 4, protocol.NewBatch(protocol.Update{Client: 2, Timestamp: 2, Session: 2, Op: put("1").Encode()}))
		s.settled(1, 5, protocol.NewBatch(protocol.ExpiryOf(0, 2, protocol.Session{Client: 1, Opened: 1, Last: 1}, protocol.Session{Client: 3, Opened: 3, Last: 1})))
		s.mustEnd(t, "")
		return s
	}
	right := func() *table {
		return &table{
			sessions: []protocol.Session{
				{Client: 3, UsedAt: 5, Last: 1},
				{Client: 1, UsedAt: 5, Last: 1},
				{Client: 2, Opened: 2, UsedAt: 4, Last: 2, Result: kv.New().Apply(put("1").Encode())},
			},
			tombs: []gone{{5, 1}, {5, 3}},
		}
	}
	for name, c := range map[string]struct {
		spoil func(*table)
		says  string // "": it is right
	}{
		"right":                            {func(*table) {}, ""},
		"in another order":                 {func(w *table) { slices.Reverse(w.sessions); slices.Reverse(w.tombs) }, ""},
		"another session":                  {func(w *table) { w.sessions[2].Opened = 3 }, "of client 2"},
		"an older last update":             {func(w *table) { w.sessions[2].Last = 1 }, "of client 2"},
		"another last use":                 {func(w *table) { w.sessions[2].UsedAt = 2 }, "of client 2"},
		"another result":                   {func(w *table) { w.sessions[2].Result = []byte("x") }, "of client 2"},
		"a result that is no longer known": {func(w *table) { w.sessions[2].Result = nil }, "of client 2"},
		"a result of an ended session":     {func(w *table) { w.sessions[1].Result = []byte("x") }, "of client 1"},
		"when it ended":                    {func(w *table) { w.sessions[0].UsedAt = 3 }, "of client 3"},
		"one that still lives":             {func(w *table) { w.sessions[1].Opened = 1 }, "of client 1"},
		"one that is missing":              {func(w *table) { w.sessions = w.sessions[1:] }, "nothing of client 3"},
		"one too many":                     {func(w *table) { w.sessions = append(w.sessions, protocol.Session{Client: 4, Last: 1}) }, "of client 4"},
		"a tombstone of another slot":      {func(w *table) { w.tombs[0].at = 4 }, "tombstones"},
		"a tombstone that is missing":      {func(w *table) { w.tombs = w.tombs[1:] }, "tombstones"},
		"a tombstone twice":                {func(w *table) { w.tombs = append(w.tombs, w.tombs[0]) }, "tombstones"},
	} {
		t.Run(name, func(t *testing.T) {
			s, w := tell(), right()
			c.spoil(w)
			s.Table(s.tick(), 2, 5, w)
			if c.says == "" {
				s.mustEnd(t, "")
				return
			}
			s.mustEnd(t, "S3", "server 2", "seq 5", c.says)
		})
	}
	// What the log gave after an earlier slot is known, too.
	s := tell()
	s.Table(s.tick(), 1, 1, &table{sessions: []protocol.Session{{Client: 1, Opened: 1, UsedAt: 1, Last: 1, Result: []byte{0, 0, 0, 0, 0, 0, 0, 1}}}})
	s.mustEnd(t, "")
	s.Table(s.tick(), 1, 2, &table{sessions: []protocol.Session{{Client: 1, Opened: 1, UsedAt: 1, Last: 1, Result: []byte{0, 0, 0, 0, 0, 0, 0, 1}}}})
	s.mustEnd(t, "S3", "server 1", "seq 2")
	if strings.Contains(s.Violation().Detail, "tombstones") {
		t.Errorf("it names what it cannot know: %v", s.Violation())
	}
}
