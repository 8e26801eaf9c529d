package metrics

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/fauer4effect/paxos/protocol"
)

// counted are the server's counts under the names that Prometheus users expect. A count that
// is not listed is shown by its own name.
var counted = map[string]struct{ name, label, value, help string }{
	"datagrams received":  {name: "paxos_datagrams_received_total", help: "Datagrams that arrived, refused ones included."},
	"datagrams sent":      {name: "paxos_datagrams_sent_total", help: "Datagrams that left."},
	"unsendable":          {name: "paxos_unsendable_total", help: "Messages or datagrams that could not leave, and were lost."},
	"dropped while busy":  {name: "paxos_messages_overflowed_total", help: "Messages that were lost because the server was busy."},
	"syncs":               {name: "paxos_syncs_total", help: "Batches of records that were made durable."},
	"records":             {name: "paxos_records_total", help: "Records that were made durable."},
	"commands":            {"paxos_commands_total", "outcome", "answered", commandsHelp},
	"commands busy":       {"paxos_commands_total", "outcome", "busy", commandsHelp},
	"commands unknown":    {"paxos_commands_total", "outcome", "unknown", commandsHelp},
	"commands refused":    {"paxos_commands_total", "outcome", "refused", commandsHelp},
	"clients cut off":     {name: "paxos_clients_cut_off_total", help: "Clients that did not read their replies, and were cut off."},
	"views attempted":     {name: "paxos_elections_total", help: "Elections that this server took part in: views that it attempted."},
	"views installed":     {name: "paxos_views_installed_total", help: "Views that this server installed: changes of the leader."},
	"views led":           {name: "paxos_views_led_total", help: "Times that this server became the leader."},
	"hand-overs":          {name: "paxos_handovers_total", help: "Times that this server handed its leadership over."},
	"catch-ups":           {name: "paxos_catchups_total", help: "Requests for what this server had missed."},
	"snapshots taken":     {"paxos_snapshots_total", "source", "own", snapshotsHelp},
	"snapshots installed": {"paxos_snapshots_total", "source", "peer", snapshotsHelp},
}

const (
	commandsHelp  = "Commands of clients by how they ended: of busy and refused ones nothing was executed."
	snapshotsHelp = "Snapshots that this server took, or installed as a peer sent it."
)

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("paxos_"+name, help, labels, nil)
}

var (
	up          = desc("up", "1 while the server runs, 0 while it starts.")
	ready       = desc("ready", "1 while this server can serve commands, as /readyz says.")
	info        = desc("server_info", "Always 1: which server of which cluster, with which store.", "server", "cluster", "store")
	state       = desc("state", "1 for the state that the server is in.", "state")
	leading     = desc("leading", "1 while this server leads.")
	leader      = desc("leader", "The number of the server that leads, as far as this one knows; 0 in an election.")
	view        = desc("view", "The view that is installed.")
	aru         = desc("aru", "The slot up to which all is executed here.")
	formed      = desc("formed", "1 once the cluster is formed.")
	life        = desc("life", "How often the store was opened.")
	pending     = desc("pending_updates", "Updates that this server keeps until they are executed.")
	waiting     = desc("waiting_commands", "Commands of clients that wait for their answers.")
	sessions    = desc("sessions", "Sessions that this server's commands use.")
	open        = desc("open_sessions", "Sessions of all servers' commands that are open, by what this server has executed.")
	connections = desc("client_connections", "Clients that are connected.")
	truncated   = desc("truncated_slots", "The slot up to which the log is forgotten, since the server started.")
	age         = desc("status_age_seconds", "How long ago the server's loop said where it stands.")
	storeBytes  = desc("store_bytes", "The size of the store's files.")
	refused     = desc("datagrams_refused_total", "Datagrams that were refused.", "reason")
	dropped     = desc("messages_dropped_total", "Messages that the state machine dropped, by reason. Most reasons are ordinary.", "reason")
	peerHeard   = desc("peer_heard_seconds", "How long ago the peer's heartbeat was heard.", "peer")
	peerARU     = desc("peer_aru", "The slot up to which the peer has executed all, as it said last.", "peer")
)

// collector makes metrics of a server's status and counts when somebody asks.
type collector struct{ m *Metrics }

// Describe says nothing: which counts there are is the server's business.
func (collector) Describe(chan<- *prometheus.Desc) {}

func (c collector) Collect(to chan<- prometheus.Metric) {
	w := c.m.watched.Load()
	gauge(to, up, yes(w != nil))
	gauge(to, ready, yes(c.m.Ready() == nil))
	if w == nil {
		return
	}
	st := w.server.Status()
	gauge(to, info, 1, strconv.Itoa(int(st.ID)), fmt.Sprintf("%016x", w.server.Hosts().Cluster()), fmt.Sprintf("%016x", uint64(st.Store)))
	for s := range protocol.NumStates {
		gauge(to, state, yes(s == st.State), s.String())
	}
	gauge(to, leading, yes(st.State == protocol.RegLeader))
	gauge(to, leader, float64(st.Leader))
	gauge(to, view, float64(st.View))
	gauge(to, aru, float64(st.ARU))
	gauge(to, formed, yes(st.Formed))
	gauge(to, life, float64(st.Life))
	gauge(to, pending, float64(st.Pending))
	gauge(to, waiting, float64(st.Waiting))
	gauge(to, sessions, float64(st.Sessions))
	gauge(to, open, float64(st.OpenSessions))
	gauge(to, truncated, float64(st.Truncated))
	gauge(to, age, time.Since(st.At).Seconds())
	if w.clients != nil {
		gauge(to, connections, float64(w.clients.Open()))
	}
	if bytes, err := w.server.StoreBytes(); err == nil { // a gap says that it can't be read
		gauge(to, storeBytes, float64(bytes))
	}
	for reason, n := range st.Refused {
		counter(to, refused, n, reason)
	}
	for reason, n := range st.Drops {
		counter(to, dropped, n, reason)
	}
	for _, p := range st.Peers {
		peer := strconv.Itoa(int(p.ID))
		gauge(to, peerHeard, (p.Silent + time.Since(st.At)).Seconds(), peer)
		gauge(to, peerARU, float64(p.ARU), peer)
	}
	w.server.Counts().Each(func(name string, n uint64) { count(to, name, n) })
}

// count shows one of the server's counts.
func count(to chan<- prometheus.Metric, name string, n uint64) {
	switch known, ok := counted[name]; {
	case !ok:
		counter(to, prometheus.NewDesc("paxos_"+strings.NewReplacer(" ", "_", "-", "_").Replace(name)+"_total", "How many "+name+".", nil, nil), n)
	case known.label != "":
		counter(to, prometheus.NewDesc(known.name, known.help, []string{known.label}, nil), n, known.value)
	default:
		counter(to, prometheus.NewDesc(known.name, known.help, nil, nil), n)
	}
}

func gauge(to chan<- prometheus.Metric, d *prometheus.Desc, value float64, labels ...string) {
	to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
}

func counter(to chan<- prometheus.Metric, d *prometheus.Desc, value uint64, labels ...string) {
	to <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(value), labels...)
}

func yes(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
