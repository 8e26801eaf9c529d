package metrics

import (
	"net/http"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/fauer4effect/paxos/protocol/live"
	"github.com/fauer4effect/paxos/protocol/live/redis"
)

// Metrics is what is shown of one server. It is a live.Meter. Its methods may be called from
// any goroutine.
type Metrics struct {
	registry *prometheus.Registry
	commands prometheus.Histogram
	syncs    prometheus.Histogram
	watched  atomic.Pointer[watched] // nil: it starts
	draining atomic.Bool
	server   *http.Server // nil: not served
	served   chan struct{}
}

// watched is a server that runs, and its clients, nil where none are served.
type watched struct {
	server  *live.Server
	clients *redis.Clients
}

// Buckets of latencies, in seconds: from 100 µs, which a sync of a good disk takes, each twice
// the one before, to 13 s.
func latencyBuckets() []float64 { return prometheus.ExponentialBuckets(100e-6, 2, 18) }

// New makes the metrics of a server that does not run yet.
func New() *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		commands: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "paxos_command_duration_seconds", Buckets: latencyBuckets(),
			Help: "From when a client's command reached this server until its answer; of those that were answered.",
		}),
		syncs: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "paxos_sync_duration_seconds", Buckets: latencyBuckets(),
			Help: "What it took to make a batch of records durable.",
		}),
	}
	m.registry.MustRegister(m.commands, m.syncs, collector{m},
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), collectors.NewBuildInfoCollector())
	return m
}

// Command and Sync make it a live.Meter.
func (m *Metrics) Command(took time.Duration) { m.commands.Observe(took.Seconds()) }
func (m *Metrics) Sync(took time.Duration)    { m.syncs.Observe(took.Seconds()) }

// Watch shows a server from now on, and its clients, unless they are nil.
func (m *Metrics) Watch(s *live.Server, clients *redis.Clients) {
	m.watched.Store(&watched{s, clients})
}

// Drain says that the server is about to end: it is no longer ready.
func (m *Metrics) Drain() { m.draining.Store(true) }
