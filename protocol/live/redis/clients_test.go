package redis

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/fauer4effect/paxos/protocol/kv"
	"github.com/fauer4effect/paxos/protocol/live"
	"github.com/fauer4effect/paxos/protocol/live/trio"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// solo is a cluster of one server, on the loopback interface.
func solo(t *testing.T) *live.Server {
	t.Helper()
	c := trio.New(t, func(cfg *live.Config) { cfg.Hosts = cfg.Hosts[:1] })
	s := c.Start(0)
	c.Do(0, kv.Op{Kind: kv.Get, Key: "x"})
	return s
}

// listening serves clients of a server until the test ends.
func listening(t *testing.T, s Server, patience time.Duration) (*Clients, string) {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	clients := serve(l, s, patience)
	t.Cleanup(clients.Close)
	return clients, l.Addr().String()
}

// raw is a client that says bytes, and reads bytes.
type raw struct {
	t    *testing.T
	conn *net.TCPConn
	in   *bufio.Reader
}

func dialRaw(t *testing.T, address string) *raw {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(30 * time.Second))
	return &raw{t, conn.(*net.TCPConn), bufio.NewReader(conn)}
}

func (r *raw) send(text string) {
	r.t.Helper()
	if _, err := io.WriteString(r.conn, text); err != nil {
		r.t.Fatal(err)
	}
}

// expect reads exactly that.
func (r *raw) expect(what, want string) {
	r.t.Helper()
	got := make([]byte, len(want))
	n, err := io.ReadFull(r.in, got)
	if more := r.in.Buffered(); string(got) != want || more > 0 {
		rest, _ := r.in.Peek(more)
		r.t.Fatalf("%.60q: %.200q, %v, and then %.100q; want %.200q", what, got[:n], err, rest, want)
	}
}

// encoded is a command as libraries send it.
func encoded(words ...string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "*%d\r\n", len(words))
	for _, w := range words {
		fmt.Fprintf(&b, "$%d\r\n%s\r\n", len(w), w)
	}
	return b.String()
}

func bulk(text string) string { return fmt.Sprintf("$%d\r\n%s\r\n", len(text), text) }

const null = "$-1\r\n"

