package redis

import (
	"errors"
	"fmt"

	"github.com/tidwall/redcon"

	"github.com/fauer4effect/paxos/protocol/kv"
	"github.com/fauer4effect/paxos/protocol/live"
)

// run is commands on data that wait to be executed: as one update, in order. Where all of
// them only read it is one read.
type run struct {
	ops      kv.Sequence
	commands []planned
	answers  []kv.Answer // of one command; kept for its memory
}

// planned is a command whose operations are in the run.
type planned struct {
	from  kv.Mark // where they begin
	parts int
	reply reply
}

// reply appends to b what the answers to a command's operations are in Redis's words.
type reply func(b []byte, answers []kv.Answer) []byte

// plan adds the operations of a command to a sequence. What is not to be executed has no reply,
// but a refusal.
type plan func(ops *kv.Sequence, args [][]byte) (r reply, refusal string)

// runBytes and runCommands are how much memory a run keeps for the next.
const (
	runBytes    = 16 << 10
	runCommands = 1024
)

// collect plans a command on data. What does not fit into the run's update begins the next.
func (c *conn) collect(p plan, args [][]byte) {
	ops := &c.run.ops
	for {
		from, before := ops.Mark(), ops.Count()
		reply, wrong := p(ops, args)
		// SET with GET begins its update. Else the results of others could leave no room for the old
		// value, which would be lost.
		unfit := ops.Bytes() > live.MaxOpBytes || before > 0 && ops.ReadsFirst(from)
		switch {
		case wrong != "":
			ops.Undo(from)
			c.fail(wrong)
			return
		case !unfit:
			c.run.commands = append(c.run.commands, planned{from, ops.Count() - before, reply})
			return
		}
		ops.Undo(from)
		if len(c.run.commands) == 0 {
			c.fail(refusal(live.ErrTooBig))
			return
		}
		c.execute()
	}
}

// execute executes what was collected and answers each command.
func (c *conn) execute() {
	if len(c.run.commands) == 0 {
		return
	}
	results, err := c.ask(c.run.ops.Op(), c.run.ops.Reads(), c.run.ops.Count())
	for i := range c.run.commands {
		p := &c.run.commands[i]
		if err != nil {
			c.out = redcon.AppendError(c.out, refusal(err))
			continue
		}
		results = c.take(results, p.parts, len(c.run.commands) == 1)
		if c.run.ops.Reads() && c.tooLong() {
			c.readAlone(i)
			continue
		}
		c.out = p.reply(c.out, c.run.answers)
		if len(c.out) > replyBytes {
			c.flush()
		}
	}
	c.run.reset()
}

// ask executes an operation of several parts. Its result is theirs, one after the other.
func (c *conn) ask(op []byte, read bool, parts int) ([]byte, error) {
	s := c.clients.server
	do := s.Do
	if read {
		do = s.Read
	}
	text, err := do(c.clients.ctx, op)
	if err != nil || parts == 1 {
		return text, err
	}
	a, err := kv.ReadAnswer(text)
	if err != nil || a.Status != kv.Results {
		return nil, fmt.Errorf("%w: the application answers %q, %v", live.ErrUnknown, text, err)
	}
	return a.Value, nil
}

// take reads the results of a command of several parts, and returns those after it. Alone, its
// operation was all that was asked for, and one part's result is no field.
func (c *conn) take(results []byte, parts int, alone bool) []byte {
	c.run.answers = c.run.answers[:0]
	for range parts {
		var a kv.Answer
		if alone && parts == 1 {
			a, _ = kv.ReadAnswer(results) // bytes that are not an answer have no status: the reply is an error
		} else {
			a, results, _ = kv.CutAnswer(results)
		}
		c.run.answers = append(c.run.answers, a)
	}
	return results
}

func (c *conn) tooLong() bool {
	for i := range c.run.answers {
		if c.run.answers[i].Status == kv.TooLong {
			return true
		}
	}
	return false
}

// readAlone asks once more for a command of the run that only reads. Its answer did not fit into
// one result with those of the others.
func (c *conn) readAlone(i int) {
	from, to := c.run.commands[i].from, c.run.ops.Mark()
	if i+1 < len(c.run.commands) {
		to = c.run.commands[i+1].from
	}
	p := &c.run.commands[i]
	results, err := c.ask(c.run.ops.Between(from, to), true, p.parts)
	if err != nil {
		c.out = redcon.AppendError(c.out, refusal(err))
		return
	}
	c.take(results, p.parts, true)
	c.out = p.reply(c.out, c.run.answers)
	c.flush()
}

// reset begins the next run.
func (r *run) reset() {
	if r.ops.Bytes() > runBytes || cap(r.commands) > runCommands || cap(r.answers) > runCommands {
		*r = run{}
	}
	clear(r.answers) // they keep a result alive
	r.ops.Reset()
	r.commands = r.commands[:0]
}

// refusal says why a command has no result. A client that reads "nothing was executed" relies on it.
func refusal(err error) string {
	switch {
	case errors.Is(err, live.ErrUnknown):
		return "UNKNOWN " + err.Error() + "; the command may have been executed, or not"
	case errors.Is(err, live.ErrBusy):
		return "BUSY " + err.Error() + "; nothing was executed"
	case errors.Is(err, live.ErrRefused):
		return "REFUSED " + err.Error() + "; nothing was executed"
	case errors.Is(err, live.ErrStopped), errors.Is(err, live.ErrNotBegun):
		return "STOPPING " + err.Error() + "; nothing was executed"
	}
	return "ERR " + err.Error() + "; nothing was executed"
}
