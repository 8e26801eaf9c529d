package main

import "testing"

// What go run makes is gone afterwards: it is no name to give to a person.
func TestGoRunIsRecognized(t *testing.T) {
	for exe, want := range map[string]bool{
		"/tmp/go-build506067024/b001/exe/paxos": true,
		"/root/.cache/go-build/01/015659d6244ba1f65078d13c7e1900eb41a67804f2e3527668497923a22975f3-d/paxos": true,
		"/cache/01/015659d6244ba1f65078d13c7e1900eb41a67804f2e3527668497923a22975f3-d/paxos":                true,
		"/usr/local/bin/paxos": false, "/home/me/go-builds/paxos": false,
	} {
		if got := goRunCache.MatchString(exe); got != want {
			t.Errorf("%s: %v", exe, got)
		}
	}
}