// What each command answers, byte for byte; in Redis's own words where Redis has the command.
func TestCommands(t *testing.T) {
	_, address := listening(t, solo(t), replyPatience)
	c := dialRaw(t, address)
	for _, x := range []struct{ command, want string }{
		{"PING", "+PONG\r\n"},
		{"PING hello", bulk("hello")},
		{"PING a b", "-ERR wrong number of arguments for 'ping' command\r\n"},
		{"ECHO hello", bulk("hello")},
		{"SELECT 0", "+OK\r\n"},
		{"SELECT 1", "-ERR DB index is out of range\r\n"},
		{"SELECT x", "-ERR value is not an integer or out of range\r\n"},

		{"GET x", null},
		{"SET x 1", "+OK\r\n"},
		{"get x", bulk("1")},
		{"SET x 2 NX", null},
		{"SET x 2 xx", "+OK\r\n"},
		{"SET x 3 GET", bulk("2")},
		{"SET x 4 GET NX", bulk("3")},
		{"SET x 5 Xx gEt", bulk("3")},
		{"SET y 5 XX", null},
		{"SET y 5 XX GET", null},
		{"EXISTS y", ":0\r\n"},
		{"SET y 5 NX GET", null},
		{"MGET x y z x", "*4\r\n" + bulk("5") + bulk("5") + null + bulk("5")},
		{"SET x 1 NX XX", "-ERR syntax error\r\n"},
		{"SET x 1 XX NX", "-ERR syntax error\r\n"},
		{"SET x 1 SOMETIMES", "-ERR syntax error\r\n"},
		{"SET x 1 EX 10", "-ERR SET's option EX is not offered: keys do not expire; nothing was executed\r\n"},
		{"SET x 1 NX keepttl", "-ERR SET's option KEEPTTL is not offered: keys do not expire; nothing was executed\r\n"},
		{"SET x", "-ERR wrong number of arguments for 'set' command\r\n"},
		{"GET", "-ERR wrong number of arguments for 'get' command\r\n"},
		{"GET a b", "-ERR wrong number of arguments for 'get' command\r\n"},
		{"GET x", bulk("5")},

		{"INCR x", ":6\r\n"},
		{"INCRBY x 10", ":16\r\n"},
		{"DECR x", ":15\r\n"},
		{"DECRBY x -5", ":20\r\n"},
		{"INCRBY x +5", "-ERR value is not an integer or out of range\r\n"},
		{"INCRBY x 1.5", "-ERR value is not an integer or out of range\r\n"},
		{"DECRBY x 05", "-ERR value is not an integer or out of range\r\n"},
		{"DECRBY x -9223372036854775808", "-ERR decrement would overflow\r\n"},
		{"INCRBY x 9223372036854775807", "-ERR increment or decrement would overflow\r\n"},
		{"DECRBY x 9223372036854775807", ":-9223372036854775787\r\n"},
		{"APPEND word ab", ":2\r\n"},
		{"APPEND word c", ":3\r\n"},
		{"INCR word", "-ERR value is not an integer or out of range\r\n"},
		{"STRLEN word", ":3\r\n"},
		{"STRLEN none", ":0\r\n"},

		{"MSET a 1 b 2 a 3", "+OK\r\n"},
		{"MGET a b", "*2\r\n" + bulk("3") + bulk("2")},
		{"MSET a 1 b", "-ERR wrong number of arguments for 'mset' command\r\n"},
		{"EXISTS a a b none", ":3\r\n"},
		{"DEL a b none a", ":2\r\n"},
		{"EXISTS a", ":0\r\n"},

		{"CLIENT ID", ":1\r\n"},
		{"CLIENT GETNAME", null},
		{"CLIENT SETNAME me", "+OK\r\n"},
		{"CLIENT GETNAME", bulk("me")},
		{"CLIENT SETINFO LIB-NAME lib", "+OK\r\n"},
		{"CLIENT SETINFO LIB-SIZE 3", "-ERR Unrecognized option 'LIB-SIZE'\r\n"},
		{"CLIENT SETNAME \"a b\"", "-ERR Client names cannot contain spaces, newlines or special characters.\r\n"},
		{"CLIENT SETNAME " + strings.Repeat("x", maxNamed+1), "-" + badName + "\r\n"},
		{"CLIENT", "-ERR wrong number of arguments for 'client' command\r\n"},
		{"client setname", "-ERR wrong number of arguments for 'client|setname' command\r\n"},
		{"client Nonsense", "-ERR unknown subcommand 'Nonsense'. Try CLIENT HELP.\r\n"},
		{"CONFIG GET save", "*2\r\n" + bulk("save") + bulk("")},
		{"CONFIG GET append* sav?", "*6\r\n" + bulk("appendfsync") + bulk("always") + bulk("appendonly") + bulk("yes") + bulk("save") + bulk("")},
		{"CONFIG GET [", "*0\r\n"},
		{"CONFIG SET save x", "-ERR unknown subcommand 'SET'. Try CONFIG HELP.\r\n"},
		{"COMMAND COUNT", fmt.Sprintf(":%d\r\n", len(commands))},
		{"COMMAND INFO get nonsense", "*2\r\n*6\r\n" + bulk("get") + ":2\r\n*1\r\n+readonly\r\n:1\r\n:1\r\n:1\r\n*-1\r\n"},
		{"COMMAND DOCS decr", "*2\r\n" + bulk("decr") + "*4\r\n" + bulk("summary") + bulk("Subtracts one from an integer: decr key") + bulk("group") + bulk("string")},
		{"HELLO 3", "-NOPROTO unsupported protocol version\r\n"},
		{"HELLO x", "-ERR Protocol version is not an integer or out of range\r\n"},
		{"HELLO 2 AUTH a b", "-ERR HELLO's AUTH is not offered: clients have no passwords here\r\n"},
		{"HELLO 2 SETNAME", "-ERR Syntax error in HELLO option 'SETNAME'\r\n"},
		{"HELLO 2 SETNAME you", "*14\r\n" + bulk("server") + bulk("paxos") + bulk("version") + bulk("7.0.0") + bulk("proto") + ":2\r\n" +
			bulk("id") + ":1\r\n" + bulk("mode") + bulk("standalone") + bulk("role") + bulk("master") + bulk("modules") + "*0\r\n"},
		{"CLIENT GETNAME", bulk("you")},

		{"PAXOS LEADER", ":1\r\n"},
		{"PAXOS HANDOVER 1", "-ERR this server leads already\r\n"},
		{"PAXOS HANDOVER 2", "-ERR servers are numbered 1 to 1\r\n"},
		{"PAXOS HANDOVER x", "-ERR servers are numbered 1 to 1\r\n"},
		{"PAXOS HANDOVER", "-ERR no other server is heard of\r\n"},
		{"PAXOS HANDOVER 1 1", "-ERR wrong number of arguments for 'paxos|handover' command\r\n"},
		{"PAXOS STATUS now", "-ERR wrong number of arguments for 'paxos|status' command\r\n"},

		{"foo", "-ERR unknown command 'foo', with args beginning with: \r\n"},
		{"Foo a b", "-ERR unknown command 'Foo', with args beginning with: 'a' 'b' \r\n"},
		{"\"a\\nb\" \"c\\rd\"", "-ERR unknown command 'a b', with args beginning with: 'c d' \r\n"},
		{strings.Repeat("n", 200) + " " + strings.Repeat("a", 100) + " " + strings.Repeat("b", 100) + " c", "-ERR unknown command '" + strings.Repeat("n", 128) +
			"', with args beginning with: '" + strings.Repeat("a", 100) + "' '" + strings.Repeat("b", 25) + "' \r\n"},
	} {
		c.send(x.command + "\r\n") // as one types it
		c.expect(x.command, x.want)
	}
	for _, x := range []struct {
		command []string
		want    string
	}{
		{[]string{"SET", "k\r\n\x00\xff", "v\x00\r\n"}, "+OK\r\n"},
		{[]string{"GET", "k\r\n\x00\xff"}, bulk("v\x00\r\n")},
		{[]string{"SET", "", ""}, "+OK\r\n"},
		{[]string{"MGET", "", "x y"}, "*2\r\n" + bulk("") + null},
		{[]string{"GET\x00", "x"}, "-ERR unknown command 'GET\x00', with args beginning with: 'x' \r\n"},
		{[]string{"SET", "big", strings.Repeat("x", live.MaxOpBytes)}, "-ERR more than 65536 bytes; nothing was executed\r\n"},
		{[]string{"SET", "big", strings.Repeat("x", live.MaxOpBytes-8)}, "+OK\r\n"},
		{[]string{"STRLEN", "big"}, fmt.Sprintf(":%d\r\n", live.MaxOpBytes-8)},
		{[]string{"SET", "big", strings.Repeat("x", live.MaxOpBytes-7)}, "-ERR more than 65536 bytes; nothing was executed\r\n"},
		{[]string{"SET", "big", strings.Repeat("x", 1<<20)}, "-ERR more than 65536 bytes; nothing was executed\r\n"},
		{[]string{"STRLEN", "big"}, fmt.Sprintf(":%d\r\n", live.MaxOpBytes-8)},
		{[]string{"PING"}, "+PONG\r\n"},
	} {
		c.send(encoded(x.command...))
		c.expect(strings.Join(x.command, " "), x.want)
	}
	c.send("QUIT\r\nPING\r\n")
	if text, err := io.ReadAll(c.in); string(text) != "+OK\r\n" || err != nil {
		t.Errorf("QUIT: %q, %v", text, err)
	}
}

