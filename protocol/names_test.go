package protocol

import "testing"

// Whatever has a number has a name of its own.
func TestEverythingHasAName(t *testing.T) {
	for what, names := range map[string][]string{
		"kind of message": kindNames[:], "kind of event": eventNames[:], "state": stateNames[:], "reason": reasonNames[:],
		"kind of record": recordNames, "kind of update": updateNames, "status of a reply": statusNames,
	} {
		seen := map[string]int{}
		for i, name := range names {
			if name == "" {
				t.Errorf("%s %d has no name", what, i)
			}
			if other, twice := seen[name]; twice {
				t.Errorf("%s %d and %d are both %q", what, other, i, name)
			}
			seen[name] = i
		}
	}
}
