package script

import (
	"fmt"
	"slices"
	"strings"
)

// Command is one word of the language.
type Command struct {
	Name    string
	Args    string
	Summary string
	Setup   bool // stands before the first step, and takes no time
	Parse   func(p *Parser, args []string) (func(*Story) error, error)
}

// subject is a part of the command table.
type subject struct {
	title    string
	commands []Command
}

// subjects is the command table of the language, by subject. Its reference is made from it.
func (l *Language) subjects() []subject {
	return []subject{
		{"Setting the scene", append(setupCommands(), l.Scene...)},
		{"Time", timeCommands(l)},
		{"Clients", clientCommands()},
		{"Faults", faultCommands(l)},
		{"What must hold", expectCommands(l)},
	}
}

func (l *Language) find(name string) (Command, bool) {
	for _, s := range l.subjects() {
		for _, c := range s.commands {
			if c.Name == name {
				return c, true
			}
		}
	}
	return Command{}, false
}

func (l *Language) unknownCommand(name string) error {
	const shown = 40 // bytes: it may be the line of a file that is no script
	if len(name) > shown {
		return fmt.Errorf("unknown step %q…", name[:shown])
	}
	var names []string
	for _, s := range l.subjects() {
		for _, c := range s.commands {
			names = append(names, c.Name)
		}
	}
	best, score := "", 0
	for _, n := range names {
		if shared := sharedPrefix(n, name); shared > score {
			best, score = n, shared
		}
	}
	if score >= 2 {
		return fmt.Errorf("unknown step %q; did you mean %s?", name, best)
	}
	return fmt.Errorf("unknown step %q; there are %s", name, strings.Join(names, ", "))
}

func sharedPrefix(a, b string) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}

// Reference is the language's reference, in Markdown, made from the command table.
func (l *Language) Reference() string {
	var b strings.Builder
	for i, s := range l.subjects() {
		if i > 0 {
			b.WriteString("\n")
		}
		fmt.Fprintf(&b, "### %s\n\n| step | what it does |\n|---|---|\n", s.title)
		commands := slices.Clone(s.commands)
		slices.SortFunc(commands, func(a, b Command) int { return strings.Compare(a.Name, b.Name) })
		for _, c := range commands {
			usage := strings.TrimSpace(c.Name + " " + c.Args)
			fmt.Fprintf(&b, "| `%s` | %s |\n", strings.ReplaceAll(usage, "|", `\|`), c.Summary)
		}
	}
	return b.String()
}
