package script

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/fauer4effect/paxos/sim/internal/engine"
	"github.com/fauer4effect/paxos/sim/world"
)

// Duration reads 250ms, 1.5s, 2m.
func Duration(s string) (world.Instant, error) {
	d, err := time.ParseDuration(s)
	if err != nil || d < 0 || d > 24*time.Hour {
		return 0, fmt.Errorf("%q is not a time from 0s to 24h, such as 250ms or 1.5s", s)
	}
	return world.Instant(d), nil
}

// spell reads how long something lasts: a time above zero.
func spell(s string) (world.Instant, error) {
	d, err := Duration(s)
	if err == nil && d == 0 {
		err = fmt.Errorf("for %s: it lasts some time, or leave the for out", s)
	}
	return d, err
}

// law reads a time, or a range of them: 1ms or 1ms..20ms.
func law(s string) (world.Law, error) {
	lo, hi, ranged := strings.Cut(s, "..")
	from, err := Duration(lo)
	if err != nil || !ranged {
		return world.Constant(from), err
	}
	to, err := Duration(hi)
	if err == nil && to < from {
		err = fmt.Errorf("%q ends before it begins", s)
	}
	return world.Uniform(from, to), err
}

// share reads 12.5%, in parts per million.
func share(s string) (uint32, error) {
	digits, ok := strings.CutSuffix(s, "%")
	percent, err := strconv.ParseFloat(digits, 64)
	if !ok || err != nil || math.IsNaN(percent) || percent < 0 || percent > 100 {
		return 0, fmt.Errorf("%q is not a share from 0%% to 100%%", s)
	}
	return uint32(math.Round(percent * 10_000)), nil
}

// Number reads a number from lo to hi.
func Number(s string, lo, hi int) (int, error) {
	n, err := strconv.Atoi(s)
	if err != nil || n < lo || n > hi {
		return 0, fmt.Errorf("%q is not a number from %d to %d", s, lo, hi)
	}
	return n, nil
}

// Server reads the number of a server of this cluster.
func (p *Parser) Server(s string) (int, error) {
	n, err := strconv.Atoi(s)
	if err != nil {
		return 0, fmt.Errorf("%q is not a server: servers are 1 to %d", s, p.Script.Plan.Servers)
	}
	if n < 1 || n > p.Script.Plan.Servers {
		return 0, fmt.Errorf("no server %d: they are 1 to %d", n, p.Script.Plan.Servers)
	}
	return n, nil
}

// Servers reads 1,2,5.
func (p *Parser) Servers(s string) ([]int, error) {
	var ids []int
	seen := map[int]bool{}
	for word := range strings.SplitSeq(s, ",") {
		id, err := p.Server(word)
		if err != nil {
			return nil, err
		}
		if seen[id] {
			return nil, fmt.Errorf("server %d is named twice", id)
		}
		seen[id] = true
		ids = append(ids, id)
	}
	return ids, nil
}

// who is one or more servers. Some are known only when the story gets there.
type who func(*Story) ([]int, error)

// Who reads 1,2,5 or leader or all.
func (p *Parser) Who(s string) (who, error) {
	switch s {
	case "leader":
		return func(st *Story) ([]int, error) {
			if id := st.Leader(); id != 0 {
				return []int{id}, nil
			}
			return nil, fmt.Errorf("no server leads now")
		}, nil
	case "all":
		return func(st *Story) ([]int, error) { return st.All(), nil }, nil
	}
	ids, err := p.Servers(s)
	return func(*Story) ([]int, error) { return ids, nil }, err
}

// link reads 1->3, 2->* or *->*; zero stands for any.
func (p *Parser) link(s string) (from, to int, err error) {
	a, b, ok := strings.Cut(s, "->")
	if !ok {
		return 0, 0, fmt.Errorf("%q is not a link, such as 1->3 or 2->*", s)
	}
	end := func(s string) (int, error) {
		if s == "*" {
			return 0, nil
		}
		return p.Server(s)
	}
	if from, err = end(a); err == nil {
		to, err = end(b)
	}
	if err == nil && from == to && from != 0 {
		err = fmt.Errorf("link %s: a server hears itself", s)
	}
	return from, to, err
}

// messages reads a kind of message and a link: Accept 2->*.
func (p *Parser) messages(args []string) (world.Rule, error) {
	if len(args) != 2 {
		return world.Rule{}, ErrUsage
	}
	r := world.Rule{}
	if args[0] != "*" {
		kinds := p.Script.lang.System.Kinds
		if r.Kind = uint8(max(0, slices.Index(kinds, args[0]))); r.Kind == 0 {
			return r, fmt.Errorf("unknown kind of message %q: there are %s", args[0], strings.Join(kinds[1:], ", "))
		}
	}
	from, to, err := p.link(args[1])
	r.From, r.To = world.Node(from), world.Node(to)
	return r, err
}

// Client reads the name of a directed client, a to e.
func (p *Parser) Client(s string) (int, error) {
	if len(s) != 1 || s[0] < 'a' || s[0] >= 'a'+maxDirected {
		return 0, fmt.Errorf("%q is not a client: clients are a to %s", s, engine.DirectedName(maxDirected))
	}
	i := int(s[0]-'a') + 1
	p.Script.clients = max(p.Script.clients, i)
	return i, nil
}

const maxDirected = 5

// Option takes "name value" out of args.
func Option(args []string, name string) (rest []string, value string, ok bool) {
	for i := 0; i+1 < len(args); i++ {
		if args[i] == name {
			return append(append([]string{}, args[:i]...), args[i+2:]...), args[i+1], true
		}
	}
	return args, "", false
}

// within takes "within 2s" out of args.
func within(args []string, fallback world.Instant) ([]string, world.Instant, error) {
	rest, value, ok := Option(args, "within")
	if !ok {
		return args, fallback, nil
	}
	d, err := Duration(value)
	return rest, d, err
}

// comparison reads "3" or "op 3", op one of = != < <= > >=.
type comparison struct {
	op string
	n  uint64
}

func compare(args []string) (comparison, error) {
	c := comparison{op: "="}
	if len(args) == 2 {
		c.op = args[0]
		args = args[1:]
	}
	if len(args) != 1 {
		return c, ErrUsage
	}
	n, err := strconv.ParseUint(args[0], 10, 53)
	if err != nil {
		return c, fmt.Errorf("%q is not a number", args[0])
	}
	c.n = n
	switch c.op {
	case "=", "!=", "<", "<=", ">", ">=":
		return c, nil
	}
	return c, fmt.Errorf("%q compares nothing: there are = != < <= > >=", c.op)
}

func (c comparison) holds(x uint64) bool {
	switch c.op {
	case "!=":
		return x != c.n
	case "<":
		return x < c.n
	case "<=":
		return x <= c.n
	case ">":
		return x > c.n
	case ">=":
		return x >= c.n
	}
	return x == c.n
}

func (c comparison) String() string {
	if c.op == "=" {
		return strconv.FormatUint(c.n, 10)
	}
	return c.op + " " + strconv.FormatUint(c.n, 10)
}
