package main

import (
	"io"
	"os"
)

// readUpTo is os.ReadFile with a limit, since some files have no end. It reads one byte past the limit,
// which says that there are more.
func readUpTo(path string, most int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, most+1))
}
