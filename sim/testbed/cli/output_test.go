package cli

import (
	"testing"
	"time"
)

func TestNumbersForHumans(t *testing.T) {
	for n, want := range map[float64]string{
		0: "0", 812: "812", 9999.4: "9999", 9999.6: "10k", 43_210: "43k", 999_499: "999k", 999_500: "1.0M",
		2_149_000: "2.1M", 9_960_000: "10M", 999_400_000: "999M", 1.5e9: "1.5G",
	} {
		if got := Rough(n); got != want {
			t.Errorf("rough(%v) = %s, want %s", n, got, want)
		}
	}
	for d, want := range map[time.Duration]string{
		0: "0s", 999: "999ns", 1234: "1.23µs", 4_123_456: "4.12ms", 42_761 * time.Millisecond: "42.8s", 90 * time.Second: "1m30s",
	} {
		if got := Brief(d); got != want {
			t.Errorf("brief(%d) = %s, want %s", d, got, want)
		}
	}
}

func TestQuote(t *testing.T) {
	for word, want := range map[string]string{
		"failures/seed-17.json": "failures/seed-17.json", "": "''", "my plan": "'my plan'",
		"it's": `'it'\''s'`, "$HOME": "'$HOME'", "~": "'~'",
	} {
		if got := Quote(word); got != want {
			t.Errorf("quote(%q) = %s, want %s", word, got, want)
		}
	}
}
