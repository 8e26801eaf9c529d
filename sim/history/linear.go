package history

import (
	"cmp"
	"fmt"
	"math"
	"runtime/metrics"
	"slices"
	"sort"
	"strconv"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/fauer4effect/paxos/protocol/kv"
)

// S8 from the clients' side. Is there an order of the operations in which the key-value store gives
// every answer that a client saw? Each operation must happen at one instant between its call and its
// return. Porcupine searches for such an order, without the canonical log.

// Verdict is the outcome of such a search. Zero is OK.
type Verdict uint8

const (
	OK      Verdict = iota // there is such an order
	Illegal                // there is none
	Unknown                // the search ran out of time or steps
)

func (v Verdict) String() string {
	switch v {
	case OK:
		return "ok"
	case Illegal:
		return "illegal"
	case Unknown:
		return "unknown"
	default:
		return "Verdict(" + strconv.Itoa(int(v)) + ")"
	}
}

// Opinion is what the clients' history alone says of a run. Key and Detail, one line, are empty where
// the verdict is OK. Otherwise Key is the first, in order of keys, that is Illegal; if no key is,
// the first that is Unknown. At is when the history became Illegal.
type Opinion struct {
	Verdict Verdict
	Key     string
	Detail  string
	At      int64
}

// Linearizable judges a history, in any order, of operations on a store that was empty before it.
// It returns soon after the timeout (zero: none), with Unknown unless it has found an illegal key.
// With a timeout the search also ends once the program's heap holds SearchMemory.
func Linearizable(history []Operation, timeout time.Duration) Opinion {
	if timeout <= 0 {
		return judge(history, func(int) budget { return budget{steps: math.MaxInt, judge: new(Judge)} })
	}
	deadline := time.Now().Add(timeout)
	return judge(history, func(keysLeft int) budget {
		now := time.Now() // an equal share of what is left: one hard key may not starve the rest
		return budget{steps: math.MaxInt, memory: SearchMemory, judge: new(Judge), deadline: now.Add(deadline.Sub(now) / time.Duration(keysLeft))}
	})
}

// SearchMemory bounds the live heap of a program in Linearizable with a timeout, in bytes. It is
// what the last garbage collection found, so a limit (debug.SetMemoryLimit) not far above it is wise.
const SearchMemory = 4 << 30

// LinearizableWithin is Linearizable with a limit on the model's steps in each search, not on time.
// So equal histories get equal opinions, Unknown included, on every machine. A key of 250
// operations, 3 of them abandoned, has been seen to need 15,000 steps.
func LinearizableWithin(history []Operation, steps int) Opinion {
	return new(Judge).Within(history, steps)
}

// Judge is for judging many histories one after the other: it keeps the memory that a search
// needs. The zero value is ready; one goroutine owns it.
type Judge struct {
	operations []porcupine.Operation
	full       bool // the last search ended because the heap held its bound
}

// Within is LinearizableWithin.
func (j *Judge) Within(history []Operation, steps int) Opinion {
	return judge(history, func(int) budget { return budget{steps: steps, judge: j} })
}

func judge(history []Operation, share func(keysLeft int) budget) Opinion {
	var unknown Opinion
	keys := byKey(history)
	for i, h := range keys {
		b := share(len(keys) - i)
		switch b.explain(h) {
		case Illegal:
			detail, at := b.firstUnexplained(h)
			return Opinion{Illegal, h.key, detail, at}
		case Unknown:
			if unknown.Verdict == OK {
				unknown = Opinion{Verdict: Unknown, Key: h.key, Detail: fmt.Sprintf("key %q: gave up searching an order of %d operations, %d of them unanswered%s",
					h.key, len(h.answered)+len(h.open), len(h.open), b.atItsBound())}
			}
		}
	}
	return unknown
}

// firstUnexplained names the answer at which an illegal history became so, and its time. Every
// earlier part of a linearizable history is linearizable, hence the binary search.
func (b budget) firstUnexplained(h keyHistory) (detail string, at int64) {
	slices.SortStableFunc(h.answered, func(x, y *Operation) int { return cmp.Compare(x.Return, y.Return) })
	n := sort.Search(len(h.answered)-1, func(n int) bool { return b.explain(h.until(n)) == Illegal })
	return fmt.Sprintf("key %q: no order of the operations so far gives answer %d of %d, %v",
		h.key, n+1, len(h.answered), h.answered[n]), h.answered[n].Return
}

// budget bounds one search: by steps, and if they are not zero by the clock and by the live heap, in
// bytes.
type budget struct {
	steps    int
	memory   uint64
	deadline time.Time
	judge    *Judge
}

// clockEvery is how many steps pass between two looks at the clock, and at the heap.
const clockEvery = 1024

func (b budget) spent(steps int) bool {
	if steps > b.steps {
		return true
	}
	if steps%clockEvery != 0 {
		return false
	}
	b.judge.full = b.memory > 0 && liveHeap() > b.memory
	return b.judge.full || !b.deadline.IsZero() && time.Now().After(b.deadline)
}

// atItsBound says, behind what was given up, that it was for want of memory.
func (b budget) atItsBound() string {
	if !b.judge.full {
		return ""
	}
	return fmt.Sprintf(", with %d MiB of memory in use", b.memory>>20)
}

// liveHeap is what the last garbage collection found in use, in bytes.
func liveHeap() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

// explain decides whether some order of one key's operations gives all its answers. An open
// operation may always come last, where nobody sees it, so an order without any of them is enough.
// That is tried first, since it is far cheaper: a search explodes with operations that never
// happened.
func (b budget) explain(h keyHistory) Verdict {
	verdict := b.search(h.answered, nil)
	if verdict != OK && len(h.open) > 0 {
		verdict = b.search(h.answered, h.open)
	}
	return verdict
}

