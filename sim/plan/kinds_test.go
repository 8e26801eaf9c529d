package plan

import (
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/fauer4effect/paxos/sim/world"
)

// declared reads the constants of type Kind out of the source.
func declared(t *testing.T) []Kind {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), "kinds.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var kinds []Kind
	ast.Inspect(f, func(n ast.Node) bool {
		if spec, ok := n.(*ast.ValueSpec); ok && len(spec.Values) == 1 {
			if of, ok := spec.Type.(*ast.Ident); ok && of.Name == "Kind" {
				name, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
				if err != nil {
					t.Error(err)
				}
				kinds = append(kinds, Kind(name))
			}
		}
		return true
	})
	if len(kinds) < 30 {
		t.Fatalf("only %v are declared: is this the place?", kinds)
	}
	return kinds
}

// A kind of fault that is declared has a row, with all that is to be known of it.
func TestEveryKindHasARow(t *testing.T) {
	kinds := declared(t)
	for _, k := range kinds {
		row, known := k.Row()
		switch {
		case !known:
			t.Errorf("%s has no row", k)
		case row.What == "" || row.Count == "" || row.Odds < 1 || row.Least < 1 || row.Example.Do == "":
			t.Errorf("the row of %s is not complete: %+v", k, row)
		case row.Of == "" && row.Takes == (Fields{}):
			t.Errorf("%s takes nothing", k)
		case row.Of != "" && (row.Takes != Fields{} || row.Closes != nil):
			t.Errorf("%s is a way in which %s comes about, and takes what that takes", k, row.Of)
		case Table[k.Effect()].Name != string(k):
			t.Errorf("%s counts as %q", k, Table[k.Effect()].Name)
		}
	}
	if len(kinds) != len(Kinds) {
		t.Errorf("%d kinds are declared, and %d have a row", len(kinds), len(Kinds))
	}
}

// sketch is a plan of four servers in which every kind of fault has a place.
func sketch(faults ...Fault) *Plan {
	p := &Plan{Version: Version, Seed: 1, Servers: 4, Faulty: 2 * world.Second, Formation: true, Faults: faults}
	p.Disk.Log = true
	p.Tail.Core = []int{1, 2, 4}
	return p
}

var anything = System{
	Kinds: []string{"none", "Proposal", "Accept"}, MinServers: 1, MaxServers: MaxServers,
	Can: Features{Elect: true, HandOver: true, Formation: true, Log: true},
}

// Each example is a fault of its kind, and counts as that.
func TestExamplesAreValid(t *testing.T) {
	for _, row := range Kinds {
		if err := sketch(row.Example).Validate(anything); err != nil {
			t.Errorf("%s: the example %v is refused: %v", row.Kind, &row.Example, err)
		}
		if closes := 0; row.Closes != nil {
			f := row.Example
			if f.Leader {
				f.Servers = []int{1}
			}
			if f.EachLink(4, func(_, _ world.Node) { closes++ }); closes == 0 {
				t.Errorf("the example of %s closes no link", row.Kind)
			}
		}
		if got := row.Example.Counts(4); got != row.Kind {
			t.Errorf("the example of %s counts as %s", row.Kind, got)
		}
	}
}

// What a kind does not take is refused, and so is what it lacks.
func TestFieldsAreThoseOfTheRow(t *testing.T) {
	for _, row := range Kinds {
		if row.Of != "" {
			continue
		}
		takes := row.Takes
		for field, c := range map[string]struct {
			takes  bool
			change func(*Fault)
		}{
			"from": {takes.From, func(f *Fault) { f.From = 2 }},
			"for":  {takes.For, func(f *Fault) { f.For = world.Millisecond }},
			"by":   {takes.By, func(f *Fault) { f.By = world.Millisecond }},
			"kind": {takes.Kind, func(f *Fault) { f.Kind = "Accept" }},
		} {
			f := row.Example
			c.change(&f)
			if field == "from" && takes.From { // it must differ from the others that are named
				f = row.Example
			}
			if err := sketch(f).Validate(anything); (err == nil) != c.takes {
				t.Errorf("%s with %s: %v", row.Kind, field, err)
			}
		}
		without := row.Example
		without.Servers, without.Leader, without.To, without.From, without.On = nil, false, 0, 0, nil
		if err := sketch(without).Validate(anything); err == nil {
			t.Errorf("%s without anything to strike is accepted", row.Kind)
		}
	}
}

