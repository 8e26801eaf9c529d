package world

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// The queue meets its naive twin, a list that is sorted anew for each pop.
func TestQueueMeetsItsTwin(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var q queue
		var twin []entry
		tie := uint64(0)
		push := func(t *rapid.T) {
			tie++
			e := entry{at: Instant(rapid.IntRange(0, 5).Draw(t, "at")), tie: tie, item: uint32(tie)}
			q.push(e)
			twin = append(twin, e)
		}
		pop := func(t *rapid.T) {
			if len(twin) == 0 {
				t.Skip("nothing to pop")
			}
			slices.SortFunc(twin, func(a, b entry) int {
				if a.before(&b) {
					return -1
				}
				return 1
			})
			want := twin[0]
			twin = twin[1:]
			if got := q.pop(); got != want {
				t.Fatalf("popped %+v, want %+v", got, want)
			}
		}
		t.Repeat(map[string]func(*rapid.T){
			"push": push, "push more": push, "pop": pop,
			"": func(t *rapid.T) {
				if len(q) != len(twin) {
					t.Fatalf("%d entries, want %d", len(q), len(twin))
				}
			},
		})
	})
}
