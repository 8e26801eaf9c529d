package redis

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tidwall/redcon"
)

// command is one that clients know: on data, with a plan, or answered by this server alone.
type command struct {
	name    string
	arity   int // arguments with the name, as Redis counts them; negative: or more
	keys    keys
	about   string // for redis-cli's hints
	args    string // the same, in redis-cli's notation
	plan    plan
	answer  func(c *conn, args [][]byte) // with the name
	changes bool
}

// keys says which arguments are keys, as Redis does: first, last, step.
type keys [3]int

var (
	noKeys   = keys{}
	oneKey   = keys{1, 1, 1}
	allKeys  = keys{1, -1, 1}
	keyPairs = keys{1, -1, 2}
)

// commands are in order of name. It is filled in by init: COMMAND is one of them, and lists them.
var (
	commands     []command
	commandNamed map[string]*command
)

func init() {
	commands = []command{
		{"append", 3, oneKey, "Appends to a value; the answer is its length", "key value", planAppend, nil, true},
		{"client", -2, noKeys, "Names this connection, or lists all", "ID|GETNAME|SETNAME name|SETINFO attribute value|INFO|LIST", nil, (*conn).client, false},
		{"command", -1, noKeys, "Lists the commands", "[COUNT|LIST|INFO [name ...]|DOCS [name ...]]", nil, (*conn).commandCommand, false},
		{"config", -2, noKeys, "Gives settings that Redis's tools ask for", "GET pattern [pattern ...]", nil, (*conn).config, false},
		{"decr", 2, oneKey, "Subtracts one from an integer", "key", planDecr, nil, true},
		{"decrby", 3, oneKey, "Subtracts from an integer", "key decrement", planDecrBy, nil, true},
		{"del", -2, allKeys, "Removes keys, all at once; the answer is how many there were", "key [key ...]", planDel, nil, true},
		{"echo", 2, noKeys, "Answers with what it is given", "message", nil, (*conn).echo, false},
		{"exists", -2, allKeys, "Counts which keys exist", "key [key ...]", planExists, nil, false},
		{"get", 2, oneKey, "Gives a value", "key", planGet, nil, false},
		{"hello", -1, noKeys, "Shakes hands, in RESP 2", "[2 [SETNAME name]]", nil, (*conn).hello, false},
		{"incr", 2, oneKey, "Adds one to an integer", "key", planIncr, nil, true},
		{"incrby", 3, oneKey, "Adds to an integer", "key increment", planIncrBy, nil, true},
		{"info", -1, noKeys, "Says where this server stands", "[section ...]", nil, (*conn).info, false},
		{"mget", -2, allKeys, "Gives values, all at once", "key [key ...]", planMGet, nil, false},
		{"mset", -3, keyPairs, "Sets keys, all at once", "key value [key value ...]", planMSet, nil, true},
		{"paxos", -2, noKeys, "Says where the cluster stands, or hands it over", "STATUS|LEADER|HANDOVER [server]", nil, (*conn).paxos, false},
		{"ping", -1, noKeys, "Answers", "[message]", nil, (*conn).ping, false},
		{"quit", -1, noKeys, "Closes the connection", "", nil, (*conn).quit, false},
		{"select", 2, noKeys, "Chooses database 0, which is all there is", "index", nil, (*conn).selectDatabase, false},
		{"set", -3, oneKey, "Sets a key", "key value [NX|XX] [GET]", planSet, nil, true},
		{"strlen", 2, oneKey, "Gives the length of a value", "key", planStrlen, nil, false},
	}
	commandNamed = make(map[string]*command, len(commands))
	for i := range commands {
		commandNamed[commands[i].name] = &commands[i]
	}
}

const maxNameBytes = 16 // of a command that exists

// lookUp finds a command without an allocation.
func lookUp(name []byte) *command {
	var lower [maxNameBytes]byte
	if len(name) > maxNameBytes {
		return nil
	}
	return commandNamed[string(lowered(lower[:0], name))]
}

func lowered(to, from []byte) []byte {
	for _, c := range from {
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		to = append(to, c)
	}
	return to
}

// is says that a client wrote this word, which is in lower case, in any case.
func is(arg []byte, word string) bool {
	return len(arg) == len(word) && strings.EqualFold(string(arg), word)
}

// command answers a command, or keeps it for execute.
func (c *conn) command(args [][]byte) {
	known := lookUp(args[0])
	switch {
	case known == nil && (is(args[0], "post") || is(args[0], "host:")):
		c.leaving = true // a browser that a web page sends here: what follows is not its user's
		c.fail("ERR this is not a web server")
	case known == nil:
		c.fail(unknownCommand(args))
	case known.arity > 0 && len(args) != known.arity || len(args) < -known.arity:
		c.fail(wrongArity(known.name))
	case known.plan != nil:
		c.collect(known.plan, args)
	default:
		c.execute() // what came before
		known.answer(c, args)
	}
}

