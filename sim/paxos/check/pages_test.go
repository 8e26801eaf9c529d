package check

import (
	"testing"

	"pgregory.net/rapid"
)

func TestPagesMeetTheirTwin(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var p pages[int]
		twin, dropped, end := map[uint64]int{}, uint64(0), uint64(0) // end: of the pages made
		for n := range rapid.IntRange(0, 40).Draw(t, "steps") {
			i := rapid.Uint64Range(0, 5*pageSize).Draw(t, "i")
			switch rapid.SampledFrom([]string{"at", "find", "drop"}).Draw(t, "do") {
			case "at":
				if i >= dropped {
					*p.at(i), twin[i] = n+1, n+1
					end = max(end, i/pageSize*pageSize+pageSize)
					continue
				}
				pages := len(p.list)
				if got := p.at(i); *got != 0 || len(p.list) != pages {
					t.Fatalf("%d is dropped, and holds %d; %d pages are %d", i, *got, pages, len(p.list))
				}
				*p.at(i) = n + 1 // which is lost
			case "find":
				got := p.find(i)
				if there := i >= dropped && i < end; there != (got != nil) {
					t.Fatalf("%d is there: %v, want %v", i, got != nil, there)
				}
				if got != nil && *got != twin[i] {
					t.Fatalf("%d holds %d, want %d", i, *got, twin[i])
				}
			case "drop":
				if i < end { // a whole page at a time, and no more than there is
					p.drop(i)
					dropped = max(dropped, i/pageSize*pageSize)
				}
			}
		}
	})
}
