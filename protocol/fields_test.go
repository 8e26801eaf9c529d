package protocol

import (
	"fmt"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"unsafe"
)

// unhashed are the fields that Hash leaves out, each with the reason why two servers that differ in it alone
// still answer alike.
var unhashed = map[string]string{
	"settings":          "fixed for a life, and the same in all states that a search compares",
	"now":               "all times count from the now that Hash is given",
	"stagger":           "a function of lastAttempted (setAttempted)",
	"sessionNear":       "remembers where sessionOf looked last; place compares the client",
	"opened":            "counts what hashSessions goes through",
	"pendings":          "counts what hashSessions goes through",
	"tombs":             "the sessions that are gone, which hashSessions goes through, in the order of usedAt",
	"queue[0]":          "it is before queueHead: taken out",
	"binding":           "scratch of dequeue",
	"updateAt":          "no later than the first timer: whoever looks too early finds nothing due",
	"oldestFrom":        "no later than the first since: whoever looks too early finds nothing starved",
	"waits":             "the sessions' timers, which are hashed, in order",
	"drops":             "counters",
	"sessions[1].since": "of no meaning without pending",
	"sessions[1].timer": "of no meaning without pending",
}

// unwalked are those that the walk cannot change, and that are looked at by hand: sessionOf says which place a
// client has, and the places are hashed; app hashes itself.
var unwalked = map[string]bool{"sessionOf": true, "app": true, "history.spare": true}

// A walker changes each thing that a server holds, one after the other.
type walker struct {
	t   *testing.T
	try func(path string)
}

// open makes an unexported field writable.
func open(v reflect.Value) reflect.Value {
	return reflect.NewAt(v.Type(), unsafe.Pointer(v.UnsafeAddr())).Elem()
}

func (w *walker) walk(path string, v reflect.Value) {
	v = open(v)
	before := reflect.New(v.Type()).Elem()
	before.Set(v)
	change := func(to reflect.Value) {
		if v.Kind() == reflect.Pointer && v.Pointer() == to.Pointer() {
			return
		}
		v.Set(to)
		w.try(path)
		v.Set(before)
	}
	switch v.Kind() {
	case reflect.Bool:
		change(reflect.ValueOf(!v.Bool()).Convert(v.Type()))
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		change(reflect.ValueOf(v.Int() + 1).Convert(v.Type()))
	case reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uint:
		change(reflect.ValueOf(v.Uint() + 1).Convert(v.Type()))
	case reflect.Struct:
		for i := range v.NumField() {
			name := v.Type().Field(i).Name
			if name == "_" {
				continue // padding
			}
			w.walk(strings.TrimPrefix(path+"."+name, "."), v.Field(i))
		}
	case reflect.Array:
		w.some(path, v)
	case reflect.Slice:
		if v.Len() == 0 {
			w.t.Errorf("%s is empty: the test's server must hold some", path)
			return
		}
		shorter := reflect.MakeSlice(v.Type(), v.Len()-1, v.Len()-1)
		reflect.Copy(shorter, v)
		change(shorter)
		w.some(path, v)
	case reflect.Pointer:
		switch v.Interface().(type) {
		case *Batch:
			change(reflect.ValueOf(one(77)))
			change(reflect.Zero(v.Type()))
		case *Snapshot:
			change(reflect.ValueOf(SnapshotOf(99, []byte("another"))))
			change(reflect.Zero(v.Type()))
		case *Part:
			change(reflect.ValueOf(&Part{Sum: 99, Size: 9}))
		default:
			if v.IsNil() && unwalked[path] {
				return
			}
			if v.IsNil() {
				w.t.Errorf("%s is nil: the test's server must hold one", path)
				return
			}
			w.walk(path, v.Elem())
		}
	case reflect.Map, reflect.Interface, reflect.Func, reflect.Chan:
		if !unwalked[path] {
			w.t.Errorf("%s is a %v, which this test cannot change: look at it, and list it in unwalked", path, v.Kind())
		}
	default:
		w.t.Errorf("%s is a %v: this test does not know how to change it", path, v.Kind())
	}
}

// some walks the first two elements that hold anything.
func (w *walker) some(path string, v reflect.Value) {
	walked := 0
	for i := 0; i < v.Len() && walked < 2; i++ {
		if e := open(v.Index(i)); !e.IsZero() || e.CanInt() && v.Kind() == reflect.Slice {
			w.walk(fmt.Sprintf("%s[%d]", path, i), e)
			walked++
		}
	}
	if walked == 0 {
		w.t.Errorf("%s holds nothing: the test's server must hold some", path)
	}
}

var index = regexp.MustCompile(`\[\d+\]`)

// plain is a path without places in arrays and slices.
func plain(path string) string { return index.ReplaceAllString(path, "") }

