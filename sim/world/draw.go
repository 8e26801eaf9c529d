package world

import "math/bits"

// Randomness is stateless: a draw is a function of the seed and of what it is for. So taking
// one fault out of a plan changes no other draw.

// Mix folds x into h, the same on machines of any word size.
func Mix(h, x uint64) uint64 {
	h ^= x * 0x9E3779B97F4A7C15
	h ^= h >> 32
	h *= 0xD6E8FEB86659FD93
	h ^= h >> 29
	return h
}

// drawEnd is mixed in last, so that no draw is the beginning of another.
const drawEnd = 0x2D358DCCAA6C78A5

// Draw is a random number for the given purpose, uniform over 64 bits.
func Draw(seed uint64, purpose ...uint64) uint64 {
	return Mix(uint64(StemOf(seed, purpose...)), drawEnd)
}

// Stem is a Draw whose last purpose is left open, for callers that draw often.
type Stem uint64

// StemOf is the Stem of all purposes but the last.
func StemOf(seed uint64, purpose ...uint64) Stem {
	h := seed ^ 0x8BB84B93962EACC9
	for _, p := range purpose {
		h = Mix(h, p+1)
	}
	return Stem(h)
}

// Draw is the Draw with that last purpose.
func (s Stem) Draw(last uint64) uint64 { return Mix(Mix(uint64(s), last+1), drawEnd) }

// Below maps a draw to 0…n−1. n = 0 gives 0.
func Below(draw, n uint64) uint64 {
	hi, _ := bits.Mul64(draw, n)
	return hi
}

// Chance says whether a draw falls into the given parts per million.
func Chance(draw uint64, ppm uint32) bool {
	return ppm > 0 && Below(draw, 1_000_000) < uint64(ppm)
}

// Dice rolls one draw after another, for making plans. The zero value is seed 0.
type Dice struct{ seed, n uint64 }

// NewDice returns the dice of a seed.
func NewDice(seed uint64) *Dice { return &Dice{seed: seed} }

// Next is the next 64 random bits.
func (d *Dice) Next() uint64 {
	d.n++
	return Draw(d.seed, d.n)
}

// Int is uniform over lo…hi.
func (d *Dice) Int(lo, hi int64) int64 {
	if hi <= lo {
		return lo
	}
	return lo + int64(Below(d.Next(), uint64(hi-lo)+1))
}

// One is true once in n.
func (d *Dice) One(n int64) bool { return d.Int(1, n) == 1 }

// Log is uniform in magnitude over lo…hi, 0 < lo: small values are as likely as large.
func (d *Dice) Log(lo, hi int64) int64 {
	steps := int64(bits.Len64(uint64(hi / lo)))
	for range 64 { // a draw beyond hi is drawn again
		base := lo << d.Int(0, steps-1)
		if v := d.Int(base, 2*base-1); v <= hi {
			return v
		}
	}
	return lo
}

// Pick returns one of the choices.
func Pick[T any](d *Dice, choices ...T) T {
	return choices[d.Int(0, int64(len(choices))-1)]
}

// Shuffle reorders s, in place, and returns it.
func Shuffle[T any](d *Dice, s []T) []T {
	for i := len(s) - 1; i > 0; i-- {
		j := d.Int(0, int64(i))
		s[i], s[j] = s[j], s[i]
	}
	return s
}

// Purpose is the number of a purpose that has a name.
func Purpose(name string) uint64 {
	h := uint64(len(name))
	for i := range len(name) {
		h = Mix(h, uint64(name[i]))
	}
	return h
}
