package cluster

import (
	"context"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

var steadyFlag = flag.Duration("steady", 0, "TestSteadyLoad: for how long")

// steadyGrowth is how much more memory or disk a server may use in the last quarter of a steady
// load than in the third. It is above zero, since garbage and compactions come and go.
const steadyGrowth = 1.25

// Under a load that goes on and on a server's memory and disk level off: what the log no longer
// needs is forgotten (X12).
func TestSteadyLoad(t *testing.T) {
	if *steadyFlag == 0 {
		t.Skip("minutes: go test ./cmd/internal/cluster -run TestSteadyLoad -steady=10m -timeout 20m -v")
	}
	c, end := three(t)
	defer end()
	ctx, cancel := context.WithTimeout(t.Context(), *steadyFlag+startLimit)
	defer cancel()
	if _, err := c.AwaitLeader(ctx); err != nil {
		t.Fatal(err)
	}
	var answered atomic.Int64
	var working sync.WaitGroup
	defer working.Wait()
	defer cancel()
	for id := range 64 {
		working.Go(func() { keepPutting(ctx, c, id, &answered) })
	}
	const samples = 20
	var memory, disk [samples]float64 // MB, the most of any server
	t.Logf("%8s  %10s  %8s  %8s", "time", "commands", "RSS MB", "disk MB")
	for i := range samples {
		time.Sleep(*steadyFlag / samples)
		for id := 1; id <= 3; id++ {
			memory[i] = max(memory[i], residentMB(t, c.PID(id)))
			disk[i] = max(disk[i], folderMB(t, c.Store(id)))
		}
		t.Logf("%8v  %10d  %8.0f  %8.0f", *steadyFlag/samples*time.Duration(i+1), answered.Load(), memory[i], disk[i])
	}
	if err := c.Surprise(); err != nil {
		t.Fatal(err)
	}
	if slots := c.counted(t, c.Leader())["aru"]; slots < 60_000 {
		t.Errorf("only %.0f slots: the log was truncated too seldom to prove anything", slots)
	}
	for _, of := range []struct {
		what string
		mb   []float64
	}{{"memory", memory[:]}, {"disk", disk[:]}} {
		before, last := most(of.mb[samples/2:samples*3/4]), most(of.mb[samples*3/4:])
		t.Logf("%s: %.0f MB at most in the third quarter, %.0f MB in the last", of.what, before, last)
		if last > before*steadyGrowth {
			t.Errorf("%s grows", of.what)
		}
	}
}

func most(all []float64) (m float64) {
	for _, one := range all {
		m = max(m, one)
	}
	return m
}

// residentMB is the memory that a process has from the system.
func residentMB(t *testing.T, pid int) float64 {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.SplitSeq(string(text), "\n") {
		var kb float64
		if n, _ := fmt.Sscanf(line, "VmRSS: %f kB", &kb); n == 1 {
			return kb / 1024
		}
	}
	t.Fatalf("/proc/%d/status has no VmRSS", pid)
	return 0
}

// folderMB is what the files of a store take. Files may go while they are counted.
func folderMB(t *testing.T, dir string) float64 {
	t.Helper()
	var bytes int64
	err := filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return nil
		}
		if info, err := d.Info(); err == nil {
			bytes += info.Size()
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return float64(bytes) / (1 << 20)
}
