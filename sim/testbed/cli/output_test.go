package cli

import (
	"io"
	"os"
	"strings"
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

// A pipe and a file get 80 columns, whatever terminal the program runs in.
func TestFitTerminal(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	for _, to := range []io.Writer{w, &strings.Builder{}} {
		FitTerminal(to)
		if Columns != 80 {
			t.Errorf("%T: %d columns", to, Columns)
		}
	}
}

func TestWrappedFillsTheColumns(t *testing.T) {
	before := Columns
	defer func() { Columns = before }()
	text := strings.Repeat("word ", 60)
	for _, Columns = range []int{leastColumns, 80, mostColumns} {
		var b strings.Builder
		Wrapped(&b, "  label     ", text)
		longest := 0
		for line := range strings.Lines(b.String()) {
			longest = max(longest, len(line)-1)
		}
		if longest > Columns || longest <= Columns-5 {
			t.Errorf("%d columns: the longest line has %d", Columns, longest)
		}
	}
}
