package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// The files of a failure's folder (docs/FAILURES.md).
const (
	PlanName    = "plan.json"
	ShrunkName  = "shrunk.json"
	ReportName  = "report.json"
	StoryName   = "story.txt"
	TraceName   = "trace.jsonl"
	HistoryName = "history.jsonl"
)

// Folder is the folder of a failure.
func Folder(out string, seed uint64) string {
	return filepath.Join(out, fmt.Sprintf("seed-%d", seed))
}

// WriteWhole writes a file under another name and renames it when all of it is there. A link's
// target is replaced, not the link, and what is no file, such as a device, is written to.
func WriteWhole(path string, text []byte) error {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		f, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		_, err = f.Write(text)
		return errors.Join(err, f.Close())
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), ".plan-*")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name()) // gone already when all went well
	if _, err = tmp.Write(text); err == nil {
		err = tmp.Chmod(0o644)
	}
	if closed := tmp.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Rename(tmp.Name(), path)
	}
	return err
}
