package redis

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"github.com/fauer4effect/paxos/protocol"
	"github.com/fauer4effect/paxos/protocol/kv"
	"github.com/fauer4effect/paxos/protocol/live"
	"github.com/fauer4effect/paxos/protocol/live/resp"
)

// asked is what a server was asked to execute.
type asked struct {
	op   kv.Op
	read bool
}

// understudy takes a server's place: it executes what is asked, or says what is to be said.
type understudy struct {
	t      *testing.T
	say    func(n int) error
	counts live.Counts

	mu    sync.Mutex
	store *kv.Store
	all   []asked
}

func newUnderstudy(t *testing.T, say func(n int) error) *understudy {
	return &understudy{t: t, say: say, store: kv.New()}
}

func (u *understudy) Do(_ context.Context, op []byte) ([]byte, error) { return u.execute(op, false) }

func (u *understudy) Read(_ context.Context, op []byte) ([]byte, error) { return u.execute(op, true) }
func (u *understudy) Counts() *live.Counts                              { return &u.counts }
func (u *understudy) Status() live.Status                               { return live.Status{} }
func (u *understudy) Hosts() live.Hosts                                 { return nil }
func (u *understudy) HandOver(protocol.ServerID)                        {}
func (u *understudy) Stopped() <-chan struct{}                          { return nil }

