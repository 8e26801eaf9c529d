package protocol

import (
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// Imports run one way:
//
//	protocol ← protocol/kv, protocol/wire ← sim/* ← scenarios ← cmd
//
// with protocol/live and what is below it aside, which cmd alone imports. The live server knows its
// store, and none of those who serve others with it. Within sim the rooms that know any protocol know
// none by name: nothing of our Paxos but kv, the object that clients work on.

// arrow is an import of one of our packages by another; both are paths below the module.
type arrow struct{ from, to string }

// below has, for the packages of the machine, the live server and each room of sim, what it may import of ours.
var below = map[string][]string{
	"protocol":      nil,
	"protocol/kv":   {"protocol"},
	"protocol/wire": {"protocol"},

	"protocol/live": {"protocol", "protocol/wire", "protocol/live/store", "protocol/live/internal/*"},

	"sim/world":               nil,
	"sim/trace":               nil,
	"sim/finding":             nil,
	"sim/internal/build":      nil,
	"sim/internal/words":      nil,
	"sim/internal/strictjson": nil,

	"sim/history":         {"protocol/kv", "sim/internal/strictjson"},
	"sim/plan":            {"sim/world", "sim/internal/strictjson", "sim/internal/words"},
	"sim/swarm":           {"sim/plan", "sim/world"},
	"sim/internal/engine": {"protocol/kv", "sim/finding", "sim/history", "sim/internal/words", "sim/plan", "sim/trace", "sim/world"},
	"sim/internal/sweep":  {"sim/finding", "sim/internal/engine", "sim/plan", "sim/swarm", "sim/world"},
	"sim/shrink":          {"sim/internal/build", "sim/internal/engine", "sim/internal/words", "sim/plan", "sim/world"},
	"sim/script":          {"protocol/kv", "sim/finding", "sim/internal/*", "sim/plan", "sim/world"},
	"sim/testbed":         {"protocol/kv", "sim/finding", "sim/history", "sim/internal/*", "sim/plan", "sim/shrink", "sim/swarm", "sim/testbed/*", "sim/trace", "sim/world"},
	"sim/testbed/cli":     {"sim/finding", "sim/internal/*", "sim/plan", "sim/shrink", "sim/trace", "sim/world"},
	"sim/mutants":         nil,

	"sim/paxos/check": {"protocol", "protocol/kv", "sim/finding", "sim/history", "sim/internal/words"},
	"sim/paxos":       {"protocol", "protocol/kv", "protocol/wire", "sim/finding", "sim/history", "sim/internal/*", "sim/paxos/check", "sim/plan", "sim/swarm", "sim/trace", "sim/world"},
	"sim":             {"sim/*", "sim/internal/*"},
}

// wrong says what is wrong with an arrow, "" if nothing is.
func (a arrow) wrong() string {
	machine := []string{"protocol", "protocol/kv", "protocol/wire"}
	allowed, known := below[a.from]
	switch top, _, _ := strings.Cut(a.from, "/"); {
	case known:
	case strings.HasPrefix(a.from, "protocol/live/"):
		allowed = append(machine, "protocol/live", "protocol/live/*", "protocol/live/*/*")
	case top == "scenarios":
		allowed = append(machine, "sim", "sim/*", "sim/*/*", "scenarios/*")
	case top == "cmd":
		return ""
	default:
		return fmt.Sprintf("%s imports %s, and nothing says where %s stands", a.from, a.to, a.from)
	}
	for _, pattern := range allowed {
		if ok, _ := path.Match(pattern, a.to); ok {
			return ""
		}
	}
	return fmt.Sprintf("%s may not import %s, only %v", a.from, a.to, allowed)
}

func TestImportsRunOneWay(t *testing.T) {
	arrows, err := readArrows("..")
	if err != nil {
		t.Fatal(err)
	}
	for _, known := range []arrow{{"protocol/kv", "protocol"}, {"sim/paxos/check", "protocol"}, {"sim/internal/engine", "sim/world"}} {
		if !slices.Contains(arrows, known) {
			t.Errorf("%v was not found: is this the whole module?", known)
		}
	}
	for _, a := range arrows {
		if wrong := a.wrong(); wrong != "" {
			t.Error(wrong)
		}
	}
}

func TestTurnedArrows(t *testing.T) {
	for _, c := range []struct {
		arrow
		turned bool
	}{
		{arrow{"protocol", "protocol/kv"}, true},
		{arrow{"protocol", "sim/world"}, true},
		{arrow{"protocol/kv", "protocol/wire"}, true},
		{arrow{"protocol/wire", "sim"}, true},
		{arrow{"protocol/live", "sim/world"}, true},
		{arrow{"protocol/live", "protocol/live/redis"}, true},
		{arrow{"protocol/live", "protocol/live/resp"}, true},
		{arrow{"protocol/live/redis", "sim/world"}, true},
		{arrow{"sim/world", "protocol"}, true},
		{arrow{"sim/world", "sim/trace"}, true},
		{arrow{"sim/trace", "sim/finding"}, true},
		{arrow{"sim/plan", "protocol"}, true},
		{arrow{"sim/plan", "protocol/kv"}, true},
		{arrow{"sim/swarm", "protocol"}, true},
		{arrow{"sim/internal/engine", "protocol"}, true},
		{arrow{"sim/internal/engine", "sim/paxos"}, true},
		{arrow{"sim/internal/sweep", "sim/paxos"}, true},
		{arrow{"sim/testbed", "sim/paxos"}, true},
		{arrow{"sim/testbed", "sim"}, true},
		{arrow{"sim/testbed", "protocol"}, true},
		{arrow{"sim/shrink", "sim"}, true},
		{arrow{"sim/script", "sim/paxos"}, true},
		{arrow{"sim/history", "sim/paxos/check"}, true},
		{arrow{"sim", "protocol/live"}, true},
		{arrow{"sim", "protocol"}, true},
		{arrow{"sim/paxos/check", "scenarios"}, true},
		{arrow{"sim/mutants", "cmd/paxos"}, true},
		{arrow{"sim/room-without-a-name", "sim/plan"}, true},
		{arrow{"scenarios", "protocol/live"}, true},
		{arrow{"scenarios", "cmd/paxos"}, true},
		{arrow{"elsewhere", "protocol"}, true},
		{arrow{"protocol/kv", "protocol"}, false},
		{arrow{"protocol/live", "protocol/wire"}, false},
		{arrow{"protocol/live/redis", "protocol/live"}, false},
		{arrow{"sim", "sim/paxos"}, false},
		{arrow{"sim/paxos", "protocol"}, false},
		{arrow{"sim/paxos", "sim/internal/engine"}, false},
		{arrow{"sim/testbed", "sim/internal/sweep"}, false},
		{arrow{"scenarios", "sim/paxos/check"}, false},
		{arrow{"cmd/paxos", "protocol/live"}, false},
	} {
		if wrong := c.arrow.wrong(); (wrong != "") != c.turned {
			t.Errorf("%v: %q", c.arrow, wrong)
		}
	}
}

// readArrows reads the imports of all files below root that are built into something. It leaves
// out tests, which may import anything, and testdata.
func readArrows(root string) ([]arrow, error) {
	var arrows []arrow
	err := filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && file != root && (d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".")):
			return fs.SkipDir
		case d.IsDir() || !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go"):
			return nil
		}
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		from, err := filepath.Rel(root, filepath.Dir(file))
		for _, spec := range f.Imports {
			imported, _ := strconv.Unquote(spec.Path.Value)
			if to, ours := strings.CutPrefix(imported, module+"/"); ours {
				arrows = append(arrows, arrow{filepath.ToSlash(from), to})
			}
		}
		return err
	})
	return arrows, err
}
