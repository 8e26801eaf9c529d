package wire

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/fauer4effect/paxos/protocol"
)

var (
	me    = Identity{Cluster: 7, Server: 2, Life: 3}
	equal = []cmp.Option{cmpopts.IgnoreUnexported(protocol.Batch{}), cmpopts.EquateEmpty()}
)

func encoder(t testing.TB, id Identity, datagram int, key string) *Encoder {
	t.Helper()
	e, err := NewEncoder(id, datagram, []byte(key))
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// encode returns copies, for tests that keep them.
func encode(t testing.TB, e *Encoder, m *protocol.Message) [][]byte {
	t.Helper()
	datagrams, err := e.Encode(m)
	if err != nil {
		t.Fatal(err)
	}
	var own [][]byte
	for _, d := range datagrams {
		own = append(own, bytes.Clone(d))
	}
	return own
}

func refused(d *Decoder) map[string]uint64 {
	counts := map[string]uint64{}
	d.Refused(func(reason string, times uint64) {
		if times > 0 {
			counts[reason] = times
		}
	})
	return counts
}

func accept(view protocol.View) *protocol.Message {
	return &protocol.Message{Kind: protocol.Accept, Server: me.Server, View: view, Seq: 9}
}

// large is a message of several parts.
func large(fill byte) *protocol.Message {
	op := bytes.Repeat([]byte{fill}, 5000)
	return &protocol.Message{
		Kind: protocol.Proposal, Server: me.Server, View: 2, Seq: 1,
		Batch: protocol.NewBatch(protocol.Update{Client: 1, Server: 2, Timestamp: 3, Op: op}),
	}
}

func drawMessage(t *rapid.T) *protocol.Message {
	number := rapid.Uint64()
	m := &protocol.Message{
		Kind: protocol.Kind(rapid.IntRange(1, int(protocol.NumKinds)-1).Draw(t, "kind")), Server: me.Server,
		State: protocol.State(rapid.IntRange(0, 3).Draw(t, "state")),
		View:  protocol.View(number.Draw(t, "view")), Seq: protocol.Seq(number.Draw(t, "seq")),
		ARU: protocol.Seq(number.Draw(t, "aru")), Store: protocol.StoreID(number.Draw(t, "store")),
	}
	batch := func() *protocol.Batch {
		var updates []protocol.Update
		for range rapid.IntRange(0, 3).Draw(t, "updates") {
			updates = append(updates, protocol.Update{
				Client: protocol.ClientID(rapid.Uint32().Draw(t, "client")), Server: 1,
				Timestamp: protocol.Timestamp(number.Draw(t, "timestamp")),
				Op:        rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(t, "op"),
			})
		}
		return protocol.NewBatch(updates...)
	}
	if hasBatch(m.Kind) {
		m.Batch = batch()
	}
	if hasList(m.Kind) {
		list := protocol.DataList{}
		for range rapid.IntRange(0, 4).Draw(t, "entries") {
			list = append(list, protocol.Entry{
				Seq: protocol.Seq(number.Draw(t, "entry")), View: protocol.View(number.Draw(t, "of view")),
				Ordered: rapid.Bool().Draw(t, "ordered"), Batch: batch(),
			})
		}
		m.List = &list
	}
	if hasRoster(m.Kind) {
		m.Roster = &protocol.Roster{Formed: rapid.Bool().Draw(t, "formed")}
		for id := range m.Roster.Stores[1:] {
			m.Roster.Stores[id+1] = protocol.StoreID(number.Draw(t, "store"))
		}
	}
	if hasPart(m.Kind) {
		m.Part = &protocol.Part{
			Sum: number.Draw(t, "sum"), Size: number.Draw(t, "size"), Offset: number.Draw(t, "offset"),
			Bytes: rapid.SliceOfN(rapid.Byte(), 0, 2000).Draw(t, "bytes"),
		}
	}
	return m
}

// part is a piece of a snapshot.
func part() *protocol.Message {
	return &protocol.Message{
		Kind: protocol.SnapshotPart, Server: me.Server, Seq: 9,
		Part: &protocol.Part{Sum: 1, Size: 70, Offset: 64, Bytes: []byte("a part")},
	}
}

// Whatever is sent arrives, in datagrams within the limit, in any order of its parts.
func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		m := drawMessage(rt)
		size := rapid.IntRange(140, 1400).Draw(rt, "datagram")
		key := rapid.SampledFrom([]string{"", "secret"}).Draw(rt, "key")
		datagrams := encode(t, encoder(t, me, size, key), m)
		d := NewDecoder(me.Cluster, 3, []byte(key))
		arrived := 0
		for _, i := range rapid.Permutation(indexes(len(datagrams))).Draw(rt, "order") {
			if len(datagrams[i]) > size {
				rt.Fatalf("a datagram of %d bytes where %d are allowed", len(datagrams[i]), size)
			}
			if got, ok := d.Decode(datagrams[i]); ok {
				arrived++
				if diff := cmp.Diff(*m, got, equal...); diff != "" {
					rt.Fatalf("sent and received differ:\n%s", diff)
				}
				if got.Digest() != m.Digest() {
					rt.Fatal("sent and received have different digests")
				}
			}
		}
		if arrived != 1 || len(refused(d)) > 0 {
			rt.Fatalf("arrived %d times from %d datagrams, refused %v", arrived, len(datagrams), refused(d))
		}
	})
}

