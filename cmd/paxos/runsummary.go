package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/fauer4effect/paxos/sim"
	"github.com/fauer4effect/paxos/sim/plan"
	"github.com/fauer4effect/paxos/sim/testbed/cli"
	"github.com/fauer4effect/paxos/sim/world"
)

// printRun tells of one run in a screen: the plan, what happened, the verdict.
func printRun(w io.Writer, s subject, r *sim.Report, wall time.Duration) {
	p := r.Plan
	if s.file != "" {
		fmt.Fprintf(w, "plan %s\n", s.file)
	}
	fmt.Fprintf(w, "seed %d: %s, %s, %v under faults\n", p.Seed, cli.Plural(uint64(p.Servers), "server"),
		cli.Plural(uint64(p.Workload.Clients), "client")+p.Workload.OnHosts(), cli.Brief(time.Duration(p.Faulty)))
	cli.Labelled(w, "network", describeNetwork(&p.Network))
	cli.Labelled(w, "disk", "a write is durable after "+describeLaw(p.Disk.Sync)+slowDisks(p.Disk.Servers))
	cli.Labelled(w, "faults", describeFaults(p))
	cli.Labelled(w, "calm", describeTail(&p.Tail))
	fmt.Fprintf(w, "\nin %v simulated, %v on the clock:\n", cli.Brief(time.Duration(r.End)), cli.Brief(wall))
	cli.Wrapped(w, "  ", fmt.Sprintf("%s, %s between servers, %s answered, %s led",
		cli.Plural(r.Events, "event"), cli.Plural(r.Messages, "message"), cli.Plural(r.Updates, "update"), cli.Plural(r.Views, "view")))
	cli.EffectRows(w, sim.Effects(), &r.Effects)
	fmt.Fprintln(w)
	printVerdict(w, s, r)
}

func printVerdict(w io.Writer, s subject, r *sim.Report) {
	fmt.Fprintf(w, "hash %s\n", sim.HashString(r.Hash))
	if line, builds := afterAll(r); line != "" {
		fmt.Fprintln(w, line)
		if builds != "" {
			cli.Wrapped(w, "", builds)
		}
	}
	if s.file != "" {
		printMissed(w, r)
	}
	if r.OK() {
		fmt.Fprintln(w, "nothing found: all properties held")
		return
	}
	fmt.Fprintf(w, "%s is violated\n", r.Violation.Named())
	cli.Labelled(w, "time", instant(r.Violation.At))
	cli.Labelled(w, "detail", r.Violation.Detail)
	if unfair := sim.Timely(r.Plan); unfair != nil && strings.HasPrefix(r.Violation.Property, "L") {
		cli.Labelled(w, "but", "the plan asks for what the rules do not promise: "+unfair.Error())
	}
	fmt.Fprintf(w, "  %-9s %s\n", "replay", s.replay)
}

// printMissed names the faults of a kept plan whose event did not occur. Either the plan no longer
// does what it was kept for, or the run ended before that.
func printMissed(w io.Writer, r *sim.Report) {
	for _, m := range r.Missed {
		cli.Wrapped(w, "", cli.Untriggered(m.Fault, &r.Plan.Faults[m.Fault-1], m.Seen))
	}
}

func describeNetwork(n *plan.Network) string {
	text := "message delay: " + describeLaw(n.All.Delay)
	if n.All.Loss > 0 {
		text += "; " + percent(n.All.Loss) + " lost"
	}
	if n.All.Duplicate > 0 {
		text += "; " + percent(n.All.Duplicate) + " delivered twice"
	}
	if n.All.Late > 0 {
		text += "; " + percent(n.All.Late) + " held back for " + describeLaw(n.All.LateBy)
	}
	var links []string
	for _, l := range n.Links {
		links = append(links, fmt.Sprintf("%d->%d", l.From, l.To))
	}
	switch len(links) {
	case 0:
	case 1:
		text += "; link " + links[0] + " has its own settings"
	default:
		text += "; links " + strings.Join(links, ", ") + " have their own settings"
	}
	return text
}

func slowDisks(disks []plan.ServerDisk) string {
	var text string
	for _, d := range disks {
		text += fmt.Sprintf("; on server %d after %s", d.Server, describeLaw(d.Sync))
	}
	return text
}

// describeFaults counts the plan's faults by kind.
func describeFaults(p *sim.Plan) string {
	kinds := p.FaultKinds()
	var parts []string
	for _, e := range sim.Effects().All() {
		if kinds[e] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", kinds[e], sim.Effects()[e].Name))
		}
	}
	if len(parts) == 0 {
		return "none"
	}
	return strings.Join(parts, ", ")
}

func describeTail(t *plan.Tail) string {
	text := "then all servers recover"
	if len(t.Core) > 0 {
		text = "then " + servers(t.Core)
	}
	for _, b := range t.Broken {
		text += fmt.Sprintf(", %d stays %s", b.Server, stays[b.How])
	}
	switch len(t.Clients) {
	case 0:
		text += "; all clients keep sending"
	case 1:
		text += fmt.Sprintf("; only client %d keeps sending", t.Clients[0])
	default:
		text += fmt.Sprintf("; only clients %s keep sending", list(t.Clients))
	}
	return text + fmt.Sprintf("; a leader must serve within %v, and answer within %v",
		cli.Brief(time.Duration(t.Settle)), cli.Brief(time.Duration(t.Answer)))
}

// stays says how a server is broken in the calm.
var stays = map[string]string{"down": "down", "cut": "cut off", "deaf": "deaf", "mute": "mute"}

// servers says who recovers.
func servers(core []int) string {
	if len(core) == 1 {
		return fmt.Sprintf("server %d recovers", core[0])
	}
	return fmt.Sprintf("servers %s recover", words(core))
}

// words lists numbers as a sentence does: 1, 2 and 3.
func words(numbers []int) string {
	var text strings.Builder
	for i, n := range numbers {
		switch {
		case i == 0:
		case i == len(numbers)-1:
			text.WriteString(" and ")
		default:
			text.WriteString(", ")
		}
		text.WriteString(strconv.Itoa(n))
	}
	return text.String()
}

func list(numbers []int) string { return strings.Trim(fmt.Sprint(numbers), "[]") }

// describeLaw says how long something takes.
func describeLaw(l world.Law) string {
	least, mean, most := cli.Brief(time.Duration(l.Min)), cli.Brief(time.Duration(l.Mean)), cli.Brief(time.Duration(l.Max))
	var text string
	switch l.Kind {
	case "uniform":
		return least + " to " + most
	case "exponential":
		text = least + " plus an exponential (mean " + mean
	case "tail":
		text = least + " plus a heavy tail (mean " + mean
	default:
		return least
	}
	if l.Max > 0 {
		text += ", at most " + most
	}
	return text + ")"
}

// percent writes parts per million.
func percent(ppm uint32) string {
	return strconv.FormatFloat(float64(ppm)/1e4, 'g', 2, 64) + " %"
}