func (u *understudy) execute(encoded []byte, read bool) ([]byte, error) {
	if len(encoded) > live.MaxOpBytes {
		return nil, live.ErrTooBig
	}
	op, err := kv.Decode(encoded)
	if err != nil {
		u.t.Errorf("%q: %v", encoded, err)
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.all = append(u.all, asked{op, read})
	switch err := u.say(len(u.all)); {
	case err != nil:
		return nil, err
	case read:
		return u.store.Query(encoded), nil
	default:
		return u.store.Apply(encoded), nil
	}
}

// put sets a key, as if others had.
func (u *understudy) put(key, value string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.store.Apply(kv.Op{Kind: kv.Put, Key: key, Value: value}.Encode())
}

func (u *understudy) asked() []asked {
	u.mu.Lock()
	defer u.mu.Unlock()
	return slices.Clone(u.all)
}

func nothing(int) error { return nil }

// The commands that wait on a connection are one update; those that only read are one read;
// others are answered in their place.
func TestPipelineIsOneUpdate(t *testing.T) {
	long := strings.Repeat("v", 30_000)
	for _, x := range []struct {
		name, commands string
		say            func(n int) error
		asked          []string
		replies        string
	}{
		{
			"writes and reads", "SET a 1\nINCR a\nGET a\nDEL a b\n", nothing,
			[]string{`many [put "a" "1"; incr "a"; get "a"; delete "a"; delete "b"]`},
			"+OK\r\n:2\r\n$1\r\n2\r\n:1\r\n",
		},
		{
			"reads alone", "GET a\nMGET a b\nEXISTS a\nSTRLEN a\n", nothing,
			[]string{`read many [get "a"; get "a"; get "b"; strlen "a"; strlen "a"]`},
			"$-1\r\n*2\r\n$-1\r\n$-1\r\n:0\r\n:0\r\n",
		},
		{"one command", "SET a 1\n", nothing, []string{`put "a" "1"`}, "+OK\r\n"},
		{"one read", "GET a\n", nothing, []string{`read get "a"`}, "$-1\r\n"},
		{
			"others between", "SET a 1\nPING\nGET a\nNONSENSE\nINCRBY a x\nINCR a\nGET a\n", nothing,
			[]string{`put "a" "1"`, `read get "a"`, `many [incr "a"; get "a"]`},
			"+OK\r\n+PONG\r\n$1\r\n1\r\n-ERR unknown command 'NONSENSE', with args beginning with: \r\n-ERR value is not an integer or out of range\r\n:2\r\n$1\r\n2\r\n",
		},
		{
			"busy", "SET a 1\nGET a\n", func(int) error { return live.ErrBusy },
			[]string{`many [put "a" "1"; get "a"]`},
			strings.Repeat("-BUSY too many commands are waiting; nothing was executed\r\n", 2),
		},
		{
			"an unknown outcome, and what comes after it", "SET a 1\nGET a\nPING\nGET a\n",
			func(n int) error {
				if n == 1 {
					return live.ErrUnknown
				}
				return nil
			},
			[]string{`many [put "a" "1"; get "a"]`, `read get "a"`},
			strings.Repeat("-UNKNOWN outcome unknown; the command may have been executed, or not\r\n", 2) + "+PONG\r\n$-1\r\n",
		},
		{
			"more than fits", encoded("SET", "a", long) + encoded("SET", "b", long) + encoded("SET", "c", long) + "SET d 1\n", nothing,
			[]string{fmt.Sprintf(`many [put "a" %q; put "b" %q]`, long, long), fmt.Sprintf(`many [put "c" %q; put "d" "1"]`, long)},
			strings.Repeat("+OK\r\n", 4),
		},
		{
			"one that never fits, and its neighbours", "INCR a\n" + encoded("SET", "a", long+long+long) + "INCR a\n", nothing,
			[]string{`incr "a"`, `incr "a"`},
			":1\r\n-ERR more than 65536 bytes; nothing was executed\r\n:2\r\n",
		},
		{
			"many keys that never fit", "INCR a\n" + encoded("DEL", "a", long, long, long) + "INCR a\n", nothing,
			[]string{`incr "a"`, `incr "a"`},
			":1\r\n-ERR more than 65536 bytes; nothing was executed\r\n:2\r\n",
		},
	} {
		t.Run(x.name, func(t *testing.T) {
			s := newUnderstudy(t, x.say)
			_, address := listening(t, s, replyPatience)
			c := dialRaw(t, address)
			c.send(encoded("PING") + x.commands) // the first is not there for long before the others
			c.expect(x.name, "+PONG\r\n"+x.replies)
			var got []string
			for _, a := range s.asked() {
				text := a.op.String()
				if a.read {
					text = "read " + text
				}
				got = append(got, text)
			}
			if len(x.commands) < resp.SmallBuffer && strings.Join(got, "\n") != strings.Join(x.asked, "\n") {
				t.Errorf("asked for %.300q, want %.300q", got, x.asked)
			}
			if n := strings.Count(strings.Join(got, ""), "put"); n != strings.Count(strings.Join(x.asked, ""), "put") {
				t.Errorf("%d puts", n)
			}
		})
	}
}

// However the bytes of a pipeline are cut, its replies are those of the commands one by one.
func TestPipelineMeetsOneByOne(t *testing.T) {
	word := rapid.SampledFrom([]string{"a", "b", "c", "1", "-7", "x y\r\n"})
	_, apart := listening(t, newUnderstudy(t, nothing), replyPatience)
	_, together := listening(t, newUnderstudy(t, nothing), replyPatience)
	rapid.Check(t, func(rt *rapid.T) {
		var commands []string
		for range rapid.IntRange(1, 30).Draw(rt, "commands") {
			words := []string{rapid.SampledFrom([]string{
				"GET", "SET", "DEL", "INCR", "INCRBY", "DECR", "DECRBY", "APPEND", "EXISTS", "STRLEN", "MGET", "MSET", "PING", "ECHO", "NONE",
			}).Draw(rt, "name")}
			words = append(words, rapid.SliceOfN(word, 0, 4).Draw(rt, "args")...)
			if words[0] == "SET" && len(words) > 3 {
				words = append(words[:3], rapid.SampledFrom([]string{"NX", "XX", "GET", "EX"}).Draw(rt, "option"), "GET")
			}
			commands = append(commands, encoded(words...))
		}
		a, b := dialRaw(t, apart), dialRaw(t, together)
		defer a.conn.Close()
		defer b.conn.Close()
		var want strings.Builder
		for _, command := range commands {
			a.send(command + encoded("ECHO", "end of it"))
			for !strings.HasSuffix(want.String(), bulk("end of it")) {
				c, err := a.in.ReadByte()
				if err != nil {
					rt.Fatal(err)
				}
				want.WriteByte(c)
			}
			text := strings.TrimSuffix(want.String(), bulk("end of it"))
			want.Reset()
			want.WriteString(text)
		}
		all := strings.Join(commands, "")
		for len(all) > 0 {
			n := rapid.IntRange(1, len(all)).Draw(rt, "bytes")
			b.send(all[:n])
			all = all[n:]
		}
		b.expect("the pipeline", want.String())
	})
}

// Many reads of long values do not fit into one result: they are asked for one by one. Where
// a command itself asks for too much it is told so.
func TestLongReads(t *testing.T) {
	s := newUnderstudy(t, nothing)
	long := strings.Repeat("v", 700_000)
	s.put("k", long)
	_, address := listening(t, s, replyPatience)
	c := dialRaw(t, address)
	c.send("GET k\nGET k\nSTRLEN k\nGET k\n")
	c.expect("reads", bulk(long)+bulk(long)+":700000\r\n"+bulk(long))
	c.send("MGET k k\n")
	const tooMuch = "-ERR values of more than 1048576 bytes were asked for together: ask for fewer at once; nothing was changed\r\n"
	c.expect("MGET", tooMuch)
	c.send("GET k\nINCR n\nGET k\nINCR n\n")
	c.expect("reads among writes", bulk(long)+":1\r\n"+tooMuch+":2\r\n")
	c.send("GET k\nINCR n\nSET k short GET\nSET k long GET\n")
	c.expect("SET GET after others", bulk(long)+":3\r\n"+bulk(long)+bulk("short"))
	s.put("k", long+long)
	c.send("APPEND k x\nAPPEND k2 x\n")
	c.expect("APPEND", "-ERR string exceeds maximum allowed size (1000000 bytes)\r\n:1\r\n")
	c.send("SET k short NX GET\n")
	c.expect("SET NX GET", "-ERR the value before is longer than 1048576 bytes; nothing was changed\r\n")
	c.send("SET k short GET\n")
	c.expect("SET GET", "-ERR the value before is longer than 1048576 bytes; the command was executed\r\n")
	c.send("GET k\n")
	c.expect("GET", bulk("short"))
	if n := len(s.asked()); n != 1+2+2+1+3+1+1+1+1 {
		t.Errorf("%d updates and reads", n)
	}
}

// Commands that were not begun when the server stopped say so.
func TestStoppedServer(t *testing.T) {
	s := solo(t)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	_, address := listening(t, s, replyPatience)
	c := dialRaw(t, address)
	c.send("SET a 1\n")
	c.expect("SET", "-STOPPING the server stops; nothing was executed\r\n")
}
