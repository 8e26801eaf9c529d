package plan

import (
	"encoding/json"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"reflect"
	"strconv"
	"strings"
	"testing"
)

var updateFlag = flag.Bool("update", false, "rewrite the generated part of docs/PLANS.md")

const (
	docsPath   = "../../docs/PLANS.md"
	docsMarker = "<!-- made from the types and the table of kinds; go test ./sim/plan -update -->\n"
	docsEnd    = "<!-- end -->\n"
)

// described are the types of the format, in the order of the page.
var described = []struct{ file, name, title string }{
	{"plan.go", "Plan", "The plan"},
	{"plan.go", "ServerSettings", "server_settings"},
	{"plan.go", "Network", "network"},
	{"plan.go", "Link", "network.links"},
	{"../world/network.go", "LinkLaw", "The law of a link"},
	{"../world/law.go", "Law", "A law of durations"},
	{"plan.go", "Disk", "disk"},
	{"plan.go", "ServerDisk", "disk.servers"},
	{"plan.go", "Clock", "clocks"},
	{"plan.go", "Workload", "workload"},
	{"plan.go", "Mix", "workload.mix"},
	{"plan.go", "Tail", "tail"},
	{"plan.go", "Broken", "tail.broken"},
	{"fault.go", "Fault", "faults"},
	{"fault.go", "Name", "faults.on"},
}

// The page has every field of the format, and every kind of fault with an example.
func TestThePageOfPlans(t *testing.T) {
	text, err := os.ReadFile(docsPath)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(text), docsMarker)
	old, after, ended := strings.Cut(rest, docsEnd)
	if !found || !ended {
		t.Fatalf("%s has no generated part", docsPath)
	}
	fresh := "\n" + fields(t) + kindsOfFault(t) + "\n"
	if fresh == old {
		return
	}
	if !*updateFlag {
		t.Fatalf("%s is not current: go test ./sim/plan -update", docsPath)
	}
	if err := os.WriteFile(docsPath, []byte(before+docsMarker+fresh+docsEnd+after), 0o644); err != nil {
		t.Fatal(err)
	}
}

// fields describes each type: a table of its fields.
func fields(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	for _, d := range described {
		f, err := parser.ParseFile(token.NewFileSet(), d.file, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		for _, decl := range f.Decls {
			g, ok := decl.(*ast.GenDecl)
			if !ok || len(g.Specs) != 1 {
				continue
			}
			spec, ok := g.Specs[0].(*ast.TypeSpec)
			if !ok || spec.Name.Name != d.name {
				continue
			}
			about, _, _ := strings.Cut(g.Doc.Text(), "\n\n")
			fmt.Fprintf(&b, "### %s\n\n%s\n\n| field | takes | what |\n|---|---|---|\n", d.title, strings.ReplaceAll(strings.TrimSpace(about), "\n", " "))
			for _, field := range spec.Type.(*ast.StructType).Fields.List {
				tag, _ := strconv.Unquote(field.Tag.Value)
				name, _, _ := strings.Cut(reflect.StructTag(tag).Get("json"), ",")
				if field.Comment == nil {
					t.Errorf("%s.%s says nothing of itself", d.name, field.Names[0].Name)
					continue
				}
				fmt.Fprintf(&b, "| `%s` | %s | %s |\n", name, inJSON(name, field.Type), strings.TrimSpace(field.Comment.Text()))
			}
			b.WriteString("\n")
		}
	}
	return b.String()
}

// inJSON is what JSON has for a type.
func inJSON(name string, of ast.Expr) string {
	switch of := of.(type) {
	case *ast.ArrayType:
		if inner := inJSON("", of.Elt); inner != "an object" {
			return "a list of " + strings.TrimPrefix(inner, "a ") + "s"
		}
		return "a list of objects"
	case *ast.StarExpr:
		return "an object"
	case *ast.SelectorExpr:
		if of.Sel.Name == "Instant" {
			return "nanoseconds"
		}
		return "an object"
	case *ast.Ident:
		switch {
		case of.Name == "Instant":
			return "nanoseconds"
		case of.Name == "string", of.Name == "Kind":
			return "a text"
		case of.Name == "bool":
			return "true or false"
		case strings.HasSuffix(name, "_ppm"):
			return "parts per million"
		case strings.HasPrefix(of.Name, "int"), strings.HasPrefix(of.Name, "uint"):
			return "a number"
		}
	}
	return "an object"
}

// kindsOfFault is the table of kinds, with an example each.
func kindsOfFault(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	b.WriteString("## The kinds of fault\n\n| kind | takes | what happens | the swarm draws it |\n|---|---|---|---|\n")
	for _, row := range Kinds {
		name := "`" + string(row.Kind) + "`"
		if row.Of != "" {
			name += " (says `" + string(row.Of) + "`)"
		}
		least := ""
		if row.Least > 1 {
			least = fmt.Sprintf(", from %d servers on", row.Least)
		}
		if row.Needs != "" {
			least += ", of those with " + row.Needs
		}
		fmt.Fprintf(&b, "| %s | %s | %s | in one plan of %d%s |\n", name, row.Takes, row.What, row.Odds, least)
	}
	b.WriteString("\nAn example of each:\n\n```json\n")
	for _, row := range Kinds {
		text, err := json.Marshal(row.Example)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&b, "%s\n", text)
	}
	b.WriteString("```\n")
	return b.String()
}
