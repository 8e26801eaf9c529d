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

// Imports run one way (DESIGN, Layout):
//
//	protocol ← protocol/kv, protocol/wire ← sim/* ← scenarios ← cmd
//
// with protocol/live and what is below it aside, which cmd alone imports, and sim/world and sim/trace, which
// know nothing of ours.

// arrow is an import of one of our packages by another; both are paths below the module.
type arrow struct{ from, to string }

// wrong says what is wrong with an arrow, "" if nothing is.
func (a arrow) wrong() string {
	machine := []string{"protocol", "protocol/kv", "protocol/wire"}
	var allowed []string
	switch top, _, _ := strings.Cut(a.from, "/"); {
	case a.from == "protocol", a.from == "sim/world", a.from == "sim/trace":
	case a.from == "protocol/kv", a.from == "protocol/wire":
		allowed = []string{"protocol"}
	case a.from == "protocol/live", strings.HasPrefix(a.from, "protocol/live/"):
		allowed = append(machine, "protocol/live", "protocol/live/*")
	case top == "sim":
		allowed = append(machine, "sim", "sim/*")
	case top == "scenarios":
		allowed = append(machine, "sim", "sim/*", "scenarios/*")
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
	for _, known := range []arrow{{"protocol/kv", "protocol"}, {"sim/check", "protocol"}, {"sim", "sim/world"}} {
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
		{arrow{"sim/world", "protocol"}, true},
		{arrow{"sim/world", "sim/trace"}, true},
		{arrow{"sim/trace", "sim/check"}, true},
		{arrow{"sim", "protocol/live"}, true},
		{arrow{"sim/check", "scenarios"}, true},
		{arrow{"sim/mutants", "cmd/paxos"}, true},
		{arrow{"scenarios", "protocol/live"}, true},
		{arrow{"scenarios", "cmd/paxos"}, true},
		{arrow{"elsewhere", "protocol"}, true},
		{arrow{"protocol/kv", "protocol"}, false},
		{arrow{"protocol/live", "protocol/wire"}, false},
		{arrow{"sim", "protocol/kv"}, false},
		{arrow{"sim/shrink", "sim"}, false},
		{arrow{"sim/explore", "sim/check"}, false},
		{arrow{"scenarios", "sim/world"}, false},
		{arrow{"cmd/paxos", "protocol/live"}, false},
	} {
		if wrong := c.arrow.wrong(); (wrong != "") != c.turned {
			t.Errorf("%v: %q", c.arrow, wrong)
		}
	}
}

// readArrows reads the imports of all files below root that are built into something: not
// of tests, which may look anywhere, and not of what lies in testdata.
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
