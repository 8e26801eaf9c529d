package main

import (
	"fmt"
	"io"
	"os"
)

// maxInput bounds a file that is read as a whole: a plan or a script. Some files have no end.
const maxInput = 64 << 20

// readInput is os.ReadFile of no more than that.
func readInput(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxInput+1))
	if err == nil && len(text) > maxInput {
		err = fmt.Errorf("it is over %d MiB", maxInput>>20)
	}
	return text, err
}
