// Package metrics shows a live server to those who operate it, over HTTP: Prometheus metrics,
// profiles, health and readiness.
//
//	m := metrics.New()
//	m.Serve(listener)          // early: until Watch the server is starting
//	s, err := live.Start(live.Config{…, Meter: m})
//	m.Watch(s, clients)
//	…
//	m.Drain()                  // ready no more; then the server's own end
//	m.Close()
//
// It only looks: at Status, which the server's loop publishes every so often, at counters, and
// at two histograms. The histograms are all that it adds to a command. No request to it can hold
// the server up.
//
//	metrics.go    Metrics: what it knows, and the latencies
//	collect.go    a server's status and counts as metrics
//	health.go     alive, ready
//	http.go       the listener, and its limits
package metrics
