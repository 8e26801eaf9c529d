package history

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
	"pgregory.net/rapid"

	"github.com/fauer4effect/paxos/protocol/kv"
)

// Short forms for histories by hand: each client runs one operation, on key "k".
func get() kv.Op                 { return kv.Op{Kind: kv.Get, Key: "k"} }
func put(value string) kv.Op     { return kv.Op{Kind: kv.Put, Key: "k", Value: value} }
func appends(value string) kv.Op { return kv.Op{Kind: kv.Append, Key: "k", Value: value} }
func cas(old, v string) kv.Op    { return kv.Op{Kind: kv.CAS, Key: "k", Old: old, Value: v} }
func remove() kv.Op              { return kv.Op{Kind: kv.Delete, Key: "k"} }
func incr() kv.Op                { return kv.Op{Kind: kv.Incr, Key: "k"} }

func value(v string) kv.Result { return kv.Result{Status: kv.HasValue, Value: v} }
func number(n int64) kv.Result { return kv.Result{Status: kv.HasNumber, Number: n} }

var (
	done     = kv.Result{Status: kv.Done}
	missing  = kv.Result{Status: kv.Missing}
	mismatch = kv.Result{Status: kv.Mismatch}
)

func answered(call, ret int64, op kv.Op, res kv.Result) Operation {
	return Operation{Op: op, Result: res, Call: call, Return: ret, Answered: true}
}

func abandoned(call int64, op kv.Op) Operation { return Operation{Op: op, Call: call} }

func TestLinearizableByHand(t *testing.T) {
	for _, c := range []struct {
		name    string
		want    Verdict
		history []Operation
	}{
		{"nothing happened", OK, nil},
		{"a missing key is not an empty one", Illegal, []Operation{
			answered(0, 1, get(), value("")),
		}},
		{"a read may see a write that overlaps it", OK, []Operation{
			answered(0, 10, put("v"), done),
			answered(5, 6, get(), value("v")),
		}},
		{"or may not", OK, []Operation{
			answered(0, 10, put("v"), done),
			answered(5, 6, get(), missing),
		}},
		{"intervals are closed: an answer at 5 and a call at 5 overlap", OK, []Operation{
			answered(0, 5, put("v"), done),
			answered(5, 9, get(), missing),
		}},
		{"a stale read", Illegal, []Operation{
			answered(0, 5, put("v"), done),
			answered(6, 9, get(), missing),
		}},
		{"a read sees a value, a later one an older value", Illegal, []Operation{
			answered(0, 1, put("old"), done),
			answered(2, 20, put("new"), done),
			answered(3, 5, get(), value("new")),
			answered(6, 8, get(), value("old")),
		}},
		{"two overlapping reads may do so", OK, []Operation{
			answered(0, 1, put("old"), done),
			answered(2, 20, put("new"), done),
			answered(3, 6, get(), value("new")),
			answered(6, 8, get(), value("old")),
		}},
		{"a read sees the future", Illegal, []Operation{
			answered(0, 1, get(), value("v")),
			answered(2, 3, put("v"), done),
		}},
		{"a lost append", Illegal, []Operation{
			answered(0, 1, appends("a"), number(1)),
			answered(2, 3, appends("b"), number(1)),
		}},
		{"a lost append shows in a read", Illegal, []Operation{
			answered(0, 9, appends("a"), number(1)),
			answered(0, 9, appends("b"), number(2)),
			answered(10, 11, get(), value("b")),
		}},
		{"overlapping appends in either order", OK, []Operation{
			answered(0, 9, appends("a"), number(2)),
			answered(0, 9, appends("b"), number(1)),
			answered(10, 11, get(), value("ba")),
		}},
		{"an incr executed twice", Illegal, []Operation{
			answered(0, 1, incr(), number(1)),
			answered(2, 3, incr(), number(3)),
		}},
		{"an abandoned incr accounts for the gap", OK, []Operation{
			answered(0, 1, incr(), number(1)),
			abandoned(0, incr()),
			answered(2, 3, incr(), number(3)),
		}},
		{"but only once", Illegal, []Operation{
			answered(0, 1, incr(), number(1)),
			abandoned(0, incr()),
			answered(2, 3, incr(), number(4)),
		}},
		{"an abandoned put is seen later", OK, []Operation{
			answered(0, 1, put("a"), done),
			abandoned(2, put("b")),
			answered(3, 4, get(), value("a")),
			answered(5, 6, get(), value("b")),
		}},
		{"an abandoned put is never seen", OK, []Operation{
			answered(0, 1, put("a"), done),
			abandoned(2, put("b")),
			answered(3, 4, get(), value("a")),
		}},
		{"an abandoned put is seen, then unseen", Illegal, []Operation{
			answered(0, 1, put("a"), done),
			abandoned(2, put("b")),
			answered(3, 4, get(), value("b")),
			answered(5, 6, get(), value("a")),
		}},
		{"an abandoned put is seen before its call", Illegal, []Operation{
			answered(0, 1, get(), value("b")),
			abandoned(2, put("b")),
		}},
		{"an abandoned read constrains nothing", OK, []Operation{
			abandoned(0, get()),
			answered(1, 2, put("a"), done),
		}},
		{"two overlapping cas: one swaps", OK, []Operation{
			answered(0, 1, put("a"), done),
			answered(2, 9, cas("a", "b"), done),
			answered(2, 9, cas("a", "c"), mismatch),
			answered(10, 11, get(), value("b")),
		}},
		{"two overlapping cas: both swap", Illegal, []Operation{
			answered(0, 1, put("a"), done),
			answered(2, 9, cas("a", "b"), done),
			answered(2, 9, cas("a", "c"), done),
		}},
		{"two overlapping cas: the loser's value is read", Illegal, []Operation{
			answered(0, 1, put("a"), done),
			answered(2, 9, cas("a", "b"), done),
			answered(2, 9, cas("a", "c"), mismatch),
			answered(10, 11, get(), value("c")),
		}},
		{"one key is deleted by two", Illegal, []Operation{
			answered(0, 1, put("a"), done),
			answered(2, 9, remove(), done),
			answered(2, 9, remove(), done),
		}},
		{"unless it was put again between them", OK, []Operation{
			answered(0, 1, put("a"), done),
			answered(2, 9, remove(), done),
			answered(3, 8, put("a"), done),
			answered(2, 9, remove(), done),
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := Linearizable(c.history, 0); got.Verdict != c.want {
				t.Errorf("%+v, want %v of\n%s", got, c.want, lines(c.history))
			}
		})
	}
}