func indexes(n int) []int {
	s := make([]int, n)
	for i := range s {
		s[i] = i
	}
	return s
}

// No single flipped bit passes, and no datagram that is cut anywhere.
func TestDamageIsRefused(t *testing.T) {
	for _, key := range []string{"", "secret"} {
		datagram := encode(t, encoder(t, me, 0, key), large('x'))[0]
		d := NewDecoder(me.Cluster, 3, []byte(key))
		for i := range 8 * len(datagram) {
			datagram[i/8] ^= 1 << (i % 8)
			if _, ok := d.Decode(datagram); ok {
				t.Fatalf("key %q: bit %d flipped, and taken", key, i)
			}
			datagram[i/8] ^= 1 << (i % 8)
		}
		for n := range datagram {
			if _, ok := d.Decode(datagram[:n]); ok {
				t.Fatalf("key %q: cut to %d bytes, and taken", key, n)
			}
		}
		var total uint64
		for _, times := range refused(d) {
			total += times
		}
		if want := uint64(9 * len(datagram)); total != want {
			t.Errorf("key %q: %d refusals counted of %d: %v", key, total, want, refused(d))
		}
	}
}

// What is whole, but not for us or not from who it says.
func TestForeignIsRefused(t *testing.T) {
	for _, c := range []struct {
		name string
		id   Identity
		key  string
		want string
	}{
		{"another cluster", Identity{Cluster: 8, Server: 2, Life: 3}, "k", "another cluster"},
		{"a server that is not listed", Identity{Cluster: 7, Server: 4, Life: 3}, "k", "unknown sender"},
		{"no server at all", Identity{Cluster: 7, Life: 3}, "k", "unknown sender"},
		{"another key", me, "wrong", "not made with our key"},
		{"no key", me, "", "not made with our key"},
		{"an earlier life", Identity{Cluster: 7, Server: 2, Life: 2}, "k", "an earlier life of its sender"},
	} {
		d := NewDecoder(me.Cluster, 3, []byte("k"))
		if _, ok := d.Decode(encode(t, encoder(t, me, 0, "k"), accept(1))[0]); !ok {
			t.Fatal("our own datagram is refused")
		}
		if _, ok := d.Decode(encode(t, encoder(t, c.id, 0, c.key), accept(2))[0]); ok || refused(d)[c.want] != 1 {
			t.Errorf("%s: taken %v, refused %v", c.name, ok, refused(d))
		}
	}
}

