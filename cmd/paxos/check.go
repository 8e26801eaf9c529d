package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/fauer4effect/paxos/protocol/kv"
	"github.com/fauer4effect/paxos/sim/history"
	"github.com/fauer4effect/paxos/sim/testbed/cli"
)

const (
	checkLimit  = time.Minute                  // on the clock, for porcupine's search
	checkMemory = history.SearchMemory * 5 / 4 // from here on garbage is collected as it comes
	pageSteps   = 20_000_000                   // of the search that the page shows
)

// checkFlags say how a history is read and judged.
type checkFlags struct {
	model, format, html string
}

func checkCommand() *cobra.Command {
	var o checkFlags
	c := &cobra.Command{
		Use:   "check HISTORY [flags]",
		Short: "judge a recorded history of clients",
		Long: `Check looks for an order of the recorded operations that explains every answer
that a client saw. Each operation takes effect at one instant between its call and
its return. Exit status 0: there is such an order. Exit status 1: there is none,
or a minute and 4 GiB were not enough to tell.

A history is JSON lines, one operation a line. An operation without return_ns was
never answered:
  {"client":1,"op":"put","key":"x","value":"1","call_ns":0,"return_ns":9,
   "result":{"status":"done"}}
Operations are get, put, append, cas, delete, incr, putnew, putold, incrby and
strlen. The status of a result is done, value, number, missing, mismatch, "not an
integer", overflow or present. With --format jepsen it is Jepsen's log of an
integer register.`,
		Example: `$ printf '%s\n' '{"client":1,"op":"put","key":"x","value":"1","call_ns":0,
  "return_ns":9,"result":{"status":"done"}}' | tr -d '\n' >history.jsonl
$ paxos check history.jsonl
$ paxos check history.jsonl --html history.html`,
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usage("paxos check --help shows what a history is", "it takes one history, not %d", len(args))
			}
			return o.run(c.Context(), c.OutOrStdout(), args[0])
		},
	}
	f := c.Flags()
	f.SortFlags = false
	flag(f, &o.model, "--model kv|register", "kv", "the object: a key-value store, or one register (get, put, cas)", oneOf("kv", "register"))
	flag(f, &o.format, "--format jsonl|jepsen", "jsonl", "how the history is written down", oneOf("jsonl", "jepsen"))
	flag(f, &o.html, "--html FILE", "", "write porcupine's page of the history", parsePath)
	return c
}

// oneOf takes one of two words.
func oneOf(a, b string) func(string) (string, error) {
	return func(text string) (string, error) {
		if text != a && text != b {
			return "", fmt.Errorf("it is %s or %s", a, b)
		}
		return text, nil
	}
}

func (o *checkFlags) run(ctx context.Context, w io.Writer, path string) error {
	operations, err := o.read(path)
	if err != nil {
		return usage("", "%s: %v", path, cause(err))
	}
	if o.html != "" {
		wrong, err := unlessInterrupted(ctx, "the page", func() error { return writePage(o.html, path, operations) })
		switch {
		case err != nil:
			return err
		case wrong != nil:
			return usage("", "--html %s: %v", cli.Quote(o.html), cause(wrong))
		}
	}
	debug.SetMemoryLimit(checkMemory)
	opinion, err := unlessInterrupted(ctx, "the search", func() history.Opinion { return history.Linearizable(operations, checkLimit) })
	if err != nil {
		return err
	}
	count := len(operations)
	if o.format == "jepsen" {
		count-- // the first is ours: the register holds nil
	}
	switch opinion.Verdict {
	case history.OK:
		fmt.Fprintf(w, "ok: %s, explained by an order\n", cli.Plural(uint64(count), "operation"))
		return nil
	case history.Illegal:
		cli.Wrapped(w, "not linearizable: ", opinion.Detail)
	default:
		cli.Wrapped(w, "unknown: ", opinion.Detail)
	}
	return errFailed
}

func (o *checkFlags) read(path string) ([]history.Operation, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if o.format == "jepsen" {
		return history.ReadJepsen(f)
	}
	operations, err := history.Read(f)
	if err != nil {
		return nil, err
	}
	if len(operations) == 0 {
		return nil, errors.New("it holds no operation")
	}
	if err := oneAtATime(operations); err != nil {
		return nil, err
	}
	for i := range operations {
		op := operations[i].Op
		if o.model == "register" && (op.Key != "" || op.Kind != kv.Get && op.Kind != kv.Put && op.Kind != kv.CAS) {
			return nil, fmt.Errorf("operation %d: %v: a register has get, put and cas, and no key", i+1, op)
		}
	}
	return operations, nil
}

// oneAtATime refuses a history in which two answered operations of one client overlap: a client waits
// for an answer before it goes on. A client that gave up goes on as well, and what it left open may
// happen meanwhile.
func oneAtATime(operations []history.Operation) error {
	order := make([]*history.Operation, 0, len(operations))
	for i := range operations {
		if operations[i].Answered {
			order = append(order, &operations[i])
		}
	}
	slices.SortStableFunc(order, func(a, b *history.Operation) int {
		return cmp.Or(cmp.Compare(a.Client, b.Client), cmp.Compare(a.Call, b.Call), cmp.Compare(a.Return, b.Return))
	})
	for i := 1; i < len(order); i++ {
		if was, is := order[i-1], order[i]; was.Client == is.Client && is.Call < was.Return {
			return fmt.Errorf("a client has one operation at a time: %v; %v", was, is)
		}
	}
	return nil
}

func writePage(path, source string, ops []history.Operation) error {
	if sameFile(path, source) {
		return errors.New("that is the history")
	}
	var page bytes.Buffer
	if err := history.Visualize(&page, ops, pageSteps); err != nil {
		return err
	}
	return cli.WriteWhole(path, page.Bytes())
}
