package cluster

import (
	"context"
	"flag"
	"net"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gomodule/redigo/redis"
)

var (
	figuresFlag = flag.Duration("figures", 0, "TestRedisBenchmark: how long each point is measured; it wants the machine for itself")
	roundsFlag  = flag.Int("rounds", 5, "TestRedisBenchmark: how often; the median counts")
)

// judgedFrom is the shortest measurement of which a rate is demanded: a moment says nothing.
const judgedFrom = 20 * time.Second

// redisLoad is what redis-benchmark does, and the least that it must reach: requests a second.
type redisLoad struct {
	command           string
	clients, pipeline int
	least             float64
}

// TestRedisBenchmark has redis-benchmark at three processes that share the machine with it: 64-byte
// values, random keys, durable. What each sync made durable is counted, and held against the
// commits: each command that was answered is in a record of every majority.
func TestRedisBenchmark(t *testing.T) {
	if *figuresFlag == 0 {
		t.Skip("minutes: go test ./cmd/internal/cluster -run TestRedisBenchmark -figures=20s -timeout 60m -v")
	}
	needs(t, installed("redis-benchmark"))
	t.Logf("| command | clients | -P | requests/s | asked | p50 | leader's slots/s | commands a slot | syncs/s | records a sync |")
	t.Logf("|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|")
	for _, l := range []redisLoad{
		{"set", 1, 1, 1_300},
		{"set", 64, 1, 12_000},
		{"set", 256, 1, 14_000},
		{"set", 64, 16, 100_000},
		{"get", 1, 1, 1.5 * 1_300},
		{"get", 64, 1, 1.5 * 12_000},
		{"get", 256, 1, 1.5 * 14_000},
		{"get", 64, 16, 1.5 * 100_000},
	} {
		var points []redisPoint
		for range *roundsFlag {
			points = append(points, l.measure(t))
		}
		slices.SortFunc(points, func(a, b redisPoint) int { return int(a.rate - b.rate) })
		p := points[len(points)/2]
		t.Logf("| %s | %d | %d | %.0f | %.0f | %s ms | %.0f | %.1f | %.0f | %.1f |",
			strings.ToUpper(l.command), l.clients, l.pipeline, p.rate, l.least, p.p50, p.slots, p.rate/max(p.slots, 1), p.syncs, p.records)
		if *figuresFlag >= judgedFrom && p.rate < l.least {
			t.Errorf("%+v: %.0f requests/s", l, p.rate)
		}
	}
}

// redisPoint is what one measurement gave.
type redisPoint struct {
	rate, slots, syncs float64 // a second
	records            float64 // a sync
	p50                string  // ms
}

// measure runs a fresh cluster under the load.
func (l redisLoad) measure(t *testing.T) redisPoint {
	c, end := three(t)
	defer end()
	ctx, cancel := context.WithTimeout(t.Context(), startLimit)
	defer cancel()
	leader, err := c.AwaitLeader(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if l.command == "get" { // of keys that are there
		benchmark(t, c.Client(leader), redisLoad{"set", 64, 16, 0}, 200_000)
	}
	rate, _ := benchmark(t, c.Client(leader), l, int(l.least)) // warms up, and says how many it takes
	requests := int(rate * figuresFlag.Seconds())
	before, begun := c.counted(t, leader), time.Now()
	var p redisPoint
	p.rate, p.p50 = benchmark(t, c.Client(leader), l, requests)
	took, after := time.Since(begun).Seconds(), c.counted(t, leader)
	slots, syncs, records := after["aru"]-before["aru"], after["syncs"]-before["syncs"], after["records"]-before["records"]
	p.slots, p.syncs, p.records = slots/took, syncs/took, records/max(syncs, 1)
	// A slot takes a record for its acceptance; that it is ordered is recorded lazily, and more
	// than one slot's at a time.
	if commands := after["commands"] - before["commands"]; l.command == "set" && (slots == 0 || records < slots || int(commands) < requests/l.pipeline) {
		t.Errorf("%+v: %d requests, and the leader counts %.0f commands, %.0f slots, %.0f records in %.0f syncs", l, requests, commands, slots, records, syncs)
	}
	return p
}

var benchmarkLine = regexp.MustCompile(`([0-9.]+) requests per second, p50=([0-9.]+) msec`)

// benchmark runs redis-benchmark and returns its requests a second, and the median latency.
func benchmark(t *testing.T, address string, l redisLoad, requests int) (rate float64, p50 string) {
	t.Helper()
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("redis-benchmark", "-h", host, "-p", port, "-t", l.command, "-c", strconv.Itoa(l.clients), "-P", strconv.Itoa(l.pipeline),
		"-n", strconv.Itoa(requests), "-d", "64", "-r", "100000", "-q").CombinedOutput()
	found := benchmarkLine.FindStringSubmatch(string(out))
	if err != nil || found == nil {
		t.Fatalf("redis-benchmark: %v\n%s", err, out)
	}
	rate, err = strconv.ParseFloat(found[1], 64)
	if err != nil {
		t.Fatal(err)
	}
	return rate, found[2]
}

// counted is the numbers that a server's INFO has.
func (c *Cluster) counted(t *testing.T, id int) map[string]float64 {
	t.Helper()
	conn, err := dial(c.Client(id), opLimit)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	text, err := redis.String(conn.Do("INFO"))
	if err != nil {
		t.Fatal(err)
	}
	counts := map[string]float64{}
	for line := range strings.SplitSeq(text, "\r\n") {
		name, value, _ := strings.Cut(line, ":")
		if n, err := strconv.ParseFloat(value, 64); err == nil {
			counts[name] = n
		}
	}
	return counts
}
