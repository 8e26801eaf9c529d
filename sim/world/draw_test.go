package world

import (
	"math/bits"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// A plan replays on every machine only as long as these stay as they are.
func TestDrawsArePinned(t *testing.T) {
	for _, c := range []struct {
		name      string
		got, want uint64
	}{
		{"Mix(1, 2)", Mix(1, 2), 0xa08615077e8cd108},
		{"Draw(0)", Draw(0), 0x1d85c61a1ff71d56},
		{"Draw(7, 1, 2)", Draw(7, 1, 2), 0x5257fd3dbd294be0},
		{"StemOf(7, 1).Draw(2)", StemOf(7, 1).Draw(2), 0x5257fd3dbd294be0},
		{"Draw(7, 2, 1)", Draw(7, 2, 1), 0xeb3e8be3f06d8e8d},
		{"Draw(max, max)", Draw(1<<64-1, 1<<64-1), 0x98ecf741407863cf},
		{"NewDice(3).Next()", NewDice(3).Next(), 0xcdc88f2a16cb660},
		{"exponential", uint64(Law{Kind: "exponential", Min: 5, Mean: 1_000_000}.Sample(Draw(1))), 0x4fd8e},
		{"tail", uint64(Law{Kind: "tail", Mean: 1_000_000}.Sample(Draw(2))), 0x413c4},
		{"uniform", uint64(Uniform(1, 1_000_000_000_000).Sample(Draw(3))), 0x8af6b1798e},
	} {
		if c.got != c.want {
			t.Errorf("%s = %#x, pinned as %#x", c.name, c.got, c.want)
		}
	}
}

// Purposes that differ in one word, in their order or in their number draw differently.
func TestPurposesDrawApart(t *testing.T) {
	seen := make(map[uint64][]uint64)
	for seed := range uint64(20) {
		for a := range uint64(20) {
			for _, purpose := range [][]uint64{{a}, {a, 0}, {0, a, 1}, {a << 56}, {a, a}, {a, a, a}} {
				d := Draw(seed, purpose...)
				if other, ok := seen[d]; ok && !slices.Equal(other, append(purpose, seed)) {
					t.Fatalf("seed and purpose %v draw what %v drew", append(purpose, seed), other)
				}
				seen[d] = append(purpose, seed)
			}
		}
	}
}

// Each bit of a draw is set half the time, also where only the last purpose counts up.
func TestDrawsAreUniform(t *testing.T) {
	const draws = 20_000
	var set [64]int
	for n := range uint64(draws) {
		for d := Draw(1, 5, n); d != 0; d &= d - 1 {
			set[bits.TrailingZeros64(d)]++
		}
	}
	for bit, n := range set {
		if n < draws*48/100 || n > draws*52/100 {
			t.Errorf("bit %d is set in %d of %d draws", bit, n, draws)
		}
	}
}

func TestBelowAndChance(t *testing.T) {
	if Below(1<<64-1, 0) != 0 || Below(0, 9) != 0 || Below(1<<64-1, 9) != 8 {
		t.Error("Below does not map the ends of the draws to 0 and n−1")
	}
	if Chance(0, 0) || !Chance(0, 1) || Chance(1<<64-1, 999_999) || !Chance(1<<64-1, 1_000_000) {
		t.Error("0 parts per million is never, 1,000,000 is always, and 1 and 999,999 are neither")
	}
	var count [7]int
	hits := 0
	const draws = 70_000
	for n := range uint64(draws) {
		count[Below(Draw(2, n), 7)]++
		if Chance(Draw(3, n), 250_000) {
			hits++
		}
	}
	for i, n := range count {
		if n < draws/7*95/100 || n > draws/7*105/100 {
			t.Errorf("%d of %d draws below 7 are %d", n, draws, i)
		}
	}
	if hits < draws*24/100 || hits > draws*26/100 {
		t.Errorf("%d of %d draws fall into a quarter", hits, draws)
	}
}

func TestDice(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := NewDice(rapid.Uint64().Draw(t, "seed"))
		lo := rapid.Int64Range(1, 1<<40).Draw(t, "lo")
		hi := rapid.Int64Range(lo, 1<<61).Draw(t, "hi")
		if v := d.Int(lo, hi); v < lo || v > hi {
			t.Fatalf("Int(%d, %d) = %d", lo, hi, v)
		}
		if v := d.Int(-hi, -lo); v < -hi || v > -lo {
			t.Fatalf("Int(%d, %d) = %d", -hi, -lo, v)
		}
		if v := d.Log(lo, hi); v < lo || v > hi {
			t.Fatalf("Log(%d, %d) = %d", lo, hi, v)
		}
		if v := d.Int(lo, lo); v != lo {
			t.Fatalf("Int(%d, %d) = %d", lo, lo, v)
		}
	})
}

// Log favours no magnitude: 1…1023 has ten of them, each drawn a tenth of the time.
func TestLogIsUniformInMagnitude(t *testing.T) {
	const draws = 20_000
	d := NewDice(1)
	var count [11]int
	for range draws {
		count[bits.Len64(uint64(d.Log(1, 1023)))]++
	}
	for magnitude, n := range count[1:] {
		if n < draws/10*9/10 || n > draws/10*11/10 {
			t.Errorf("%d of %d draws have %d bits", n, draws, magnitude+1)
		}
	}
}

func TestShuffleAndPick(t *testing.T) {
	d := NewDice(4)
	first := make(map[int]int)
	for range 4000 {
		s := Shuffle(d, []int{1, 2, 3, 4})
		first[s[0]]++
		if slices.Sort(s); !slices.Equal(s, []int{1, 2, 3, 4}) {
			t.Fatalf("Shuffle made %v of 1, 2, 3, 4", s)
		}
		first[10*Pick(d, 1, 2, 3, 4)]++
	}
	for n := 1; n <= 4; n++ {
		for _, what := range []int{n, 10 * n} {
			if first[what] < 850 || first[what] > 1150 {
				t.Errorf("%d of 4000 begin with %d", first[what], what)
			}
		}
	}
	if len(first) != 8 {
		t.Errorf("%d different outcomes, want 8", len(first))
	}
}
