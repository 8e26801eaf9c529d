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
	fmt.Fprintf(w, "%s broken\n", r.Violation.Property)
	cli.Labelled(w, "time", instant(r.Violation.At))
	cli.Labelled(w, "detail", r.Violation.Detail)
	if unfair := sim.Timely(r.Plan); unfair != nil && strings.HasPrefix(r.Violation.Property, "L") {
		cli.Labelled(w, "but", "the plan asks for what the rules do not promise: "+unfair.Error())
	}
	fmt.Fprintf(w, "  %-9s %s\n", "replay", s.replay)
}

// printMissed names the faults of a kept plan whose event did not occur: the plan does not do
// any more what it was kept for, or the run ended before it.
func printMissed(w io.Writer, r *sim.Report) {
	for _, m := range r.Missed {
		f := &r.Plan.Faults[m.Fault-1]
		cli.Wrapped(w, "", fmt.Sprintf("fault %d never came: it waits for %v, and there were %d", m.Fault, f.On, m.Seen))
	}
}

func describeNetwork(n *plan.Network) string {
	text := "a message takes " + describeLaw(n.All.Delay)
	if n.All.Loss > 0 {
		text += "; " + percent(n.All.Loss) + " are lost"
	}
	if n.All.Duplicate > 0 {
		text += "; " + percent(n.All.Duplicate) + " arrive twice"
	}
	if n.All.Late > 0 {
		text += "; " + percent(n.All.Late) + " are held back for " + describeLaw(n.All.LateBy)
	}
	var links []string
	for _, l := range n.Links {
		links = append(links, fmt.Sprintf("%d->%d", l.From, l.To))
	}
	if len(links) > 0 {
		text += "; laws of their own: " + strings.Join(links, ", ")
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
	text := "all servers are healed"
	if len(t.Core) > 0 {
		text = fmt.Sprintf("servers %s are healed", list(t.Core))
	}
	for _, b := range t.Broken {
		text += fmt.Sprintf(", %d stays %s", b.Server, b.How)
	}
	switch len(t.Clients) {
	case 0:
		text += "; all clients go on"
	case 1:
		text += fmt.Sprintf("; only client %d goes on", t.Clients[0])
	default:
		text += fmt.Sprintf("; only clients %s go on", list(t.Clients))
	}
	return text + fmt.Sprintf("; a leader must serve within %v, and answer within %v",
		cli.Brief(time.Duration(t.Settle)), cli.Brief(time.Duration(t.Answer)))
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
		text = least + " and an exponential of mean " + mean
	case "tail":
		text = least + " and a heavy tail of mean " + mean
	default:
		return least
	}
	if l.Max > 0 {
		text += ", at most " + most
	}
	return text
}

// percent writes parts per million.
func percent(ppm uint32) string {
	return strconv.FormatFloat(float64(ppm)/1e4, 'g', 2, 64) + " %"
}