// Two keys are illegal; the first by name is reported, by its first impossible answer.
func TestLinearizableReportsTheFirstKeyAndAnswer(t *testing.T) {
	var history []Operation
	for _, key := range []string{"z", "b", "a"} {
		for i := range int64(9) {
			res := number(i + 1)
			if key != "a" && i >= 4 {
				res.Number += 7
			}
			o := answered(10*i, 10*i+15, kv.Op{Kind: kv.Incr, Key: key}, res)
			o.Client = uint32(i)
			history = append(history, o)
		}
	}
	slices.Reverse(history)
	want := Opinion{
		Illegal, "b",
		`key "b": no order of the operations so far gives answer 5 of 9, client 4: incr "b" → 12 [40ns, 55ns]`, 55,
	}
	for _, got := range []Opinion{Linearizable(history, 0), LinearizableWithin(history, 1000)} {
		if got != want {
			t.Errorf("got  %+v\nwant %+v", got, want)
		}
	}
}

// Nine abandoned appends and a read that none of their orders explains: the search would
// visit every one of them. Either budget ends it, an illegal key still outranks the
// unknown one, and abandoned appends of which nothing is seen cost nothing.
func TestLinearizableGivesUp(t *testing.T) {
	var history []Operation
	for _, letter := range "abcdefghi" {
		history = append(history, abandoned(0, appends(string(letter))))
	}
	unseen := append(slices.Clone(history), answered(1, 2, appends("z"), number(1)))
	if got := LinearizableWithin(unseen, 2); got.Verdict != OK {
		t.Errorf("abandoned and never seen: %+v", got)
	}

	history = append(history, answered(1, 2, get(), value("ihgfedcbz")))
	want := Opinion{Verdict: Unknown, Key: "k", Detail: `key "k": gave up searching an order of 10 operations, 9 of them unanswered`}
	if got := Linearizable(history, time.Millisecond); got != want {
		t.Errorf("by time:  %+v", got)
	}
	if got := LinearizableWithin(history, 5000); got != want {
		t.Errorf("by steps: %+v", got)
	}
	runtime.GC() // by which what is in use is known
	byMemory := func(int) budget { return budget{steps: math.MaxInt, memory: 1 << 10, judge: new(Judge)} }
	inUse := want
	inUse.Detail += ", with 0 MiB of memory in use"
	if got := judge(history, byMemory); got != inUse {
		t.Errorf("by memory: %+v", got)
	}

	history = append(history, answered(1, 2, kv.Op{Kind: kv.Delete, Key: "z"}, done))
	if got := Linearizable(history, 10*time.Millisecond); got.Verdict != Illegal || got.Key != "z" {
		t.Errorf("with an illegal key: %+v", got)
	}
}

