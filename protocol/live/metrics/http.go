package metrics

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/pprof"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
	"golang.org/x/net/netutil"
)

// What strangers can cost: this many connections, one request each, for this long.
const (
	maxConnections = 32
	maxHeaderBytes = 16 << 10
	requestLimit   = 5 * time.Second // to read a request, and to answer it, beside a profile's seconds
	profileLimit   = 2 * time.Minute // of a profile or trace
	maxScrapes     = 4               // at once
)

// Serve answers those who come to the listener, until Close.
func (m *Metrics) Serve(l net.Listener) {
	m.server = &http.Server{
		Handler: m.handler(), MaxHeaderBytes: maxHeaderBytes,
		ReadTimeout: requestLimit, WriteTimeout: requestLimit,
		ErrorLog: log.New(io.Discard, "", 0), // of what strangers do wrong: the program's own log is not for that
	}
	m.server.SetKeepAlivesEnabled(false) // an idle client would keep others out
	m.served = make(chan struct{})
	go func() {
		defer close(m.served)
		_ = m.server.Serve(netutil.LimitListener(l, maxConnections)) // it ends with Close
	}()
}

// Close ends all connections, and waits for the end of Serve.
func (m *Metrics) Close() {
	if m.server == nil {
		return
	}
	within, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if m.server.Shutdown(within) != nil { // a profile is under way, say
		_ = m.server.Close()
	}
	<-m.served
}

func (m *Metrics) handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{MaxRequestsInFlight: maxScrapes}))
	mux.Handle("GET /healthz", says(m.Healthy))
	mux.Handle("GET /readyz", says(m.Ready))
	mux.HandleFunc("GET /{$}", contents)
	for path, h := range map[string]http.HandlerFunc{
		"": pprof.Index, "cmdline": pprof.Cmdline, "profile": pprof.Profile, "symbol": pprof.Symbol, "trace": pprof.Trace,
	} {
		mux.HandleFunc("/debug/pprof/"+path, limited(h))
	}
	return mux
}

// limited refuses a profile that would go on for too long: pprof gives it all the time that it
// asks for.
func limited(h http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if seconds, err := strconv.ParseFloat(r.FormValue("seconds"), 64); err == nil && seconds > profileLimit.Seconds() {
			http.Error(w, fmt.Sprintf("a profile takes at most %v", profileLimit), http.StatusBadRequest)
			return
		}
		h(w, r)
	}
}

// says answers `ok`, or 503 with a line saying why.
func says(why func() error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Header().Set("Cache-Control", "no-store")
		if err := why(); err != nil {
			w.WriteHeader(http.StatusServiceUnavailable)
			fmt.Fprintln(w, err)
			return
		}
		fmt.Fprintln(w, "ok")
	})
}

func contents(w http.ResponseWriter, _ *http.Request) {
	fmt.Fprint(w, "/metrics\n/healthz\n/readyz\n/debug/pprof/\n")
}
