package world

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// The queue meets its naive twin, a list that is sorted anew for each pop. Events come from all
// parts of the queue: due at once, in a bucket of the wheel, at the wheel's edge, far beyond. So
// do ties.
func TestQueueMeetsItsTwin(t *testing.T) {
	const bucket = Instant(1) << bucketBits
	after := rapid.SampledFrom([]Instant{
		0, 0, 1, 2, bucket - 1, bucket, bucket + 1, 3 * bucket, 100 * bucket, 500*bucket + 7,
		(wheelBuckets - 1) * bucket, wheelBuckets * bucket, (wheelBuckets + 1) * bucket, 5000 * bucket, 1 << 50,
	})
	rapid.Check(t, func(t *rapid.T) {
		var q queue
		var twin []entry
		tie, now := uint64(0), Instant(rapid.Int64Range(0, 1<<30).Draw(t, "now"))
		push := func(t *rapid.T) {
			tie++
			e := entry{at: now + after.Draw(t, "after"), tie: tie, event: event(tie)}
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
			if first, _ := q.first(); *first != want {
				t.Fatalf("%+v is first, want %+v", *first, want)
			}
			if got := q.pop(); got != want {
				t.Fatalf("popped %+v, want %+v", got, want)
			}
			now = want.at // no event comes to be before the one that causes it
		}
		t.Repeat(map[string]func(*rapid.T){
			"push": push, "push more": push, "pop": pop, "pop more": pop,
			"": func(t *rapid.T) {
				if q.len() != len(twin) {
					t.Fatalf("%d entries, want %d", q.len(), len(twin))
				}
			},
		})
	})
}

// After a time in which nothing happens the wheel turns on. Events that are due soon go into it
// again, and not into the heap for the rest of the run.
func TestTheWheelOutlivesAGap(t *testing.T) {
	var q queue
	for round := range Instant(5) {
		now := round * 1_000_000_000
		q.push(entry{at: now, tie: uint64(round)}) // a second after all else
		q.pop()
		for i := range uint64(50) {
			q.push(entry{at: now + 1000*Instant(i), tie: 100 + i})
		}
		if len(q.far) > 0 {
			t.Fatalf("in round %d, %d of 50 events that are due within 50 µs lie in the heap", round, len(q.far))
		}
		for range 50 {
			q.pop()
		}
	}
}

// Cells are used again: a wheel that is never full of more than n events has n of them.
func TestTheWheelReusesItsCells(t *testing.T) {
	var q queue
	for i := range Instant(100_000) {
		q.push(entry{at: i * 10_000, tie: uint64(i)})
		if i >= 100 {
			if e := q.pop(); e.at != (i-100)*10_000 {
				t.Fatalf("popped %+v, want the one due at %d", e, (i-100)*10_000)
			}
		}
	}
	if len(q.cells) > 101 {
		t.Errorf("%d cells for 101 events at a time", len(q.cells))
	}
}