func TestLinearizableRefusesAnAnswerBeforeItsCall(t *testing.T) {
	defer func() {
		if got := fmt.Sprint(recover()); !strings.Contains(got, "operation 0 of the history is answered before its call") {
			t.Errorf("panics with %s", got)
		}
	}()
	Linearizable([]Operation{answered(2, 1, get(), missing)}, 0)
}

// A history made by choosing the instant of each operation first is legal. An answer that no
// store could give anywhere makes it illegal, and is the one reported.
func TestLinearizableByConstruction(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		history := generate(shape{ops: rapid.IntRange(1, 60).Draw(t, "ops"), keys: 3, clients: 4, abandoned: 3},
			func(n int) int { return rapid.IntRange(0, n-1).Draw(t, "choice") })
		if got := Linearizable(history, 0); got.Verdict != OK {
			t.Fatalf("%+v of\n%s", got, lines(history))
		}
		at := rapid.IntRange(0, len(history)-1).Draw(t, "mutated")
		o := &history[at]
		if !o.Answered {
			return
		}
		switch o.Op.Kind {
		case kv.Get:
			o.Result = value("never written")
		case kv.Append, kv.Incr:
			o.Result = number(-1)
		default:
			o.Result = kv.Result{Status: kv.Malformed}
		}
		got := Linearizable(history, 0)
		if got.Verdict != Illegal || got.Key != o.Op.Key || !strings.HasSuffix(got.Detail, o.String()) {
			t.Fatalf("%+v, want it to name %v of\n%s", got, o, lines(history))
		}
	})
}

// The naive twin tries every order of all keys together. Answers are shuffled among the
// operations, so that verdicts fall on both sides.
func TestLinearizableMeetsItsTwin(t *testing.T) {
	verdicts := map[bool]int{}
	rapid.Check(t, func(t *rapid.T) {
		history := generate(shape{ops: rapid.IntRange(2, 7).Draw(t, "ops"), keys: 2, clients: 3, abandoned: 2},
			func(n int) int { return rapid.IntRange(0, n-1).Draw(t, "choice") })
		for range rapid.IntRange(0, 2).Draw(t, "swaps") {
			i, j := rapid.IntRange(0, len(history)-1).Draw(t, "i"), rapid.IntRange(0, len(history)-1).Draw(t, "j")
			if history[i].Answered && history[j].Answered {
				history[i].Result, history[j].Result = history[j].Result, history[i].Result
			}
		}
		want := someOrderExplains(history, map[string]register{})
		verdicts[want]++
		if got := Linearizable(history, 0); (got.Verdict == OK) != want {
			t.Fatalf("%+v, the twin says %v, of\n%s", got, want, lines(history))
		}
	})
	if verdicts[true] == 0 || verdicts[false] == 0 {
		t.Errorf("one-sided: %v", verdicts)
	}
}

func someOrderExplains(left []Operation, store map[string]register) bool {
	firstReturn, waiting := int64(1)<<62, false
	for _, o := range left {
		if o.Answered {
			firstReturn, waiting = min(firstReturn, o.Return), true
		}
	}
	for i, o := range left {
		if o.Call > firstReturn {
			continue // something is over before this one begins
		}
		before := store[o.Op.Key]
		value, found, res := o.Op.Step(before.value, before.found)
		if o.Answered && res != o.Result {
			continue
		}
		store[o.Op.Key] = register{value, found}
		if someOrderExplains(slices.Concat(left[:i], left[i+1:]), store) {
			return true
		}
		store[o.Op.Key] = before
	}
	return !waiting
}

// shape is what a generated history looks like; the last two are per key.
type shape struct{ ops, keys, clients, abandoned int }

