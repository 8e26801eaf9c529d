package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
)

// A store that could not be written is refused before anything is bound or made. Root may write
// everywhere, so the thread becomes nobody, for good: it ends with the test.
func TestUnwritablePlaces(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("the thread gives up being root")
	}
	port, hosts := hostFile(t)
	dir := filepath.Dir(hosts)
	for at := dir; len(at) > 1 && strings.HasPrefix(at, os.TempDir()+"/"); at = filepath.Dir(at) {
		if err := os.Chmod(at, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	closed := filepath.Join(dir, "closed")
	if err := os.Mkdir(closed, 0o755); err != nil {
		t.Fatal(err)
	}
	results := make(chan result, 3)
	go func() {
		defer close(results)
		runtime.LockOSThread() // and never unlocked: the runtime ends the thread with the goroutine
		const nobody = 65534
		if _, _, err := syscall.RawSyscall(syscall.SYS_SETRESUID, nobody, nobody, nobody); err != 0 {
			return
		}
		for _, places := range []string{"--data " + closed, "--data " + closed + "/below/it", "--data /tmp/paxos-nowhere --record " + closed + "/tape"} {
			var stdout, stderr bytes.Buffer
			status := run(t.Context(), strings.Fields(fmt.Sprintf("serve -p %d -h %s %s", port, hosts, places)), &stdout, &stderr)
			results <- result{status, stdout.String(), stderr.String()}
		}
	}()
	wants := []string{"store " + closed + ": permission denied", "store " + closed + "/below/it: " + closed + ": permission denied", "--record " + closed + "/tape: permission denied"}
	for r := range results {
		if r.status != statusUsage || !strings.Contains(r.stderr, wants[0]) {
			t.Errorf("status %d: %s, not %s", r.status, r.stderr, wants[0])
		}
		wants = wants[1:]
	}
	if len(wants) > 0 {
		t.Errorf("not tried: %v", wants)
	}
}
