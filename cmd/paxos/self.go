package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"

	"github.com/fauer4effect/paxos/sim/testbed/cli"
)

// goRunCache is the folder in which `go run` keeps the programs that it has run before.
var goRunCache = regexp.MustCompile(`[/\\]([0-9a-f]{64}-d|go-build[0-9]*)[/\\]`)

// self is what a person types to start this program again.
func self() string {
	exe, err := os.Executable()
	if err != nil {
		return "paxos"
	}
	if goRunCache.MatchString(exe) {
		if _, err := os.Stat(filepath.Join("cmd", "paxos", "main.go")); err == nil {
			return "go run ./cmd/paxos"
		}
		return "go run " + module + "/cmd/paxos"
	}
	if installed, err := exec.LookPath("paxos"); err == nil && sameFile(installed, exe) {
		return "paxos"
	}
	return cli.Quote(os.Args[0])
}

func sameFile(a, b string) bool {
	infoA, errA := os.Stat(a)
	infoB, errB := os.Stat(b)
	return errA == nil && errB == nil && os.SameFile(infoA, infoB)
}