// generate makes a legal history. Each operation takes effect at an instant between its call and
// its return, and is answered from the state at that instant. Some abandoned ones take effect
// later, or never. Even keys hold text, odd ones counters. draw(n) is below n.
func generate(s shape, draw func(n int) int) []Operation {
	type client struct{ key, number int }
	type effect struct {
		at int64
		of *Operation
	}
	free, abandonedOf := map[client]int64{}, map[int]int{}
	history, effects := make([]Operation, s.ops), make([]effect, s.ops)
	for i := range history {
		c := client{draw(s.keys), draw(s.clients)}
		o := Operation{Client: uint32(c.key*s.clients + c.number), Answered: true}
		o.Op = generateOp(c.key, draw)
		o.Call = free[c] + int64(draw(10))
		at := o.Call + int64(draw(30))
		o.Return = at + int64(draw(30))
		if abandonedOf[c.key] < s.abandoned && o.Op.Kind != kv.Get && draw(12) == 0 {
			abandonedOf[c.key]++
			o.Answered = false
			at += int64(draw(2) * draw(300))
			if draw(2) == 0 {
				at = 1 << 62
			}
		}
		free[c] = o.Return + 1
		history[i] = o
		effects[i] = effect{at, &history[i]}
	}
	slices.SortStableFunc(effects, func(a, b effect) int { return cmp.Compare(a.at, b.at) })
	store := map[string]register{}
	for _, e := range effects {
		o := e.of
		before := store[o.Op.Key]
		value, found, res := o.Op.Step(before.value, before.found)
		store[o.Op.Key] = register{value, found}
		if o.Answered {
			o.Result = res
		}
	}
	return history
}

func generateOp(key int, draw func(n int) int) kv.Op {
	ops := []kv.Op{
		get(), get(), get(), appends("a"), appends("b"), appends("cd"), put("a"), put("bb"),
		cas("a", "b"), cas("ab", ""), remove(),
	}
	if key%2 == 1 {
		ops = []kv.Op{get(), get(), incr(), incr(), incr(), cas("1", "7"), put("3"), remove()}
	}
	op := ops[draw(len(ops))]
	op.Key = fmt.Sprintf("key-%d", key)
	return op
}

func lines(history []Operation) string {
	var b strings.Builder
	for _, o := range history {
		fmt.Fprintln(&b, o)
	}
	return b.String()
}

func BenchmarkLinearizable(b *testing.B) {
	for _, s := range []shape{
		{ops: 300, keys: 5, clients: 4, abandoned: 0},
		{ops: 300, keys: 3, clients: 4, abandoned: 3},
		{ops: 300, keys: 8, clients: 4, abandoned: 3},
		{ops: 250, keys: 1, clients: 4, abandoned: 3},
	} {
		b.Run(fmt.Sprintf("ops=%d,keys=%d,abandoned=%d", s.ops, s.keys, s.abandoned), func(b *testing.B) {
			rng := rand.New(rand.NewPCG(1, 2))
			histories := make([][]Operation, 64)
			for i := range histories {
				histories[i] = generate(s, rng.IntN)
			}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if got := Linearizable(histories[i%len(histories)], time.Minute); got.Verdict != OK {
					b.Fatal(got)
				}
			}
		})
	}
}

// The answer at which a history by a caller's own model became illegal is named. Here it is the
// third of five, whatever else was under way, or comes later.
func TestFirstIllegal(t *testing.T) {
	counter := porcupine.Model{
		Init: func() any { return 0 },
		Step: func(state, _, output any) (bool, any) {
			sum := state.(int) + 1
			return output == nil || output == sum, sum
		},
	}
	add := func(client int, call, ret int64, sum any) porcupine.Operation {
		return porcupine.Operation{ClientId: client, Call: call, Return: ret, Output: sum}
	}
	history := []porcupine.Operation{
		add(5, 41, 50, 4), add(4, 31, 40, 3), add(3, 21, 30, 7), add(2, 11, 20, 2), add(1, 1, 10, 1),
		add(6, 25, math.MaxInt64, nil), // never answered
		add(7, 28, 60, 5),
	}
	if v, err := Legal(counter, history, 1000); v != Illegal || err != nil {
		t.Fatalf("%v, %v", v, err)
	}
	if o := FirstIllegal(counter, history, 1000); o.ClientId != 3 {
		t.Errorf("it is client %d's answer, not client 3's", o.ClientId)
	}
	counter.Step = func(any, any, any) (bool, any) { panic("no") }
	if v, err := Legal(counter, history, 1000); v != Unknown || err == nil || !strings.Contains(err.Error(), "the model panics: no") {
		t.Errorf("a model that panics: %v, %v", v, err)
	}
}
