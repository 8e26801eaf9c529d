package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/fauer4effect/paxos/sim"
	"github.com/fauer4effect/paxos/sim/testbed/cli"
)

// planFolder is where a sweep leaves the plans of seeds that failed.
type planFolder struct {
	path string
	made []string // the folders that we made for it, the deepest first
}

// openPlanFolder makes the folder, and makes sure that a plan can be written to it.
func openPlanFolder(path string) (*planFolder, error) {
	path = filepath.Clean(path)
	f := &planFolder{path: path}
	for dir := path; ; dir = filepath.Dir(dir) {
		if _, err := os.Lstat(dir); !os.IsNotExist(err) || dir == filepath.Dir(dir) {
			break
		}
		f.made = append(f.made, dir)
	}
	err := os.MkdirAll(path, 0o755)
	if err == nil {
		var probe *os.File
		if probe, err = os.CreateTemp(path, ".probe-*"); err == nil {
			probe.Close()
			err = os.Remove(probe.Name())
		}
	}
	if err != nil {
		f.close()
		return nil, err
	}
	return f, nil
}

// close removes the folders that we made, as far as they are empty.
func (f *planFolder) close() {
	for _, dir := range f.made {
		if os.Remove(dir) != nil {
			return
		}
	}
}

// keep writes the plan of a run that failed into a folder of its own, and returns its path. With it
// go what wrote it and what it showed. The file is there as a whole or not at all. What an earlier
// failure of the seed left in the folder is removed.
func (f *planFolder) keep(r *sim.Report) (string, error) {
	plan := *r.Plan
	plan.Build = sim.Build()
	plan.Finding = r.Violation.Property + ": " + r.Violation.Detail
	dir := filepath.Join(f.path, fmt.Sprintf("seed-%d", plan.Seed))
	// Another sweep may have made the folder, found nothing and removed it since.
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	for _, name := range []string{cli.ShrunkName, cli.ReportName, cli.StoryName, cli.TraceName, cli.HistoryName} {
		if err := os.Remove(filepath.Join(dir, name)); err != nil && !errors.Is(err, os.ErrNotExist) {
			return "", err
		}
	}
	path := filepath.Join(dir, cli.PlanName)
	if err := cli.WriteWhole(path, plan.Encode()); err != nil {
		return "", err
	}
	return path, cli.WriteWhole(filepath.Join(dir, cli.ReportName), reportText(r, 0))
}

// property is the property that a plan's finding names.
func property(finding string) string {
	name, _, _ := strings.Cut(finding, ":")
	return name
}
