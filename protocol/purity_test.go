package protocol

import (
	"fmt"
	"go/ast"
	"go/build"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// The machine and its application are pure, and so are the rooms that a simulated run goes through:
// nothing may influence them but their inputs. What the compiler does not enforce, this test reads out
// of the source.

const module = "github.com/fauer4effect/paxos"

// purePackages can do nothing behind a caller's back; of time and maps only a part is allowed.
var purePackages = []string{
	"bytes", "cmp", "encoding/binary", "encoding/json", "errors", "fmt", "io", "maps", "math", "math/bits", "path/filepath",
	"reflect", "regexp", "slices", "strconv", "strings", "time",
	module + "/protocol", module + "/protocol/kv", module + "/protocol/wire",
	module + "/sim/world", module + "/sim/plan", module + "/sim/swarm", module + "/sim/internal/engine", module + "/sim/paxos/check",
	// These are told things, and give an opinion of a history: a function of it, with steps for a budget.
	module + "/sim/trace", module + "/sim/finding", module + "/sim/history", module + "/sim/internal/words",
	module + "/sim/internal/strictjson", "github.com/anishathalye/porcupine",
}

var pureTime = []string{"Duration", "Nanosecond", "Microsecond", "Millisecond", "Second", "Minute", "Hour"}

// exempt are imports that a room has for something beside runs, each with the names that it uses.
var exempt = map[string]map[string][]string{
	"../sim/plan":            {"os": {"Open", "PathError"}},                      // to load a plan's file
	"../sim/internal/engine": {"runtime": {"Callers", "CallersFrames", "Frame"}}, // where a machine panicked
}

func TestPurity(t *testing.T) {
	for _, dir := range []string{
		".", "kv", "../sim/world", "../sim/plan", "../sim/swarm", "../sim/internal/engine", "../sim/paxos", "../sim/paxos/check",
	} {
		files, err := filepath.Glob(filepath.Join(dir, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		files = slices.DeleteFunc(files, func(f string) bool { return strings.HasSuffix(f, "_test.go") })
		if len(files) < 3 {
			t.Fatalf("%s: only %v: is this the place?", dir, files)
		}
		p := purity{fset: token.NewFileSet(), exempt: exempt[dir]}
		for _, f := range files {
			p.parse(t, f, nil)
		}
		for _, sin := range p.judge() {
			t.Error(sin)
		}
	}
}

// The judge is judged: each snippet is impure in one way, which it must name, or pure.
func TestPurityBites(t *testing.T) {
	for _, c := range []struct{ snippet, want string }{
		{`import "os"; var _ = os.Args`, "imports os"},
		{`import "math/rand/v2"; func f() int { return rand.Int() }`, "imports math/rand/v2"},
		{`import _ "unsafe"`, "imports unsafe"},
		{`import "time"; func f() any { return time.Now() }`, "time.Now"},
		{`import clock "time"; func f() { clock.Sleep(1) }`, "time.Sleep"},
		{`import "time"; const d = int64(3 * time.Second); type t = time.Duration`, ""},
		{`func f() { go f() }`, "a goroutine"},
		{`func f(c chan int) {}`, "a channel"},
		{`func f() { select {} }`, "a select"},
		{`type c <-chan int; func f(x c) { <-x }`, "a channel"},
		{`var n int; func f() { n = 1 }`, "package variable n"},
		{`var n int; func f() { n++ }`, "package variable n"},
		{`var n [3]int; func f() { n[1] += 1 }`, "package variable n"},
		{`var n struct{ x []int }; func f() { (n.x[1]) = 1 }`, "package variable n"},
		{`var n = &struct{ x int }{}; func f() { n.x = 1 }`, "package variable n"},
		{`var n = new(int); func f() { *n = 1 }`, "package variable n"},
		{`var n int; func f() *int { return &n }`, "package variable n"},
		{`var n = map[int]int{}; func f() { delete(n, 1) }`, "package variable n"},
		{`var n = map[int]int{}; func f() { clear(n) }`, "package variable n"},
		{`var n = []int{1}; func f() { copy(n, []int{2}) }`, "package variable n"},
		{`var n int; func f() { for n = range 3 {} }`, "package variable n"},
		{`var n int; func init() { _, n = 1, 2 }`, "package variable n"},
		{`type s struct{ x int }; func (p *s) set() { p.x = 1 }; var n s; func f() { n.set() }`, "package variable n"},
		{`type s struct{ x int }; func (p s) get() int { return p.x }; var n s; func f() int { return n.get() }`, ""},
		{`var n = [...]int{1, 2}; func f() int { n := n; n[0] = 1; return n[0] }`, ""},
		{`func f(m map[int]int) { for range m {} }`, "range over a map"},
		{`type t map[int]int; func f(m struct{ x t }) { for k := range m.x { _ = k } }`, "range over a map"},
		{`import "maps"; func f(m map[int]int) { for k := range maps.Keys(m) { _ = k } }`, "maps.Keys"},
		{`import ("maps"; "slices"); func f(m map[int]int) []int { return slices.Collect(maps.Values(m)) }`, "maps.Values"},
		{`import ("maps"; "slices"); func f(m map[int]int) { for _, k := range slices.Sorted(maps.Keys(m)) { _ = k } }`, ""},
		{`import "maps"; func f(m map[int]int) map[int]int { return maps.Clone(m) }`, ""},
		{`import "fmt"; func f(m map[int]int) string { return fmt.Sprint(m) }`, ""}, // fmt sorts the keys
		{`func f(x int) int { return int(float64(x) * 1.5) }`, "floating point"},
		{`import "math"; const most = math.MaxInt64; func f(x int64) int64 { return min(x, most) }`, ""},
		{`import "fmt"; func f(p *int) string { return fmt.Sprintf("%p", p) }`, "an address"},
	} {
		p := purity{fset: token.NewFileSet()}
		p.parse(t, "snippet.go", "package snippet; "+c.snippet)
		sins := strings.Join(p.judge(), "\n")
		if (sins == "") != (c.want == "") || !strings.Contains(sins, c.want) {
			t.Errorf("%s\nwas judged %q, want %q", c.snippet, sins, c.want)
		}
	}
}

// purity judges one package.
type purity struct {
	fset  *token.FileSet
	files []*ast.File
	info  types.Info
	pkg   *types.Package
	sins  []string
	// exempt has imports of which some names may be used.
	exempt map[string][]string
}

func (p *purity) parse(t *testing.T, name string, src any) {
	f, err := parser.ParseFile(p.fset, name, src, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	p.files = append(p.files, f)
}

func (p *purity) sin(at ast.Node, format string, args ...any) {
	p.sins = append(p.sins, fmt.Sprintf("%v: %s", p.fset.Position(at.Pos()), fmt.Sprintf(format, args...)))
}

func (p *purity) judge() []string {
	p.info = types.Info{
		Types: make(map[ast.Expr]types.TypeAndValue), Uses: make(map[*ast.Ident]types.Object),
		Selections: make(map[*ast.SelectorExpr]*types.Selection),
	}
	cfg := types.Config{
		Importer: standard, Sizes: types.SizesFor("gc", build.Default.GOARCH),
		Error: func(err error) { p.sins = append(p.sins, err.Error()) },
	}
	p.pkg, _ = cfg.Check("p", p.fset, p.files, &p.info)
	for _, f := range p.files {
		for _, spec := range f.Imports {
			path, _ := strconv.Unquote(spec.Path.Value)
			if _, some := p.exempt[path]; !some && !slices.Contains(purePackages, path) {
				p.sin(spec, "imports %s", path)
			}
		}
		sorted := make(map[ast.Expr]bool)
		ast.Inspect(f, func(n ast.Node) bool {
			p.visit(n, sorted)
			return true
		})
	}
	return p.sins
}

// visit sees a node before what is below it: a call of slices.Sorted excuses its argument.
func (p *purity) visit(n ast.Node, sorted map[ast.Expr]bool) {
	switch n := n.(type) {
	case *ast.GoStmt:
		p.sin(n, "starts a goroutine")
	case *ast.SelectStmt:
		p.sin(n, "has a select")
	case *ast.ChanType:
		p.sin(n, "has a channel")
	case *ast.SendStmt:
		p.sin(n, "sends on a channel")
	case *ast.BasicLit:
		if n.Kind == token.STRING && strings.Contains(n.Value, "%p") {
			p.sin(n, "prints an address")
		}
	case *ast.AssignStmt:
		if n.Tok != token.DEFINE {
			for _, e := range n.Lhs {
				p.written(e)
			}
		}
	case *ast.IncDecStmt:
		p.written(n.X)
	case *ast.UnaryExpr:
		switch n.Op {
		case token.AND:
			p.written(n.X)
		case token.ARROW:
			p.sin(n, "receives from a channel")
		}
	case *ast.RangeStmt:
		if n.Tok == token.ASSIGN {
			p.written(n.Key)
			p.written(n.Value)
		}
		if t := p.info.TypeOf(n.X); t != nil {
			if _, isMap := t.Underlying().(*types.Map); isMap {
				p.sin(n, "has a range over a map, whose order differs from run to run")
			}
		}
	case *ast.CallExpr:
		p.call(n, sorted)
	case *ast.SelectorExpr:
		p.selector(n, sorted)
	}
	if e, ok := n.(ast.Expr); ok {
		if t, ok := p.info.TypeOf(e).(*types.Basic); ok && t.Info()&(types.IsFloat|types.IsComplex) != 0 && t.Info()&types.IsUntyped == 0 {
			p.sin(n, "computes in floating point, which machines round differently")
		}
	}
}

func (p *purity) call(n *ast.CallExpr, sorted map[ast.Expr]bool) {
	switch fun := n.Fun.(type) {
	case *ast.Ident:
		if _, builtin := p.info.Uses[fun].(*types.Builtin); builtin && slices.Contains([]string{"delete", "clear", "copy"}, fun.Name) {
			p.written(n.Args[0])
		}
	case *ast.SelectorExpr:
		if pkg, name := p.imported(fun); pkg == "slices" && strings.HasPrefix(name, "Sorted") {
			sorted[n.Args[0]] = true
		}
		// A method with a pointer receiver takes its operand's address, unseen.
		if sel := p.info.Selections[fun]; sel != nil && sel.Kind() == types.MethodVal {
			_, byPointer := sel.Obj().(*types.Func).Signature().Recv().Type().(*types.Pointer)
			if _, isPointer := sel.Recv().(*types.Pointer); byPointer && !isPointer {
				p.written(fun.X)
			}
		}
	}
	if call, ok := ast.Unparen(n.Fun).(*ast.SelectorExpr); ok && sorted[n] {
		sorted[call] = true
	}
}

func (p *purity) selector(n *ast.SelectorExpr, sorted map[ast.Expr]bool) {
	pkg, name := p.imported(n)
	names, some := p.exempt[pkg]
	switch {
	case some && !slices.Contains(names, name):
		p.sin(n, "uses %s.%s", pkg, name)
	case pkg == "time" && !slices.Contains(pureTime, name):
		p.sin(n, "uses time.%s", name)
	case pkg == "maps" && slices.Contains([]string{"Keys", "Values", "All"}, name) && !sorted[n]:
		p.sin(n, "uses maps.%s without slices.Sorted around it", name)
	}
}

// imported is a name of an imported package, and that package's path, whatever it is called here.
func (p *purity) imported(n *ast.SelectorExpr) (path, name string) {
	if id, ok := n.X.(*ast.Ident); ok {
		if pkg, ok := p.info.Uses[id].(*types.PkgName); ok {
			return pkg.Imported().Path(), n.Sel.Name
		}
	}
	return "", ""
}

// written finds the variable that a place belongs to. If it is the package's, outside of a
// declaration, two servers in one process could feel each other.
func (p *purity) written(place ast.Expr) {
	for {
		switch e := place.(type) {
		case *ast.ParenExpr:
			place = e.X
		case *ast.IndexExpr:
			place = e.X
		case *ast.SliceExpr:
			place = e.X
		case *ast.SelectorExpr:
			place = e.X
		case *ast.StarExpr:
			place = e.X
		case *ast.Ident:
			if v, ok := p.info.Uses[e].(*types.Var); ok && v.Parent() == p.pkg.Scope() {
				p.sin(e, "may change the package variable %s", e.Name)
			}
			return
		default:
			return
		}
	}
}

// standard imports packages from their source, and shares what it has read.
var standard = importer.ForCompiler(token.NewFileSet(), "source", nil)
