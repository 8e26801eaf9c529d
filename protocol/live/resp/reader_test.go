package resp

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// chunks is a connection on which bytes come in pieces.
type chunks struct {
	text string
	next func(left int) int // how many of them come now
}

func (c *chunks) Read(b []byte) (int, error) {
	if c.text == "" {
		return 0, io.EOF
	}
	n := copy(b, c.text[:min(max(c.next(len(c.text)), 1), len(c.text))])
	c.text = c.text[n:]
	return n, nil
}

const commandBytes = 256 << 10

var errTooLong, errNoRoom = errors.New("more than 65536 bytes"), errors.New("no room")

func reader(from io.Reader, room func(int64) bool) *Reader {
	return NewReader(from, Limits{Bytes: commandBytes, TooLong: errTooLong, Room: room, NoRoom: errNoRoom})
}

func encoded(words ...string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "*%d\r\n", len(words))
	for _, w := range words {
		b.WriteString(bulk(w))
	}
	return b.String()
}

func bulk(text string) string { return fmt.Sprintf("$%d\r\n%s\r\n", len(text), text) }

func whole(left int) int { return left }
func bytewise(int) int   { return 1 }

// readAll is what a reader makes of the text: commands, and errors as !text. It fails where
// the reader keeps more than it may.
func readAll(t interface {
	Helper()
	Fatalf(string, ...any)
}, text string, next func(int) int,
) []string {
	t.Helper()
	var kept int64
	r := reader(&chunks{text, next}, func(n int64) bool { kept += n; return true })
	var all []string
	for r.Fill() == nil {
		for {
			args, err := r.Next()
			var wrong ProtocolError
			if errors.Is(err, ErrIncomplete) {
				break
			}
			if err != nil {
				all = append(all, "!"+err.Error())
			} else {
				all = append(all, fmt.Sprintf("%q", args))
			}
			if errors.As(err, &wrong) {
				return all
			}
		}
		if len(r.buf) > 2*commandBytes || cap(r.spans) > commandBytes/4 || kept != int64(len(r.buf)-SmallBuffer) {
			t.Fatalf("a buffer of %d bytes and %d spans; %d bytes are accounted for", len(r.buf), cap(r.spans), kept)
		}
	}
	r.Release()
	if kept != 0 {
		t.Fatalf("%d bytes are never given back", kept)
	}
	return all
}

// What is sent comes out, whatever bytes it holds and however they come.
func TestReaderGivesWhatWasSent(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var text strings.Builder
		var want []string
		for range rapid.IntRange(1, 10).Draw(t, "commands") {
			args := rapid.SliceOfN(rapid.SliceOfN(rapid.Byte(), 0, 20), 1, 6).Draw(t, "args")
			if rapid.IntRange(0, 9).Draw(t, "large") == 0 {
				args = append(args, bytes.Repeat([]byte("\r\n*$"), rapid.IntRange(1, 40_000).Draw(t, "times")))
			}
			fmt.Fprintf(&text, "*%d\r\n", len(args))
			for _, a := range args {
				fmt.Fprintf(&text, "$%d\r\n%s\r\n", len(a), a)
			}
			want = append(want, fmt.Sprintf("%q", args))
		}
		got := readAll(t, text.String(), func(left int) int {
			return rapid.IntRange(1, max(left/2, 1)).Draw(t, "bytes")
		})
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Fatalf("%.500q, want %.500q", got, want)
		}
	})
}