// A system that lacks a feature has plans refused that ask for it.
func TestFeaturesAreAskedFor(t *testing.T) {
	bare := anything
	bare.Can = Features{}
	for name, change := range map[string]func(*Plan){
		"formation":          func(p *Plan) { p.Formation = true },
		"network.wire":       func(p *Plan) { p.Network.Wire = true },
		"disk.log":           func(p *Plan) { p.Disk.Log = true },
		"workload.reads_ppm": func(p *Plan) { p.Workload.Reads = 1 },
		"workload.hosts":     func(p *Plan) { p.Workload.Hosts = 1 },
		"server_settings":    func(p *Plan) { p.Apart = []ServerSettings{{Server: 1}} },
		"endless":            func(p *Plan) { p.Endless = true },
	} {
		p := &Plan{Version: Version, Servers: 3, Faulty: world.Second}
		change(p)
		if err := p.Validate(bare); err == nil || err.Error() != `protocol "" does not have `+name {
			t.Errorf("%s: %v", name, err)
		}
		if err := p.Validate(System{MaxServers: 9, Can: Features{true, true, true, true, true, true, true, true, true}}); err != nil {
			t.Errorf("%s, of a protocol that has it: %v", name, err)
		}
	}
	for _, do := range []Kind{Elect, HandOver} {
		row, _ := do.Row()
		if err := (&Plan{Version: Version, Servers: 3, Faulty: world.Second, Faults: []Fault{row.Example}}).Validate(bare); err == nil {
			t.Errorf("%s of a protocol that has none on demand", do)
		}
	}
}

// Effects are told apart by their names.
func TestEffectNames(t *testing.T) {
	var names []string
	for _, e := range Table.All() {
		if Table[e].Name == "" || Table[e].Meaning == "" || Table[e].Shown != IfPlanned || slices.Contains(names, Table[e].Name) {
			t.Errorf("effect %d is %+v", e, Table[e])
		}
		names = append(names, Table[e].Name)
		if Table.Find(Table[e].Name) != e || !e.IsFault() {
			t.Errorf("effect %s is not found, or is no fault", Table[e].Name)
		}
	}
	if Table.Find("") != 0 || Table.Find("nothing") != 0 || FirstOutcome.IsFault() {
		t.Error("what there is not is found")
	}
}

// What makes no sense is refused, and said in a line.
func TestWhatIsRefused(t *testing.T) {
	const ms = world.Millisecond
	on := func(do Kind, n Name) Fault { return Fault{Do: do, On: &n} }
	for want, f := range map[string]Fault{
		"crash takes no from and to":                    {Do: Crash, Servers: []int{1}, To: 2},
		"partition takes no leader":                     {Do: Partition, Leader: true, Servers: []int{1}},
		"crash takes no servers beside leader":          {Do: Crash, Leader: true, Servers: []int{1}},
		"slow takes by_ns":                              {Do: Slow, Servers: []int{1}, By: -ms},
		"flap opens and closes more than":               {Do: Flap, Servers: []int{1}, For: world.Second, By: 1},
		"only a crash comes on sync":                    on(Drop, Name{Kind: "Accept", N: 1, Arrives: true}),
		"only a crash comes on sync, on start and":      on(Delay, Name{Kind: OnSync, N: 1}),
		"sync takes from and n only":                    on(Crash, Name{Kind: OnSync, To: 1, N: 1}),
		"start takes from and n only":                   on(Crash, Name{Kind: OnStart, Unsynced: true, N: 1}),
		"unsynced is said of what leaves":               on(Crash, Name{Kind: "Accept", Arrives: true, Unsynced: true, N: 1}),
		"server 1 belongs to the tail's core":           {Do: Wipe, Servers: []int{1}},
		"server 2 belongs to the tail's core: without ": {Do: Rot, Servers: []int{2}},
	} {
		if err := sketch(f).Validate(anything); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v, want %q", &f, err, want)
		}
	}
	for want, change := range map[string]func(*Plan){
		"rot takes a disk with log": func(p *Plan) { p.Disk.Log, p.Faults = false, []Fault{{Do: Rot, Servers: []int{3}}} },
		"wipe takes formation":      func(p *Plan) { p.Formation, p.Faults = false, []Fault{{Do: Wipe, Servers: []int{3}}} },
		"clock 2: server 1 has two": func(p *Plan) { p.Clocks = []Clock{{Server: 1}, {Server: 1}} },
	} {
		p := sketch()
		change(p)
		if err := p.Validate(anything); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}
