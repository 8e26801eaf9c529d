package world

import "fmt"

// Law says how long something takes, in virtual nanoseconds. The zero value takes no time.
//
//	constant     Min
//	uniform      Min … Max
//	exponential  Min plus an exponential (mean Mean), at most Max where that is set
//	tail         Min plus a heavy tail (Pareto, index 1.5, mean Mean), at most Max where set
type Law struct {
	Kind string  `json:"law"`               // constant, uniform, exponential or tail; empty: constant
	Min  Instant `json:"min_ns,omitempty"`  // the shortest
	Mean Instant `json:"mean_ns,omitempty"` // the mean of the part above min_ns (exponential, tail)
	Max  Instant `json:"max_ns,omitempty"`  // the longest
}

// maxLaw keeps sums of delays far from overflow.
const maxLaw = Instant(1e15)

// Constant is the law of one duration.
func Constant(d Instant) Law { return Law{Kind: "constant", Min: d} }

// Uniform is the law of durations between lo and hi.
func Uniform(lo, hi Instant) Law { return Law{Kind: "uniform", Min: lo, Max: hi} }

// Validate says what is wrong with the law, if anything.
func (l Law) Validate() error {
	if l.Min < 0 || l.Mean < 0 || l.Max < 0 || max(l.Min, l.Mean, l.Max) > maxLaw {
		return fmt.Errorf("a duration is negative or over %d ns: %+v", maxLaw, l)
	}
	switch l.Kind {
	case "", "constant":
		if l.Mean != 0 || l.Max != 0 {
			return fmt.Errorf("a constant law has only min_ns: %+v", l)
		}
	case "uniform":
		if l.Max < l.Min || l.Mean != 0 {
			return fmt.Errorf("a uniform law has min_ns ≤ max_ns and no mean_ns: %+v", l)
		}
	case "exponential", "tail":
		if l.Max != 0 && l.Max < l.Min {
			return fmt.Errorf("max_ns is below min_ns: %+v", l)
		}
	default:
		return fmt.Errorf("unknown law %q (constant, uniform, exponential or tail)", l.Kind)
	}
	return nil
}

// Longest is the largest duration of a law that has an end.
func (l Law) Longest() Instant { return max(l.Min, l.Max) }

// sampler is a Law made ready for the hot path.
type sampler struct {
	min, mean, max Instant
	span           uint64 // of a uniform law, plus one
	table          *[256]uint32
}

func (l Law) sampler() sampler {
	s := sampler{min: l.Min, mean: l.Mean, max: l.Max}
	switch l.Kind {
	case "uniform":
		s.span = uint64(l.Max-l.Min) + 1
	case "exponential":
		s.table = exponentialTable
	case "tail":
		s.table = tailTable
	}
	return s
}

// Sample maps a uniform draw to a duration.
func (l Law) Sample(draw uint64) Instant {
	if l.Kind == "" || l.Kind == "constant" {
		return l.Min
	}
	s := l.sampler()
	return s.sample(draw)
}

// sample maps a uniform draw to a duration.
func (s *sampler) sample(draw uint64) Instant {
	switch {
	case s.span > 0:
		return s.min + Instant(Below(draw, s.span))
	case s.table == nil:
		return s.min
	}
	mean, quantile := uint64(s.mean), uint64(s.table[draw>>56])
	d := s.min + Instant(mean/1024*quantile+mean%1024*quantile/1024)
	d += Instant(Below(draw<<8, mean/128+1)) // the low bits keep draws apart
	if s.max > 0 {
		d = min(d, s.max)
	}
	return d
}