// A decoder that begins with what an earlier one knew refuses what that one refused. So a
// receiver's restart lets no replay of its peers' earlier lives through.
func TestLivesAreHandedOver(t *testing.T) {
	d := NewDecoder(me.Cluster, 3, []byte("k"))
	if _, ok := d.Decode(encode(t, encoder(t, me, 0, "k"), accept(1))[0]); !ok {
		t.Fatal("our own datagram is refused")
	}
	after := NewDecoder(me.Cluster, 3, []byte("k"))
	after.SetLives(d.Lives())
	earlier := Identity{Cluster: me.Cluster, Server: me.Server, Life: me.Life - 1}
	if _, ok := after.Decode(encode(t, encoder(t, earlier, 0, "k"), accept(2))[0]); ok || refused(after)[EarlierLife] != 1 {
		t.Errorf("an earlier life: taken %v, refused %v", ok, refused(after))
	}
	foreign := Identity{Cluster: 8, Server: 2, Life: 3}
	if _, ok := after.Decode(encode(t, encoder(t, foreign, 0, "k"), accept(3))[0]); ok || after.Foreign() != 8 {
		t.Errorf("another cluster: taken %v, told as %x", ok, after.Foreign())
	}
}

// A part that is lost costs its message and no other; repeated and mixed parts do no harm.
func TestParts(t *testing.T) {
	e := encoder(t, me, 0, "")
	first, second := encode(t, e, large('a')), encode(t, e, large('b'))
	if len(first) < 4 {
		t.Fatalf("%d parts only", len(first))
	}
	d := NewDecoder(me.Cluster, 3, nil)
	for i := range first[1:] {
		for range 2 {
			if _, ok := d.Decode(first[i+1]); ok {
				t.Fatal("whole without its first part")
			}
			_, whole := d.Decode(second[i])
			if whole {
				t.Fatal("whole without its last part")
			}
		}
	}
	m, ok := d.Decode(second[len(second)-1])
	if !ok || m.Batch.Updates[0].Op[0] != 'b' {
		t.Fatalf("the second message did not arrive: %v", ok)
	}
	if _, again := d.Decode(second[0]); again {
		t.Error("a repeated part made its message whole again")
	}
	if m, ok = d.Decode(first[0]); !ok || m.Batch.Updates[0].Op[0] != 'a' {
		t.Errorf("the first message did not arrive: %v", ok)
	}
}

// Messages that never become whole are forgotten: their memory is bounded.
func TestUnfinishedMessagesAreForgotten(t *testing.T) {
	e := encoder(t, me, 0, "")
	d := NewDecoder(me.Cluster, 3, nil)
	for range 10_000 {
		d.Decode(encode(t, e, large('x'))[0])
	}
	held := 0
	for _, a := range d.partial {
		for _, p := range a.slots {
			for _, part := range p.parts {
				held += len(part)
			}
		}
	}
	if held == 0 || held > assemblySlots*DatagramBytes {
		t.Errorf("%d bytes are held for messages that will not come", held)
	}
}

