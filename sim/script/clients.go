package script

import (
	"fmt"
	"strings"

	"github.com/fauer4effect/paxos/protocol/kv"
	"github.com/fauer4effect/paxos/sim/internal/engine"
	"github.com/fauer4effect/paxos/sim/world"
)

func clientCommands() []Command {
	const tail = " [via SERVER] [within TIME]"
	commands := []Command{
		{"send", "CLIENT put|get|read|append|incr|cas|delete KEY … [via SERVER]", "send an operation and go on; the client repeats it until it is answered or sends another", false, parseSend},
	}
	for _, c := range []struct{ Name, Args, Summary string }{
		{"put", "CLIENT KEY VALUE", "set a key and wait for the answer, for 10s or the time given. `fill:N` is a value of N bytes. Clients are a to e. With `via` the client keeps to that server; else it asks the next one when it gets no answer"},
		{"get", "CLIENT KEY", "read a key, through the log like any update"},
		{"read", "CLIENT KEY", "read a key without the log: the leader confirms that it leads, and the server asked answers from its own state (X20)"},
		{"append", "CLIENT KEY VALUE", "append to a key; the answer is its length"},
		{"incr", "CLIENT KEY", "add one to a key; the answer is its value"},
		{"cas", "CLIENT KEY OLD NEW", "set a key if it holds OLD"},
		{"delete", "CLIENT KEY", "delete a key"},
	} {
		commands = append(commands, Command{
			c.Name, c.Args + tail, c.Summary, false,
			func(p *Parser, args []string) (func(*Story) error, error) { return parseOperation(p, c.Name, args) },
		})
	}
	return commands
}

// request is one operation of a directed client.
type request struct {
	client int
	op     kv.Op
	read   bool // without the log
	via    who  // nil: where the client was last
}

// request reads CLIENT and what follows the operation's name.
func (p *Parser) request(name, client string, args []string) (r request, err error) {
	if r.client, err = p.Client(client); err != nil {
		return r, err
	}
	args, via, stays := Option(args, "via")
	if stays {
		if via == "all" || strings.Contains(via, ",") {
			return r, fmt.Errorf("via %s: a client asks one server", via)
		}
		if r.via, err = p.Who(via); err != nil {
			return r, err
		}
	}
	if r.read = name == "read"; r.read {
		name = "get"
	}
	if r.op, err = operation(name, args); err == nil && p.Script.Plan.Workload.Clients > 0 && background(r.op.Key) {
		err = fmt.Errorf("key %s may be one of the background clients' own, k0, c1.2 and so on: take another name", r.op.Key)
	}
	return r, err
}

// background says whether a key is named as those of the background clients are. Their
// histories and those of directed clients are judged apart, so they may not share a key.
func background(key string) bool {
	return len(key) > 1 && (key[0] == 'k' || key[0] == 'c') && key[1] >= '0' && key[1] <= '9'
}

func operation(name string, args []string) (kv.Op, error) {
	forms := map[string]struct {
		kind kv.Kind
		args int
	}{
		"put": {kv.Put, 2}, "get": {kv.Get, 1}, "append": {kv.Append, 2},
		"incr": {kv.Incr, 1}, "cas": {kv.CAS, 3}, "delete": {kv.Delete, 1},
	}
	form, ok := forms[name]
	if !ok || len(args) != form.args {
		return kv.Op{}, ErrUsage
	}
	op := kv.Op{Kind: form.kind, Key: args[0]}
	var err error
	switch form.kind {
	case kv.Put, kv.Append:
		op.Value, err = value(args[1])
	case kv.CAS:
		if op.Old, err = value(args[1]); err == nil {
			op.Value, err = value(args[2])
		}
	}
	return op, err
}

// mostFill bounds fill:N, so that an operation fits where clients' operations must.
const mostFill = 60_000

// value is what an argument means: fill:N is a text of N bytes, for values that nobody wants to write down.
func value(arg string) (string, error) {
	count, fills := strings.CutPrefix(arg, "fill:")
	if !fills {
		return arg, nil
	}
	n, err := Number(count, 1, mostFill)
	return strings.Repeat("fill", n/4+1)[:max(n, 0)], err
}

func parseOperation(p *Parser, name string, args []string) (func(*Story) error, error) {
	args, limit, err := within(args, patience)
	if err != nil {
		return nil, err
	}
	if len(args) == 0 {
		return nil, ErrUsage
	}
	r, err := p.request(name, args[0], args[1:])
	return func(st *Story) error {
		if err := st.send(r); err != nil {
			return err
		}
		answered := func() bool { return !st.Stage.Waiting(r.client) }
		if st.until(limit, answered) || st.Stage.Violation() != nil {
			if a := st.Stage.Answer(r.client); a.Lapsed && answered() {
				return fmt.Errorf("expected an answer to client %s; server %d says that its session is expired", engine.DirectedName(r.client), a.By)
			}
			return nil
		}
		return fmt.Errorf("expected an answer to client %s within %v; there is none", engine.DirectedName(r.client), wall(limit))
	}, err
}

func parseSend(p *Parser, args []string) (func(*Story) error, error) {
	if len(args) < 3 {
		return nil, ErrUsage
	}
	r, err := p.request(args[1], args[0], args[2:])
	return func(st *Story) error { return st.send(r) }, err
}

// send lets a directed client send its request.
func (st *Story) send(r request) error {
	via := st.Via[r.client]
	if r.via != nil {
		ids, err := r.via(st)
		if err != nil {
			return err
		}
		via = ids[0]
	}
	if via == 0 {
		via = 1
	}
	st.Via[r.client], st.asked = via, r.client
	if r.read {
		st.Stage.Read(r.client, r.op.Key, via, r.via == nil)
		return nil
	}
	st.Stage.Send(r.client, r.op, via, r.via == nil)
	return nil
}

func wall(d world.Instant) string { return fmt.Sprintf("%gs", float64(d)/float64(second)) }
