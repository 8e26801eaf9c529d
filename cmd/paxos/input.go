package main

import (
	"io"
	"os"
)

// readUpTo is os.ReadFile of no more than so many bytes, and one, which says that there are more: some
// files have no end.
func readUpTo(path string, most int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, most+1))
}
