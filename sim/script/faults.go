package script

import (
	"fmt"
	"slices"
	"strings"

	"github.com/fauer4effect/paxos/sim/plan"
	"github.com/fauer4effect/paxos/sim/world"
)

func faultCommands(l *Language) []Command {
	all := []Command{
		{"crash", "SERVERS [for TIME]", "they lose what is not durable; they restart after the time, or when told. SERVERS is 1,2 or leader or all", false, parseStrike("crash")},
		{"wipe", "SERVERS [for TIME]", "like crash, and their disks come back empty; takes `formation`", false, parseStrike("wipe")},
		{"restart", "SERVERS", "begin a new life of servers that are down", false, parseEach(restart)},
		{"pause", "SERVERS", "stop servers as they stand", false, parseEach(pause)},
		{"resume", "SERVERS", "let paused servers go on, with all that came meanwhile", false, parseEach(resume)},
		{"slow", "SERVERS TIME", "each message from and to them takes this much longer; 0s ends it", false, parseSlow},
		{"partition", "SERVERS / SERVERS [/ SERVERS…]", "no message passes between the sides; every server is on one", false, parsePartition},
		{"cut", "LINK", "no message passes in this direction: 1->3, 2->* or *->2", false, parseCut},
		{"isolate", "SERVERS", "each of them is cut off", false, parseStrike("isolate")},
		{"deaf", "SERVERS", "each of them hears no server", false, parseStrike("deaf")},
		{"mute", "SERVERS", "no server hears any of them", false, parseStrike("mute")},
		{"heal", "[LINK]", "take all cuts, clogs, drops and omissions back, or the cuts of one direction", false, parseHeal},
		{"drop", "KIND LINK", "messages of this kind are lost on this link, until heal: Accept 2->*; KIND may be *", false, parseRule(false)},
		{"hold", "KIND LINK", "messages of this kind wait on this link, until they are released", false, parseRule(true)},
		{"release", "[KIND LINK]", "held messages that match go on their way, and `hold`s of nothing else end (all, if nothing is named)", false, parseRelease},
		{"deliver", "KIND LINK", "deliver the first held message that matches, now", false, parseDeliver},
	}
	if l.System.Can.Elect {
		all = append(all, Command{"elect", "SERVERS", "they start an election, unprovoked", false, parseStrike("elect")})
	}
	if l.System.Can.HandOver {
		all = append(all, Command{"hand-over", "SERVER SERVER", "the first, which leads, gives way to the second as planned; `hand-over leader 3` is usual", false, parseHandOver})
	}
	return all
}

// parseStrike is a fault of the plan's language that happens now.
func parseStrike(do plan.Kind) func(*Parser, []string) (func(*Story) error, error) {
	return func(p *Parser, args []string) (func(*Story) error, error) {
		args, span, spanned := Option(args, "for")
		if len(args) != 1 || spanned && do != "crash" && do != "wipe" {
			return nil, ErrUsage
		}
		if do == "wipe" && !p.Script.Plan.Formation {
			return nil, fmt.Errorf("wipe takes formation: without it servers trust their disks")
		}
		var down world.Instant
		var err error
		if spanned {
			if down, err = spell(span); err != nil {
				return nil, err
			}
		}
		who, err := p.Who(args[0])
		return func(st *Story) error {
			ids, err := who(st)
			if err != nil {
				return err
			}
			for _, id := range ids {
				if !st.Stage.Up(id) && (do == "crash" || do == "wipe" || do == "elect") {
					return fmt.Errorf("server %d is down", id)
				}
			}
			st.Stage.Strike(plan.Fault{Do: do, Servers: ids, For: down})
			return nil
		}, err
	}
}

// parseHandOver has a leader give way to another server.
func parseHandOver(p *Parser, args []string) (func(*Story) error, error) {
	if len(args) != 2 {
		return nil, ErrUsage
	}
	from, err := p.Who(args[0])
	if err != nil {
		return nil, err
	}
	to, err := p.Who(args[1])
	return func(st *Story) error {
		leaders, err := from(st)
		if err != nil {
			return err
		}
		heirs, err := to(st)
		if err != nil {
			return err
		}
		if len(leaders) != 1 || len(heirs) != 1 || leaders[0] == heirs[0] {
			return fmt.Errorf("a hand-over is from one server to another")
		}
		if !st.Stage.Leads(leaders[0]) {
			return fmt.Errorf("server %d does not lead", leaders[0])
		}
		st.say("server %d is to hand over to server %d", leaders[0], heirs[0])
		st.Stage.HandOver(leaders[0], heirs[0])
		return nil
	}, err
}

// parseEach is a command for each of some servers.
func parseEach(do func(st *Story, id int) error) func(*Parser, []string) (func(*Story) error, error) {
	return func(p *Parser, args []string) (func(*Story) error, error) {
		if len(args) != 1 {
			return nil, ErrUsage
		}
		who, err := p.Who(args[0])
		return func(st *Story) error {
			ids, err := who(st)
			for _, id := range ids {
				if err == nil {
					err = do(st, id)
				}
			}
			return err
		}, err
	}
}

func restart(st *Story, id int) error {
	if st.Stage.Up(id) {
		return fmt.Errorf("server %d is up", id)
	}
	if st.Stage.Restart(id); !st.Stage.Up(id) && st.Stage.Violation() == nil {
		return fmt.Errorf("server %d does not start: it refuses its disk", id)
	}
	return nil
}

func pause(st *Story, id int) error {
	if !st.Stage.Up(id) {
		return fmt.Errorf("server %d is down", id)
	}
	st.say("server %d is paused", id)
	st.Stage.Pause(id)
	return nil
}

