package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"time"

	"github.com/fauer4effect/paxos/protocol"
	"github.com/fauer4effect/paxos/protocol/kv"
	"github.com/fauer4effect/paxos/protocol/live"
)

// narrator tells what the server does, beside the server's loop, and beside whoever has to
// end the server: standard output may be a pipe that nobody reads.
type narrator struct {
	w       io.Writer // of the goroutine that prints
	id      protocol.ServerID
	cluster uint64
	trial   bool
	lines   chan string
	lost    atomic.Uint64 // lines that nobody read in time
	asked   bool          // the loop's
	started chan struct{}
	server  *live.Server  // once it has started
	ended   chan struct{} // closed: no more lines come
	printed chan struct{} // closed: and all are printed
}

func newNarrator(w io.Writer, cfg *live.Config, trial bool) *narrator {
	return &narrator{
		w: w, id: cfg.ID, cluster: cfg.Hosts.Cluster(), trial: trial, lines: make(chan string, 1024),
		started: make(chan struct{}), ended: make(chan struct{}), printed: make(chan struct{}),
	}
}

// introduce says what is running.
func (o *serveFlags) introduce(n *narrator, cfg *live.Config, s *live.Server) {
	st := s.Status()
	bound := "all interfaces"
	if cfg.Address.IsValid() {
		bound = cfg.Address.String()
	}
	clients := ""
	if o.client != "" {
		clients = ", Redis clients on " + o.client
	}
	text := fmt.Sprintf("server %d of %d, cluster %016x, store %s (life %d)\nUDP port %d on %s%s\n",
		cfg.ID, len(cfg.Hosts), cfg.Hosts.Cluster(), cfg.Dir, st.Life, o.port, bound, clients)
	switch {
	case len(cfg.Key) > 0:
		text += "datagrams are authenticated with the key of " + o.keyFile
	default:
		text += "traffic is not authenticated: whoever reaches the port can forge it"
	}
	if !st.Formed {
		text += "\nwaiting for all servers: a cluster forms once, of fresh stores"
	}
	n.begin(s, text)
}

// watch is called by the server's loop: it may not block.
func (n *narrator) watch(in *protocol.Input, out *protocol.Output) {
	if m := &in.Message; n.trial && in.Kind == protocol.Receive && (m.Kind == protocol.Proposal || m.Kind == protocol.Accept) {
		n.say("%v from server %d", m, m.Server)
	}
	for i := range out.Events {
		n.event(&out.Events[i])
	}
}

func (n *narrator) event(e *protocol.Event) {
	switch e.Kind {
	case protocol.Formed:
		n.say("the cluster is formed")
	case protocol.Refused:
		n.refused(e)
	case protocol.Attempted:
		n.say("election: view %d is wanted", e.View)
	case protocol.Installed:
		n.say("election: view %d is installed", e.View)
	case protocol.HandedOver:
		n.say("hand-over: this server has given way, and view %d is installed", e.View)
	case protocol.Prepared:
		n.say("election: this server leads view %d", e.View)
	}
	if !n.trial {
		return
	}
	switch e.Kind {
	case protocol.Proposed:
		n.say("Proposal(view %d, seq %d, %v) goes to all", e.View, e.Seq, e.Batch)
	case protocol.Accepted:
		n.say("Accept(view %d, seq %d) goes to all once it is durable", e.View, e.Seq)
	case protocol.Ordered:
		n.say("ordered: seq %d in view %d", e.Seq, e.View)
	case protocol.Executed:
		n.say("executed: seq %d, %s", e.Seq, operations(e.Batch))
	}
	if e.Kind == protocol.Installed && !n.asked && n.id == 1 {
		n.asked = true
		go n.try()
	}
}

// try issues the update of -t.
func (n *narrator) try() {
	<-n.started
	op := kv.Op{Kind: kv.Put, Key: "greeting", Value: "hello from server 1"}
	result, err := n.server.Do(context.Background(), op.Encode())
	if err != nil {
		return // the server stops
	}
	if r, err := kv.DecodeResult(result); err == nil {
		n.say("answered: %v: %v", op, r)
	}
}

func (n *narrator) refused(e *protocol.Event) {
	for id := 1; id <= protocol.MaxServers; id++ {
		switch {
		case e.Servers&(1<<id) == 0:
		case int(n.id) == id:
			n.say("the others know another store as that of server %d: this one can never vote. "+
				"Bring back the store that the cluster was formed with, or run without this server", id)
		default:
			n.say("server %d comes with another store than the cluster was formed with, and is refused: "+
				"an emptied or swapped disk can never vote. Run without it, or bring its store back", id)
		}
	}
}

func operations(b *protocol.Batch) string {
	if len(b.Updates) == 0 {
		return "no-op"
	}
	var words []string
	for i := range b.Updates {
		u := &b.Updates[i]
		op, err := kv.Decode(u.Op)
		switch {
		case u.Kind == protocol.OpenSession:
			words = append(words, fmt.Sprintf("a session for client %d", u.Client))
		case u.Kind == protocol.ExpireSessions:
			words = append(words, "sessions expire")
		case err != nil:
			return b.String()
		default:
			words = append(words, op.String())
		}
	}
	return strings.Join(words, "; ")
}

func (n *narrator) say(format string, args ...any) {
	select {
	case n.lines <- fmt.Sprintf(format, args...):
	default:
		n.lost.Add(1)
	}
}

// begin starts to print, with what introduces the server.
func (n *narrator) begin(s *live.Server, introduction string) {
	n.server = s
	close(n.started)
	go func() {
		defer close(n.printed)
		fmt.Fprintln(n.w, introduction)
		for {
			select {
			case line := <-n.lines:
				n.print(line)
				continue
			default:
			}
			select { // nothing waits
			case line := <-n.lines:
				n.print(line)
			case <-n.ended:
				n.print("")
				return
			}
		}
	}()
}

// print writes a line, and before it how many are missing.
func (n *narrator) print(line string) {
	if lost := n.lost.Swap(0); lost > 0 {
		fmt.Fprintf(n.w, "(%s not printed: nobody read them in time)\n", plural(lost, "line"))
	}
	if line != "" {
		fmt.Fprintln(n.w, line)
	}
}

const printLimit = time.Second // for what is not printed yet when all is over

// narrate tells what happens until the server ends or is interrupted. It does not wait for
// whoever reads.
func (n *narrator) narrate(ctx context.Context, s *live.Server) error {
	defer func() {
		close(n.ended)
		select {
		case <-n.printed:
		case <-time.After(printLimit): // nobody reads: there is no more to be done about it
		}
	}()
	var foreign uint64 // the last one that was told of
	look := time.NewTicker(time.Second)
	defer look.Stop()
	for {
		select {
		case <-look.C:
			if f := s.Status().Foreign; f != foreign {
				foreign = f
				n.say("datagrams of cluster %016x arrive, and are refused: this is cluster %016x; all its servers need the same host file", f, n.cluster)
			}
		case <-s.Done():
			return nil // Close says why
		case <-ctx.Done():
			return errInterrupted
		}
	}
}
