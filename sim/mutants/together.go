package mutants

import (
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// atWork is the variable of the environment that names the mutant at work in a binary that
// holds several.
const atWork = "PAXOS_MUTANT"

// Command is a run of a binary that holds m, alone or with others, in which m is at work.
func (m Mutant) Command(ctx context.Context, binary string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, binary, args...)
	cmd.Env = append(cmd.Environ(), atWork+"="+m.Name)
	return cmd
}

// Together is one binary of cmd/paxos with many bugs in it. [Mutant.Command] chooses one. Without that
// the binary behaves as if it had none.
type Together struct {
	Binary string        // its path
	Took   time.Duration // of the compiler
	Holds  []Mutant      // the mutants in it
	Alone  []Mutant      // those that change more than bodies of functions: Build them
}

// BuildTogether compiles cmd/paxos of the repository at root, to outDir/paxos-mutants. It saves almost
// all of the time that a hunt takes, which is that of the builds. Each changed function is compiled
// beside the one it replaces, and that one asks first which of them is to run. ("Mutant schemata":
// Untch, Offutt and Harrold, 1993.)
func BuildTogether(ctx context.Context, root, outDir string, list []Mutant) (Together, error) {
	var built Together
	s := schema{files: map[string]*schemaFile{}}
	for _, m := range list {
		err := s.add(root, m, len(built.Holds)+1)
		switch {
		case errors.Is(err, errAlone):
			built.Alone = append(built.Alone, m)
		case err != nil:
			return built, fmt.Errorf("mutant %s: %s: %w", m.Name, m.Patch, err)
		default:
			built.Holds = append(built.Holds, m)
		}
	}
	scratch, err := os.MkdirTemp("", "paxos-mutant-")
	if err != nil {
		return built, fmt.Errorf("mutants together: %w", err)
	}
	defer os.RemoveAll(scratch)
	overlay, err := writeOverlay(scratch, s.texts(built.Holds))
	if err != nil {
		return built, fmt.Errorf("mutants together: %w", err)
	}
	built.Binary, built.Took, err = goBuild(ctx, root, overlay, filepath.Join(outDir, "paxos-mutants"), simOnly)
	if err != nil {
		return built, fmt.Errorf("mutants together: go build: %w", err)
	}
	return built, nil
}

// errAlone is in the error of schema.add for a mutant that can't share a binary.
var errAlone = errors.New("changes more than bodies of functions")

// schema is the sources of a repository with the changed functions of several mutants in them.
type schema struct {
	files map[string]*schemaFile // by path from the root
}

type schemaFile struct {
	original goFile
	choices  map[string]string // at the start of which function: the cases of a switch
	behind   strings.Builder   // functions that stand behind those of the original
	added    map[string]bool   // functions that mutants brought
}

// change is what a mutant makes of one file.
type change struct {
	name    string
	patched goFile
	funcs   []string // that it changes
	brings  []string // functions that were not there
}

// add plants m as number n. With an error nothing has been planted.
func (s *schema) add(root string, m Mutant, n int) error {
	for _, diff := range m.files {
		if diff.IsNew || diff.IsDelete || path.Ext(repoPath(diff)) != ".go" {
			return errAlone
		}
	}
	texts, err := m.texts(root)
	if err != nil {
		return err
	}
	var changes []change
	for _, diff := range m.files {
		name := repoPath(diff)
		file, err := s.file(root, name)
		if err != nil {
			return err
		}
		p, err := parseGo(name, texts[name])
		if err != nil {
			return err
		}
		c, err := file.compare(name, p)
		if err != nil {
			return err
		}
		changes = append(changes, c)
	}
	for _, c := range changes {
		s.files[c.name].plant(c, m, n)
	}
	return nil
}

func (s *schema) file(root, name string) (*schemaFile, error) {
	if file := s.files[name]; file != nil {
		return file, nil
	}
	text, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(name)))
	if err != nil {
		return nil, err
	}
	original, err := parseGo(name, text)
	if err != nil {
		return nil, err
	}
	file := &schemaFile{original: original, choices: map[string]string{}, added: map[string]bool{}}
	s.files[name] = file
	return file, nil
}

// compare lists the functions in which p differs from the original. It fails where p differs outside
// the bodies of functions.
func (f *schemaFile) compare(name string, p goFile) (change, error) {
	c := change{name: name, patched: p}
	if p.rest != f.original.rest {
		return c, errAlone
	}
	for key, before := range f.original.funcs {
		after := p.funcs[key]
		switch {
		case after == nil || p.head(after) != f.original.head(before):
			return c, errAlone
		case p.text(after) == f.original.text(before):
		case before.Body == nil || after.Body == nil || !callable(before):
			return c, errAlone
		default:
			c.funcs = append(c.funcs, key)
		}
	}
	for key := range p.funcs {
		switch {
		case f.original.funcs[key] != nil:
		case f.added[key]: // by a mutant before, which may mean something else by it
			return c, errAlone
		default:
			c.brings = append(c.brings, key)
		}
	}
	slices.Sort(c.funcs)
	slices.Sort(c.brings)
	return c, nil
}