func resume(st *Story, id int) error {
	if !st.Stage.Paused(id) {
		return fmt.Errorf("server %d is not paused", id)
	}
	st.say("server %d goes on", id)
	st.Stage.Resume(id)
	return nil
}

func parseSlow(p *Parser, args []string) (func(*Story) error, error) {
	if len(args) != 2 {
		return nil, ErrUsage
	}
	by, err := Duration(args[1])
	if err != nil {
		return nil, err
	}
	each, err := parseEach(func(st *Story, id int) error {
		st.say("messages of server %d take %v longer", id, wall(by))
		st.Stage.Slow(id, by)
		return nil
	})(p, args[:1])
	return each, err
}

func parsePartition(p *Parser, args []string) (func(*Story) error, error) {
	var sides [][]int
	side := map[int]int{}
	for i, word := range args {
		if i%2 == 1 {
			if word != "/" {
				return nil, ErrUsage
			}
			continue
		}
		ids, err := p.Servers(word)
		if err != nil {
			return nil, err
		}
		for _, id := range ids {
			if side[id] != 0 {
				return nil, fmt.Errorf("server %d is on two sides; for a bridge, cut single links", id)
			}
			side[id] = len(sides) + 1
		}
		sides = append(sides, ids)
	}
	if len(sides) < 2 || len(args)%2 == 0 {
		return nil, ErrUsage
	}
	for id := 1; id <= p.Script.Plan.Servers; id++ {
		if side[id] == 0 {
			return nil, fmt.Errorf("server %d is on no side", id)
		}
	}
	return func(st *Story) error {
		st.say("partition: %s", strings.Join(args, " "))
		st.quiet = true
		for _, side := range sides[1:] { // cuts add up, and heal takes all of them back
			st.Stage.Strike(plan.Fault{Do: "partition", Servers: side})
		}
		st.quiet = false
		return nil
	}, nil
}

// applyCuts cuts the links collected, in a fixed order.
func (st *Story) applyCuts() {
	slices.SortFunc(st.cuts, func(a, b [2]int) int { return 10*(a[0]-b[0]) + a[1] - b[1] })
	st.quiet = true
	for _, c := range st.cuts {
		st.Stage.Strike(plan.Fault{Do: "cut", From: c[0], To: c[1]})
	}
	st.quiet, st.cuts = false, nil
}

func parseCut(p *Parser, args []string) (func(*Story) error, error) {
	if len(args) != 1 {
		return nil, ErrUsage
	}
	from, to, err := p.link(args[0])
	return func(st *Story) error {
		st.say("cut %s", args[0])
		for _, a := range st.All() {
			for _, b := range st.All() {
				if a != b && (from == 0 || from == a) && (to == 0 || to == b) {
					st.cuts = append(st.cuts, [2]int{a, b})
				}
			}
		}
		st.applyCuts()
		return nil
	}, err
}

func parseHeal(p *Parser, args []string) (func(*Story) error, error) {
	switch len(args) {
	case 0:
		return func(st *Story) error {
			st.say("all links heal")
			st.Stage.Heal()
			for _, r := range st.rules {
				if !r.Hold {
					st.Stage.RemoveRule(r)
				}
			}
			st.rules = slices.DeleteFunc(st.rules, func(r *world.Rule) bool { return !r.Hold })
			return nil
		}, nil
	case 1:
		from, to, err := p.link(args[0])
		return func(st *Story) error {
			st.say("%s heals", args[0])
			for _, a := range st.All() {
				for _, b := range st.All() {
					if a != b && (from == 0 || from == a) && (to == 0 || to == b) {
						st.Stage.HealLink(a, b)
					}
				}
			}
			return nil
		}, err
	}
	return nil, ErrUsage
}

func parseRule(hold bool) func(*Parser, []string) (func(*Story) error, error) {
	return func(p *Parser, args []string) (func(*Story) error, error) {
		rule, err := p.messages(args)
		return func(st *Story) error {
			r := rule
			if r.Hold = hold; hold {
				st.say("hold %s", strings.Join(args, " "))
			} else {
				st.say("drop %s", strings.Join(args, " "))
			}
			st.rules = append(st.rules, &r)
			st.Stage.AddRule(&r)
			return nil
		}, err
	}
}

func parseRelease(p *Parser, args []string) (func(*Story) error, error) {
	filter, err := world.Rule{}, error(nil)
	if len(args) > 0 {
		filter, err = p.messages(args)
	}
	return func(st *Story) error {
		released := 0
		for _, r := range st.rules {
			if r.Hold {
				released += st.Stage.Release(r, filter, 1<<30)
			}
		}
		st.rules = slices.DeleteFunc(st.rules, func(r *world.Rule) bool {
			ended := r.Hold && (filter.Kind == 0 || filter.Kind == r.Kind) &&
				(filter.From == 0 || filter.From == r.From) && (filter.To == 0 || filter.To == r.To)
			if ended {
				st.Stage.RemoveRule(r)
			}
			return ended
		})
		st.say("%d held messages go on", released)
		return nil
	}, err
}

func parseDeliver(p *Parser, args []string) (func(*Story) error, error) {
	filter, err := p.messages(args)
	return func(st *Story) error {
		for _, r := range st.rules {
			if r.Hold && st.Stage.Release(r, filter, 1) == 1 {
				st.say("deliver %s", strings.Join(args, " "))
				st.Stage.Run(0)
				return nil
			}
		}
		return fmt.Errorf("expected a held %s to deliver; none is held", strings.Join(args, " "))
	}, err
}