// A datagram that claims huge sizes costs no memory, nor do many that are large in turn.
func TestHostileLengths(t *testing.T) {
	encoded := func(m message) []byte {
		b, err := m.MarshalMsg(nil)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	// claim gives the array or bytes whose header stands before rest another length.
	claim := func(honest []byte, header byte, rest []byte, claimed ...byte) []byte {
		at := bytes.LastIndex(honest, append([]byte{header}, rest...))
		if at < 0 {
			t.Fatalf("%x has no %x before %x: the format changed, and this test with it", honest, header, rest)
		}
		return append(bytes.Clone(honest[:at]), claimed...)
	}
	one := update{Client: 1, Server: 1, Timestamp: 1, Op: []byte("op")}
	proposal := encoded(message{Kind: uint8(protocol.Proposal), Updates: []update{one}})
	answer := encoded(message{Kind: uint8(protocol.PrepareOK), Entries: []entry{{Seq: 7, View: 7, Updates: []update{one}}}})
	begin := []byte{0x96, 1, 1, 0} // how an update begins
	claims := map[string][]byte{
		"updates":              claim(proposal, 0x91, begin, 0xdd, 0xff, 0xff, 0xff, 0xff),
		"updates to the limit": claim(proposal, 0x91, begin, 0xdc, 0x04, 0x00),
		"entries":              claim(answer, 0x91, []byte{0x94, 7, 7}, 0xdd, 0xff, 0xff, 0xff, 0xff),
		"entries to the limit": claim(answer, 0x91, []byte{0x94, 7, 7}, 0xdc, 0x04, 0x00),
		"updates of an entry":  claim(answer, 0x91, begin, 0xdc, 0x04, 0x00),
		"an operation":         claim(proposal, 0xc4, []byte{2, 'o', 'p'}, 0xc6, 0x00, 0x40, 0x00, 0x00),
	}
	e := encoder(t, me, 0, "")
	id := uint64(0)
	decode := func(d *Decoder, payload []byte) bool {
		id++
		datagram, err := encoder(t, me, 65_000, "").seal(nil, &frame{Cluster: me.Cluster, Sender: 2, Life: 3, ID: id, Parts: 1, Payload: payload})
		if err != nil {
			t.Fatal(err)
		}
		_, ok := d.Decode(datagram)
		return ok
	}
	if d := NewDecoder(me.Cluster, 3, nil); !decode(d, proposal) || !decode(d, answer) {
		t.Fatal("the honest messages are refused, so the claims prove nothing")
	}
	for name, payload := range claims {
		d := NewDecoder(me.Cluster, 3, nil)
		datagram, err := e.seal(nil, &frame{Cluster: me.Cluster, Sender: 2, Life: 3, ID: 1, Parts: 1, Payload: payload})
		if err != nil {
			t.Fatal(err)
		}
		if grown := allocated(func() {
			for range 100 {
				if _, ok := d.Decode(datagram); ok {
					t.Errorf("%s: the claim is taken", name)
				}
			}
		}); grown > 100<<10 {
			t.Errorf("%s: 100 datagrams of %d bytes cost %d bytes of memory", name, len(datagram), grown)
		}
		if refused(d)["malformed"] != 100 {
			t.Errorf("%s: refused %v", name, refused(d))
		}
	}
	// Each claims another update's operation, of which the decoder has the memory apart.
	liar := NewDecoder(me.Cluster, 3, nil)
	lies := make([][]byte, 30)
	for i := range lies {
		honest := encoded(message{Kind: uint8(protocol.Proposal), Updates: append(make([]update, i), one)})
		lies[i] = claim(honest, 0xc4, []byte{2, 'o', 'p'}, 0xc5, 0xff, 0xff)
	}
	if grown := allocated(func() {
		for i, lie := range lies {
			if decode(liar, lie) {
				t.Errorf("the claim of operation %d is taken", i)
			}
		}
	}); grown > 1<<20 {
		t.Errorf("%d datagrams cost %d bytes of memory", len(lies), grown)
	}
	// Each fills another entry, or another update: what one needed is not kept for all that follow,
	// whether they are taken or refused.
	entries := func(i int) []entry {
		list := make([]entry, 500) // of one length, or a new list would take the place of the old
		list[i].Updates = make([]update, 1000)
		return list
	}
	for name, hostile := range map[string]func(d *Decoder, c *RecordCodec, i int) bool{
		"entries": func(d *Decoder, _ *RecordCodec, i int) bool {
			return decode(d, encoded(message{Kind: uint8(protocol.PrepareOK), Entries: entries(i)}))
		},
		"entries, and a byte too much": func(d *Decoder, _ *RecordCodec, i int) bool {
			return !decode(d, append(encoded(message{Kind: uint8(protocol.PrepareOK), Entries: entries(i)}), 0))
		},
		"operations": func(d *Decoder, _ *RecordCodec, i int) bool {
			updates := make([]update, 500)
			updates[i].Op = make([]byte, 50_000)
			return decode(d, encoded(message{Kind: uint8(protocol.Proposal), Updates: updates}))
		},
		"records of no kind": func(_ *Decoder, c *RecordCodec, i int) bool {
			body, err := (&record{Kind: 99, Open: entries(i)}).MarshalMsg(nil)
			if err != nil {
				t.Fatal(err)
			}
			_, err = c.decode(Stored{body: body})
			return err != nil && strings.Contains(err.Error(), "unknown kind 99")
		},
	} {
		d, c := NewDecoder(me.Cluster, 3, nil), new(RecordCodec)
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		for i := range 500 {
			if !hostile(d, c, i) {
				t.Fatalf("%s: number %d is not taken, or refused, as it should be", name, i)
			}
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		if kept := int64(after.HeapAlloc) - int64(before.HeapAlloc); kept > 1<<20 {
			t.Errorf("%s: the decoder keeps %d bytes", name, kept)
		}
		runtime.KeepAlive(d)
		runtime.KeepAlive(c)
	}
}

// allocated is how many bytes f takes.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

func TestTooLargeIsAnError(t *testing.T) {
	m := large('x')
	m.Batch = protocol.NewBatch(protocol.Update{Op: make([]byte, 1<<20)})
	if _, err := encoder(t, me, 0, "").Encode(m); err == nil {
		t.Error("a megabyte travels in 64 datagrams of 1,400 bytes")
	}
	if _, err := encoder(t, me, 0, "").Encode(&protocol.Message{Kind: protocol.Proposal}); err == nil {
		t.Error("a Proposal without a batch is sent")
	}
	for _, size := range []int{1, 100, 70_000} {
		if _, err := NewEncoder(me, size, nil); err == nil {
			t.Errorf("datagrams of %d bytes are possible", size)
		}
	}
}

func FuzzDecode(f *testing.F) {
	e := encoder(f, me, 0, "")
	for _, m := range []*protocol.Message{accept(1), large('x'), part()} {
		for _, d := range encode(f, e, m) {
			f.Add(d)
		}
	}
	f.Fuzz(func(t *testing.T, datagram []byte) {
		d := NewDecoder(me.Cluster, 3, nil)
		m, ok := d.Decode(datagram)
		if !ok {
			return
		}
		again := NewDecoder(me.Cluster, 3, nil)
		id := Identity{Cluster: me.Cluster, Server: m.Server, Life: d.lives[m.Server]}
		for _, part := range encode(t, encoder(t, id, 65_000, ""), &m) {
			if n, whole := again.Decode(part); whole && n.Digest() != m.Digest() {
				t.Errorf("%v comes back as %v", &m, &n)
			}
		}
	})
}

// FuzzDatagrams feeds one decoder, with a key, several datagrams. They are whole ones, parts in
// any order, and what the fuzzer makes of them under a correct tag.
func FuzzDatagrams(f *testing.F) {
	e := encoder(f, me, 200, "k")
	var parts []byte
	for _, d := range encode(f, e, large('x'))[:6] {
		body := d[:len(d)-tagBytes]
		parts = append(append(parts, byte(len(body))), body...)
	}
	f.Add(parts)
	f.Fuzz(func(t *testing.T, datagrams []byte) {
		d := NewDecoder(me.Cluster, 3, []byte("k"))
		for len(datagrams) > 0 {
			n := min(int(datagrams[0]), len(datagrams)-1)
			body := datagrams[1 : 1+n]
			datagrams = datagrams[1+n:]
			sealed := bytes.Clone(body)
			if n > headerBytes { // checksum and tag are right, so that the rest is looked at
				binary.BigEndian.PutUint32(sealed[4:], crc32.Checksum(sealed[headerBytes:], castagnoli))
			}
			if m, ok := d.Decode(appendTag(sealed, newMAC([]byte("k")))); ok {
				_, _ = m.Digest(), m.String()
			}
		}
	})
}

// FuzzMessage goes past the checksum, which stops most of what FuzzDecode tries.
func FuzzMessage(f *testing.F) {
	for _, m := range []*protocol.Message{accept(1), large('x'), part()} {
		var w message
		if err := w.fill(m); err != nil {
			f.Fatal(err)
		}
		payload, err := w.MarshalMsg(nil)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(payload)
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		datagram, err := encoder(t, me, 65_000, "").seal(nil, &frame{Cluster: 7, Sender: 2, Life: 3, ID: 1, Parts: 1, Payload: payload})
		if err != nil {
			t.Fatal(err)
		}
		if m, ok := NewDecoder(7, 3, nil).Decode(datagram); ok {
			_, _ = m.Digest(), m.String()
		}
	})
}

func BenchmarkEncodeAccept(b *testing.B) {
	e, m := encoder(b, me, 0, ""), accept(1)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := e.Encode(m); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecodeAccept(b *testing.B) {
	datagram := encode(b, encoder(b, me, 0, ""), accept(1))[0]
	d := NewDecoder(me.Cluster, 3, nil)
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := d.Decode(datagram); !ok {
			b.Fatal("refused")
		}
	}
}
