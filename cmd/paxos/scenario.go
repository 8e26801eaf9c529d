package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/fauer4effect/paxos/scenarios"
	"github.com/fauer4effect/paxos/sim/script"
	"github.com/fauer4effect/paxos/sim/testbed/cli"
)

func scenarioCommand() *cobra.Command {
	var list, update bool
	c := &cobra.Command{
		Use:   "scenario FILE|DIR... | --list",
		Short: "run scripted stories of faults",
		Long: `Scenario runs scripts: a cluster, steps in virtual time, and what must hold. It
tells the story of a single script. Of several it says whether each holds. An
argument is a file, a folder of .txtar files, or the name of a script that comes
with the program. docs/SCENARIOS.md teaches the language.`,
		Example: `$ paxos scenario --list
$ paxos scenario partitions/minority-leader
$ paxos run --seed 42 --as-scenario > 42.txtar
$ paxos scenario 42.txtar`,
		ValidArgsFunction: completeScripts,
		RunE: func(c *cobra.Command, args []string) error {
			switch {
			case list && len(args) > 0:
				return usage("", "--list takes no argument")
			case list:
				return listScenarios(c.OutOrStdout())
			case len(args) == 0:
				return usage("paxos scenario --list names those that come with the program", "which script?")
			}
			scripts, err := loadScenarios(args)
			if err != nil {
				return err
			}
			return tellAll(c.Context(), c.OutOrStdout(), scripts, update)
		},
	}
	f := c.Flags()
	f.SortFlags = false
	f.BoolVar(&list, "list", false, "name the scripts that come with the program, with their first sentences")
	f.BoolVar(&update, "update", false, "rewrite what cmp compares with, in the scripts' files")
	return c
}

func listScenarios(w io.Writer) error {
	library, err := scenarios.Library()
	if err != nil {
		return err
	}
	width := 0
	for _, s := range library {
		width = max(width, len(s.Name)-len(".txtar"))
	}
	for _, s := range library {
		cli.Wrapped(w, fmt.Sprintf("%-*s  ", width, strings.TrimSuffix(s.Name, ".txtar")), s.FirstSentence())
	}
	return nil
}

// scenarioFile is a script and where it came from; path is "" for one of the library.
type scenarioFile struct {
	script *script.Script
	path   string
}

const maxScript = 64 << 20 // bytes

// loadScenarios reads and checks every script before any is run.
func loadScenarios(args []string) ([]scenarioFile, error) {
	var files []scenarioFile
	for _, arg := range args {
		paths, err := scenarioPaths(arg)
		if err != nil {
			return nil, err
		}
		if paths == nil {
			s, err := fromLibrary(arg)
			if err != nil {
				return nil, err
			}
			files = append(files, scenarioFile{script: s})
		}
		for _, path := range paths {
			text, err := readUpTo(path, maxScript)
			if err == nil && len(text) > maxScript {
				err = fmt.Errorf("it is over %d MiB", maxScript>>20)
			}
			if err != nil {
				return nil, usage("", "%s: %v", path, cause(err))
			}
			s, err := scenarios.Parse(path, text)
			if err != nil {
				return nil, usage("", "%v", err)
			}
			files = append(files, scenarioFile{s, path})
		}
	}
	return files, nil
}

// cause is an error of the file system without the path, which the line has already.
func cause(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}

// scenarioPaths are the files that an argument stands for, nil where it is no file.
func scenarioPaths(arg string) ([]string, error) {
	info, err := os.Stat(arg)
	switch {
	case err != nil && errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, usage("", "%s: %v", arg, cause(err))
	case !info.IsDir():
		return []string{arg}, nil
	}
	var paths []string
	err = filepath.WalkDir(arg, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && strings.HasSuffix(path, ".txtar") {
			paths = append(paths, path)
		}
		return err
	})
	if err == nil && len(paths) == 0 {
		err = errors.New("no .txtar file in it")
	}
	if err != nil {
		return nil, usage("", "%s: %v", arg, cause(err))
	}
	slices.Sort(paths)
	return paths, nil
}

func fromLibrary(name string) (*script.Script, error) {
	library, err := scenarios.Library()
	if err != nil {
		return nil, err
	}
	for _, s := range library {
		if strings.TrimSuffix(s.Name, ".txtar") == strings.TrimSuffix(name, ".txtar") {
			return s, nil
		}
	}
	return nil, usage("paxos scenario --list names those that come with the program", "%s: no such file, folder or script", cli.Quote(name))
}

// tellAll runs the scripts in order. A failure does not keep the others from being run.
func tellAll(ctx context.Context, w io.Writer, files []scenarioFile, update bool) error {
	failed := 0
	for _, f := range files {
		o, err := f.script.Run(ctx, update)
		var wrong *script.Error
		switch {
		case ctx.Err() != nil:
			fmt.Fprintf(w, "interrupted in %s\n", f.script.Name)
			return errInterrupted
		case errors.As(err, &wrong):
			failed++
			printFailedStory(w, f, o, wrong)
			continue
		case err != nil:
			return err
		}
		if err := f.rewrite(w, o); err != nil {
			return err
		}
		if len(files) == 1 {
			io.WriteString(w, o.Transcript)
		}
		fmt.Fprintf(w, "ok    %s%s\n", f.script.Name, underSeeds(o.Seeds))
		for i, idle := range o.NeverCame {
			if i == mostIdle {
				fmt.Fprintf(w, "      and %d more did not trigger\n", len(o.NeverCame)-mostIdle)
				break
			}
			cli.Wrapped(w, "      ", idle)
		}
	}
	if failed > 0 {
		if len(files) > 1 {
			fmt.Fprintf(w, "%d of %d scripts failed\n", failed, len(files))
		}
		return errFailed
	}
	return nil
}

// mostIdle is how many scheduled faults that never came are told of a script.
const mostIdle = 10

func underSeeds(n uint64) string {
	if n == 1 {
		return ""
	}
	return fmt.Sprintf(", under %d seeds", n)
}

func printFailedStory(w io.Writer, f scenarioFile, o *script.Outcome, err error) {
	io.WriteString(w, o.Transcript)
	fmt.Fprintf(w, "FAIL  %v\n", err)
	if f.script.Seeds > 1 {
		fmt.Fprintf(w, "      under seed %d\n", o.Seed)
	}
	fmt.Fprintf(w, "\n%s\n", o.Servers)
}

// rewrite updates the file of a script whose transcript has changed.
func (f scenarioFile) rewrite(w io.Writer, o *script.Outcome) error {
	if o.Updated == nil {
		return nil
	}
	if f.path == "" {
		return usage("name its file instead", "%s: --update cannot rewrite a script inside the program", f.script.Name)
	}
	if err := replaceText(f.path, o.Updated); err != nil {
		return usage("", "%s: %v", f.path, cause(err))
	}
	fmt.Fprintf(w, "      %s rewritten\n", f.path)
	return nil
}

// replaceText gives a file that we may write to another content, as a whole or not at all. Its mode
// and the links to it stay.
func replaceText(path string, text []byte) error {
	path, err := filepath.EvalSymlinks(path)
	if err != nil {
		return err
	}
	old, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	info, err := old.Stat()
	if err = errors.Join(err, old.Close()); err != nil {
		return err
	}
	if err := cli.WriteWhole(path, text); err != nil {
		return err
	}
	return os.Chmod(path, info.Mode().Perm())
}
