package main

import (
	"testing"
	"time"
)

func TestNumbersForHumans(t *testing.T) {
	for n, want := range map[float64]string{
		0: "0", 812: "812", 9999.4: "9999", 9999.6: "10k", 43_210: "43k", 999_499: "999k", 999_500: "1.0M",
		2_149_000: "2.1M", 9_960_000: "10M", 999_400_000: "999M", 1.5e9: "1.5G",
	} {
		if got := rough(n); got != want {
			t.Errorf("rough(%v) = %s, want %s", n, got, want)
		}
	}
	for d, want := range map[time.Duration]string{
		0: "0s", 999: "999ns", 1234: "1.23µs", 4_123_456: "4.12ms", 42_761 * time.Millisecond: "42.8s", 90 * time.Second: "1m30s",
	} {
		if got := brief(d); got != want {
			t.Errorf("brief(%d) = %s, want %s", d, got, want)
		}
	}
}

func TestQuote(t *testing.T) {
	for word, want := range map[string]string{
		"failures/seed-17.json": "failures/seed-17.json", "": "''", "my plan": "'my plan'",
		"it's": `'it'\''s'`, "$HOME": "'$HOME'", "~": "'~'",
	} {
		if got := quote(word); got != want {
			t.Errorf("quote(%q) = %s, want %s", word, got, want)
		}
	}
}

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
