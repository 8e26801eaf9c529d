package protocol

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// Whatever becomes of pending updates, those are found due whose timers are, in the order of their
// sessions, and what is kept for that stays in proportion.
func TestDueUpdates(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := newWith1(t, 3, Settings{}).servers[2]
		s.now = 1e12
		most := rapid.SampledFrom([]int{3, 40}).Draw(t, "clients")
		var timestamp Timestamp
		for range rapid.IntRange(1, 3000).Draw(t, "steps") {
			c := s.session(ClientID(rapid.IntRange(1, most).Draw(t, "client")))
			switch rapid.IntRange(0, 5).Draw(t, "what") {
			case 0, 1, 2:
				timestamp++
				s.keepPending(c, NewBatch(Update{Client: c.client, Server: 2, Timestamp: timestamp}))
			case 3:
				if c.pending != nil {
					s.dropPending(c)
				}
			case 4:
				s.now += Instant(rapid.IntRange(0, 100).Draw(t, "ms")) * ms
			default:
				var want []int32
				next := Instant(never)
				for i := range s.sessions {
					switch c := &s.sessions[i]; {
					case c.pending == nil:
					case c.timer <= s.now:
						want = append(want, int32(i))
						next = min(next, s.now+s.settings.UpdateTimer)
					default:
						next = min(next, c.timer)
					}
				}
				c := s.Clone()
				if got := c.due(); !slices.Equal(got, want) {
					t.Fatalf("due are sessions %v, want %v", got, want)
				}
				var out Output
				if s.sendPending(&out); s.updateAt != next {
					t.Fatalf("the next is due at %d, want %d", s.updateAt, next)
				}
			}
		}
	})
}

// Updates that are executed soon leave timers that nobody waits for: they may not add up.
func TestTimersDoNotAddUp(t *testing.T) {
	s := newWith1(t, 3, Settings{}).servers[2]
	s.now = 1e12
	s.keepPending(s.session(3), NewBatch(Update{Client: 3, Server: 2, Timestamp: 1})) // which waits all the while
	for ts := Timestamp(1); ts <= 10_000; ts++ {
		s.keepPending(s.session(1), NewBatch(Update{Client: 1, Server: 2, Timestamp: ts}))
		if ts > 1 {
			s.dropPending(s.session(2))
		}
		s.keepPending(s.session(2), NewBatch(Update{Client: 2, Server: 2, Timestamp: ts}))
		if s.now++; len(s.waits) > 2*s.pendings+1024 {
			t.Fatalf("%d timers for %d updates", len(s.waits), s.pendings)
		}
	}
	if due := s.due(); len(due) > 0 {
		t.Errorf("%v are due at once", due)
	}
	s.now += s.settings.UpdateTimer
	if due := s.due(); !slices.Equal(due, []int32{s.placeOf(s.session(3)), s.placeOf(s.session(1)), s.placeOf(s.session(2))}) {
		t.Errorf("%v are due, want all three", due)
	}
}

// BenchmarkOutage is one UpdateTimer of a server out of reach of the others, with as many sessions as a
// live one has at most, and so many updates that wait.
func BenchmarkOutage(b *testing.B) {
	const sessions, waiting = 32768, 2000
	s := newWith1(b, 3, Settings{}).servers[2]
	for client := range ClientID(sessions) {
		s.session(client + 1)
	}
	s.state, s.now = LeaderElection, 1e12
	for i := range waiting {
		s.now += s.settings.UpdateTimer / waiting
		c := s.session(ClientID(i*(sessions/waiting) + 1))
		s.keepPending(c, NewBatch(Update{Client: c.client, Server: 2, Timestamp: 1}))
	}
	var out Output
	b.ResetTimer()
	for range b.N {
		for end := s.now + s.settings.UpdateTimer; s.updateAt <= end; {
			s.now = s.updateAt
			out.Reset()
			s.sendPending(&out)
		}
	}
}
