package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/fauer4effect/paxos/protocol"
	"github.com/fauer4effect/paxos/sim"
	"github.com/fauer4effect/paxos/sim/world"
)

const (
	seedLimit = uint64(1) << 53 // seeds stay below it: readers of JSON lose more
	maxJobs   = 1024
	// A swarm draws up to some 45 faults for a second under faults; a plan holds 100,000.
	maxFaulty = 10 * time.Minute
)

// checked is a flag that refuses a bad value where it stands.
type checked[T any] struct {
	to    *T
	parse func(string) (T, error)
	text  string // as typed; "" where help is to show no default
	word  string // for the value, in help
}

func (c *checked[T]) Set(text string) error {
	v, err := c.parse(text)
	if err == nil {
		*c.to, c.text = v, text
	}
	return err
}

func (c *checked[T]) String() string { return c.text }
func (c *checked[T]) Type() string   { return c.word }

// flag adds a checked flag to f. Its usage is what help shows: `--seeds N`. The standard, if
// there is one, is its default as it would be typed.
func flag[T any](f *pflag.FlagSet, to *T, usage, standard, help string, parse func(string) (T, error)) {
	addFlag(f, to, "", usage, standard, help, parse)
}

// shortFlag adds a checked flag that is usually given by its letter, and has no default.
func shortFlag[T any](f *pflag.FlagSet, to *T, letter, usage, help string, parse func(string) (T, error)) {
	addFlag(f, to, letter, usage, "", help, parse)
}

func addFlag[T any](f *pflag.FlagSet, to *T, letter, usage, standard, help string, parse func(string) (T, error)) {
	name, word, _ := strings.Cut(strings.TrimPrefix(usage, "--"), " ")
	c := &checked[T]{to: to, parse: parse, word: word}
	if standard != "" {
		if err := c.Set(standard); err != nil {
			panic(fmt.Sprintf("%s: the default %s: %v", usage, standard, err))
		}
	}
	f.VarP(c, name, letter, help)
}

func parseText(text string) (string, error) {
	if text == "" {
		return "", errors.New("it is empty: leave the flag out")
	}
	return text, nil
}

func parsePath(text string) (string, error) {
	if text == "" {
		return "", errors.New("it has no name")
	}
	return text, nil
}

func parseSeed(text string) (uint64, error) {
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		return 0, errors.New("a seed is a whole number, such as 17")
	}
	if err != nil || n >= seedLimit {
		return 0, errors.New("seeds stay below 2^53")
	}
	return n, nil
}

func parseSeeds(text string) (uint64, error) {
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil || n < 1 || n > seedLimit {
		return 0, errors.New("how many is a whole number from 1 to 2^53")
	}
	return n, nil
}

func parseNodes(text string) (int, error) {
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > protocol.MaxServers {
		return 0, fmt.Errorf("a cluster has 1 to %d servers", protocol.MaxServers)
	}
	return n, nil
}

func parseJobs(text string) (int, error) {
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > maxJobs {
		return 0, fmt.Errorf("1 to %d runs can go on at once", maxJobs)
	}
	return n, nil
}

func parseBudget(text string) (time.Duration, error) {
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 {
		return 0, errors.New("a duration is above zero, has a unit, such as 30s or 5m, and is below 292 years")
	}
	return d, nil
}

func parseFaulty(text string) (time.Duration, error) {
	d, err := parseBudget(text)
	if err == nil && d > maxFaulty {
		err = fmt.Errorf("a run has at most %v under faults: sweep more seeds instead", maxFaulty)
	}
	return d, err
}

// shard is one of several equal parts of a sweep, counted from 1. The zero value is all of it.
type shard struct{ number, of uint64 }

func parseShard(text string) (shard, error) {
	number, of, found := strings.Cut(text, "/")
	i, err := strconv.ParseUint(number, 10, 64)
	n, err2 := strconv.ParseUint(of, 10, 64)
	if !found || err != nil || err2 != nil || i < 1 || i > n || n > seedLimit {
		return shard{}, errors.New("shards are such as 1/3, 2/3 and 3/3: which one of how many")
	}
	return shard{i, n}, nil
}

// swarmFlags fix what a seed would draw otherwise.
type swarmFlags struct {
	nodes  int
	faulty time.Duration
}

func (s *swarmFlags) register(f *pflag.FlagSet) {
	flag(f, &s.nodes, "--nodes N", "",
		fmt.Sprintf("servers in each cluster, 1 to %d (default: the seed draws it)", protocol.MaxServers), parseNodes)
	flag(f, &s.faulty, "--for DUR", "",
		"simulated time under faults in each run, such as 3s; the calm follows, in which "+
			"liveness is checked (default: the seed draws it)", parseFaulty)
}

func (s *swarmFlags) options() sim.SwarmOptions {
	return sim.SwarmOptions{Servers: s.nodes, Faulty: world.Instant(s.faulty)}
}

// given is what must be typed behind a seed to draw the same plan again.
func (s *swarmFlags) given() string {
	var text string
	if s.nodes > 0 {
		text += fmt.Sprintf(" --nodes %d", s.nodes)
	}
	if s.faulty > 0 {
		text += fmt.Sprintf(" --for %v", s.faulty)
	}
	return text
}

// watchFlags say how a single run is watched.
type watchFlags struct {
	trace string // file; "": none
	json  bool
}

func (o *watchFlags) register(f *pflag.FlagSet) {
	flag(f, &o.trace, "--trace FILE", "", "write every event of the run there, one JSON object a line", parsePath)
	f.BoolVar(&o.json, "json", false, "print one JSON object instead of text")
}
