package main

import (
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/fauer4effect/paxos/scenarios"
)

// What a shell offers at the press of a key: names of mutants and scripts, plans, and the values of flags.

func completeMutants(_ *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	_, list, err := loadMutants()
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp // no checkout
	}
	var names []cobra.Completion
	for _, m := range list {
		names = append(names, cobra.CompletionWithDesc(m.Name, m.Title))
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// completeScripts offers the library, and behind it files and folders, where a word begins like one.
func completeScripts(_ *cobra.Command, _ []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
	library, err := scenarios.Library()
	if err != nil {
		return nil, cobra.ShellCompDirectiveDefault
	}
	var names []cobra.Completion
	for _, s := range library {
		if name := strings.TrimSuffix(s.Name, ".txtar"); strings.HasPrefix(name, begun) {
			names = append(names, cobra.CompletionWithDesc(name, s.FirstSentence()))
		}
	}
	files, _ := filepath.Glob(begun + "*.txtar")
	for _, file := range files {
		names = append(names, cobra.Completion(file))
	}
	if len(names) == 0 {
		return nil, cobra.ShellCompDirectiveDefault
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// planPlaces is where plans usually are, seen from where one works.
var planPlaces = []string{"*.json", "failures/*/*.json", "failures/*/*/*.json", "testdata/plans/*.json"}

// completePlans offers plans: of failures, and those that are kept.
func completePlans(_ *cobra.Command, args []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var names []cobra.Completion
	for _, place := range planPlaces {
		files, _ := filepath.Glob(filepath.FromSlash(place))
		for _, file := range files {
			if base := filepath.Base(file); strings.HasPrefix(file, begun) && base != "report.json" && !strings.ContainsAny(file, "\t\n") {
				names = append(names, cobra.Completion(file))
			}
		}
	}
	if len(names) == 0 {
		return []cobra.Completion{"json"}, cobra.ShellCompDirectiveFilterFileExt
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// flagValues are offered for a flag whose value help calls by this word. What help writes as a|b is offered
// as such.
var flagValues = map[string][]cobra.Completion{
	"DUR": {"3s", "30s", "5m"},
	"i/n": {"1/2", "2/2"},
	"S":   {"0", "42"},
}

// completeFlags gives each flag that takes a value what can be offered for it.
func completeFlags(c *cobra.Command) {
	c.Flags().VisitAll(func(f *pflag.Flag) {
		word := f.Value.Type()
		values, directive := flagValues[word], cobra.ShellCompDirectiveNoFileComp
		switch {
		case word == "bool" || f.Hidden:
			return
		case strings.HasSuffix(word, "FILE"):
			directive = cobra.ShellCompDirectiveDefault
		case word == "DIR":
			directive = cobra.ShellCompDirectiveFilterDirs
		case strings.Contains(word, "|"):
			values = strings.Split(word, "|")
		case f.Name == "nodes" || f.Name == "id":
			values = strings.Split("1 2 3 4 5 6 7 8 9", " ")
		}
		complete := cobra.FixedCompletions(slices.Clip(values), directive)
		if err := c.RegisterFlagCompletionFunc(f.Name, complete); err != nil {
			panic(err) // two completions of one flag
		}
	})
	for _, sub := range c.Commands() {
		if sub.ValidArgsFunction == nil && sub.Name() != "check" { // the others take no files
			sub.ValidArgsFunction = cobra.NoFileCompletions
		}
		completeFlags(sub)
	}
}
