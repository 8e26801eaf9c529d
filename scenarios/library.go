package scenarios

import (
	"embed"
	"fmt"
	"io/fs"
	"sort"

	"github.com/fauer4effect/paxos/sim/script"
)

// The library is part of the program, so that it can be listed and run anywhere.
//
//go:embed */*.txtar
var library embed.FS

// Library reads the scripts that come with the program, by name: subject/story.
func Library() ([]*script.Script, error) {
	paths, err := fs.Glob(library, "*/*.txtar")
	if err != nil {
		return nil, err
	}
	sort.Strings(paths)
	var scripts []*script.Script
	for _, path := range paths {
		text, err := library.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("library: %w", err)
		}
		s, err := Parse(path, text)
		if err != nil {
			return nil, err
		}
		scripts = append(scripts, s)
	}
	return scripts, nil
}
