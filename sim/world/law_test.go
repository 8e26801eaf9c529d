package world

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

func TestSamplesStayWithinTheirLaw(t *testing.T) {
	kinds := rapid.SampledFrom([]string{"", "constant", "uniform", "exponential", "tail"})
	rapid.Check(t, func(t *rapid.T) {
		l := Law{Kind: kinds.Draw(t, "law"), Min: Instant(rapid.Int64Range(0, int64(maxLaw)).Draw(t, "min"))}
		hi := Never
		switch l.Kind {
		case "", "constant":
			hi = l.Min
		case "uniform":
			l.Max = l.Min + Instant(rapid.Int64Range(0, int64(maxLaw-l.Min)).Draw(t, "span"))
			hi = l.Max
		default:
			l.Mean = Instant(rapid.Int64Range(0, int64(maxLaw)).Draw(t, "mean"))
			if rapid.Bool().Draw(t, "bounded") {
				l.Max = l.Min + Instant(rapid.Int64Range(0, int64(maxLaw-l.Min)).Draw(t, "span"))
			}
			if l.Max > 0 {
				hi = l.Max
			}
		}
		if err := l.Validate(); err != nil {
			t.Fatalf("a sound law is refused: %v", err)
		}
		for _, draw := range []uint64{0, 1<<64 - 1, rapid.Uint64().Draw(t, "draw")} {
			if d := l.Sample(draw); d < l.Min || d > hi {
				t.Fatalf("%+v gives %d", l, d)
			}
		}
	})
}

func TestLawsThatAreRefused(t *testing.T) {
	for _, l := range []Law{
		{Kind: "normal"},
		{Kind: "constant", Min: -1},
		{Kind: "constant", Min: 1, Max: 2},
		{Kind: "constant", Mean: 1},
		{Kind: "uniform", Min: 2, Max: 1},
		{Kind: "uniform", Min: 1, Max: 2, Mean: 1},
		{Kind: "exponential", Mean: -1},
		{Kind: "tail", Mean: maxLaw + 1},
		{Kind: "tail", Min: 2, Mean: 1, Max: 1},
	} {
		if l.Validate() == nil {
			t.Errorf("%+v is taken for sound", l)
		}
	}
}

// The tables are the quantiles that package math gives, except for rounding. The tail's are
// scaled so that the 256 of them have mean 1: what lies beyond the last quantile is cut off.
func TestTablesAgreeWithMath(t *testing.T) {
	pareto := func(q float64) float64 { return math.Pow(1-q, -1/1.5) - 1 }
	scale := 0.0
	for i := range tailTable {
		scale += pareto((float64(i) + .5) / 256)
	}
	for i := range 256 {
		q := (float64(i) + .5) / 256
		if got, want := float64(exponentialTable[i]), -1024*math.Log(1-q); math.Abs(got-want) > 1 {
			t.Errorf("exponential quantile %v is %v, want %v", q, got, want)
		}
		if got, want := float64(tailTable[i]), 1024*pareto(q)*256/scale; math.Abs(got-want) > 1 {
			t.Errorf("tail quantile %v is %v, want %v", q, got, want)
		}
	}
}

func TestMeansAreNear(t *testing.T) {
	for _, c := range []struct {
		law  Law
		want float64
	}{
		{Constant(3_000), 3_000},
		{Uniform(1_000, 9_000), 5_000},
		{Law{Kind: "exponential", Min: 2_000_000, Mean: 1_000_000}, 3_000_000},
		{Law{Kind: "tail", Min: 2_000_000, Mean: 1_000_000}, 3_000_000},
	} {
		const draws = 100_000
		sum := 0.0
		for n := range uint64(draws) {
			sum += float64(c.law.Sample(Draw(9, n)))
		}
		if mean := sum / draws; math.Abs(mean-c.want) > c.want/50 {
			t.Errorf("%+v has mean %.0f, want %.0f", c.law, mean, c.want)
		}
	}
}