// Commands that list things, by what must be in them.
func TestListings(t *testing.T) {
	_, address := listening(t, solo(t), replyPatience)
	c := dialRaw(t, address)
	ask := func(command string) string {
		c.send(command + "\r\n")
		var b strings.Builder
		for depth := 1; depth > 0; depth-- {
			line, err := c.in.ReadString('\n')
			if err != nil {
				t.Fatal(err)
			}
			b.WriteString(line)
			var n int
			_, _ = fmt.Sscanf(line[1:], "%d", &n)
			switch line[0] {
			case '*':
				depth += n
			case '$':
				text := make([]byte, n+2)
				if _, err := io.ReadFull(c.in, text); err != nil {
					t.Fatal(err)
				}
				b.Write(text)
			}
		}
		return b.String()
	}
	for command, wants := range map[string][]string{
		"INFO":         {"\r\nserver:1\r\n", "\r\nservers:1\r\n", "\r\nformed:true\r\n", "\r\nredis_version:7.0.0\r\n", "connected_clients:1\r\n", "role:master"},
		"PAXOS STATUS": {"\r\nserver:1\r\n", "\r\nstate:RegLeader\r\n", "\r\ncluster:", "\r\nlife:1\r\n"},
		"PAXOS HELP":   {"+PAXOS <subcommand>", "+STATUS: ", "+HANDOVER: "},
		"CLIENT LIST":  {"id=1 addr=127.0.0.1:"},
		"CLIENT INFO":  {"id=1 addr=127.0.0.1:"},
		"COMMAND":      {"*22\r\n", "$3\r\nset\r\n:-3\r\n*1\r\n+write\r\n:1\r\n:1\r\n:1\r\n", "$4\r\nmset\r\n:-3\r\n*1\r\n+write\r\n:1\r\n:-1\r\n:2\r\n"},
		"COMMAND INFO": {"*22\r\n"},
		"COMMAND DOCS": {"*44\r\n", "Removes keys, all at once"},
		"COMMAND LIST": {"*22\r\n$6\r\nappend\r\n"},
	} {
		text := ask(command)
		for _, want := range wants {
			if !strings.Contains(text, want) {
				t.Errorf("%s: %q is not in %.300q", command, want, text)
			}
		}
	}
}
