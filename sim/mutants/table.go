package mutants

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// Row is one mutant's line in the table.
type Row struct {
	Mutant Mutant
	Catch  Catch
	Build  time.Duration // how long the compiler took; zero for a binary that others share
}

const (
	tableColumns = 80
	nameColumns  = tableColumns - len("  123456789012345678  seeds  seconds  build s")
)

// Table writes the rows in the order given, as plain text of at most 80 columns.
func Table(w io.Writer, rows []Row) {
	width := len("mutant")
	for _, row := range rows {
		width = max(width, min(len(row.Mutant.Name), nameColumns))
	}
	fmt.Fprintf(w, "%-*s  %-18s  %5s  %7s  %7s\n", width, "mutant", "caught by", "seeds", "seconds", "build s")
	for _, row := range rows {
		fmt.Fprintf(w, "%-*s  %-18s  %5d  %7.1f  %7.1f\n",
			width, cut(row.Mutant.Name, nameColumns), cut(row.verdict(), 18),
			row.Catch.SeedsNeeded, row.Catch.Took.Seconds(), row.Build.Seconds())
	}
}

// verdict says what caught the mutant, and what should have where that was something else.
func (row Row) verdict() string {
	switch {
	case row.Catch.ByPanicOnly:
		return "only a panic"
	case !row.Catch.Found:
		return "nothing"
	case !row.Mutant.Expects(row.Catch.Property):
		return row.Catch.Property + ", not " + strings.Join(row.Mutant.Expect, "/")
	}
	return row.Catch.Property
}

// cut shortens s, which is ASCII where the width matters, to n columns.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return s[:n-1] + "…"
}
