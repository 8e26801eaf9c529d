// Package words has what texts of several packages have in common: numbers, lists and times. Only here do
// a run's times become fractions, and these never reach the run again.
package words

import (
	"fmt"
	"strings"
)

func List(ids []int) string { return strings.Trim(fmt.Sprint(ids), "[]") }

func Count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// Millis is a time in milliseconds with three digits behind the point.
func Millis(ns int64) string { return fmt.Sprintf("%.3f", float64(ns)/1e6) }

// Seconds is a time in seconds, with the given number of digits behind the point.
func Seconds(ns int64, digits int) string { return fmt.Sprintf("%.*f", digits, float64(ns)/1e9) }

// Percent is a share, given in parts per million, in percent.
func Percent(ppm uint32) string { return fmt.Sprintf("%.3g", float64(ppm)/1e4) }