// What an error repeats of a command, in bytes, as in Redis.
const (
	maxNameTold = 128
	maxArgsTold = 128
)

func unknownCommand(args [][]byte) string {
	var told strings.Builder
	for _, arg := range args[1:] {
		if told.Len() >= maxArgsTold {
			break
		}
		fmt.Fprintf(&told, "'%s' ", cut(arg, maxArgsTold-told.Len()))
	}
	return fmt.Sprintf("ERR unknown command '%s', with args beginning with: %s", cut(args[0], maxNameTold), &told)
}

func unknownSubcommand(args [][]byte) string {
	return fmt.Sprintf("ERR unknown subcommand '%s'. Try %s HELP.", cut(args[1], maxNameTold), strings.ToUpper(string(args[0])))
}

func cut(b []byte, n int) []byte { return b[:min(len(b), n)] }

func wrongArity(name string) string {
	return fmt.Sprintf("ERR wrong number of arguments for '%s' command", name)
}

// subcommand is one of CLIENT, CONFIG, COMMAND or PAXOS.
type subcommand struct {
	name   string
	arity  int // with both names; negative: or more
	about  string
	answer func(c *conn, args [][]byte)
}

// dispatch answers a subcommand, or HELP.
func (c *conn) dispatch(args [][]byte, subs []subcommand) {
	parent := strings.ToLower(string(args[0]))
	for _, s := range subs {
		switch {
		case !is(args[1], s.name):
		case s.arity > 0 && len(args) != s.arity || len(args) < -s.arity:
			c.fail(wrongArity(parent + "|" + s.name))
			return
		default:
			s.answer(c, args)
			return
		}
	}
	if !is(args[1], "help") {
		c.fail(unknownSubcommand(args))
		return
	}
	c.out = redcon.AppendArray(c.out, 1+len(subs))
	c.out = redcon.AppendString(c.out, strings.ToUpper(parent)+" <subcommand> [<arg> [value] ...]. Subcommands are:")
	for _, s := range subs {
		c.out = redcon.AppendString(c.out, strings.ToUpper(s.name)+": "+s.about)
	}
}

// commandCommand is COMMAND, which redis-cli and libraries ask when they start.
func (c *conn) commandCommand(args [][]byte) {
	if len(args) == 1 {
		c.listCommands(commands)
		return
	}
	c.dispatch(args, []subcommand{
		{"count", 2, "how many commands there are", func(c *conn, _ [][]byte) {
			c.out = redcon.AppendInt(c.out, int64(len(commands)))
		}},
		{"docs", -2, "what commands are for", (*conn).commandDocs},
		{"info", -2, "how commands are called", (*conn).commandInfo},
		{"list", 2, "their names", func(c *conn, _ [][]byte) {
			c.out = redcon.AppendArray(c.out, len(commands))
			for i := range commands {
				c.out = redcon.AppendBulkString(c.out, commands[i].name)
			}
		}},
	})
}

func (c *conn) listCommands(listed []command) {
	c.out = redcon.AppendArray(c.out, len(listed))
	for i := range listed {
		c.tell(&listed[i])
	}
}

// tell says of a command what Redis would: name, arity, flags and where the keys are.
func (c *conn) tell(known *command) {
	c.out = redcon.AppendArray(c.out, 6)
	c.out = redcon.AppendBulkString(c.out, known.name)
	c.out = redcon.AppendInt(c.out, int64(known.arity))
	c.out = redcon.AppendArray(c.out, 1)
	switch {
	case known.changes:
		c.out = redcon.AppendString(c.out, "write")
	case known.plan != nil:
		c.out = redcon.AppendString(c.out, "readonly")
	default:
		c.out = redcon.AppendString(c.out, "admin")
	}
	for _, n := range known.keys {
		c.out = redcon.AppendInt(c.out, int64(n))
	}
}

func (c *conn) commandInfo(args [][]byte) {
	if len(args) == 2 {
		c.listCommands(commands)
		return
	}
	c.out = redcon.AppendArray(c.out, len(args)-2)
	for _, name := range args[2:] {
		if known := lookUp(name); known != nil {
			c.tell(known)
		} else {
			c.out = append(c.out, "*-1\r\n"...)
		}
	}
}

func (c *conn) commandDocs(args [][]byte) {
	var asked []*command
	for i := range commands {
		named := slices.ContainsFunc(args[2:], func(name []byte) bool { return is(name, commands[i].name) })
		if len(args) == 2 || named {
			asked = append(asked, &commands[i])
		}
	}
	c.out = redcon.AppendArray(c.out, 2*len(asked))
	for _, known := range asked {
		group := "server"
		if known.plan != nil {
			group = "string"
		}
		c.out = redcon.AppendBulkString(c.out, known.name)
		c.out = redcon.AppendArray(c.out, 4)
		for _, text := range []string{"summary", strings.TrimSpace(known.about + ": " + strings.TrimSpace(known.name+" "+known.args)), "group", group} {
			c.out = redcon.AppendBulkString(c.out, text)
		}
	}
}