// What a client may claim or type, and what becomes of it; the same in one piece or many.
func TestReaderRefuses(t *testing.T) {
	long := strings.Repeat("x", commandBytes)
	const ping = "*1\r\n$4\r\nPING\r\n"
	for _, c := range []struct{ text, want string }{
		{"", ""},
		{"*0\r\n*-1\r\n\r\n\n   \r\n" + ping, `["PING"]`},
		{"PING\nGET  a\r\n", `["PING"] ["GET" "a"]`},
		{"SET k \"a b\\n\" 'c'\r\n", `["SET" "k" "a b\n" "c"]`},
		{"\tECHO\t\"\\x41\\x0g\\\\\\\"\\q\"\n", `["ECHO" "Ax0g\\\"q"]`},
		{"ECHO 'a\\n\\'b' a\"b c\"\n", `["ECHO" "a\\n'b" "ab c"]`},
		{"ECHO \"\" ''\n", `["ECHO" "" ""]`},
		{"ECHO \"a\"b\n", "!Protocol error: unbalanced quotes in request"},
		{"ECHO 'a\\'\n", "!Protocol error: unbalanced quotes in request"},
		{"ECHO \"a\\\n", "!Protocol error: unbalanced quotes in request"},
		{"SET k \"a b\r\n", "!Protocol error: unbalanced quotes in request"},
		{"$3 abc\r\nPING\r\n", `["$3" "abc"] ["PING"]`},
		{strings.Repeat("y", maxInline), "!Protocol error: too big inline request"},
		{strings.Repeat("y", maxInline-1) + "\n", fmt.Sprintf("[%q]", strings.Repeat("y", maxInline-1))},
		{"*1000000000\r\n", "!Protocol error: invalid multibulk length"},
		{"*1048577\r\n", "!Protocol error: invalid multibulk length"},
		{"*1048576\r\n$1\r\na\r\n", ""},
		{"*9223372036854775808\r\n", "!Protocol error: invalid multibulk length"},
		{"*x\r\n", "!Protocol error: invalid multibulk length"},
		{"*\r\n", "!Protocol error: invalid multibulk length"},
		{"*1\n", "!Protocol error: invalid multibulk length"},
		{"*" + strings.Repeat("1", maxHeadBytes), "!Protocol error: too big mbulk count string"},
		{"*1\r\n$" + strings.Repeat("1", maxHeadBytes), "!Protocol error: too big bulk count string"},
		{"*1\r\n$999999999999\r\n", "!Protocol error: invalid bulk length"},
		{"*1\r\n$536870913\r\n", "!Protocol error: invalid bulk length"},
		{"*1\r\n$9223372036854775807\r\n", "!Protocol error: invalid bulk length"},
		{"*1\r\n$-1\r\n", "!Protocol error: invalid bulk length"},
		{"*1\r\n$1\r\nab\r\n", "!Protocol error: invalid bulk length"},
		{"*1\r\nPING\r\n", "!Protocol error: expected '$', got 'P'"},
		{"*1\r\n\x01", "!Protocol error: expected '$', got '?'"},
		{"*2\r\n$3\r\nGET\r\n$536870912\r\n", ""},
		{"*2\r\n$3\r\nGET\r\n" + bulk(long) + ping, `!more than 65536 bytes ["PING"]`},
		{"*3\r\n$3\r\nGET\r\n" + bulk(long) + bulk(long) + ping + ping, `!more than 65536 bytes ["PING"] ["PING"]`},
		{"*60000\r\n" + strings.Repeat("$1\r\na\r\n", 60_000) + ping, `!more than 65536 bytes ["PING"]`},
		{"*2\r\n$3\r\nGET\r\n$300000\r\nxxx", ""},
	} {
		for name, next := range map[string]func(int) int{"whole": whole, "bytewise": bytewise} {
			if got := strings.Join(readAll(t, c.text, next), " "); got != c.want {
				t.Errorf("%.60q, %s: %.200s, want %.200s", c.text, name, got, c.want)
			}
		}
	}
}

// Suppose all the memory for incomplete commands is taken. Then a large command is refused and
// read to its end; small ones need none of that memory.
func TestReaderWithoutRoom(t *testing.T) {
	large := encoded("SET", "k", strings.Repeat("x", 2*SmallBuffer))
	r := reader(&chunks{large + encoded("PING") + large + encoded("PING"), bytewise}, func(n int64) bool { return n <= 0 })
	var got []string
	for r.Fill() == nil {
		for {
			args, err := r.Next()
			if errors.Is(err, ErrIncomplete) {
				break
			}
			got = append(got, fmt.Sprintf("%q %v", args, err))
		}
	}
	refused := fmt.Sprintf("[] %v", errNoRoom)
	if want := []string{refused, `["PING"] <nil>`, refused, `["PING"] <nil>`}; fmt.Sprint(got) != fmt.Sprint(want) || len(r.buf) != SmallBuffer {
		t.Errorf("%q in %d bytes, want %q", got, len(r.buf), want)
	}
}

// Whatever comes: no panic, bounded memory, and it does not matter in which pieces.
func FuzzReader(f *testing.F) {
	for _, seed := range []string{
		"PING\r\n", "*1\r\n$4\r\nPING\r\n", "*2\r\n$3\r\nGET\r\n$9223372036854775807\r\n", "*1000000000\r\n$3\r\n",
		"$3 \"\r\n", "\"a\\", "*1\r\n$300000\r\n", "*3\r\n$1\r\na\r\n$1000000\r\n",
	} {
		f.Add(seed, byte(1))
	}
	f.Fuzz(func(t *testing.T, text string, piece byte) {
		a, b := readAll(t, text, whole), readAll(t, text, func(int) int { return int(piece) })
		if fmt.Sprint(a) != fmt.Sprint(b) {
			t.Errorf("whole: %q; in pieces of %d: %q", a, piece, b)
		}
	})
}

func BenchmarkReader(b *testing.B) {
	text := strings.Repeat(encoded("SET", "key:000000012345", strings.Repeat("v", 64)), 16)
	from := &chunks{"", whole}
	r := reader(from, func(int64) bool { return true })
	b.ReportAllocs()
	for b.Loop() {
		from.text = text
		if err := r.Fill(); err != nil {
			b.Fatal(err)
		}
		for n := 0; ; n++ {
			if _, err := r.Next(); err != nil {
				if n != 16 {
					b.Fatal(n, err)
				}
				break
			}
		}
	}
}
