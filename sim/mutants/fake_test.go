package mutants

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"
)

// fake is what the test binary does when it plays the binary under hunt. Hunt starts it as `paxos
// sweep …` with fakeVariable in its environment.
type fake struct {
	Log      string    // a file to which each command line is appended
	Failures []failure // of all seeds; those inside the sweep are reported
	Tame     bool      // status 1 without a failure, as when an effect never occurred
	Stdout   string    // printed in place of the JSON
	Stderr   string
	Status   *int // in place of the one that follows from the failures
	Swept    int  // seeds reported in place of those asked for
	Hang     bool
}

const fakeVariable = "MUTANTS_FAKE_SWEEP"

func TestMain(m *testing.M) {
	if text, playing := os.LookupEnv(fakeVariable); playing {
		var f fake
		if err := json.Unmarshal([]byte(text), &f); err != nil {
			fmt.Fprintln(os.Stderr, "fake:", err)
			os.Exit(3)
		}
		os.Exit(f.sweep(os.Args[1:]))
	}
	os.Exit(m.Run())
}

func (f fake) sweep(args []string) int {
	if f.Hang {
		time.Sleep(time.Minute) // select {} would end as a deadlock
	}
	log, err := os.OpenFile(f.Log, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		fmt.Fprintln(os.Stderr, "fake:", err)
		return 3
	}
	fmt.Fprintln(log, strings.Join(args, " "))
	from, seeds := number(args, "--from"), number(args, "--seeds")
	failed := []failure{}
	for _, failure := range f.Failures {
		if failure.Seed >= from && failure.Seed < from+seeds {
			failed = append(failed, failure)
		}
	}
	status := 0
	if len(failed) > 0 || f.Tame {
		status = 1
	}
	if f.Status != nil {
		status = *f.Status
	}
	if f.Swept != 0 {
		seeds = uint64(f.Swept)
	}
	fmt.Fprint(os.Stderr, f.Stderr)
	if f.Stdout != "" {
		fmt.Print(f.Stdout)
		return status
	}
	text, _ := json.Marshal(map[string]any{"seeds": seeds, "failed": len(failed), "failures": failed})
	fmt.Println(string(text))
	return status
}

func number(args []string, flag string) uint64 {
	for i, arg := range args[:len(args)-1] {
		if arg == flag {
			n, _ := strconv.ParseUint(args[i+1], 10, 64)
			return n
		}
	}
	return 0
}

// install makes the test binary play f for the rest of the test, and returns its path and
// that of the log of command lines.
func (f fake) install(t *testing.T) (binary, log string) {
	t.Helper()
	needProcesses(t)
	f.Log = filepath.Join(t.TempDir(), "log")
	text, err := json.Marshal(f)
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv(fakeVariable, string(text))
	binary, err = os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return binary, f.Log
}

func needProcesses(t *testing.T) {
	t.Helper()
	if runtime.GOOS == "js" {
		t.Skipf("starts processes, which %s cannot", runtime.GOOS)
	}
}

func needGo(t *testing.T) {
	t.Helper()
	needProcesses(t)
	if _, err := exec.LookPath("go"); err != nil {
		t.Skipf("compiles, and the go tool is not at hand: %v", err)
	}
}

// writeTree lays out files below a fresh folder and returns it.
func writeTree(t *testing.T, files map[string]string) (root string) {
	t.Helper()
	root = t.TempDir()
	for name, text := range files {
		place := filepath.Join(root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(place), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(place, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root
}