// busy is a leader that holds some of everything.
func busy() *Server {
	s, err := New(Config{ID: 1, Servers: 3, Store: 11, Settings: Settings{SessionLimit: 4, PartBytes: leastPart}.WithDefaults()}, 0, &ledger{}, Stable{})
	if err != nil {
		panic(err)
	}
	s.now = 1000 * ms
	s.state, s.lastAttempted, s.lastInstalled, s.installedPos = RegLeader, 4, 4, 9
	s.localARU, s.history.executed, s.history.truncated, s.lastProposed, s.top = 6, 6, 4, 8, 8
	s.history.pages = []*[pageSlots]settledSlot{{4: {batch: one(1), view: 3, pos: 3}, 5: {batch: one(2), view: 4, pos: 5}}}
	for seq := Seq(7); seq <= 8; seq++ {
		sl := s.history.at(seq)
		sl.view, sl.batch, sl.pos, sl.heardView, sl.heardBatch, sl.sentAt = 4, one(Timestamp(seq)), Position(seq), 3, one(50), 900*ms
		sl.accepts[2] = 4
	}
	s.acceptances = []acceptance{{7, 4, 7}, {8, 4, 8}}
	s.sessions = append(s.sessions, session{}) // a vacant place
	for client := ClientID(1); client <= 3; client++ {
		c := s.session(client)
		c.opened, c.lastExecuted, c.lastResult, c.usedAt, c.used, c.lastEnqueued = Seq(client), 5, []byte("result"), 6, 800*ms, 5
	}
	s.sessions[3].opened, s.sessions[3].lastResult = 0, nil
	s.opened = 2
	s.pendings = 1
	c := s.session(2)
	c.pending, c.since, c.timer = one(9), 700*ms, 1200*ms
	s.waits.list = []wait{{1200 * ms, 2}}
	s.tombs = []tombstone{{3, 6}}
	s.vacant = []int32{0}
	s.queue, s.queueHead, s.expiring, s.idleAt = []*Batch{one(21), one(22), one(23)}, 1, one(31), 2000*ms
	s.binding = []*Batch{one(1)}
	s.reads = []read{{batch: one(41), server: 2, index: 6, round: 3, since: 950 * ms}, {batch: one(42), server: 1, index: 6, confirmed: true, since: 960 * ms}}
	s.rounds = readRounds{last: 3, open: true, acks: 1 << 1}
	s.handOver = handOver{to: 2, told: true, view: 5, until: 1100 * ms}
	s.reported, s.highest = [MaxServers + 1]Seq{0, 0, 6, 5}, 6
	s.prepareOKs[2] = []span{{1, 4}, {6, 8}}
	s.snaps.latest, s.snaps.pinned, s.snaps.usedAt = SnapshotOf(4, []byte("latest")), SnapshotOf(2, []byte("pinned")), 900*ms
	s.snaps.marks = []snapshotMark{{2, 2}, {4, 4}}
	s.snaps.fetch = fetch{seq: 12, sum: 5, size: 400, from: 2, got: []byte("got"), ahead: []*Part{{Sum: 5, Size: 400, Offset: 128, Bytes: []byte("x")}, {Sum: 5, Size: 400, Offset: 64, Bytes: []byte("y")}}, asked: 192}
	s.disks.roster = Roster{Stores: [MaxServers + 1]StoreID{0, 11, 12, 13}}
	s.disks.pos = 1
	s.position, s.durable = 9, 8
	s.drops[malformed] = 1
	s.progress.running = true
	return s
}

// Whatever two servers differ in, their hashes differ, or there is a reason.
func TestEachFieldIsHashed(t *testing.T) {
	s := busy()
	now := s.now
	hash := func() (h uint64) {
		defer func() {
			if recover() != nil {
				h = 0 // no such state: Hash notices
			}
		}()
		return s.Hash(now)
	}
	before := hash()
	used := map[string]bool{}
	w := &walker{t: t}
	w.try = func(path string) {
		same := hash() == before
		listed := ""
		for _, p := range []string{path, plain(path), strings.SplitN(plain(path), ".", 2)[0]} {
			if _, ok := unhashed[p]; ok && listed == "" {
				listed = p
			}
		}
		switch {
		case same && listed == "":
			t.Errorf("%s may change, and the hash does not", path)
		case same:
			used[listed] = true
		}
	}
	w.walk("", reflect.ValueOf(s).Elem())
	for path, reason := range unhashed {
		if !used[path] {
			t.Errorf("%s is listed (%s), and the hash covers it, or it is gone", path, reason)
		}
	}
	if hash() != before {
		t.Error("the walk has left something changed")
	}
}

// A clone shares nothing that somebody may write to: whatever changes in the original, it stays as it is.
func TestACloneSharesNothing(t *testing.T) {
	s, reference := busy(), busy().Clone()
	clone := s.Clone()
	if !reflect.DeepEqual(clone, reference) {
		t.Fatal("two clones of equal servers differ: is something drawn, or shared?")
	}
	w := &walker{t: t}
	shared := map[string]bool{}
	w.try = func(path string) {
		if plain(path) == "sessions.lastResult" && strings.HasSuffix(path, "]") {
			return // never written to
		}
		if !reflect.DeepEqual(clone, reference) && !shared[plain(path)] {
			shared[plain(path)] = true
			t.Errorf("%s is shared", path)
		}
	}
	w.walk("", reflect.ValueOf(s).Elem())
	s.session(99).lastExecuted = 1
	delete(s.sessionOf, 1)
	s.app.Apply([]byte("another operation"))
	if !reflect.DeepEqual(clone, reference) {
		t.Error("the map of sessions, or the application, is shared")
	}
	if clone.Hash(s.now) != busy().Hash(s.now) {
		t.Error("the clone's hash is another")
	}
}
