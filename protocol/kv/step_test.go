package kv

import (
	"math"
	"math/big"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// The semantics, pinned by hand: what each operation finds, answers and leaves behind.
func TestStep(t *testing.T) {
	const max = "9223372036854775807"
	type cell struct {
		value string
		found bool
	}
	none := cell{}
	is := func(value string) cell { return cell{value, true} }
	number := func(n int64) Result { return Result{Status: HasNumber, Number: n} }
	value := func(v string) Result { return Result{Status: HasValue, Value: v} }
	only := func(s Status) Result { return Result{Status: s} }
	full := strings.Repeat("v", MaxValueBytes)

	for _, c := range []struct {
		op     Op
		before cell
		want   Result
		after  cell
	}{
		{Op{Kind: Get}, none, only(Missing), none},
		{Op{Kind: Get}, is(""), value(""), is("")},
		{Op{Kind: Get}, is("v"), value("v"), is("v")},

		{Op{Kind: Put, Value: "v"}, none, only(Done), is("v")},
		{Op{Kind: Put, Value: "w"}, is("v"), only(Done), is("w")},
		{Op{Kind: Put, Value: ""}, is("v"), only(Done), is("")},
		{Op{Kind: Put, Value: ""}, none, only(Done), is("")},

		{Op{Kind: Append, Value: "ab"}, none, number(2), is("ab")},
		{Op{Kind: Append, Value: "c"}, is("ab"), number(3), is("abc")},
		{Op{Kind: Append, Value: ""}, is("ab"), number(2), is("ab")},
		{Op{Kind: Append, Value: ""}, none, number(0), is("")}, // it creates the key all the same
		{Op{Kind: Append, Value: "é"}, none, number(2), is("é")},

		{Op{Kind: Append, Value: "1"}, is(full[1:]), number(MaxValueBytes), is(full[1:] + "1")},
		{Op{Kind: Append, Value: "1"}, is(full), only(TooLong), is(full)},

		{Op{Kind: CAS, Old: "v", Value: "w"}, is("v"), only(Done), is("w")},
		{Op{Kind: CAS, Old: "v", Value: "v"}, is("v"), only(Done), is("v")},
		{Op{Kind: CAS, Old: "u", Value: "w"}, is("v"), only(Mismatch), is("v")},
		{Op{Kind: CAS, Old: "", Value: "w"}, is(""), only(Done), is("w")},
		{Op{Kind: CAS, Old: "", Value: "w"}, none, only(Missing), none},

		{Op{Kind: Delete}, none, only(Missing), none},
		{Op{Kind: Delete}, is("v"), only(Done), none},
		{Op{Kind: Delete}, is(""), only(Done), none},

		{Op{Kind: Incr}, none, number(1), is("1")},
		{Op{Kind: Incr}, is("41"), number(42), is("42")},
		{Op{Kind: Incr}, is("-1"), number(0), is("0")},
		{Op{Kind: Incr}, is("+7"), only(NotInteger), is("+7")},
		{Op{Kind: Incr}, is("07"), only(NotInteger), is("07")},
		{Op{Kind: Incr}, is("-0"), only(NotInteger), is("-0")},
		{Op{Kind: Incr}, is("-07"), only(NotInteger), is("-07")},
		{Op{Kind: Incr}, is("-"), only(NotInteger), is("-")},
		{Op{Kind: Incr}, is("0"), number(1), is("1")},
		{Op{Kind: Incr}, is(""), only(NotInteger), is("")},
		{Op{Kind: Incr}, is("1.5"), only(NotInteger), is("1.5")},
		{Op{Kind: Incr}, is(" 1"), only(NotInteger), is(" 1")},
		{Op{Kind: Incr}, is("9223372036854775808"), only(NotInteger), is("9223372036854775808")},
		{Op{Kind: Incr}, is("9223372036854775806"), number(math.MaxInt64), is(max)},
		{Op{Kind: Incr}, is(max), only(Overflow), is(max)},
		{Op{Kind: Incr}, is("-9223372036854775808"), number(math.MinInt64 + 1), is("-9223372036854775807")},

		{Op{Kind: PutNew, Value: "v"}, none, only(Done), is("v")},
		{Op{Kind: PutNew, Value: "v"}, is(""), only(Present), is("")},
		{Op{Kind: PutOld, Value: "v"}, none, only(Missing), none},
		{Op{Kind: PutOld, Value: "v"}, is("u"), only(Done), is("v")},

		{Op{Kind: IncrBy, Value: "5"}, none, number(5), is("5")},
		{Op{Kind: IncrBy, Value: "-5"}, is("3"), number(-2), is("-2")},
		{Op{Kind: IncrBy, Value: "0"}, is("7"), number(7), is("7")},
		{Op{Kind: IncrBy, Value: "+1"}, is("7"), only(NotInteger), is("7")},
		{Op{Kind: IncrBy, Value: "1"}, is("x"), only(NotInteger), is("x")},
		{Op{Kind: IncrBy, Value: "x"}, is("1"), only(NotInteger), is("1")},
		{Op{Kind: IncrBy, Value: ""}, none, only(NotInteger), none},
		{Op{Kind: IncrBy, Value: "1"}, is(max), only(Overflow), is(max)},
		{Op{Kind: IncrBy, Value: "-1"}, is("-9223372036854775808"), only(Overflow), is("-9223372036854775808")},
		{Op{Kind: IncrBy, Value: "-9223372036854775808"}, is("-1"), only(Overflow), is("-1")},
		{Op{Kind: IncrBy, Value: "-9223372036854775808"}, is("0"), number(math.MinInt64), is("-9223372036854775808")},
		{Op{Kind: IncrBy, Value: max}, is("-9223372036854775808"), number(-1), is("-1")},

		{Op{Kind: Strlen}, none, only(Missing), none},
		{Op{Kind: Strlen}, is(""), number(0), is("")},
		{Op{Kind: Strlen}, is("é"), number(2), is("é")},

		{Op{}, none, only(Malformed), none},
		{ManyOf(Op{Kind: Get}), is("v"), only(Malformed), is("v")},
		{Op{Kind: Many + 1}, is("v"), only(Malformed), is("v")},
	} {
		value, found, res := c.op.Step(c.before.value, c.before.found)
		if res != c.want || (cell{value, found}) != c.after {
			t.Errorf("%v on %+v: answers %v, leaves %q %v; want %v, %+v",
				c.op, c.before, res, value, found, c.want, c.after)
		}
	}
}

// A missing key has no value: what the caller passes for it must not leak through.
func TestStepIgnoresTheValueOfAMissingKey(t *testing.T) {
	for kind := range Many + 2 {
		op := Op{Kind: kind, Value: "7", Old: "7"}
		value, found, res := op.Step("7", false)
		value2, found2, res2 := op.Step("", false)
		if value != value2 || found != found2 || res != res2 {
			t.Errorf("%v: stale value leaks: %s", op, strconv.Quote(value))
		}
	}
}

// An integer is what strconv reads and writes again as it was.
func TestIntegerMeetsItsTwin(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(
			rapid.StringMatching(`[-+]?[0-9a]{0,21}`),
			rapid.Custom(func(t *rapid.T) string { return strconv.FormatInt(rapid.Int64().Draw(t, "n"), 10) }),
			rapid.Custom(func(t *rapid.T) string { // around the ends of what is one
				end := new(big.Int).Lsh(big.NewInt(rapid.SampledFrom([]int64{1, -1}).Draw(t, "sign")), 63)
				return end.Add(end, big.NewInt(rapid.Int64Range(-3, 3).Draw(t, "off"))).String()
			}),
		).Draw(t, "text")
		want, err := strconv.ParseInt(text, 10, 64)
		wantOK := err == nil && strconv.FormatInt(want, 10) == text
		if got, ok := Integer(text); ok != wantOK || ok && got != want {
			t.Fatalf("%q is %d, %v; strconv has %d, %v", text, got, ok, want, wantOK)
		}
	})
}
