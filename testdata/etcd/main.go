// Command etcd compares paxos with etcd in one run, on one machine. Each is a durable cluster of three
// processes. One runs after the other, and the same loop of puts in this process drives both.
//
//	$ go run .                    # in testdata/etcd; etcd-server is Debian's package of that name
//
// It prints puts a second and their median and 99th percentile latency for some numbers of
// clients, and the ratio.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// cluster is a running cluster under test.
type cluster interface {
	// client connects the i-th client. A client puts one key at a time.
	client(i int) (put func(ctx context.Context, key, value string) error, err error)
	close()
}

const (
	valueBytes = 64
	keys       = 100_000
	warmUp     = 2 * time.Second
)

func main() {
	length := flag.Duration("for", 20*time.Second, "how long each point is measured")
	rounds := flag.Int("rounds", 1, "how often all is measured; the median is printed")
	flag.Parse()
	if flag.NArg() > 0 || *length <= 0 || *rounds < 1 {
		fmt.Fprintln(os.Stderr, "etcd: usage: go run . [-for 20s] [-rounds 5]")
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := compare(ctx, *length, *rounds); err != nil {
		fmt.Fprintln(os.Stderr, "etcd:", err)
		os.Exit(1)
	}
}

// point is what one measurement gave.
type point struct {
	rate     float64 // puts a second
	p50, p99 time.Duration
	failed   int // puts
}

// compare measures both, in turn, and prints a table.
func compare(ctx context.Context, length time.Duration, rounds int) error {
	dir, err := os.MkdirTemp("", "paxos-etcd-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	systems := []struct {
		name  string
		start func(ctx context.Context, dir string) (cluster, error)
	}{{"etcd", startEtcd}, {"paxos", startPaxos}}
	fmt.Printf("three processes each, durable; puts of %d bytes to %d keys; %v a point, median of %d\n\n", valueBytes, keys, length, rounds)
	fmt.Printf("%7s  %30s  %30s  %5s\n", "", "etcd", "paxos", "")
	fmt.Printf("%7s  %10s %9s %9s  %10s %9s %9s  %5s\n", "clients", "puts/s", "p50", "p99", "puts/s", "p50", "p99", "ratio")
	for _, clients := range []int{1, 64, 256} {
		found := make([][]point, len(systems))
		for round := range rounds {
			for i, s := range systems {
				at := fmt.Sprintf("%s/%s-%d-%d", dir, s.name, clients, round)
				c, err := s.start(ctx, at)
				if err != nil {
					return fmt.Errorf("%s: %w", s.name, err)
				}
				p, err := measure(ctx, c, clients, length)
				c.close()
				os.RemoveAll(at)
				if ctx.Err() != nil {
					return errors.New("interrupted")
				}
				if err != nil {
					return fmt.Errorf("%s, %d clients: %w", s.name, clients, err)
				}
				found[i] = append(found[i], p)
			}
		}
		for i, s := range systems {
			for _, p := range found[i] {
				if p.failed > 0 {
					fmt.Printf("(%s, %d clients: %d puts failed in one run)\n", s.name, clients, p.failed)
				}
			}
		}
		e, p := median(found[0]), median(found[1])
		fmt.Printf("%7d  %10.0f %9v %9v  %10.0f %9v %9v  %5.1f\n",
			clients, e.rate, brief(e.p50), brief(e.p99), p.rate, brief(p.p50), brief(p.p99), p.rate/e.rate)
	}
	return nil
}

func brief(d time.Duration) time.Duration { return d.Round(10 * time.Microsecond) }

func median(points []point) point {
	slices.SortFunc(points, func(a, b point) int { return int(a.rate - b.rate) })
	return points[len(points)/2]
}

// measure has clients put, each one key after the other.
func measure(ctx context.Context, c cluster, clients int, length time.Duration) (point, error) {
	puts := make([]func(context.Context, string, string) error, clients)
	for i := range puts {
		var err error
		if puts[i], err = c.client(i); err != nil {
			return point{}, err
		}
	}
	value := string(make([]byte, valueBytes))
	begun := time.Now()
	ctx, cancel := context.WithTimeout(ctx, warmUp+length)
	defer cancel()
	var all sync.WaitGroup
	var failed atomic.Int64
	var why atomic.Pointer[error]
	took := make([][]time.Duration, clients)
	for i, put := range puts {
		all.Go(func() {
			for n := uint64(i); ctx.Err() == nil; n += uint64(clients) {
				from := time.Now()
				err := put(ctx, fmt.Sprintf("key:%012d", n*0x9e3779b97f4a7c15>>32%keys), value)
				switch {
				case ctx.Err() != nil:
				case err != nil:
					failed.Add(1)
					why.Store(&err)
				case from.Sub(begun) > warmUp:
					took[i] = append(took[i], time.Since(from))
				}
			}
		})
	}
	all.Wait()
	every := slices.Concat(took...)
	if err := why.Load(); err != nil && int(failed.Load()) >= len(every) {
		return point{}, *err
	}
	if len(every) == 0 {
		return point{}, errors.New("no put was answered")
	}
	slices.Sort(every)
	return point{
		rate: float64(len(every)) / length.Seconds(),
		p50:  every[len(every)/2], p99: every[len(every)*99/100], failed: int(failed.Load()),
	}, nil
}
