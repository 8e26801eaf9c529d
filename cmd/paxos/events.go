//go:build !simonly

package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"strings"

	"github.com/fauer4effect/paxos/protocol"
	"github.com/fauer4effect/paxos/protocol/kv"
	"github.com/fauer4effect/paxos/protocol/live"
)

// introduction says what is running.
func (o *serveFlags) introduction(cfg *live.Config, s *live.Server, d *doors) telling {
	st := s.Status()
	bound := "all interfaces"
	if cfg.Address.IsValid() {
		bound = cfg.Address.String()
	}
	also := ""
	if o.client != "" {
		also += ", Redis clients on " + whereOpen(o.client, d.clients)
	}
	if o.metrics != "" {
		also += ", metrics on " + whereOpen(o.metrics, d.metrics)
	}
	text := fmt.Sprintf("server %d of %d, cluster %016x, store %s (life %d)\nUDP port %d on %s%s\n",
		cfg.ID, len(cfg.Hosts), cfg.Hosts.Cluster(), cfg.Dir, st.Life, o.port, bound, also)
	switch {
	case len(cfg.Key) > 0:
		text += "datagrams are authenticated with the key of " + o.keyFile
	default:
		text += "traffic is not authenticated: anyone who reaches the port can forge it"
	}
	if !st.Formed {
		text += "\nwaiting for all servers: a cluster forms once, of fresh stores"
	}
	return eventOf(slog.LevelInfo, "started", text,
		slog.Int("servers", len(cfg.Hosts)), slog.String("cluster", fmt.Sprintf("%016x", cfg.Hosts.Cluster())),
		slog.String("store", cfg.Dir), slog.Uint64("life", st.Life), slog.Bool("formed", st.Formed),
		slog.Int("port", o.port), slog.String("bound", bound), slog.Bool("authenticated", len(cfg.Key) > 0),
		slog.String("clients", whereOpen(o.client, d.clients)), slog.String("metrics", whereOpen(o.metrics, d.metrics)))
}

// whereOpen is the address as it was given, with the port that was found in place of port 0.
func whereOpen(given string, l net.Listener) string {
	host, port, err := net.SplitHostPort(given)
	if a, ok := addressOf(l); ok && err == nil && port == "0" {
		return net.JoinHostPort(host, strconv.Itoa(a.Port))
	}
	return given
}

func addressOf(l net.Listener) (*net.TCPAddr, bool) {
	if l == nil {
		return nil, false
	}
	a, ok := l.Addr().(*net.TCPAddr)
	return a, ok
}

// watch is called by the server's loop: it may not block.
func (n *narrator) watch(in *protocol.Input, out *protocol.Output) {
	if m := &in.Message; n.trial && in.Kind == protocol.Receive && (m.Kind == protocol.Proposal || m.Kind == protocol.Accept) {
		n.say("%v from server %d", m, m.Server)
	}
	for i := range out.Events {
		n.happened(&out.Events[i])
		if n.trial {
			n.tried(&out.Events[i])
		}
	}
}

// happened tells operators of an event.
func (n *narrator) happened(e *protocol.Event) {
	view := slog.Uint64("view", uint64(e.View))
	switch e.Kind {
	case protocol.Formed:
		n.event(slog.LevelInfo, "formed", "the cluster is formed")
	case protocol.Refused:
		n.refused(e)
	case protocol.Attempted:
		n.event(slog.LevelInfo, "election", fmt.Sprintf("election: view %d is wanted", e.View), view)
	case protocol.Installed:
		leader := protocol.Leader(e.View, max(1, len(n.hosts)))
		n.event(slog.LevelInfo, "view installed", fmt.Sprintf("election: view %d is installed", e.View), view, slog.Int("leader", int(leader)))
	case protocol.HandedOver:
		n.event(slog.LevelInfo, "gave way", fmt.Sprintf("hand-over: this server has given way, and view %d is installed", e.View), view)
	case protocol.Prepared:
		n.event(slog.LevelInfo, "leading", fmt.Sprintf("election: this server leads view %d", e.View), view)
	case protocol.SnapshotInstalled:
		n.event(slog.LevelInfo, "snapshot installed", "", slog.Uint64("seq", uint64(e.Seq)))
	}
}

func (n *narrator) refused(e *protocol.Event) {
	for id := 1; id <= protocol.MaxServers; id++ {
		switch {
		case e.Servers&(1<<id) == 0:
		case int(n.id) == id:
			line := fmt.Sprintf("the others know another store as that of server %d: this one can never vote. "+
				"Bring back the store that the cluster was formed with, or run without this server", id)
			n.event(slog.LevelError, "own store refused", line, slog.String("detail", line))
		default:
			line := fmt.Sprintf("server %d comes with another store than the cluster was formed with, and is refused: "+
				"an emptied or swapped disk can never vote. Run without it, or bring its store back", id)
			n.event(slog.LevelWarn, "store refused", line, slog.Int("peer", id), slog.String("detail", line))
		}
	}
}

// tried tells what -t wants to see.
func (n *narrator) tried(e *protocol.Event) {
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