// search asks porcupine. The model keeps the budget, not porcupine's timeout. That one is wall time
// only, and leaves a goroutine behind. On js/wasm, whose goroutines are not preempted, it cannot fire.
// A model without budget refuses every step, so the search unwinds.
func (b budget) search(answered, open []*Operation) Verdict {
	history := slices.Grow(b.judge.operations[:0], len(answered)+len(open))
	for _, o := range answered {
		history = append(history, porcupine.Operation{Input: &o.Op, Output: &o.Result, Call: o.Call, Return: o.Return})
	}
	for _, o := range open {
		history = append(history, porcupine.Operation{Input: &o.Op, Call: o.Call, Return: math.MaxInt64})
	}
	b.judge.operations = history // porcupine copies it
	steps, spent := 0, false
	b.judge.full = false
	legal := porcupine.CheckOperations(porcupine.Model{
		Init: func() any { return register{} },
		Step: func(state, input, output any) (bool, any) {
			steps++
			if spent = spent || b.spent(steps); spent {
				return false, nil
			}
			return step(state, input, output)
		},
		Hash: hashRegister,
	}, history)
	switch {
	case spent:
		return Unknown
	case legal:
		return OK
	default:
		return Illegal
	}
}

// register is the model's state, one key, compared by ==.
type register struct {
	value string
	found bool
}

// step runs the store's own definition. An operation without output, an open one, accepts
// whatever comes.
func step(state, input, output any) (bool, any) {
	before, op := state.(register), input.(*kv.Op)
	value, found, res := op.Step(before.value, before.found)
	if want, answered := output.(*kv.Result); answered && res != *want {
		return false, nil
	}
	after := register{value, found}
	if after == before {
		return true, state // spares the allocation of an interface
	}
	return true, after
}

// hashRegister serves porcupine's cache: the length and the end of a value tell the states
// of one key apart, since appends share their beginning.
func hashRegister(state any) uint64 {
	value := state.(register).value
	h := uint64(len(value)) + 1
	for i := max(0, len(value)-12); i < len(value); i++ {
		h = (h ^ uint64(value[i])) * 0x100000001B3
	}
	return h
}

// Legal judges a history by a model of the caller's, with a limit on the model's steps. As with the
// store's own model, it first tries an order without any unanswered operation. An error says that the
// model panicked.
func Legal(m porcupine.Model, history []porcupine.Operation, steps int) (verdict Verdict, err error) {
	guard := guarded{model: m, left: steps}
	defer func() { // of Partition
		if p := recover(); p != nil {
			verdict, err = Unknown, fmt.Errorf("the model panics: %v", p)
		}
	}()
	parts := [][]porcupine.Operation{history}
	if m.Partition != nil {
		parts = m.Partition(history)
	}
	for _, part := range parts { // one after the other: the steps are counted
		answered := slices.DeleteFunc(slices.Clone(part), func(o porcupine.Operation) bool { return o.Return == math.MaxInt64 })
		legal := guard.search(answered)
		if !legal && len(answered) < len(part) {
			legal = guard.search(part)
		}
		switch {
		case guard.failed != nil:
			return Unknown, fmt.Errorf("the model panics: %v", guard.failed)
		case guard.left < 0:
			return Unknown, nil
		case !legal:
			return Illegal, nil
		}
	}
	return OK, nil
}

// guarded is a model that gives up when its steps are spent, and at its first panic. Porcupine calls it
// on a goroutine of its own, where a panic would end the program.
type guarded struct {
	model  porcupine.Model
	left   int // negative: given up
	failed any
}

func (g *guarded) search(history []porcupine.Operation) bool {
	m := porcupine.Model{Init: g.init, Step: g.step, Equal: g.equal}
	if g.model.Hash != nil {
		m.Hash = g.hash
	}
	return porcupine.CheckOperations(m, history)
}

// caught is deferred by each call of the model.
func (g *guarded) caught() {
	if p := recover(); p != nil {
		g.failed, g.left = p, -1
	}
}

func (g *guarded) init() (state any) {
	defer g.caught()
	return g.model.Init()
}

func (g *guarded) step(state, input, output any) (ok bool, next any) {
	defer g.caught()
	if g.left--; g.left < 0 {
		return false, nil
	}
	return g.model.Step(state, input, output)
}

func (g *guarded) equal(a, b any) bool {
	defer g.caught()
	if g.model.Equal == nil {
		return a == b // panics where states can't be compared
	}
	return g.model.Equal(a, b)
}

func (g *guarded) hash(state any) uint64 {
	defer g.caught()
	return g.model.Hash(state)
}

// FirstIllegal is the answer at which a history that is Illegal by Legal became so. Operations that
// are unanswered then have no Output.
func FirstIllegal(m porcupine.Model, history []porcupine.Operation, steps int) porcupine.Operation {
	all := slices.Clone(history)
	slices.SortStableFunc(all, func(x, y porcupine.Operation) int { return cmp.Compare(x.Return, y.Return) })
	answered := sort.Search(len(all), func(n int) bool { return all[n].Return == math.MaxInt64 })
	n := sort.Search(answered-1, func(n int) bool {
		past := slices.Clone(all[:n+1])
		for _, o := range all[n+1:] {
			if o.Call <= all[n].Return {
				o.Output, o.Return = nil, math.MaxInt64
				past = append(past, o)
			}
		}
		v, _ := Legal(m, past, steps)
		return v == Illegal
	})
	return all[n]
}
