package protocol

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// Whatever becomes of pending updates, those are found due whose timers are, in the order of their
// sessions.
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

// Updates that are executed soon leave stale timers. These may not add up, whether one update
// waits all the while or none does.
func TestTimersDoNotAddUp(t *testing.T) {
	for _, waits := range []bool{true, false} {
		s := newWith1(t, 3, Settings{}).servers[2]
		s.now = 1e12
		var want []int32
		if waits {
			s.keepPending(s.session(3), one(1))
			want = []int32{s.place(3)}
		}
		for ts := Timestamp(1); ts <= 10_000; ts++ {
			for client := ClientID(1); client <= 2; client++ {
				s.keepPending(s.session(client), one(ts))
			}
			for client := ClientID(1); client <= 2 && ts < 10_000; client++ {
				s.dropPending(s.session(client))
			}
			if s.now++; len(s.waits.list) > 4*s.pendings+2048 {
				t.Fatalf("%d timers for %d updates", len(s.waits.list), s.pendings)
			}
		}
		if due := s.due(); len(due) > 0 {
			t.Errorf("%v are due at once", due)
		}
		s.now += s.settings.UpdateTimer
		if due := s.due(); !slices.Equal(due, append(want, s.place(1), s.place(2))) {
			t.Errorf("%v are due, want %v and two more", due, want)
		}
	}
}

// BenchmarkOutage is one Update_Timer of a server out of reach of the others. It has as many
// sessions as a live server has at most, and the given number of updates wait.
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
