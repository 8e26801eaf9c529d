package cluster

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// The program under test is built once for all tests of the package.
var (
	building sync.Once
	built    string
	buildErr error
	buildDir string
)

func TestMain(m *testing.M) {
	status := m.Run()
	if buildDir != "" {
		os.RemoveAll(buildDir)
	}
	os.Exit(status)
}

// program is the path of a paxos built from this tree.
func program(t testing.TB) string {
	t.Helper()
	building.Do(func() {
		if buildDir, buildErr = os.MkdirTemp("", "paxos-test-"); buildErr != nil {
			return
		}
		built = filepath.Join(buildDir, "paxos")
		build := exec.Command("go", "build", "-o", built, "../../paxos")
		build.Env = append(build.Environ(), "CGO_ENABLED=0") // with it, as under -race, all would be compiled anew
		if out, err := build.CombinedOutput(); err != nil {
			buildErr = fmt.Errorf("go build: %w\n%s", err, out)
		}
	})
	if buildErr != nil {
		t.Fatal(buildErr)
	}
	return built
}

// needs skips a test for whose surroundings something is missing; in CI, which must install
// it, the test fails.
func needs(t *testing.T, what error) {
	t.Helper()
	switch {
	case what == nil:
	case os.Getenv("CI") != "":
		t.Fatalf("this test can't run, and in CI it must: %v", what)
	default:
		t.Skipf("this test can't run here: %v", what)
	}
}

func installed(command string) error {
	if _, err := exec.LookPath(command); err != nil {
		return errors.New(command + " is not installed")
	}
	return nil
}

// three is a cluster of three servers that have been started. Its user ends it.
func three(t testing.TB) (c *Cluster, end func()) {
	t.Helper()
	c, err := New(Config{Program: program(t), Dir: t.TempDir(), Nodes: 3})
	if err != nil {
		t.Fatal(err)
	}
	end = func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}
	if err := c.StartAll(); err != nil {
		end()
		t.Fatal(err)
	}
	return c, end
}