// plant writes the functions of c behind the original's, and the way to them into those.
func (f *schemaFile) plant(c change, m Mutant, n int) {
	write := func(fn *ast.FuncDecl, text string) {
		// The line names the mutant in the compiler's complaint.
		fmt.Fprintf(&f.behind, "\n//line %s.patch:%d\n%s\n", m.Name, c.patched.fset.Position(fn.Pos()).Line, text)
	}
	for _, key := range c.brings {
		f.added[key] = true
		write(c.patched.funcs[key], c.patched.text(c.patched.funcs[key]))
	}
	for _, key := range c.funcs {
		fn := c.patched.funcs[key]
		other := fn.Name.Name + "_mutant" + strconv.Itoa(n)
		start, end := c.patched.offset(fn.Name.Pos())-c.patched.offset(fn.Pos()), len(fn.Name.Name)
		text := c.patched.text(fn)
		write(fn, text[:start]+other+text[start+end:])
		f.choices[key] += fmt.Sprintf("case %d:\n%s\n", n, call(f.original.funcs[key], other))
	}
}

// call is the statement by which fn leaves its work to the function other.
func call(fn *ast.FuncDecl, other string) string {
	var arguments []string
	for _, field := range fn.Type.Params.List {
		for _, name := range field.Names {
			argument := name.Name
			if _, variadic := field.Type.(*ast.Ellipsis); variadic {
				argument += "..."
			}
			arguments = append(arguments, argument)
		}
	}
	if fn.Recv != nil {
		other = fn.Recv.List[0].Names[0].Name + "." + other
	}
	if fn.Type.Results == nil {
		return fmt.Sprintf("%s(%s)\nreturn", other, strings.Join(arguments, ", "))
	}
	return fmt.Sprintf("return %s(%s)", other, strings.Join(arguments, ", "))
}

// callable says whether call can name all that fn is given.
func callable(fn *ast.FuncDecl) bool {
	if fn.Type.TypeParams != nil || fn.Recv == nil && (fn.Name.Name == "init" || fn.Name.Name == "main") {
		return false
	}
	fields := slices.Clone(fn.Type.Params.List)
	if fn.Recv != nil {
		fields = append(fields, fn.Recv.List...)
	}
	for _, field := range fields {
		if len(field.Names) == 0 || slices.ContainsFunc(field.Names, func(n *ast.Ident) bool { return n.Name == "_" }) {
			return false
		}
	}
	return true
}

// texts are the files that replace the original ones, and one more a package: the switch.
func (s *schema) texts(holds []Mutant) map[string][]byte {
	texts := map[string][]byte{}
	for name, file := range s.files {
		if len(file.choices) == 0 && len(file.added) == 0 {
			continue
		}
		texts[name] = file.join()
		texts[path.Join(path.Dir(name), "mutants_at_work.go")] = switchFile(file.original.pkg, holds)
	}
	return texts
}

func (f *schemaFile) join() []byte {
	var text strings.Builder
	var done int
	functions := slices.SortedFunc(maps.Keys(f.choices), func(a, b string) int {
		return int(f.original.funcs[a].Pos() - f.original.funcs[b].Pos())
	})
	for _, key := range functions {
		begin := f.original.offset(f.original.funcs[key].Body.Lbrace) + 1
		text.WriteString(f.original.source[done:begin])
		text.WriteString("\nswitch mutantAtWork {\n" + f.choices[key] + "}\n")
		done = begin
	}
	text.WriteString(f.original.source[done:])
	text.WriteString(f.behind.String())
	return []byte(text.String())
}

// switchFile is the file of a package in which the number of the mutant at work stands. A name
// that the binary does not know must not pass for a clean bill of health.
func switchFile(pkg string, holds []Mutant) []byte {
	var text strings.Builder
	fmt.Fprintf(&text, "package %s\n\nimport \"os\"\n\nvar mutantAtWork = func() int {\nswitch name := os.Getenv(%q); name {\ncase \"\":\nreturn 0\n", pkg, atWork)
	for i, m := range holds {
		fmt.Fprintf(&text, "case %q:\nreturn %d\n", m.Name, i+1)
	}
	text.WriteString("default:\npanic(\"this binary holds no mutant \" + name)\n}\n}()\n")
	return []byte(text.String())
}

// goFile is a parsed source.
type goFile struct {
	source string
	pkg    string
	funcs  map[string]*ast.FuncDecl // by receiver and name
	rest   string                   // the other declarations
	fset   *token.FileSet
}

func parseGo(name string, text []byte) (goFile, error) {
	f := goFile{source: string(text), funcs: map[string]*ast.FuncDecl{}, fset: token.NewFileSet()}
	parsed, err := parser.ParseFile(f.fset, name, text, parser.SkipObjectResolution)
	if err != nil {
		return f, err
	}
	f.pkg = parsed.Name.Name
	var rest strings.Builder
	for _, decl := range parsed.Decls {
		fn, isFunc := decl.(*ast.FuncDecl)
		if !isFunc {
			rest.WriteString(f.text(decl) + "\n")
			continue
		}
		key := fn.Name.Name
		if fn.Recv != nil {
			key = strings.TrimLeft(f.text(fn.Recv.List[0].Type), "*") + "." + key
		}
		if f.funcs[key] != nil { // init, or _
			rest.WriteString(f.text(decl) + "\n")
			continue
		}
		f.funcs[key] = fn
	}
	f.rest = rest.String()
	return f, nil
}

func (f goFile) offset(p token.Pos) int { return f.fset.Position(p).Offset }

func (f goFile) text(n ast.Node) string { return f.source[f.offset(n.Pos()):f.offset(n.End())] }

// head is a function without its body.
func (f goFile) head(fn *ast.FuncDecl) string {
	if fn.Body == nil {
		return f.text(fn)
	}
	return f.source[f.offset(fn.Pos()):f.offset(fn.Body.Lbrace)]
}
