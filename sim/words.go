package sim

import (
	"fmt"
	"strings"
)

func listOf(ids []int) string { return strings.Trim(fmt.Sprint(ids), "[]") }

func countOf(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
